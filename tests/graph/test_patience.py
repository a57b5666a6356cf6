"""A model that hangs is given up; one that tells of its steps, or of a queue before it, is not."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from tests.graph.kit import begun, running
from thinkedit.adapters.base import Progress
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.graph.patience import TooLate, in_time
from thinkedit.types import StopReason

pytestmark = pytest.mark.anyio


async def test_a_result_in_time_comes_through_with_its_progress() -> None:
    told: list[tuple[float, float, str]] = []

    async def progress(done: float, total: float, message: str) -> None:
        told.append((done, total, message))

    async def call(told: Progress) -> str:
        await told(1, 2, "step")
        return "done"

    assert await in_time(60, call, progress) == "done"
    assert told == [(1, 2, "step")]


async def test_silence_is_given_up() -> None:
    async def call(told: Progress) -> None:
        await told(0, 2, "step")
        await anyio.sleep_forever()

    with pytest.raises(TooLate):
        await in_time(0.02, call)


async def test_each_report_begins_the_time_anew() -> None:
    async def call(told: Progress) -> float:
        began = anyio.current_time()
        while (gone := anyio.current_time() - began) < 0.8:  # as long as two limits
            await told(gone, 0.8, "waiting for the model")
            await anyio.lowlevel.checkpoint()
        return gone

    assert await in_time(0.4, call) > 0.4


async def test_a_long_edit_that_steps_is_no_hanging_one() -> None:
    editor = ScriptedEditor(size="tiny", latency=0.9, steps=30)
    async with running(editor, None) as runner:
        stepping = await begun(runner, edit_timeout=0.6, retries=0, turns=1)
    silent = ScriptedEditor(size="tiny", latency=0.9)
    async with running(silent, None) as runner:
        hanging = await begun(runner, edit_timeout=0.6, retries=0, turns=1)
    assert stepping.stop_reason is not StopReason.EDITOR_FAILED
    assert hanging.stop_reason is StopReason.EDITOR_FAILED
    assert "gave no image within 0.6 s" in hanging.why
