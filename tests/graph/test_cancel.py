"""Cancelling: what ends, what goes on, and what is there afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.graph.kit import (
    INSTRUCTION,
    SETTINGS,
    SOURCE,
    Held,
    HeldEditor,
    HeldThinker,
    begun,
    edited,
    numbered,
    only_session,
    running,
    scored,
    told,
)
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.config import Config
from thinkedit.errors import BusyError, EditorFailed, ImageError, ThinkerFailed
from thinkedit.graph.runner import Runner
from thinkedit.images import load
from thinkedit.ledger import Ledger, Session
from thinkedit.store import Store
from thinkedit.tools import continue_edit, think_edit
from thinkedit.types import EditResult, Status, StopReason

pytestmark = pytest.mark.anyio

MANY = [scored(3, next_prompt=f"prompt {turn}") for turn in range(2, 20)]


async def test_cancelling_the_call_ends_its_session_with_the_best_so_far() -> None:
    thinker = HeldThinker(MANY, 2)
    async with running(None, thinker) as runner:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: begun(runner))
            await thinker.held.there.wait()
            tasks.cancel_scope.cancel()
        session_id = await only_session(runner)
        result = await runner.result(session_id)
        assert (result.status, result.stop_reason) == (Status.FINISHED, StopReason.CANCELLED)
        assert (result.selected_turn, len(result.turns)) == (1, 2)
        assert result.why.startswith("It was cancelled. Turn 1 is the only one of 2 with a score")
        assert not runner.runs_here(session_id)


class EndlessEditor(ScriptedEditor):
    """Edits until it is cancelled. there: begun; ended: cancelled."""

    def __init__(self) -> None:
        super().__init__(size="tiny")
        self.there, self.ended = anyio.Event(), anyio.Event()

    async def edit(self, requests: Any, progress: Any = None) -> Any:
        try:
            self.there.set()
            await anyio.sleep_forever()
        finally:
            self.ended.set()


async def test_a_cancelled_session_leaves_no_model_call_behind() -> None:
    editor = EndlessEditor()
    async with running(editor, None) as runner:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: begun(runner))
            await editor.there.wait()
            tasks.cancel_scope.cancel()
        assert editor.ended.is_set()


async def test_a_turn_that_was_cancelled_before_its_critique_is_judged_and_not_made_again() -> None:
    editor, thinker = ScriptedEditor(size="tiny"), HeldThinker(numbered(3, 9), 2)
    async with running(editor, thinker) as runner:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: begun(runner))
            await thinker.held.there.wait()
            tasks.cancel_scope.cancel()
        before = await runner.result(await only_session(runner))
        result = await continue_edit(before.session_id, runner=runner)
    assert editor.calls == 2
    assert (result.stop_reason, result.selected_turn) == (StopReason.SATISFIED, 2)
    assert result.turns[1].image == before.turns[1].image


async def test_an_own_prompt_after_a_cancel_leaves_the_unjudged_image_behind() -> None:
    editor, thinker = ScriptedEditor(size="tiny"), HeldThinker(numbered(3, 9), 1)
    async with running(editor, thinker) as runner:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: begun(runner))
            await thinker.held.there.wait()
            tasks.cancel_scope.cancel()
        session_id = await only_session(runner)
        result = await continue_edit(session_id, "prompt", prompt="mine", runner=runner)
    assert [turn.prompt for turn in result.turns] == [INSTRUCTION, "mine"]
    assert result.turns[0].critique is None
    assert result.turns[0].image is not None
    assert (result.stop_reason, result.selected_turn) == (StopReason.SATISFIED, 2)


async def test_cancelling_before_the_first_image_leaves_a_session_without_one() -> None:
    editor = HeldEditor()
    async with running(editor, ScriptedThinker(numbered(9))) as runner:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: begun(runner))
            await editor.held.there.wait()
            tasks.cancel_scope.cancel()
        result = await runner.result(await only_session(runner))
        assert (result.stop_reason, result.image, result.selected_turn) == (StopReason.CANCELLED, None, None)
        assert result.why == "It was cancelled. No image was made."
        with pytest.raises(LookupError, match="has no image"):
            result.save("nowhere.png")
        again = await continue_edit(result.session_id, runner=runner)
    assert again.stop_reason is StopReason.SATISFIED


async def test_cancelling_one_session_leaves_the_others() -> None:
    editor = HeldEditor(2)
    done: dict[str, EditResult] = {}

    async with running(editor, ScriptedThinker(numbered(3, 9))) as runner, anyio.create_task_group() as calls:

        async def call(instruction: str) -> None:
            done[instruction] = await begun(runner, instruction)

        for instruction in ("one", "two", "three"):
            calls.start_soon(call, instruction)
        await editor.held.there.wait()
        sessions = await runner.ledger.sessions()
        [held] = [s.session_id for s in sessions if s.instruction == editor.waiting]
        await continue_edit(held, "cancel", runner=runner)
    reasons = {name: result.stop_reason for name, result in done.items()}
    assert reasons.pop(editor.waiting) is StopReason.CANCELLED
    assert list(reasons.values()) == [StopReason.SATISFIED] * 2


async def test_a_session_that_waits_for_its_turn_can_be_cancelled() -> None:
    editor = HeldEditor()
    config = Config.model_validate({"loop": SETTINGS, "limits": {"sessions": 1}})
    async with running(editor, ScriptedThinker(numbered(9)), config=config) as runner:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: begun(runner, "first"))
            await editor.held.there.wait()
            tasks.start_soon(lambda: begun(runner, "second"))
            while len(sessions := await runner.ledger.sessions()) < 2:
                await anyio.lowlevel.checkpoint()
            waiting = next(s for s in sessions if s.instruction == "second")
            result = await continue_edit(waiting.session_id, "cancel", runner=runner)
            assert (result.stop_reason, result.turns) == (StopReason.CANCELLED, [])
            editor.held.go.set()
        assert editor.calls == 1
        again = await continue_edit(waiting.session_id, runner=runner)
    assert again.stop_reason is StopReason.SATISFIED


class PausingLedger(Ledger):
    """Holds the answer to the n-th question for a session back."""

    def __init__(self, n: int) -> None:
        super().__init__(None)
        self.held = Held(n)

    async def session(self, session_id: str) -> Session:
        found = await super().session(session_id)
        await self.held.wait()
        return found


@pytest.mark.parametrize("question", [1, 2, 3], ids=["before the claim", "after it", "when it begins"])
async def test_a_session_that_is_just_being_begun_can_be_cancelled(question: int) -> None:
    ledger, editor = PausingLedger(question), ScriptedEditor(size="tiny")
    async with running(editor, ScriptedThinker(numbered(9)), ledger=ledger) as runner:
        session_id = await runner.open(load(SOURCE), INSTRUCTION, SETTINGS)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(runner.start, session_id)
            await ledger.held.there.wait()
            tasks.start_soon(runner.cancel, session_id)
            await anyio.wait_all_tasks_blocked()
            ledger.held.go.set()
        while runner.busy:
            await anyio.lowlevel.checkpoint()
        result = await runner.result(session_id)
        assert (result.stop_reason, editor.calls) == (StopReason.CANCELLED, 0)


async def all_run(runner: Runner, count: int) -> bool:
    sessions = await runner.ledger.sessions()
    return len(sessions) == count and all(runner.runs_here(s.session_id) for s in sessions)


async def test_more_sessions_than_may_wait_are_told_to_come_back() -> None:
    editor = HeldEditor()
    config = Config.model_validate({"loop": SETTINGS, "limits": {"sessions": 1, "queue": 1}})
    thinker = ScriptedThinker(numbered(9))
    async with running(editor, thinker, config=config) as runner, anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: begun(runner))
        await editor.held.there.wait()
        tasks.start_soon(lambda: begun(runner))
        while not await all_run(runner, 2):
            await anyio.lowlevel.checkpoint()
        with pytest.raises(BusyError, match="try again in 10 s") as raised:
            await begun(runner)
        assert raised.value.retry_after == 10
        assert len(await runner.ledger.sessions()) == 2
        editor.held.go.set()


async def test_a_hanging_model_ends_at_its_own_limit_while_others_go_on() -> None:
    models = Models(
        editors={
            "e": ScriptedEditor(size="tiny"),
            "hangs": ScriptedEditor(size="tiny", faults=lambda number, _: "hang"),
        },
        thinkers={
            "t": ScriptedThinker(numbered(3, 4, 9)),
            "hangs": ScriptedThinker(faults=lambda number, _: "hang"),
        },
    )
    results: dict[str, EditResult] = {}
    ended: list[str] = []
    async with running(models=models) as runner:

        async def one(name: str, **settings: Any) -> None:
            results[name] = await begun(runner, retries=1, **settings)
            ended.append(name)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: one("editor", editor="hangs", edit_timeout=0.15))
            tasks.start_soon(lambda: one("thinker", thinker="hangs", critique_timeout=0.15))
            tasks.start_soon(lambda: one("well"))
    assert ended[0] == "well"
    assert results["well"].stop_reason is StopReason.SATISFIED
    assert results["editor"].stop_reason is StopReason.EDITOR_FAILED
    assert "gave no image within 0.15 s" in results["editor"].why
    assert results["thinker"].stop_reason is StopReason.THINKER_FAILED
    assert "gave no answer within 0.15 s" in results["thinker"].why
    assert results["thinker"].selected_turn == 1


async def test_a_planner_that_hangs_ends_at_its_limit() -> None:
    thinker = ScriptedThinker(faults=lambda number, _: "hang")
    result = await edited(None, thinker, mode="both", retries=0, critique_timeout=0.02)
    assert result.stop_reason is StopReason.THINKER_FAILED
    assert "gave no answer within 0.02 s" in result.why


@pytest.mark.parametrize("down", [EditorFailed("no editor there"), ThinkerFailed("no thinker there")])
async def test_a_model_that_is_down_is_found_before_the_first_edit(down: Any) -> None:
    editor = ScriptedEditor(size="tiny", down=down if isinstance(down, EditorFailed) else None)
    thinker = ScriptedThinker(down=down if isinstance(down, ThinkerFailed) else None)
    async with running(editor, thinker) as runner:
        with pytest.raises(type(down), match="there"):
            await begun(runner)
        assert await runner.ledger.sessions() == []
    assert editor.calls + thinker.calls == 0


@pytest.fixture
def shared(tmp_path: Path) -> dict[str, Any]:
    """Where one runner leaves its sessions and another finds them."""
    return {"store": Store(tmp_path / "store"), "path": tmp_path / "sessions.sqlite"}


# the runner of one call


@pytest.fixture
def own_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THINKEDIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("THINKEDIT_CONFIG", "")


@pytest.mark.usefixtures("own_runner")
async def test_without_a_runner_each_call_opens_the_users_own() -> None:
    options = {"editor": "scripted", "thinker": "scripted"}
    result = await think_edit(SOURCE, INSTRUCTION, turns=1, **options)
    again = await continue_edit(result.session_id, turns=2)
    assert len(again.turns) == 3
    assert again.read() == again.read()
    with pytest.raises(ImageError, match="7 bytes"):
        await think_edit(b"no jpeg", INSTRUCTION, **options)


@pytest.mark.usefixtures("own_runner")
async def test_cancelling_a_call_with_a_runner_of_its_own_ends_the_session_as_cancelled() -> None:
    heard: list[str] = []
    with anyio.CancelScope() as scope:

        async def listen(event: Any) -> None:
            heard.append(event.session_id)
            if event.kind == "critiqued":
                scope.cancel()

        await think_edit(SOURCE, INSTRUCTION, on_event=listen, editor="scripted", thinker="scripted")
    assert scope.cancelled_caught
    result = await continue_edit(heard[0], "pick", turn=1)
    assert (result.status, result.stop_reason) == (Status.FINISHED, StopReason.CANCELLED)


async def cancelled_from_afar(runner: Runner, other: Runner, held: Any) -> EditResult:
    results: list[EditResult] = []

    async def call() -> None:
        results.append(await begun(runner))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await held.there.wait()
        cancelled = await continue_edit(await only_session(runner), "cancel", runner=other)
    assert told(cancelled) == told(results[0])
    return cancelled


async def test_a_session_that_runs_elsewhere_is_cancelled_by_a_mark(shared: dict[str, Any]) -> None:
    ledgers = Ledger(shared["path"]), Ledger(shared["path"])
    thinker, store = HeldThinker(MANY, 2), shared["store"]
    async with (
        running(None, thinker, store=store, ledger=ledgers[0]) as runner,
        running(store=store, ledger=ledgers[1]) as other,
    ):
        result = await cancelled_from_afar(runner, other, thinker.held)
        assert (result.stop_reason, result.selected_turn) == (StopReason.CANCELLED, 1)
        with anyio.fail_after(5):
            again = await continue_edit(result.session_id, "prompt", prompt="mine", turns=1, runner=other)
        assert again.turns[-1].prompt == "mine"
    for ledger in ledgers:
        ledger.close()
