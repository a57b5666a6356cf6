"""docs/security.md claims nothing that no test tries."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")


def test_every_test_that_the_page_names_is_there() -> None:
    named = re.findall(r"\b((?:tests/)?[\w/]+\.py)::(\w+)", PAGE)
    assert len(named) >= 20
    for file, test in named:
        paths = [ROOT / file, ROOT / "tests" / "server" / file]
        found = [path.read_text("utf-8") for path in paths if path.is_file()]
        assert found, file
        assert re.search(rf"def {test}\(", found[0]), f"{file}::{test}"


def test_every_attack_has_a_test() -> None:
    tables = re.findall(r"^\| attack .*\n\|[-| ]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert tables
    for row in "".join(tables).splitlines():
        assert "test_" in row, row


def test_the_files_and_links_of_the_page_are_there() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
