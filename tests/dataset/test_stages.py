"""Sources, generate and score: what they write, what they drop, and how they go on after a fault."""

from __future__ import annotations

import errno
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.kit import PHOTOS, files_of
from tests.dataset.making import expert, items, judged, made, pair, picture, settings
from thinkedit.adapters.base import CritiqueRequest, JudgeRequest
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.judges.scripted import ScriptedJudge
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedCritic, ScriptedThinker
from thinkedit.dataset.engines import LocalEngine, create_engine
from thinkedit.dataset.generate import generate
from thinkedit.dataset.generating import generate_batch, generate_one
from thinkedit.dataset.records import Dropped, PoolItem, ScoredTrajectory, SourceRecord, Trajectory
from thinkedit.dataset.score import score
from thinkedit.dataset.scoring import ScoreSettings, score_batch
from thinkedit.dataset.sources import assigned, take_sources
from thinkedit.errors import (
    AnswerError,
    EditorFailed,
    InputError,
    SettingsError,
    StoreError,
    ThinkerFailed,
    UnsupportedEdit,
)
from thinkedit.journal import Journal, read_lines
from thinkedit.types import Critique, CritiqueState, Judgement

pytestmark = pytest.mark.anyio


def records(folder: Path, name: str, model: Any) -> list[Any]:
    return [model.model_validate(value) for _, value in read_lines(folder / name)]


async def test_trajectories_are_the_papers(tmp_path: Path) -> None:
    await made(tmp_path, 30)
    sources = records(tmp_path, "sources.jsonl", SourceRecord)
    trajectories = records(tmp_path, "trajectories.jsonl", Trajectory)
    assert [one.record for one in trajectories] == [source.id for source in sources]
    for source, one in zip(sources, trajectories, strict=True):
        assert (one.instruction, one.source_id, one.pool) == (source.instruction, source.sha256, "made")
        assert one.steps[0].prompt == source.instruction
        assert {step.seed for step in one.steps} == {0}
        assert {step.scores for step in one.steps} == {None}
        assert all((tmp_path / step.image).is_file() for step in one.steps if step.image)
        last = one.steps[-1]
        assert last.stop == (one.stop_reason == "expert")
        assert last.stop or (len(one.steps) == 5 and last.reason)
        assert not last.stop or last.next_prompt == last.prompt
    assert len({one.stop_reason for one in trajectories}) == 2


async def test_the_expert_may_be_left_out_at_the_last_step(tmp_path: Path) -> None:
    seen: list[int] = []

    def never(request: CritiqueRequest) -> Critique:
        seen.append(len(request.history) + 1)
        return Critique(reasoning="no", next_prompt=f"{request.prompt} more")

    models = Models(editors={"e": ScriptedEditor(size="tiny")}, thinkers={"t": ScriptedThinker(never)})
    take_sources(tmp_path, items(2), ["e"])
    await generate(settings(tmp_path, turns=3, expert_last=False), LocalEngine(models))
    [first, _] = records(tmp_path, "trajectories.jsonl", Trajectory)
    assert sorted(seen) == [1, 1, 2, 2]
    assert [bool(step.reason) for step in first.steps] == [True, True, False]
    assert first.steps[-1].next_prompt is None
    assert first.stop_reason == "max_iter"


async def test_the_order_in_which_sessions_end_does_not_matter(tmp_path: Path) -> None:
    for name, at_once in (("a", 1), ("b", 7)):
        folder = tmp_path / name
        take_sources(folder, items(20), ["e"])
        await generate(settings(folder, at_once=at_once), LocalEngine(pair()))
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")


async def test_a_second_run_asks_nothing_again(tmp_path: Path) -> None:
    judge = ScriptedJudge(judged)
    models = pair()
    await made(tmp_path, 12, models, judge)
    before, calls = files_of(tmp_path), (models.editor("e").calls, judge.calls)  # type: ignore[attr-defined]
    await made(tmp_path, 12, models, judge)
    assert files_of(tmp_path) == before
    assert (models.editor("e").calls, judge.calls) == calls  # type: ignore[attr-defined]


