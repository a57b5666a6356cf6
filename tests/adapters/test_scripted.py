"""The scripted pair: the same request gives the same answer, and it fails exactly where it is told to."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import numpy as np
import pytest

from thinkedit.adapters.base import (
    Checkable,
    Closable,
    Comparer,
    CompareRequest,
    CritiqueRequest,
    EditedImage,
    Editor,
    EditRequest,
    Past,
    Planner,
    PlanRequest,
    Preference,
    RefineRequest,
    Thinker,
)
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.thinkers.scripted import ScriptedCritic, ScriptedThinker
from thinkedit.errors import AnswerError, EditorFailed, SettingsError, ThinkerFailed, UnsupportedEdit
from thinkedit.images import Picture
from thinkedit.types import Critique

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def source() -> Picture:
    ramp = np.arange(40 * 30 * 3, dtype=np.uint32) * 7 % 256
    return Picture.from_pixels(ramp.astype(np.uint8).reshape(30, 40, 3))


def asked(source: Picture, turn: int = 1, prompt: str = "Warm it") -> CritiqueRequest:
    past = tuple(Past(number, f"try {number}", 5, 5, "weak") for number in range(1, turn))
    return CritiqueRequest(source, source, "Warm it", prompt, past)


def lines(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


async def test_they_keep_the_contracts() -> None:
    assert isinstance(ScriptedEditor(), Editor)
    thinker = ScriptedThinker()
    for contract in (Thinker, Planner, Comparer, Checkable, Closable):
        assert isinstance(thinker, contract)
    critic = ScriptedCritic()
    assert isinstance(critic, Thinker)
    assert not isinstance(critic, Planner)
    assert not isinstance(critic, Comparer)


async def test_the_same_request_gives_the_same_picture_and_another_another(source: Picture) -> None:
    requests = [
        EditRequest(source, "Warm it", 1),
        EditRequest(source, "Warm it", 2),
        EditRequest(source, "Cool it", 1),
    ]
    for size, expected in (("source", (40, 30)), ("tiny", (16, 16)), ((5, 3), (5, 3))):
        first, again = [await ScriptedEditor(size=size).edit(requests) for _ in range(2)]
        hashes = [item.picture.sha256 for item in first if isinstance(item, EditedImage)]
        assert len(set(hashes)) == 3
        assert hashes == [item.picture.sha256 for item in again if isinstance(item, EditedImage)]
        assert all(item.picture.size == expected for item in first if isinstance(item, EditedImage))


async def test_the_picture_is_the_source_in_other_colours(source: Picture) -> None:
    [item] = await ScriptedEditor().edit([EditRequest(source, "Warm it")])
    assert isinstance(item, EditedImage)
    before, after = source.pixels()[1:].reshape(-1, 3), item.picture.pixels()[1:].reshape(-1, 3)
    for channel in range(3):
        assert np.corrcoef(before[:, channel], after[:, channel])[0, 1] > 0.95
    assert not np.array_equal(before, after)


async def test_a_given_picture_is_returned_as_it_is(source: Picture) -> None:
    made: list[Callable[[EditRequest], Picture] | Picture | bytes] = [
        source,
        source.data,
        lambda request: request.source,
    ]
    for picture in made:
        [item] = await ScriptedEditor(picture=picture).edit([EditRequest(source, "Warm it")])
        assert isinstance(item, EditedImage)
        assert item.picture.data == source.data


async def test_an_edit_error_sinks_only_its_own_request(source: Picture) -> None:
    def refuse(number: int, request: EditRequest) -> Exception | None:
        return UnsupportedEdit("no dragons", ("dragon",)) if "dragon" in request.prompt else None

    editor = ScriptedEditor(size="tiny", faults=refuse)
    items = await editor.edit(
        [EditRequest(source, "a"), EditRequest(source, "a dragon"), EditRequest(source, "b")]
    )
    assert [type(item) for item in items] == [EditedImage, UnsupportedEdit, EditedImage]
    assert editor.calls == 3


async def test_faults_come_at_their_number(source: Picture) -> None:
    editor = ScriptedEditor(size="tiny", faults={2: EditorFailed("out of memory"), 3: RuntimeError("bug")})
    request = [EditRequest(source, "a")]
    assert isinstance((await editor.edit(request))[0], EditedImage)
    assert isinstance((await editor.edit(request))[0], EditorFailed)
    with pytest.raises(RuntimeError, match="bug"):
        await editor.edit(request)
    assert isinstance((await editor.edit(request))[0], EditedImage)
    assert (editor.behaviour.calls, editor.behaviour.finished, editor.behaviour.running) == (4, 2, 0)


async def test_a_bug_in_a_batch_leaves_as_itself_and_ends_the_others(source: Picture) -> None:
    editor = ScriptedEditor(size="tiny", faults={1: "hang", 2: RuntimeError("bug")})
    with pytest.raises(RuntimeError, match="bug"):
        await editor.edit([EditRequest(source, "a"), EditRequest(source, "b")])
    assert editor.behaviour.running == 0


async def test_a_call_that_hangs_can_be_cancelled_and_gives_its_slot_back(source: Picture) -> None:
    editor = ScriptedEditor(size="tiny", slots=1, faults={1: "hang"})
    with anyio.move_on_after(0.02) as scope:
        await editor.edit([EditRequest(source, "a")])
    assert scope.cancelled_caught
    assert isinstance((await editor.edit([EditRequest(source, "a")]))[0], EditedImage)
    thinker = ScriptedThinker(slots=1, faults={1: "hang"})
    with anyio.move_on_after(0.02) as scope:
        await thinker.critique(asked(source))
    assert scope.cancelled_caught
    assert (await thinker.critique(asked(source))).overall


@pytest.mark.parametrize(("slots", "peak"), [(1, 1), (2, 2), (None, 6)])
async def test_slots_bound_what_runs_at_once(source: Picture, slots: int | None, peak: int) -> None:
    editor = ScriptedEditor(size="tiny", slots=slots, latency=0.002)
    thinker = ScriptedThinker(slots=slots, latency=0.002)
    async with anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(
                editor.edit, [EditRequest(source, "a", number), EditRequest(source, "b", number)]
            )
        for _ in range(6):
            group.start_soon(thinker.critique, asked(source))
    assert (editor.behaviour.peak, editor.behaviour.finished) == (peak, 6)
    assert (thinker.behaviour.peak, thinker.behaviour.finished) == (peak, 6)


def test_one_pair_serves_one_event_loop_after_another(source: Picture) -> None:
    editor, thinker = ScriptedEditor(size="tiny", slots=1), ScriptedThinker(slots=1)

    async def all_at_once() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(editor.edit, [EditRequest(source, "a")])
                group.start_soon(thinker.critique, asked(source))

    for _ in range(2):
        anyio.run(all_at_once)
    assert editor.behaviour.finished == thinker.behaviour.finished == 6


async def test_latency_is_waited_for(source: Picture) -> None:
    start = anyio.current_time()
    await ScriptedEditor(size="tiny", latency=0.03).edit([EditRequest(source, "a")])
    await ScriptedThinker(latency=0.03).critique(asked(source))
    assert anyio.current_time() - start >= 0.06


async def test_progress_is_told(source: Picture) -> None:
    told: list[tuple[float, float, str]] = []

    async def progress(done: float, total: float, message: str) -> None:
        told.append((done, total, message))

    await ScriptedEditor(size="tiny").edit([EditRequest(source, "a"), EditRequest(source, "b")], progress)
    assert told == [(1, 2, "edited"), (2, 2, "edited")]


async def test_steps_are_told_of_a_batch_together(source: Picture) -> None:
    told: list[tuple[float, float, str]] = []

    async def progress(done: float, total: float, message: str) -> None:
        told.append((done, total, message))

    requests = [EditRequest(source, "a"), EditRequest(source, "b")]
    stepped = ScriptedEditor(size="tiny", steps=3)
    assert len(await stepped.edit(requests, progress)) == len(await stepped.edit(requests)) == 2
    assert told == [(step, 6, "step") for step in range(1, 7)]
    with pytest.raises(SettingsError, match="steps is 0"):
        ScriptedEditor(steps=0)


async def test_the_script_goes_by_turn_and_not_by_calls(source: Picture) -> None:
    low, high = (
        Critique(semantic=3, quality=3, next_prompt="x"),
        Critique(semantic=9, quality=9, next_prompt="y"),
    )
    thinker = ScriptedThinker([low, ThinkerFailed("gone"), "no answer", high])
    for _ in range(2):
        assert await thinker.critique(asked(source, 1)) == low
        with pytest.raises(ThinkerFailed, match="gone"):
            await thinker.critique(asked(source, 2))
        with pytest.raises(AnswerError) as refused:
            await thinker.critique(asked(source, 3))
        assert refused.value.raw == "no answer"
        assert await thinker.critique(asked(source, 4)) == high
        assert await thinker.critique(asked(source, 9)) == high
    shortened = CritiqueRequest(source, source, "Warm it", "p", (Past(3, "only the latest"),))
    assert await thinker.critique(shortened) == high


async def test_a_script_may_be_a_function_and_hold_raw_answers(source: Picture) -> None:
    thinker = ScriptedThinker(lambda request: f"<score>[8, 9]</score><answer>{request.prompt}!</answer>")
    critique = await thinker.critique(asked(source, prompt="Warm it"))
    assert (critique.semantic, critique.quality, critique.next_prompt) == (8, 9, "Warm it!")


async def test_the_default_script_rises_to_satisfaction(source: Picture) -> None:
    critiques = [await ScriptedThinker().critique(asked(source, turn)) for turn in (1, 2, 3)]
    assert [critique.satisfied(8) for critique in critiques] == [False, False, True]
    assert [critique.next_prompt for critique in critiques] == [
        f"Warm it (turn {turn})" for turn in (2, 3, 4)
    ]
    overall = [critique.overall or 0 for critique in critiques]
    assert overall == sorted(set(overall))


async def test_plans_and_comparisons(source: Picture) -> None:
    plan, compare = PlanRequest(source, "Warm it"), CompareRequest(source, source, source, "Warm it")
    assert await ScriptedThinker().plan(plan) == "Warm it (planned)"
    assert await ScriptedThinker(planned="P").plan(plan) == "P"
    assert (
        await ScriptedThinker(planned=lambda request: request.instruction * 2).plan(plan) == "Warm itWarm it"
    )
    assert (await ScriptedThinker().compare(compare)).better == 1
    assert (await ScriptedThinker(preferred=Preference(2)).compare(compare)).better == 2
    assert (await ScriptedThinker(preferred=lambda _: Preference(0)).compare(compare)).better == 0
    refine = RefineRequest(source, source, "Warm it", "Warm", Critique(semantic=3, quality=3))
    assert await ScriptedThinker().refine(refine) == "Warm it (refined for turn 2)"
    assert await ScriptedThinker(refined="R").refine(refine) == "R"
    assert await ScriptedThinker(refined=lambda request: request.prompt * 2).refine(refine) == "WarmWarm"
    broken = ScriptedThinker(
        planned=ThinkerFailed("p"), preferred=ThinkerFailed("c"), refined=ThinkerFailed("r")
    )
    for call in (broken.plan(plan), broken.compare(compare), broken.refine(refine)):
        with pytest.raises(ThinkerFailed):
            await call


async def test_down_and_closed() -> None:
    editor, thinker = (
        ScriptedEditor(down=EditorFailed("no server")),
        ScriptedThinker(down=ThinkerFailed("no server")),
    )
    with pytest.raises(EditorFailed, match="no server"):
        await editor.check()
    with pytest.raises(ThinkerFailed, match="no server"):
        await thinker.check()
    await ScriptedEditor().check()
    await editor.aclose()
    await thinker.aclose()
    assert editor.closed
    assert thinker.closed


@pytest.mark.parametrize("script", [[], (), "", "an answer"])
async def test_a_script_without_lines_is_refused(script: str | list[str]) -> None:
    with pytest.raises(SettingsError, match="a line for each turn"):
        ScriptedThinker(script)


async def test_the_log_tells_what_started_and_what_ended(source: Picture, tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    editor = ScriptedEditor(size="tiny", log=log, faults={2: EditorFailed("gone"), 3: "hang"})
    await editor.edit([EditRequest(source, "é\n", 7)])
    await editor.edit([EditRequest(source, "é\n", 7)])
    with anyio.move_on_after(0.02):
        await editor.edit([EditRequest(source, "b", 8)])
    await ScriptedThinker(log=log).critique(asked(source, 2))
    found = lines(log)
    assert [line["event"] for line in found] == ["start", "end", "start", "end", "start", "start", "end"]
    assert [line.get("error") for line in found] == [None, None, None, "EditorFailed: gone", None, None, None]
    assert {key: found[0][key] for key in ("role", "prompt", "seed")} == {
        "role": "editor",
        "prompt": "é\n",
        "seed": 7,
    }
    assert found[0]["digest"] == found[2]["digest"] != found[4]["digest"]
    assert {key: found[5][key] for key in ("role", "prompt", "turn")} == {
        "role": "thinker",
        "prompt": "Warm it",
        "turn": 2,
    }


PROCESS = """
import anyio, sys
from thinkedit.adapters.base import CritiqueRequest, EditRequest
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.images import Picture
from thinkedit.types import Critique

async def main():
    source = Picture.from_bytes(open(sys.argv[1], "rb").read())
    editor = ScriptedEditor(log=sys.argv[2])
    thinker = ScriptedThinker([Critique(semantic=1, quality=2, next_prompt="x")], log=sys.argv[2])
    [item] = await editor.edit([EditRequest(source, "Warm it", 3)])
    await thinker.critique(CritiqueRequest(source, item.picture, "Warm it", "Warm it"))
    print(editor.identity, thinker.identity, item.picture.sha256)

anyio.run(main)
"""


async def test_another_process_gives_the_same(source: Picture, tmp_path: Path) -> None:
    (tmp_path / "source.png").write_bytes(source.data)
    log = tmp_path / "calls.jsonl"
    command = [sys.executable, "-c", PROCESS, str(tmp_path / "source.png"), str(log)]
    told = {
        (await anyio.run_process(command, env={**os.environ, "PYTHONHASHSEED": seed})).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
    found = lines(log)
    assert [line["digest"] for line in found[:4]] == [line["digest"] for line in found[4:]]
    assert len({line["pid"] for line in found}) == 2
