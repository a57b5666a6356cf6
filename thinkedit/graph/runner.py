"""The runs of one process: started by calls, kept in one task group, watched by whoever asks.

A run belongs to the process and not to a request. A call starts it, follows it and may cancel it; a second
process that is asked for the same session watches the first one's run in the ledger, and takes it over where
the first one died.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectSendStream
from anyio.to_thread import run_sync
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver

from thinkedit.adapters.models import Models
from thinkedit.config import Config
from thinkedit.errors import BusyError, EditRefused, LedgerError, UnsupportedEdit
from thinkedit.graph.build import wire
from thinkedit.graph.nodes import Nodes
from thinkedit.graph.pictures import PictureCache
from thinkedit.graph.sessions import open_session, result_of, turn_records
from thinkedit.graph.stopping import best_turn, why_selected
from thinkedit.images import ImageLimits, Loaded
from thinkedit.ledger import Ledger, Session
from thinkedit.store import Store
from thinkedit.types import EditResult, Event, LoopSettings, Status, StopReason

__all__ = ["Listener", "Run", "Runner", "open_runner"]

Listener = Callable[[Event], Awaitable[None]]

_POLL = 0.1
_STEPS = 10_000


class Run:
    """One session under way in this process."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.scope = anyio.CancelScope()
        self.done = anyio.Event()
        self.error: Exception | None = None
        self.parking = False
        self._listeners: list[MemoryObjectSendStream[Event]] = []

    def emit(self, event: Event) -> None:
        for stream in self._listeners:
            with suppress(anyio.WouldBlock, anyio.BrokenResourceError):
                stream.send_nowait(event)

    async def follow(self, listener: Listener | None) -> None:
        """Pass events on until the run ends."""
        if listener is None:
            await self.done.wait()
            return
        # A reader that falls a thousand events behind loses some, rather than holding the run up.
        send, receive = anyio.create_memory_object_stream[Event](1000)
        self._listeners.append(send)

        async def close_when_done() -> None:
            await self.done.wait()
            send.close()

        try:
            async with receive, anyio.create_task_group() as tasks:
                tasks.start_soon(close_when_done)
                async for event in receive:
                    await listener(event)
        finally:
            self._listeners.remove(send)
            send.close()