async def test_a_run_that_broke_goes_on_and_pays_for_nothing_twice(tmp_path: Path) -> None:
    """The disk is full in the middle of each stage: what was done stays, and the end is the same."""
    await made(tmp_path / "whole", 16)
    folder = tmp_path / "broken"
    take_sources(folder, items(16), ["e"])

    class Full(LocalEngine):
        async def generate(self, sources: Any, settings: Any, heard: Any) -> None:
            count = 0

            async def until(source: Any, outcome: Any) -> None:
                nonlocal count
                count += 1
                if count == 6:
                    raise StoreError("no space left")
                await heard(source, outcome)

            await super().generate(sources, settings, until)

    models = pair()
    with pytest.raises(StoreError, match="no space left"):
        await generate(settings(folder, at_once=2), Full(models))
    paid = models.editor("e").calls  # type: ignore[attr-defined]
    assert 0 < len(read(folder / "work/trajectories.jsonl")) < 16
    again = pair()
    await generate(settings(folder), LocalEngine(again))
    after: int = again.editor("e").calls  # type: ignore[attr-defined]
    whole = sum(len(one.steps) for one in records(folder, "trajectories.jsonl", Trajectory))
    assert whole <= paid + after <= whole + 2
    await score(ScoreSettings(folder=folder, judge="j", backoff=0), LocalEngine(judge=ScriptedJudge(judged)))
    assert files_of(folder) == files_of(tmp_path / "whole")


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("stage", ["generate", "score"])
async def test_a_full_disk_leaves_the_old_files(
    tmp_path: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_sources(tmp_path, items(6), ["e"])
    await generate(settings(tmp_path), LocalEngine(pair()))
    append = Journal.append
    count = 0

    def full(self: Journal, line: Any) -> None:
        nonlocal count
        if self.path.parent.name == "work":
            count += 1
            if count == 3:
                raise StoreError(
                    f"{self.path} cannot be written: {OSError(errno.ENOSPC, 'no space').strerror}"
                )
        append(self, line)

    before = files_of(tmp_path)
    how = ScoreSettings(folder=tmp_path, judge="j", backoff=0)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", full)
        running = (
            generate(settings(tmp_path, turns=2), LocalEngine(pair()))
            if stage == "generate"
            else score(how, LocalEngine(judge=ScriptedJudge(judged)))
        )
        with pytest.raises(StoreError, match="no space"):
            await running
    assert files_of(tmp_path) == before
    if stage == "generate":
        await generate(settings(tmp_path, turns=2), LocalEngine(pair()))
    manifest = await score(how, LocalEngine(judge=ScriptedJudge(judged)))
    assert manifest["stages"]["score"]["kept"] == 6


async def test_bad_items_are_told_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "no.png").write_bytes(b"no picture")
    bad = [
        PoolItem("s1", "made", picture(1), "again", "move", "CC0-1.0", "made.jsonl:9"),
        PoolItem("b1", "made", tmp_path / "no.png", "x", "move", "CC0-1.0", "made.jsonl:10"),
        PoolItem("b2", "made", tmp_path / "none.png", "x", "move", "CC0-1.0", "made.jsonl:11"),
        PoolItem("b3", "made", picture(3), " \n", "move", "CC0-1.0", "made.jsonl:12"),
        PoolItem("b4", "made", picture(4), "x\x07", "move", "CC0-1.0", "made.jsonl:13"),
        Dropped(id="b5", reason="bad_record", why="no JSON", place="made.jsonl:14"),
    ]
    folder = tmp_path / "set"
    manifest = take_sources(
        folder, [*items(4), *bad], ["e"], guard=lambda one: "copy" if one == picture(2) else None
    )
    told = manifest["stages"]["sources"]
    assert (told["in"], told["kept"]) == (10, 3)
    assert told["dropped"] == {
        "bad_instruction": 2,
        "bad_record": 1,
        "duplicate_id": 1,
        "leaked": 1,
        "unreadable_image": 2,
    }
    drops = records(folder, "dropped/sources.jsonl", Dropped)
    assert [drop.place for drop in drops] == [f"made.jsonl:{n}" for n in (3, 9, 10, 11, 12, 13, 14)]
    assert "no.png" in drops[2].why
    with pytest.raises(InputError, match=r"none of 1 sources can be used; the first: made\.jsonl:14"):
        take_sources(tmp_path / "none", bad[5:], ["e"])
    with pytest.raises(InputError, match="no editor for 4 sources"):
        take_sources(tmp_path / "free", items(4), [])


async def test_corrupt_sources_and_damaged_pictures_do_not_end_a_run(tmp_path: Path) -> None:
    take_sources(tmp_path, items(6, shared=99), ["e"])
    path = tmp_path / "sources.jsonl"
    lines = path.read_text().splitlines()
    (tmp_path / json.loads(lines[4])["image"]).write_bytes(picture(99).data)
    path.write_text("\n".join([*lines[:2], '{"id": "x"}', "{", *lines[3:], lines[0]]) + "\n")
    manifest = await generate(settings(tmp_path), LocalEngine(pair()))
    told = manifest["stages"]["generate"]
    assert (told["in"], told["kept"]) == (8, 4)
    assert told["dropped"] == {"corrupt_record": 2, "duplicate_id": 1, "unreadable_image": 1}
    drops = records(tmp_path, "dropped/generate.jsonl", Dropped)
    assert [drop.place for drop in drops if drop.place] == [f"sources.jsonl:{n}" for n in (3, 4, 8)]


