"""docs/evaluation.md says what is so: options, counts, places and files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from tests.evaluation import folders
from thinkedit.cli.app import app
from thinkedit.evaluation.base import Layout, create_benchmark
from thinkedit.evaluation.benchmarks.gedit.data import COUNTS as GEDIT
from thinkedit.evaluation.benchmarks.imgedit.reading import COUNTS as IMGEDIT
from thinkedit.evaluation.benchmarks.kris.types import COUNTS as KRIS
from thinkedit.evaluation.benchmarks.rise import COUNTS as RISE

PAGE = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text("utf-8")
TITLES = {"imgedit": "ImgEdit", "gedit": "GEdit", "rise": "RISE", "kris": "KRIS"}


def test_every_option_on_the_page_is_there() -> None:
    root = typer.main.get_command(app)
    commands = root.commands["evaluate"].commands.values()  # type: ignore[attr-defined]
    known = {option for command in commands for parameter in command.params for option in parameter.opts}
    known |= {"--data"}  # of `sessions list`
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)) <= known


@pytest.mark.parametrize(
    ("name", "counts"), [("imgedit", IMGEDIT), ("gedit", GEDIT), ("rise", RISE), ("kris", KRIS)]
)
def test_the_table_of_the_data_has_the_counts(name: str, counts: dict[str, int]) -> None:
    line = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
    assert f"| {sum(counts.values()):,}" in line


@pytest.mark.parametrize("name", TITLES)
def test_the_table_of_the_layouts_is_the_one_that_is_written(name: str, tmp_path: Path) -> None:
    table = PAGE[PAGE.index("| | `--layout official`") :]
    line = next(line for line in table.splitlines() if line.startswith(f"| {TITLES[name]} |"))
    cells = [re.findall(r"`([^`]+)`", cell) for cell in line.split("|")[2:4]]
    benchmark = create_benchmark(name)
    sample = benchmark.load(folders.MAKERS[name](tmp_path), tmp_path / "work").samples[0]
    layouts: tuple[Layout, ...] = ("official", "editthinker")
    for layout, told in zip(layouts, cells, strict=True):
        places = benchmark.places(sample, layout)
        number = sample.id.rpartition("/")[2]
        for shown in told[:1] or cells[0][:1]:
            filled = shown.replace("KEY", number).replace("INDEX", number).replace("ID", number)
            assert re.sub("TYPE|CATEGORY", sample.group, filled) == places.image


def test_the_files_of_a_run_are_those_of_the_folder() -> None:
    from thinkedit.evaluation import folder

    told = folder.__doc__ or ""
    for name in re.findall(r"^\| `([^`]+)` \|", PAGE[PAGE.index("## A run's folder") :], re.MULTILINE)[:8]:
        assert name in told or name.startswith("official"), name
