"""Calls that return before their run has ended, and whose run it then is."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.graph.kit import Events, Seen, begun, numbered, running
from thinkedit.adapters.base import EditRequest
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.errors import ActionError, UnsupportedEdit
from thinkedit.graph.runner import Runner
from thinkedit.tools import continue_edit
from thinkedit.types import EditResult, Status, StopReason

pytestmark = pytest.mark.anyio


class Gate(ScriptedEditor):
    """Edits when it is let, one picture at a time."""

    def __init__(self, **options: Any) -> None:
        super().__init__(size="tiny", **options)
        self.reached, self.open = anyio.Event(), anyio.Event()

    async def edit(self, requests: Any, progress: Any = None) -> Any:
        self.reached.set()
        await self.open.wait()
        return await super().edit(requests, progress)


async def left_running(runner: Runner, gate: Gate) -> EditResult:
    result = await begun(runner, wait_seconds=0.05)
    assert (result.status, result.stop_reason, result.next) == (Status.RUNNING, None, None)
    with anyio.fail_after(5):
        await gate.reached.wait()
    return result


async def test_a_call_returns_what_there_is_and_another_collects() -> None:
    gate = Gate()
    async with running(gate, Seen().thinker(numbered(3, 9))) as runner:
        result = await left_running(runner, gate)
        still = await continue_edit(result.session_id, "wait", wait_seconds=0, runner=runner)
        assert still.status is Status.RUNNING
        gate.open.set()
        done = await continue_edit(result.session_id, "wait", runner=runner)
        assert (done.stop_reason, len(done.turns)) == (StopReason.SATISFIED, 2)
        again = await continue_edit(result.session_id, "wait", runner=runner)
        assert again.model_dump() == done.model_dump()


async def test_an_open_call_takes_its_run_along_and_one_that_only_waits_does_not() -> None:
    gate = Gate()
    async with running(gate, Seen().thinker(numbered(3, 9))) as runner:
        result = await left_running(runner, gate)
        for action in ("wait", "go_on"):
            with anyio.move_on_after(0.05):
                await continue_edit(result.session_id, action, runner=runner)
            assert runner.runs_here(result.session_id)
        events = Events()
        with anyio.move_on_after(0.05):
            await begun(runner, on_event=events)
        owned = events.heard[0].session_id
        assert (await runner.result(owned)).stop_reason is StopReason.CANCELLED
        gate.open.set()
        done = await continue_edit(result.session_id, "wait", runner=runner)
        assert done.stop_reason is StopReason.SATISFIED


async def test_waiting_for_an_open_calls_run_leaves_it_to_that_call() -> None:
    gate, events = Gate(), Events()
    async with running(gate) as runner, anyio.create_task_group() as tasks:
        own = anyio.CancelScope()

        async def open_call() -> None:
            with own:
                await begun(runner, on_event=events)

        tasks.start_soon(open_call)
        with anyio.fail_after(5):
            await gate.reached.wait()
        session_id = events.heard[0].session_id
        assert (await continue_edit(session_id, "wait", wait_seconds=0, runner=runner)).status == "running"
        own.cancel()
        done = await continue_edit(session_id, "wait", runner=runner)
        assert done.stop_reason is StopReason.CANCELLED


async def test_stop_and_cancel_end_what_runs_on() -> None:
    gate = Gate()
    async with running(gate, Seen().thinker(numbered(3, 4, 9))) as runner:
        first, second = await left_running(runner, gate), await left_running(runner, gate)
        gone = await continue_edit(second.session_id, "cancel", runner=runner)
        assert gone.stop_reason is StopReason.CANCELLED
        asked = await continue_edit(first.session_id, "stop", wait_seconds=0, runner=runner)
        assert asked.status is Status.RUNNING
        gate.open.set()
        done = await continue_edit(first.session_id, "wait", runner=runner)
        assert (done.stop_reason, len(done.turns)) == (StopReason.STOPPED_BY_CALLER, 1)


async def test_a_refusal_after_the_call_has_returned_is_still_told() -> None:
    def refuses(number: int, request: EditRequest) -> Exception:
        return UnsupportedEdit("no dragons", words=("dragon",))

    gate = Gate(faults=refuses)
    async with running(gate) as runner:
        result = await left_running(runner, gate)
        gate.open.set()
        for _ in range(2):
            with pytest.raises(UnsupportedEdit, match="no dragons"):
                await continue_edit(result.session_id, "wait", runner=runner)


@pytest.mark.parametrize("seconds", [-1, 3601, float("nan")])
async def test_a_time_that_is_none_is_refused(seconds: float) -> None:
    async with running() as runner:
        with pytest.raises(ActionError, match=r"wait_seconds is .*: it may be 0 to 3600"):
            await begun(runner, wait_seconds=seconds)


async def test_arguments_of_other_actions_are_refused() -> None:
    async with running() as runner:
        result = await begun(runner)
        for action, given, line in [
            ("go_on", {"turn": 1}, "takes no turn; with these it goes: critique, pick, fork"),
            ("pick", {"turn": 1, "prompt": "x"}, "takes no prompt"),
            ("wait", {"turns": 2}, "takes no turns"),
            ("fork", {}, "needs the argument turn"),
        ]:
            with pytest.raises(ActionError, match=line):
                await continue_edit(result.session_id, action, runner=runner, **given)  # type: ignore[arg-type]
