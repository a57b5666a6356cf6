"""Ablations: which runs there are, that shorter settings are read off rightly, resuming, and the answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.evaluation import folders
from thinkedit.config import Config
from thinkedit.errors import InputError, SettingsError
from thinkedit.evaluation.ablation.findings import findings, read_ablation, verdict
from thinkedit.evaluation.ablation.plan import Plan
from thinkedit.evaluation.ablation.running import (
    Done,
    check_models,
    jobs_of,
    read_plan,
    run_ablation,
    run_folder,
)
from thinkedit.evaluation.base import Point
from thinkedit.evaluation.benchmarks.gedit.data import COUNTS as GEDIT
from thinkedit.evaluation.reading import read_run
from thinkedit.evaluation.report.ablations import ablation_report, summary_lines
from thinkedit.evaluation.report.markdown import markdown
from thinkedit.evaluation.statistics import Comparison
from thinkedit.types import Mode

SCORES = {"scored": {"kind": "provingground:0.6", "scores": True}}
CONFIG = Config(models=SCORES)


def plan(**more: Any) -> Plan:
    given: dict[str, Any] = {
        "benchmark": "provingground",
        "judge": "provingground",
        "editors": ("provingground:weak",),
        "experts": ("provingground:0.5", "provingground:1.0"),
        "reference": "provingground:0.5",
        "scoring": "scored",
        "turns": (1, 2, 3),
        "samples": 4,
        "models": SCORES,
    }
    return Plan(**{**given, **more})


def ran(chosen: Plan, root: Path, **options: Any) -> list[Done]:
    return run_ablation(jobs_of(chosen, root, CONFIG), **options)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small ablation that has ended."""
    root = tmp_path_factory.mktemp("ablation") / "out"
    done = ran(plan(), root)
    assert [one.problems for one in done] == [0] * 5
    return root


