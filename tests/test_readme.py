"""What the README and the docs tell people to type is typed here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for name, block in found if name == language]


def run(code: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "THINKEDIT_DATA": str(folder / "data")}
    return subprocess.run(code, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    return tmp_path


@pytest.mark.parametrize("code", blocks(README, "python"), ids=lambda code: code.splitlines()[0])
def test_python_in_the_readme_runs(code: str, folder: Path) -> None:
    done = run([sys.executable, "-W", "error", "-c", code], folder)
    assert done.returncode == 0, done.stderr


def test_the_readme_has_python() -> None:
    assert len(blocks(README, "python")) >= 2


def test_json_in_the_readme_and_docs_is_json() -> None:
    found = [
        block
        for path in (ROOT / "README.md", *ROOT.glob("docs/*.md"))
        for block in blocks(path.read_text(), "json")
    ]
    assert found
    for block in found:
        json.loads(block)


def test_files_named_in_the_readme_exist() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_paths_in_the_readme_tree_exist() -> None:
    tree = next(block for block in blocks(README, "") if block.startswith("thinkedit/\n"))
    below = ""
    for line in tree.splitlines()[1:]:
        indent = len(line) - len(line.lstrip())
        names = next(name for name in line.split("  ")[indent // 2 :] if name).split()
        if indent == 0:
            assert (ROOT / names[0]).exists(), line
            continue
        base = ROOT / "thinkedit" / (below if indent > 2 else "")
        if indent == 2:
            below = names[0]
        for name in names:
            assert (base / name).exists(), line