class Runner:
    """Store, ledger, checkpoints and models of one process, and the sessions that it runs.

    Use as an async context manager; leaving it parks what still runs, to be gone on with later.
    """

    def __init__(
        self,
        *,
        store: Store,
        ledger: Ledger,
        models: Models,
        checkpointer: BaseCheckpointSaver[Any] | None = None,
        config: Config | None = None,
    ) -> None:
        self.store = store
        self.ledger = ledger
        self.models = models
        self.config = config or Config.model_construct()
        self._checkpointer = checkpointer or InMemorySaver()
        self._graphs: dict[tuple[str, str], Any] = {}
        self._pictures = PictureCache()
        self._runs: dict[str, Run] = {}
        self._slots = anyio.CapacityLimiter(self.config.limits.sessions)
        self._tasks: TaskGroup | None = None
        self._stack = AsyncExitStack()

    @property
    def defaults(self) -> LoopSettings:
        return self.config.loop

    @property
    def image_limits(self) -> ImageLimits:
        limits = self.config.limits
        return ImageLimits(max_bytes=limits.image_bytes, max_pixels=limits.image_pixels)

    async def __aenter__(self) -> Self:
        self._tasks = await self._stack.enter_async_context(anyio.create_task_group())
        self._tasks.start_soon(self._poll)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        await self.park()
        assert self._tasks is not None
        self._tasks.cancel_scope.cancel()
        try:
            return await self._stack.__aexit__(kind, error, trace)
        finally:
            with anyio.CancelScope(shield=True):
                await self.models.aclose()

    async def park(self) -> None:
        """Interrupt what runs here, to be gone on with later; the calls that follow it return at once."""
        with anyio.CancelScope(shield=True):
            for run in list(self._runs.values()):
                run.parking = True
                run.scope.cancel()
            for run in list(self._runs.values()):
                await run.done.wait()

    # what calls ask for

    async def open(self, source: Loaded, instruction: str, settings: LoopSettings, *, owner: str = "") -> str:
        """Create a session after checking that it can run. Returns its id; nothing runs yet."""
        limits = self.config.limits
        if len(self._runs) >= limits.sessions + limits.queue:
            raise BusyError(f"{len(self._runs)} sessions run or wait here: try again in 10 s", 10)
        return await open_session(
            store=self.store,
            ledger=self.ledger,
            editor=self.models.editor(settings.editor),
            thinker=self.models.thinker(settings.thinker),
            source=source,
            instruction=instruction,
            settings=settings,
            owner=owner,
        )

    async def follow(self, session_id: str, listener: Listener | None = None) -> None:
        """Run the session until it ends, here or by watching the process that has it.

        Raises what ended the run where that was not a model's failure: UnsupportedEdit or EditRefused at
        the first turn (the session is gone then), StoreError, LedgerError.
        """
        while True:
            run = self._runs.get(session_id) or await self._start(session_id)
            if run is not None:
                await run.follow(listener)
                if run.error is not None:
                    raise run.error
                return
            await anyio.sleep(_POLL)
            if (await self.ledger.session(session_id)).status is not Status.RUNNING:
                return

    async def cancel(self, session_id: str) -> None:
        """Cancel a running session, wherever it runs, and wait until it has ended. Idempotent."""
        await self.ledger.mark(session_id, "cancel")
        if (run := self._runs.get(session_id)) is not None:
            run.scope.cancel()
            await run.done.wait()
            return
        while (session := await self.ledger.session(session_id)).status is Status.RUNNING:
            if await self.ledger.claim(session_id):
                await self._end_cancelled(session)
                await self.ledger.release(session_id)
                return
            await anyio.sleep(_POLL)

    async def stop(self, session_id: str) -> None:
        """Ask a running session to stop after the step it is in."""
        await self.ledger.mark(session_id, "stop")

    def runs_here(self, session_id: str) -> bool:
        return session_id in self._runs

    async def result(self, session_id: str) -> EditResult:
        return await result_of(self.store, self.ledger, session_id)

    async def delete(self, session_id: str) -> None:
        """Forget a session that is not running."""
        await self.ledger.delete(session_id)
        await self._checkpointer.adelete_thread(session_id)

    # runs

    async def _start(self, session_id: str) -> Run | None:
        """Claim the session and start it; None where another process runs it."""
        if not await self.ledger.claim(session_id):
            return None
        if (run := self._runs.get(session_id)) is not None:
            return run
        run = self._runs[session_id] = Run(session_id)
        if self._tasks is None:
            raise RuntimeError("the runner is not open: use `async with`")
        self._tasks.start_soon(self._run, run)
        return run

    async def _run(self, run: Run) -> None:
        try:
            with run.scope:
                async with self._slots:
                    await self._drive(run)
        except Exception as error:
            run.error = error
        finally:
            with anyio.CancelScope(shield=True):
                try:
                    await self._settle(run)
                except Exception as error:
                    run.error = run.error or error
                finally:
                    self._runs.pop(run.session_id, None)
                    run.done.set()

    async def _drive(self, run: Run) -> None:
        """Take the graph from its last checkpoint, or from the start of this leg, to its end."""
        session = await self.ledger.session(run.session_id)
        graph = self._graph(session.settings.editor, session.settings.thinker)
        config = {"configurable": {"thread_id": session.session_id}, "recursion_limit": _STEPS}
        state = await graph.aget_state(config)
        under_way = bool(state.next or state.tasks) and state.values.get("leg") == session.leg
        begin = {"session_id": session.session_id, "leg": session.leg, "prompt": session.asked or None}
        stream = graph.astream(None if under_way else begin, config, stream_mode="custom", durability="sync")
        async for chunk in stream:
            run.emit(Event.model_validate(chunk))

    async def _settle(self, run: Run) -> None:
        """After a run: end it as cancelled, forget a refused one, give the lease back."""
        session_id = run.session_id
        if isinstance(run.error, UnsupportedEdit | EditRefused):
            await self.delete(session_id)
            return
        if run.scope.cancelled_caught and not run.parking:
            session = await self.ledger.session(session_id)
            if session.status is Status.RUNNING:
                await self._end_cancelled(session)
        await self.ledger.release(session_id)

    async def _end_cancelled(self, session: Session) -> None:
        records = await turn_records(self.store, self.ledger, session.session_id)
        best = best_turn(records)
        await self.ledger.update(
            session.session_id,
            status=Status.FINISHED,
            stop_reason=StopReason.CANCELLED,
            why=f"It was cancelled. {why_selected(best, records)}",
            selected_turn=best.turn if best is not None else None,
            wanted="",
        )

    async def _poll(self) -> None:
        """Look for marks that another process left on the sessions that run here."""
        while True:
            await anyio.sleep(_POLL)
            if not self._runs:
                continue
            with suppress(LedgerError):  # a busy database now is asked again in a moment
                for session_id, wanted in (await self.ledger.marked()).items():
                    run = self._runs.get(session_id)
                    if run is not None and wanted == "cancel":
                        run.scope.cancel()

    def _graph(self, editor: str, thinker: str) -> Any:
        key = (editor, thinker)
        if key not in self._graphs:
            nodes = Nodes(
                editor=self.models.editor(editor),
                thinker=self.models.thinker(thinker),
                store=self.store,
                ledger=self.ledger,
                settings=self.defaults,
                pictures=self._pictures,
            )
            self._graphs[key] = wire(nodes).compile(checkpointer=self._checkpointer)
        return self._graphs[key]


@asynccontextmanager
async def open_runner(config: Config, models: Models | None = None) -> AsyncIterator[Runner]:
    """A runner over the configured data folder: two SQLite files, and the store for pictures."""
    store = await run_sync(Store, config.store_url)
    ledger = await run_sync(Ledger, config.data / "sessions.sqlite")
    try:
        async with _sqlite_checkpoints(config.data / "checkpoints.sqlite") as checkpointer:
            runner = Runner(
                store=store,
                ledger=ledger,
                models=models or Models(config.models),
                checkpointer=checkpointer,
                config=config,
            )
            async with runner:
                yield runner
    finally:
        ledger.close()


@asynccontextmanager
async def _sqlite_checkpoints(path: Path) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    stack = AsyncExitStack()
    try:
        saver = await stack.enter_async_context(AsyncSqliteSaver.from_conn_string(str(path)))
        saver.serde = JsonPlusSerializer(allowed_msgpack_modules=[])
        await saver.setup()
        await saver.conn.execute("PRAGMA synchronous=NORMAL")
    except sqlite3.DatabaseError as error:
        await stack.aclose()
        raise LedgerError(
            f"the checkpoint database {path}: {error}: move it away; sessions go on from their recorded calls"
        ) from error
    async with stack:
        yield saver
