"""docs/data.md says what is so: its commands run, and the options that it names are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from thinkedit.cli.app import app, run
from thinkedit.dataset.records import ScoredTrajectory, SourceRecord, StepSample
from thinkedit.dataset.sampling import REASONS

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")


def test_the_first_commands_run_as_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With fewer sources."""
    monkeypatch.chdir(tmp_path)
    block = re.search(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    lines = block[1].strip().splitlines()
    assert [shlex.split(line)[2] for line in lines] == ["generate", "score", "filter", "build", "check"]
    for line in lines:
        assert run(shlex.split(line.replace("--sources 200", "--sources 9"))[1:]) == 0, line
    assert "all of it holds" in capsys.readouterr().out


def test_each_option_that_is_named_is_there() -> None:
    commands = typer.main.get_command(app).commands["dataset"].commands  # type: ignore[attr-defined]
    known = {
        name
        for command in commands.values()
        for parameter in command.params
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    part = PAGE[: PAGE.index("## What check looks at")]
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", part))
    assert named - known == set()


def test_each_field_and_each_reason_is_named() -> None:
    lines = PAGE[PAGE.index("### The lines") : PAGE.index("## What the paper leaves open")]
    for model in (SourceRecord, StepSample):
        for name in model.model_fields:
            assert re.search(rf"\b{name}\b", lines), name
    assert {"judge", "judged"} <= set(ScoredTrajectory.model_fields)
    told = PAGE[PAGE.index("Some steps teach nothing") :]
    for reason in set(REASONS) - {"terminal", "terminal_not_good", "no_answer"}:
        assert f"`{reason}`" in told, reason