async def test_models_that_fail_are_counted_and_may_be_tried_again(tmp_path: Path) -> None:
    def fails(number: int, request: Any) -> Exception | None:
        if "number 3" in request.instruction:
            return ThinkerFailed("out of memory", retryable=False)
        return None

    def refuses(number: int, request: Any) -> Exception | None:
        if "number 1" in request.prompt:
            return UnsupportedEdit("no numbers")
        return EditorFailed("broken", retryable=False) if "number 2" in request.prompt else None

    take_sources(tmp_path, items(6), ["e"])
    manifest = await generate(settings(tmp_path), LocalEngine(pair(editor=refuses, thinker=fails)))
    told = manifest["stages"]["generate"]
    assert told["dropped"] == {"editor_refused": 1}
    trajectories = {one.record: one for one in records(tmp_path, "trajectories.jsonl", Trajectory)}
    assert trajectories["s2"].stop_reason == "editor_error"
    assert trajectories["s3"].stop_reason == "expert_error"
    same = await generate(settings(tmp_path), LocalEngine(pair()))
    assert same["stages"]["generate"] == told
    manifest = await generate(settings(tmp_path), LocalEngine(pair()), retry_failed=True)
    told = manifest["stages"]["generate"]
    assert told["dropped"] == {}
    assert not set(told["stop_reasons"]) & {"editor_error", "expert_error"}
    whole = tmp_path / "whole"
    take_sources(whole, items(6), ["e"])
    await generate(settings(whole), LocalEngine(pair()))
    assert (whole / "trajectories.jsonl").read_bytes() == (tmp_path / "trajectories.jsonl").read_bytes()


async def test_a_model_that_is_not_there_ends_the_run_before_anything_is_paid(tmp_path: Path) -> None:
    take_sources(tmp_path, items(3), ["e"])
    editor = ScriptedEditor(size="tiny")
    down = ScriptedThinker(expert, down=ThinkerFailed("nobody answers at 127.0.0.1"))
    models = Models(editors={"e": editor}, thinkers={"t": down})
    with pytest.raises(ThinkerFailed, match="nobody answers"):
        await generate(settings(tmp_path), LocalEngine(models))
    assert editor.calls == 0
    await generate(settings(tmp_path), LocalEngine(pair()))
    with pytest.raises(ThinkerFailed, match="no judge there"):
        await score(
            ScoreSettings(folder=tmp_path, judge="j"),
            LocalEngine(judge=ScriptedJudge(down=ThinkerFailed("no judge there"))),
        )


