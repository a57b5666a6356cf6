"""The proving ground as a benchmark: its scenes, its judge's scores, and that the judge sees no prompt."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from thinkedit.adapters.base import JudgeRequest
from thinkedit.adapters.judges import create_judge
from thinkedit.errors import InputError
from thinkedit.evaluation.base import ALL, Answer, create_benchmark
from thinkedit.evaluation.benchmarks.provingground import ProvingGround, write_scenes
from thinkedit.evaluation.records import TurnScore
from thinkedit.images import load
from thinkedit.provingground import TASKS
from thinkedit.types import CritiqueState, Judgement


@pytest.fixture
def world() -> ProvingGround:
    made = create_benchmark("provingground")
    assert isinstance(made, ProvingGround)
    return made


def test_scenes_are_made_once_and_read_alike(world: ProvingGround, tmp_path: Path) -> None:
    made = world.load(tmp_path / "a", count=18)
    assert (made.problems, len(made.samples)) == ((), 18)
    assert {sample.group for sample in made.samples} == set(TASKS["full"])
    assert all(load(sample.images[0]).picture.width in range(64, 129) for sample in made.samples)
    read = world.load(tmp_path / "a", count=99)
    assert read.samples == made.samples, "what lies there is what is asked"
    again = world.load(tmp_path / "x", tmp_path / "b", count=18)
    for one, other in zip(made.samples, again.samples, strict=True):
        assert one.images[0].read_bytes() == other.images[0].read_bytes()
        assert one.id == other.id
    later = write_scenes(tmp_path / "c", 9, first=9)
    assert [sample.id for sample in later] == [sample.id for sample in made.samples[9:]]


def test_a_damaged_list_is_named_with_its_line(world: ProvingGround, tmp_path: Path) -> None:
    world.load(tmp_path, count=3)
    file = tmp_path / "scenes.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], '{"id": 3}', lines[2]]) + "\n")
    with pytest.raises(InputError, match=r"scenes\.jsonl, line 2"):
        world.load(tmp_path)


def test_the_source_itself_is_no_answer(world: ProvingGround, tmp_path: Path) -> None:
    samples = world.load(tmp_path, count=9).samples
    judge = create_judge("provingground")

    async def scored() -> list[TurnScore]:
        made = []
        for sample in samples:
            source = load(sample.images[0]).picture
            (ask,) = world.asks(sample, [source], source, world.prompts()).values()
            assert isinstance(ask, JudgeRequest)
            assert not hasattr(ask, "prompt")
            made.append(world.score(sample, 1, {"scores": Answer(judgement=await judge.judge(ask))}))
        return made

    scores = anyio.run(scored)
    assert all(score.problem is None for score in scores)
    assert all(score.values["semantic"] < 5 <= score.values["quality"] for score in scores), (
        "nothing was changed, and nothing damaged"
    )
    rows = {(row.group, row.metric): row for row in world.summary(samples, scores)}
    assert set(rows) == {(ALL, m) for m in ("semantic", "quality", "overall")} | {
        (task, "overall") for task in TASKS["full"]
    }
    overall = rows[world.headline]
    assert overall.n == 9
    assert overall.mean == pytest.approx(sum(s.overall or 0 for s in scores) / 9)


def test_what_has_no_score_says_why(world: ProvingGround, tmp_path: Path) -> None:
    (sample,) = world.load(tmp_path, count=1).samples
    for answers, why in [
        ({"scores": Answer(problem="it hung")}, "it hung"),
        ({"image": Answer(problem="turn 2 has no image")}, "turn 2 has no image"),
        ({"scores": Answer(judgement=Judgement(state=CritiqueState.FAILED, error="no world"))}, "no world"),
    ]:
        score = world.score(sample, 2, answers)
        assert (score.overall, score.values, score.problem) == (None, {}, why)
        assert all(row.n == 0 for row in world.summary([sample], [score]))
    with pytest.raises(InputError, match="no prompts"):
        world.prompts(tmp_path)
