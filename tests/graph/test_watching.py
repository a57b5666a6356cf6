"""What a watcher hears of model calls and sessions, and that it can harm neither."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.graph.kit import (
    SETTINGS,
    SOURCE,
    HeldThinker,
    Seen,
    begun,
    numbered,
    only_session,
    running,
    scored,
)
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.models import Models
from thinkedit.adapters.safety.scripted import ScriptedSafety
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.config import Config
from thinkedit.errors import AnswerError, EditorFailed, StoreError, ThinkerFailed, UnsupportedEdit
from thinkedit.graph import watching
from thinkedit.graph.runner import open_runner
from thinkedit.graph.watching import ModelCall, SessionNews, Watchers
from thinkedit.images import Picture
from thinkedit.ledger import Ledger
from thinkedit.store import Store
from thinkedit.tools import continue_edit, critique_image, edit_image, refine_instruction
from thinkedit.types import StopReason, Usage

pytestmark = pytest.mark.anyio


class Told:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.calls: list[ModelCall] = []
        self.news: list[SessionNews] = []
        self.inside: list[str] = []
        self.left: list[str] = []

    def called(self, call: ModelCall) -> None:
        self.calls.append(call)

    def heard(self, news: SessionNews) -> None:
        self.news.append(news)

    @contextmanager
    def run(self, session_id: str) -> Iterator[None]:
        self.inside.append(session_id)
        yield
        self.left.append(session_id)

    def of(self, role: str) -> list[tuple[int, int, str]]:
        return [(call.turn, call.attempt, call.outcome) for call in self.calls if call.role == role]

    @property
    def happened(self) -> list[str]:
        return [news.what for news in self.news]


async def test_every_attempt_is_told_with_its_outcome_and_its_tokens() -> None:
    told = Told()
    usage = Usage(input_tokens=900, output_tokens=40)
    script = [scored(3, next_prompt="warmer", usage=usage), scored(9, usage=usage)]
    editor = ScriptedEditor(size="tiny", faults={1: EditorFailed("out of memory")})
    thinker = ScriptedThinker(
        script, faults={1: AnswerError("no scores", usage=usage), 3: ThinkerFailed("not there")}
    )
    async with running(editor, thinker, watcher=told) as runner:
        result = await begun(runner)
    assert result.stop_reason is StopReason.SATISFIED
    assert told.of("edit") == [(1, 1, "failed"), (1, 2, "ok"), (2, 1, "ok")]
    assert told.of("critique") == [(1, 1, "unparseable"), (1, 2, "ok"), (2, 1, "failed"), (2, 2, "ok")]
    spent = [call.usage for call in told.calls if call.role == "critique"]
    assert spent == [usage, usage, None, usage], "each attempt has its own tokens, not the sum so far"
    assert {call.session_id for call in told.calls} == {result.session_id}
    assert {call.model for call in told.calls if call.role == "edit"} == {editor.identity}
    assert all(call.seconds >= 0 and call.began > 1.7e9 and not call.replayed for call in told.calls)
    assert told.happened == ["opened", "began", "turn", "turn", "ended"]
    assert told.news[-1].stop_reason is StopReason.SATISFIED
    assert told.inside == told.left == [result.session_id]


async def test_a_call_that_takes_too_long_is_late_and_a_refused_one_refused() -> None:
    told = Told()
    settings = SETTINGS.model_copy(update={"edit_timeout": 0.05, "critique_timeout": 0.05, "retries": 0})
    config = Config.model_construct(loop=settings)
    async with running(ScriptedEditor(size="tiny", latency=30), config=config, watcher=told) as runner:
        await begun(runner, edit_timeout=0.05, retries=0)
    assert told.of("edit") == [(1, 1, "late")]
    assert told.news[-1].stop_reason is StopReason.EDITOR_FAILED
    told = Told()
    async with running(thinker=ScriptedThinker(latency=30), config=config, watcher=told) as runner:
        await begun(runner, critique_timeout=0.05, retries=0)
    assert told.of("critique") == [(1, 1, "late")]
    told = Told()
    refusing = ScriptedEditor(size="tiny", faults={1: UnsupportedEdit("no such thing")})
    async with running(refusing, watcher=told) as runner:
        with pytest.raises(UnsupportedEdit):
            await begun(runner)
    assert told.of("edit") == [(1, 1, "refused")]
    assert told.happened == ["opened", "began", "refused"]


async def test_what_is_read_back_is_told_as_replayed(tmp_path: Path) -> None:
    """A process that is gone left a critique: the next one takes the session over, and reads it back."""
    first, store = Told(), Store(tmp_path / "store")
    held = HeldThinker(numbered(9, 9), 2)
    ledger = Ledger(tmp_path / "db", lease=0.2)
    options: dict[str, Any] = {"store": store, "ledger": ledger, "watcher": first}
    async with running(None, held, **options) as runner, anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: begun(runner, passes=2))
        await held.held.there.wait()
        session_id = await only_session(runner)
        with anyio.fail_after(20):
            while (
                await ledger.spent(await ledger.session(session_id))
            ).calls < 2:  # the first look is recorded
                await anyio.lowlevel.checkpoint()
        await runner.park()
        tasks.cancel_scope.cancel()
    assert first.happened == ["opened", "began", "turn", "parked"]
    assert [c.role for c in first.calls] == ["edit", "critique"], "an interrupted call is not told"
    assert await ledger.claim(session_id)  # by a process that then dies without giving the lease back
    second = Told()
    with anyio.fail_after(20):
        async with running(
            None,
            ScriptedThinker(numbered(9, 9)),
            store=store,
            ledger=Ledger(tmp_path / "db", lease=0.2),
            watcher=second,
        ) as runner:
            result = await continue_edit(session_id, "wait", runner=runner)
    ledger.close()
    assert result.stop_reason is StopReason.SATISFIED
    assert second.happened[:2] == ["taken_over", "began"]
    assert {(call.role, call.turn, call.replayed) for call in second.calls[:2]} == {
        ("critique", 1, True),
        ("critique", 1, False),
    }


async def test_plans_refinements_comparisons_and_checks_are_calls_too() -> None:
    told = Told()
    models = Models(
        editors={"e": ScriptedEditor(size="tiny")},
        thinkers={"t": ScriptedThinker(numbered(3, 4)), "r": ScriptedThinker()},
        safeties={"s": ScriptedSafety()},
    )
    async with running(models=models, watcher=told) as runner:
        await begun(runner, mode="both", refiner="r", safety="s", select="pairwise", turns=2)
    roles = [call.role for call in told.calls]
    assert set(roles) == set(watching.ROLES), roles
    assert all(call.model for call in told.calls)
    assert told.of("compare") == [(3, 1, "ok")] * 2, "they come after the last turn"


async def test_calls_outside_of_a_session_are_told() -> None:
    told = Told()
    thinker = ScriptedThinker(faults={2: ThinkerFailed("busy")})
    async with running(None, thinker, watcher=told) as runner:
        await edit_image(SOURCE, "warmer", runner=runner)
        await critique_image(SOURCE, SOURCE, "warmer", runner=runner)
        await refine_instruction(SOURCE, SOURCE, "warmer", refiner="t", runner=runner)
    assert [(call.role, call.outcome, call.attempt) for call in told.calls] == [
        ("edit", "ok", 1),
        ("critique", "ok", 1),
        ("critique", "failed", 1),
        ("critique", "ok", 2),
        ("refine", "ok", 1),
    ]
    assert {(call.session_id, call.turn) for call in told.calls} == {("", 0)}


async def test_pausing_cancelling_and_breaking_are_told() -> None:
    told = Told()
    async with running(None, ScriptedThinker(numbered(3, 4, 9)), watcher=told) as runner:
        paused = await begun(runner, pause="turn")
        await continue_edit(paused.session_id, "stop", runner=runner)
    assert told.happened == ["opened", "began", "turn", "paused", "began", "ended"]
    assert told.news[-1].stop_reason is StopReason.STOPPED_BY_CALLER

    told, held = Told(), HeldThinker(numbered(3, 4), 1)
    async with running(None, held, watcher=told) as runner, anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: begun(runner))
        await held.held.there.wait()
        tasks.cancel_scope.cancel()
    assert told.happened[-1] == "ended"
    assert told.news[-1].stop_reason is StopReason.CANCELLED

    class Full(Store):
        def _put(self, key: str, data: bytes) -> None:
            if key.startswith("images/") and Picture.from_bytes(data).width != 24:
                raise StoreError("the disk is full")
            super()._put(key, data)

    told = Told()
    async with running(ScriptedEditor(size=(8, 8)), store=Full.in_memory(), watcher=told) as runner:
        with pytest.raises(StoreError):
            await begun(runner)
    assert (told.news[-1].what, told.news[-1].error) == ("broke", "StoreError")


class Broken:
    """Fails at everything."""

    def called(self, call: ModelCall) -> None:
        raise RuntimeError("called")

    def heard(self, news: SessionNews) -> None:
        raise RuntimeError("heard")

    def run(self, session_id: str) -> Any:
        raise RuntimeError("run")


class BreaksLater(Told):
    @contextmanager
    def run(self, session_id: str) -> Iterator[None]:
        yield
        raise RuntimeError("at the end")


async def test_a_watcher_that_fails_is_logged_and_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    seen = Seen()
    with caplog.at_level(logging.ERROR, "thinkedit"):
        async with running(seen.editor(), watcher=Watchers([Broken(), BreaksLater(), told])) as runner:
            result = await begun(runner)
    assert result.stop_reason is StopReason.SATISFIED
    assert told.left == [result.session_id]
    assert told.happened[-1] == "ended"
    failed = [record.getMessage() for record in caplog.records]
    assert {"Broken", "BreaksLater"} == {message.rpartition(" ")[2] for message in failed}


async def test_open_runner_takes_a_watcher(tmp_path: Path) -> None:
    told = Told()
    models = Models(editors={"e": ScriptedEditor(size="tiny")}, thinkers={"t": ScriptedThinker()})
    async with open_runner(Config(data=tmp_path, loop=SETTINGS), models, watcher=told) as runner:
        await begun(runner)
    assert told.happened[-1] == "ended"


def test_nothing_told_can_hold_a_prompt_or_a_picture() -> None:
    fields = {*ModelCall.__annotations__, *SessionNews.__annotations__}
    assert not fields & {"prompt", "instruction", "image", "picture", "reasoning", "owner", "raw"}
    assert "Picture" not in inspect.getsource(watching)
