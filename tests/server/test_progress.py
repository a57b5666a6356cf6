"""Events as MCP progress: always growing, never over the total, one line each."""

from __future__ import annotations

from typing import Any

import pytest

from thinkedit.server.progress import EditProgress, SessionProgress
from thinkedit.types import Event

pytestmark = pytest.mark.anyio


class Heard:
    """Takes the place of a request's context: what was reported is kept."""

    def __init__(self) -> None:
        self.notes: list[tuple[float, float, str]] = []

    async def report_progress(self, progress: float, total: float, message: str) -> None:
        self.notes.append((progress, total, message))


async def reported(*events: dict[str, Any]) -> list[tuple[float, float, str]]:
    heard = Heard()
    progress = SessionProgress(heard)  # type: ignore[arg-type]  # only report_progress is used
    for event in events:
        await progress(Event.model_validate({"session_id": "s1", "turns": 4, **event}))
    return heard.notes


async def test_grows_through_retries_and_repeats() -> None:
    notes = await reported(
        {"kind": "opened"},
        {"kind": "editing", "turn": 1, "prompt": "warmer"},
        {"kind": "editing", "turn": 1, "message": "step 1 of 8"},
        {"kind": "retrying", "turn": 1, "message": "the editor failed"},
        {"kind": "editing", "turn": 1, "prompt": "warmer"},
        {"kind": "edited", "turn": 1},
        {"kind": "critiquing", "turn": 1},
        {"kind": "critiqued", "turn": 1, "semantic": 9, "quality": 9, "overall": 9},
        {"kind": "stopped", "turn": 1, "message": "satisfied"},
    )
    values = [progress for progress, _, _ in notes]
    assert values == sorted(set(values))
    assert values[-1] == notes[-1][1] == 4
    assert "retrying: the editor failed" in notes[3][2]


async def test_going_on_starts_where_it_was() -> None:
    notes = await reported({"kind": "opened", "turn": 3}, {"kind": "editing", "turn": 4, "prompt": "colder"})
    assert [progress for progress, _, _ in notes] == [2, 3.05]


async def test_events_after_the_end_stay_within_the_total() -> None:
    notes = await reported(*[{"kind": "stopped", "message": "satisfied"}] * 3)
    assert all(progress <= total for progress, total, _ in notes)
    assert len({progress for progress, _, _ in notes}) == 3


async def test_lines_are_lines() -> None:
    long = "first\nsecond " + "x" * 500
    for kind in ("planned", "editing", "refined", "retrying", "critiqued"):
        ((_, _, line),) = await reported({"kind": kind, "turn": 2, "prompt": long, "message": long})
        assert "\n" not in line
        assert len(line) < 220
        assert line.startswith("session s1, turn 2 of 4: ")


async def test_the_best_score_so_far_is_kept() -> None:
    notes = await reported(
        {"kind": "critiqued", "turn": 1, "semantic": 7, "quality": 7, "overall": 7},
        {"kind": "critiqued", "turn": 2, "semantic": 5, "quality": 5, "overall": 5},
    )
    assert notes[1][2].endswith("scored semantic 5, quality 5; best so far 7.0 of 10")


async def test_an_editors_steps_fill_the_time_between_editing_and_edited() -> None:
    steps = [
        {"kind": "editing", "turn": 2, "message": f"step {done} of 28", "done": done, "total": 28}
        for done in (1, 14, 7, 28)  # 7: as where a failed pass is begun again
    ]
    notes = await reported(
        {"kind": "editing", "turn": 2, "prompt": "warmer"}, *steps, {"kind": "edited", "turn": 2}
    )
    values = [progress for progress, _, _ in notes]
    assert values == sorted(set(values))
    assert values[0] == pytest.approx(1.05)
    assert values[2] == pytest.approx(1.275)
    assert 1.5 <= values[-1] < 1.51
    assert notes[1][2].endswith("turn 2 of 4: editing: step 1 of 28")


async def test_one_pass_tells_its_steps_a_few_times_a_second_and_only_forward() -> None:
    heard = Heard()
    progress = EditProgress(heard)  # type: ignore[arg-type]  # only report_progress is used
    for done in (*range(1, 101), 50, 100):
        await progress(done, 100, "step")
    values = [at for at, _, _ in heard.notes]
    assert values[0] == 1
    assert values[-1] == 100
    assert values == sorted(set(values))
    assert len(values) < 20
    assert heard.notes[-1][2] == "step 100 of 100"
