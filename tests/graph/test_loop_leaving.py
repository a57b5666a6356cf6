"""Leaving a runner: what ran there is parked, and another one goes on with it or ends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.graph.kit import (
    INSTRUCTION,
    Events,
    Held,
    HeldEditor,
    HeldThinker,
    Seen,
    begun,
    edited,
    numbered,
    only_session,
    running,
    scored,
)
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.errors import EditorFailed, ImageError, ThinkerFailed
from thinkedit.graph.runner import Runner
from thinkedit.ledger import Ledger
from thinkedit.store import Store
from thinkedit.tools import continue_edit, think_edit
from thinkedit.types import EditResult, Status, StopReason

pytestmark = pytest.mark.anyio

MANY = [scored(3, next_prompt=f"prompt {turn}") for turn in range(2, 20)]


@pytest.fixture
def shared(tmp_path: Path) -> dict[str, Any]:
    """Where one runner leaves its sessions and another finds them."""
    return {"store": Store(tmp_path / "store"), "path": tmp_path / "sessions.sqlite"}


async def parked(shared: dict[str, Any], editor: Any, thinker: Any, held: Any) -> EditResult:
    """What a call gets whose runner is left in the middle."""
    ledger = Ledger(shared["path"])
    results: list[EditResult] = []

    async def call(runner: Runner) -> None:
        results.append(await begun(runner))

    async with (
        anyio.create_task_group() as tasks,
        running(editor, thinker, store=shared["store"], ledger=ledger) as runner,
    ):
        tasks.start_soon(call, runner)
        await held.there.wait()
    ledger.close()
    return results[0]


@pytest.mark.parametrize("where", ["editor", "thinker"])
async def test_leaving_the_runner_parks_what_runs_and_another_one_goes_on(
    where: str, shared: dict[str, Any]
) -> None:
    whole = await edited(None, ScriptedThinker(numbered(3, 5, 9)))
    editor = HeldEditor(2 if where == "editor" else 0)
    thinker = HeldThinker(numbered(3, 5, 9), 2 if where == "thinker" else 0)
    held = editor.held if where == "editor" else thinker.held
    before = await parked(shared, editor, thinker, held)
    assert (before.status, before.stop_reason, before.selected_turn) == (Status.RUNNING, None, 1)

    seen, ledger = Seen(), Ledger(shared["path"])
    async with running(
        seen.editor(), seen.thinker(numbered(3, 5, 9)), store=shared["store"], ledger=ledger
    ) as runner:
        result = await continue_edit(before.session_id, runner=runner)
    ledger.close()
    assert [turn.prompt for turn in result.turns] == [turn.prompt for turn in whole.turns]
    assert [turn.image for turn in result.turns] == [turn.image for turn in whole.turns]
    assert (result.stop_reason, result.selected_turn, result.why) == ("satisfied", 3, whole.why)
    assert len(seen.edits) == (2 if where == "editor" else 1)
    assert len(seen.critiques) == 2


@pytest.mark.parametrize("role", ["editor", "thinker"])
async def test_failures_before_a_resume_count_with_those_after_it(role: str, shared: dict[str, Any]) -> None:
    held = Held(2)

    async def failing(request: Any) -> Any:
        await held.wait()
        raise (EditorFailed if role == "editor" else ThinkerFailed)("gone")

    class Failing:
        identity = "failing"

        async def edit(self, requests: Any, progress: Any = None) -> Any:
            return await failing(requests)

        async def critique(self, request: Any) -> Any:
            return await failing(request)

    pair: Any = (Failing(), ScriptedThinker()) if role == "editor" else (None, Failing())
    before = await parked(shared, *pair, held)
    assert before.status is Status.RUNNING
    ledger = Ledger(shared["path"])
    async with running(*pair, store=shared["store"], ledger=ledger) as runner:
        result = await continue_edit(before.session_id, runner=runner)
        assert result.status is Status.FAILED
        assert held.calls == 4, "one failed, one was cut off, and two more were left of three"
        await continue_edit(before.session_id, runner=runner)
        assert held.calls == 7, "going on is given retries of its own"
    ledger.close()


@pytest.mark.parametrize("action", ["cancel", "stop"])
async def test_a_parked_session_can_be_ended_by_anyone(action: Any, shared: dict[str, Any]) -> None:
    thinker = HeldThinker(numbered(3, 5, 9), 2)
    before = await parked(shared, None, thinker, thinker.held)
    ledger, editor = Ledger(shared["path"]), ScriptedEditor(size="tiny")
    async with running(editor, thinker, store=shared["store"], ledger=ledger) as runner:
        result = await continue_edit(before.session_id, action, runner=runner)
    ledger.close()
    assert result.stop_reason == {"cancel": "cancelled", "stop": "stopped_by_caller"}[action]
    assert (result.status, result.selected_turn, len(result.turns)) == (Status.FINISHED, 1, 2)
    assert editor.calls == 0


async def test_an_error_in_the_runners_block_comes_out_as_itself() -> None:
    with pytest.raises(ImageError, match="7 bytes"):
        async with running() as runner:
            await think_edit(b"no jpeg", INSTRUCTION, runner=runner)


async def test_a_call_after_the_runner_was_left_says_so() -> None:
    async with running() as runner:
        pass
    assert runner.parked
    result = await begun(runner)
    assert result.status is Status.RUNNING, "nothing runs here any more; another runner can go on"


async def test_a_listener_that_raises_ends_its_call_and_the_run() -> None:
    class Broken(Exception): ...

    async def listen(event: Any) -> None:
        if event.kind == "refined":
            raise Broken

    async with running(None, ScriptedThinker(MANY)) as runner:
        with pytest.raises(Broken):
            await begun(runner, on_event=listen)
        result = await runner.result(await only_session(runner))
    assert result.stop_reason is StopReason.CANCELLED


async def test_a_listener_that_only_watches_can_leave() -> None:
    editor = HeldEditor()
    done: list[EditResult] = []
    async with running(editor, ScriptedThinker(numbered(9))) as runner, anyio.create_task_group() as tasks:

        async def call() -> None:
            done.append(await begun(runner))

        tasks.start_soon(call)
        await editor.held.there.wait()
        with anyio.CancelScope() as watching:
            watching.cancel()
            await runner.follow(await only_session(runner), Events())
        editor.held.go.set()
    assert done[0].stop_reason is StopReason.SATISFIED
