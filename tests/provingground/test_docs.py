"""docs/provingground.md: its numbers are the code's, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from thinkedit.provingground import NOTICE, TASKS
from thinkedit.provingground.rates import EDITORS, GENERAL, REMEDIED
from thinkedit.provingground.reading import read

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "provingground.md").read_text(encoding="utf-8")


def test_the_table_of_failures_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| [^|]+ \| (\d\.\d\d) \| (\d\.\d\d) \| (\d\.\d\d) \|", PAGE, re.MULTILINE)
    told = {tuple(map(float, row)) for row in rows}
    models = [EDITORS[name] for name in ("weak", "middle", "strong")]
    for failure in vars(models[0]):
        assert tuple(getattr(rates, failure) for rates in models) in told, failure
    assert len(rows) == len(vars(models[0])) + 1
    assert REMEDIED == 0.1
    assert f"leaves {GENERAL} of it" in PAGE


def test_every_task_has_an_example_that_is_read() -> None:
    rows = dict(re.findall(r"^\| ([a-z]+)[^|]* \| ([^|]+[a-z.]) \|$", PAGE, re.MULTILINE))
    for task in TASKS["full"]:
        reading = read(rows[task])
        assert len(reading.asks) == 1, task
        assert not reading.unread


def test_the_pictures_are_there() -> None:
    for name in re.findall(r"\]\((images/[^)]+)\)", PAGE):
        assert (DOCS / name).is_file()


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(code, "docs/provingground.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == NOTICE
    assert len(lines) == 4
    assert all(line.endswith("10.0") or re.search(r" [89]\.\d+$", line) for line in lines[1:]), lines