async def test_a_judge_that_talks_nonsense_hangs_or_gives_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is recorded with its reason, none is guessed, and asking again mends them."""
    take_sources(tmp_path, items(8, shared=99), ["e"])
    await generate(settings(tmp_path, turns=1), LocalEngine(pair()))
    spoilt: dict[str, Any] = {
        "number 1": AnswerError("the answer has no score", "lovely!"),
        "number 2": "hang",
        "number 3": ThinkerFailed("refused", retryable=False),
        "number 4": RuntimeError("a fault of its own"),
    }

    def faults(number: int, request: JudgeRequest) -> Any:
        return next((fault for words, fault in spoilt.items() if words in request.instruction), None)

    def odd(request: JudgeRequest) -> Judgement:
        if "number 5" in request.instruction:
            return Judgement.model_construct(state=CritiqueState.SCORED, semantic=math.nan, quality=5.0)
        if "number 6" in request.instruction:
            return Judgement(state=CritiqueState.UNPARSEABLE, error="what?")
        return judged(request)

    how = ScoreSettings(folder=tmp_path, judge="j", backoff=0, retries=1, timeout=0.2)
    judge = ScriptedJudge(odd, faults=faults)
    manifest = await score(how, LocalEngine(judge=judge))
    told = manifest["stages"]["score"]
    assert (told["in"], told["kept"], told["images"]) == (8, 8, 8)
    assert told["failures"] == {"fault of the judge": 1, "late": 1, "no answer": 1, "unreadable answer": 3}
    by_record = {one.record: one for one in records(tmp_path, "scored.jsonl", ScoredTrajectory)}
    said = {name: one.judged[0].error for name, one in by_record.items()}
    assert said["s0"] is None
    assert said["s7"] is None
    assert said["s1"] == "unreadable answer: the answer has no score"
    assert said["s2"] == "late: no answer within 0.2 s"
    assert said["s3"] == "no answer: refused"
    assert said["s4"] == "fault of the judge: RuntimeError: a fault of its own"
    assert "nan" in str(said["s5"])
    assert "what?" in str(said["s6"])
    assert judge.calls == 2 + 2 * 5 + 1  # two good ones, and each of the others twice but the refusal
    good = ScriptedJudge(odd)
    monkeypatch.setattr(good, "scores", judged)  # the same judge by its identity, in better health
    mended = await score(how, LocalEngine(judge=good), retry_failed=True)
    assert mended["stages"]["score"]["failures"] == {}
    assert good.calls == 6


async def test_pictures_that_went_after_generating_are_failures_of_their_step(tmp_path: Path) -> None:
    take_sources(tmp_path, items(3, shared=99), ["e"])
    await generate(settings(tmp_path), LocalEngine(pair()))
    first = records(tmp_path, "trajectories.jsonl", Trajectory)[0]
    (tmp_path / first.steps[0].image).unlink()
    manifest = await score(
        ScoreSettings(folder=tmp_path, judge="j"), LocalEngine(judge=ScriptedJudge(judged))
    )
    assert manifest["stages"]["score"]["failures"] == {"unreadable image": 1}


async def test_batches_that_any_engine_can_call(tmp_path: Path) -> None:
    """What the stages write is what the functions give for the same records."""
    named = {
        "e": {"kind": "scripted", "size": "tiny"},
        "t": {"kind": "scripted"},
        "j": {"kind": "scripted"},
    }
    take_sources(tmp_path, items(4), ["e"])
    how = settings(tmp_path, models=named, work="one")
    sources = records(tmp_path, "sources.jsonl", SourceRecord)
    made_ = await generate_batch(sources, how)
    assert await generate_one(sources[1], how) == made_[1]
    await generate(how.model_copy(update={"work": "other"}), LocalEngine())
    assert records(tmp_path, "trajectories.jsonl", Trajectory) == made_
    rating = ScoreSettings(folder=tmp_path, judge="j", models=named, work="one.jsonl")
    trajectories = [one for one in made_ if isinstance(one, Trajectory)]
    scored = await score_batch(trajectories, rating)
    await score(rating, LocalEngine())
    assert records(tmp_path, "scored.jsonl", ScoredTrajectory) == scored
    assert "kind" not in str(how.told) + str(rating.told)


def test_sources_are_dealt_evenly_whatever_their_order() -> None:
    rows = [(f"s{n}", "abc"[n % 3]) for n in range(60)]
    dealt = assigned(rows, ["x", "y", "z"], stratified=True, seed=1)
    for task in "abc":
        counts = Counter(dealt[name] for name, its in rows if its == task)
        assert max(counts.values()) - min(counts.values()) <= 1
    assert assigned(rows[::-1], ["x", "y", "z"], stratified=True, seed=1) == dealt
    free = assigned(rows, ["x", "y", "z"], stratified=False, seed=1)
    assert set(Counter(free.values()).values()) == {20}
    assert free != assigned(rows, ["x", "y", "z"], stratified=False, seed=2)


def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(SettingsError, match="no engine 'spark'"):
        create_engine("spark")
    assert isinstance(create_engine("local"), LocalEngine)


async def test_photographs_are_taken_in_as_the_loop_takes_them(tmp_path: Path) -> None:
    photo = PHOTOS / "coffee.png"
    item = PoolItem("p", "photos", photo, "make the cup blue", "recolour", "", "x:1")
    take_sources(tmp_path, [item], ["e"])
    [source] = records(tmp_path, "sources.jsonl", SourceRecord)
    assert source.licence == "unknown"
    models = Models(
        editors={"e": ScriptedEditor(size="tiny")}, thinkers={"t": ScriptedCritic([Critique(stop=True)])}
    )
    await generate(settings(tmp_path), LocalEngine(models))
    [one] = records(tmp_path, "trajectories.jsonl", Trajectory)
    assert (one.stop_reason, len(one.steps), one.source_id) == ("expert", 1, source.sha256)


async def test_more_patience_makes_nothing_again_and_other_settings_do(tmp_path: Path) -> None:
    take_sources(tmp_path, items(3), ["e"])
    first = pair()
    await generate(settings(tmp_path), LocalEngine(first))
    again = pair()
    await generate(settings(tmp_path, retries=5, edit_timeout=9.0, critique_timeout=9.0), LocalEngine(again))
    assert again.editor("e").calls == 0  # type: ignore[attr-defined]
    before = {one.id for one in records(tmp_path, "trajectories.jsonl", Trajectory)}
    await generate(settings(tmp_path, turns=2), LocalEngine(again))
    assert again.editor("e").calls > 0  # type: ignore[attr-defined]
    assert not before & {one.id for one in records(tmp_path, "trajectories.jsonl", Trajectory)}
    judge = ScriptedJudge(judged)
    how = ScoreSettings(folder=tmp_path, judge="j", backoff=0)
    await score(how, LocalEngine(judge=judge))
    calls = judge.calls
    await score(how.model_copy(update={"timeout": 5.0, "retries": 4}), LocalEngine(judge=judge))
    assert judge.calls == calls > 0