def test_runs_are_shared() -> None:
    chosen = plan(editors=("a", "b"), experts=("x", "y", "z"), reference="y", scoring="s", turns=(8, 2, 4))
    cells = chosen.cells()
    assert chosen.turns == (1, 2, 4, 8), "the baseline is always there"
    while_runs = [c for c in cells if c.mode is Mode.WHILE]
    assert len(while_runs) == 2 * 4, "one for each editor and thinker, whatever the numbers of turns"
    assert [(c.thinker, c.mode.value, c.turns) for c in cells if c.editor == "a" and c not in while_runs] == [
        ("y", "before", 1),
        ("y", "both", 8),
    ]
    assert len({cell.name for cell in cells}) == len(cells) == 12
    assert chosen.settings(cells[0], 3, CONFIG.loop).patience == 8


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"reference": "nobody"}, "none of the experts"),
        ({"modes": ("before",)}, "while"),
        ({"turns": (0, 2)}, "from 1 to 12"),
        ({"turns": (13,)}, "from 1 to 12"),
        ({"editors": ()}, "editors"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        plan(**wrong)


def test_models_are_looked_at_before_anything_runs() -> None:
    check_models(plan(), CONFIG)
    with pytest.raises(SettingsError, match="nobody"):
        check_models(plan(editors=("nobody",)), CONFIG)
    with pytest.raises(SettingsError, match="cannot"):
        check_models(plan(experts=("host",), reference="host"), CONFIG)


@pytest.mark.parametrize("thinker", ["provingground:0.5", "scored"])
def test_a_shorter_setting_read_off_is_the_one_that_would_have_run(
    made: Path, tmp_path: Path, thinker: str
) -> None:
    whole = plan()
    long = read_run(run_folder(made, whole.cell("provingground:weak", thinker), 0))
    for turns in (1, 2):
        short = plan(turns=(turns,), modes=("while",), experts=("provingground:0.5",))
        root = tmp_path / f"{turns}"
        ran(short, root)
        run = read_run(run_folder(root, short.cell("provingground:weak", thinker), 0))
        assert [len(result.turns) <= turns for result in run.results] == [True] * 4
        assert long.headline(turns) == run.headline()
        assert [long.taken(result, turns) for result in long.results] == [r.selected for r in run.results]


def test_it_goes_on_where_it_was_and_ends_alike(made: Path, tmp_path: Path) -> None:
    before = ran(plan(), made)
    assert all(one.skipped for one in before), "nothing is done twice"
    root = tmp_path / "killed"
    shutil.copytree(made, root)
    cells = plan().cells()
    first, second = (run_folder(root, cell, 0) for cell in cells[:2])
    shutil.rmtree(first.path)  # never begun
    lines = second.results.read_bytes().splitlines(keepends=True)
    second.results.write_bytes(b"".join(lines[:2]) + lines[2][:20])  # killed while a line was written
    second.scores().unlink()
    done = ran(plan(), root)
    assert [one.skipped for one in done] == [False, False, True, True, True]
    for cell in cells:
        for name in ("results.jsonl", "scores.jsonl"):
            wanted = run_folder(made, cell, 0).path / name
            found = run_folder(root, cell, 0).path / name
            assert found.read_bytes() == wanted.read_bytes(), (cell.name, name)
    asked = second.judge.read_bytes().splitlines()
    assert len({json.loads(line)["key"] for line in asked}) == len(asked), "no answer was had twice"


def test_another_plan_has_another_folder(made: Path) -> None:
    assert read_plan(made) == plan()
    with pytest.raises(InputError, match="seeds = 1 and not 2"):
        jobs_of(plan(seeds=2), made, CONFIG)
    with pytest.raises(InputError, match="holds no ablation"):
        read_plan(made.parent)


@pytest.mark.slow
def test_two_processes_come_to_the_same(made: Path, tmp_path: Path) -> None:
    done = ran(plan(), tmp_path / "two", processes=2)
    assert sorted(one.cell.name for one in done) == sorted(cell.name for cell in plan().cells())
    for cell in plan().cells():
        one, two = (run_folder(root, cell, 0).path for root in (made, tmp_path / "two"))
        assert (one / "scores.jsonl").read_bytes() == (two / "scores.jsonl").read_bytes()


def test_seeds_have_scenes_of_their_own(tmp_path: Path) -> None:
    jobs = jobs_of(plan(seeds=2), tmp_path, CONFIG)
    named = [{sample.id for sample in job.samples} for job in jobs]
    assert len(jobs) == 10
    assert named[0] == named[4]
    assert named[0].isdisjoint(named[5])
    assert {job.settings.seed for job in jobs} == {0, 1}


def test_every_ordering_is_answered(made: Path) -> None:
    ablation = read_ablation(made, plan())
    found = findings(ablation)
    claims = [(one.about, one.claim, one.thinker) for one in found]
    for thinker in ("provingground:0.5", "provingground:1.0", "scored"):
        assert ("turns", "1 turn < 2 turns", thinker) in claims
        assert ("turns", "2 turns < 3 turns", thinker) in claims
    assert ("modes", "think before < think while", "provingground:0.5") in claims
    assert ("modes", "think both ≤ think while", "provingground:0.5") in claims
    assert ("experts", "provingground:0.5 < provingground:1.0", "provingground:1.0") in claims
    assert [one for one in claims if one[0] == "selection"] == [
        ("selection", "last turn ≤ best by the thinker", "scored")
    ], "who gives no scores has no best turn"
    assert all(one.comparison.n == 4 for one in found)
    text = markdown(ablation_report(ablation, found)).text
    assert "Simulation" in text.split("##")[0]
    assert all(one.verdict in text for one in found)
    assert len(summary_lines(found)) == len(found)


def test_answers_come_from_the_interval() -> None:
    scale = (0.0, 10.0)

    def found(low: float | None, high: float | None, p: float | None = 0.01) -> Comparison:
        return Comparison(50, difference=0.0, low=low, high=high, p=p)

    assert verdict(found(0.1, 1.0), "less", scale) == "held"
    assert verdict(found(-0.01, 1.0), "less", scale) == "not shown"
    assert verdict(found(0.1, 1.0, p=0.06), "less", scale) == "not shown"
    assert verdict(found(0.0, 0.0, p=1.0), "less", scale) == "not shown", "equal is not less"
    assert verdict(found(-1.0, -0.01), "less", scale) == "reversed"
    assert verdict(found(-0.05, 1.0, p=0.5), "at most", scale) == "held", "above the margin"
    assert verdict(found(0.0, 0.0, p=1.0), "at most", scale) == "held"
    assert verdict(found(-0.2, 1.0, p=0.5), "at most", scale) == "not shown"
    assert verdict(found(-0.2, -0.1), "at most", scale) == "reversed"
    assert verdict(found(-0.2, 1.0), "at most", (0.0, 100.0)) == "held", "1 % of the scale"
    assert verdict(found(None, None), "less", scale) == "not shown"


def test_points_of_all_seeds_stand_together(tmp_path: Path) -> None:
    chosen = plan(seeds=2, samples=2, experts=("provingground:1.0",), reference="provingground:1.0",
                  scoring=None, modes=("while",), turns=(1,))  # fmt: skip
    ran(chosen, tmp_path)
    ablation = read_ablation(tmp_path, chosen)
    points = ablation.points(chosen.cells()[0])
    assert len({point.sample for point in points}) == len(points) == 4
    assert all(isinstance(point, Point) for point in points)


def test_a_benchmark_of_files_is_ablated_too(tmp_path: Path) -> None:
    """Every seed runs the same samples; what a judge failed to say is counted, and asked for again."""
    chosen = Plan(
        benchmark="gedit",
        judge="scripted",
        editors=("scripted",),
        experts=("scripted",),
        reference="scripted",
        modes=(Mode.WHILE,),
        turns=(1, 2),
        seeds=2,
        samples=11,
        data=str(folders.gedit(tmp_path / "data")),
    )
    jobs = jobs_of(chosen, tmp_path / "out", CONFIG)
    assert [len(job.samples) for job in jobs] == [11, 11]
    assert {sample.group for sample in jobs[0].samples} == set(GEDIT)
    done = run_ablation(jobs)
    assert [one.problems for one in done] == [0, 0]
    ablation = read_ablation(tmp_path / "out", chosen)
    points = ablation.points(chosen.cells()[0])
    assert (len(points), len({point.sample for point in points})) == (22, 11)
    found = findings(ablation)
    assert [one.comparison.n for one in found if one.about == "turns"] == [11]
    text = markdown(ablation_report(ablation, found)).text
    assert "Not comparable with published numbers" in text.split("##")[0]
    folder = run_folder(tmp_path / "out", chosen.cells()[0], 0)
    scores = folder.read_scores()
    folder.write_scores([scores[0].model_copy(update={"problem": "it hung", "overall": None}), *scores[1:]])
    folder.judge.write_bytes(b"".join(folder.judge.read_bytes().splitlines(keepends=True)[1:]))
    again = run_ablation(jobs)
    assert [(one.skipped, one.problems) for one in again] == [(False, 0), (True, 0)]
    assert folder.read_scores() == scores
