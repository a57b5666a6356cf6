"""docs/cli.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from thinkedit.cli import failures
from thinkedit.cli.app import app
from thinkedit.config import Config, load_config
from thinkedit.types import LoopSettings

DOCS = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


def test_the_configuration_shown_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    block = re.search(r"```toml\n(.*?)```", DOCS, re.DOTALL)
    assert block is not None
    (tmp_path / "thinkedit.toml").write_text(block[1])
    config = load_config(tmp_path / "thinkedit.toml")
    assert config.loop == LoopSettings(), "the values shown are the defaults"
    assert config.limits == Config().limits
    assert config.data == tmp_path / "pictures/.thinkedit"
    for name in (*Config.model_fields, *LoopSettings.model_fields):
        assert re.search(rf"\b{name}\b", block[1]), name


def test_every_command_is_in_the_table_and_nothing_else() -> None:
    root = typer.main.get_command(app)
    commands = set(root.commands) - {"sessions"}  # type: ignore[attr-defined]  # a group has them
    commands |= {f"sessions {name}" for name in root.commands["sessions"].commands}  # type: ignore[attr-defined]
    table = DOCS[DOCS.index("| command |") : DOCS.index("ID is a session")]
    documented = set(re.findall(r"`((?:sessions )?[a-z][a-z-]*)[ `]", table)) - {"sessions"}
    documented |= {"sessions cancel"} if "`cancel ID`" in table else set()
    assert commands - documented - {"sessions list"} == set()
    assert documented - commands - {"cancel"} == set()


def test_every_exit_code_is_in_the_table() -> None:
    table = DOCS[DOCS.index("| code |") : DOCS.index("An error is one line")]
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    codes = {value for name, value in vars(failures).items() if name.isupper() and isinstance(value, int)}
    assert documented == codes | {0}


def test_every_setting_of_the_server_is_shown_with_its_default(tmp_path: Path) -> None:
    block = re.search(r"```toml\n(.*?)```", DOCS, re.DOTALL)
    assert block is not None
    (tmp_path / "thinkedit.toml").write_text(block[1])
    shown, usual = load_config(tmp_path / "thinkedit.toml").server, Config().server
    for name in type(usual).model_fields:
        assert re.search(rf"\b{name}\b", block[1]), name
    different = {name for name in type(usual).model_fields if getattr(shown, name) != getattr(usual, name)}
    assert different == {"allow", "output_dir"}
