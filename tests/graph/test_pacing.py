"""An editor's own progress, passed on a few times a second and in words."""

from __future__ import annotations

import pytest

from tests.graph.kit import Events, begun, running
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.graph.pacing import Pace, step_line


def test_a_flood_is_held_down_to_five_a_second_and_ends_are_never_lost() -> None:
    now = 0.0
    pace = Pace(clock=lambda: now)
    let = []
    for step in range(1, 1001):  # a thousand steps in ten seconds
        now += 0.01
        if pace.due(step, 1000):
            let.append(step)
    assert let[0] == 1
    assert let[-1] == 1000
    assert 45 <= len(let) <= 52


def test_slow_steps_all_come_through() -> None:
    now = 0.0
    pace = Pace(clock=lambda: now)
    for step in range(28):
        assert pace.due(step, 28)
        now += 0.5


@pytest.mark.parametrize(
    ("done", "total", "message", "line"),
    [
        (3, 28, "step", "step 3 of 28"),
        (3, 28, "step 3 of 28", "step 3 of 28"),
        (0.5, 2, "", "0.5 of 2"),
        (3, 0, "loading", "loading"),
    ],
)
def test_a_line_says_how_far_it_is_once(done: float, total: float, message: str, line: str) -> None:
    assert step_line(done, total, message) == line


@pytest.mark.anyio
async def test_the_steps_of_a_turn_are_told_and_a_fast_editor_does_not_flood() -> None:
    heard = Events()
    async with running(ScriptedEditor(size="tiny", steps=400), ScriptedThinker()) as runner:
        await begun(runner, turns=1, candidates=2, on_event=heard)
    steps = [event for event in heard.heard if event.kind == "editing" and event.total]
    assert {event.total for event in steps} == {800}
    assert [event.done for event in steps] == sorted({event.done for event in steps})
    assert (steps[0].done, steps[-1].done) == (1, 800)
    assert steps[-1].message == "step 800 of 800"
    assert len(steps) < 60


@pytest.mark.anyio
async def test_each_step_of_a_slow_editor_is_told() -> None:
    heard = Events()
    async with running(ScriptedEditor(size="tiny", steps=3, latency=0.75), ScriptedThinker()) as runner:
        await begun(runner, turns=1, on_event=heard)
    assert [event.message for event in heard.heard if event.kind == "editing"] == [
        "",
        "step 1 of 3",
        "step 2 of 3",
        "step 3 of 3",
    ]
