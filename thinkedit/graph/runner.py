"""The runs of one process: started by calls, kept in one task group, watched by whoever asks.

A run belongs to the process and not to a request. A call starts it, follows it and may cancel it; a second
process that is asked for the same session watches the first one's run in the ledger, and takes it over where
the first one died.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Literal, Self

import anyio
from anyio.abc import TaskGroup
from anyio.to_thread import run_sync
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver

from thinkedit.adapters.base import identity_of
from thinkedit.adapters.models import Models
from thinkedit.config import Config
from thinkedit.errors import (
    BusyError,
    EditRefused,
    LeaseLost,
    LedgerError,
    UnsupportedEdit,
)
from thinkedit.graph.checkpoints import checkpoints, checkpoints_failed
from thinkedit.graph.driving import drive
from thinkedit.graph.forking import fork
from thinkedit.graph.graphs import Graphs
from thinkedit.graph.run import Listener, Run
from thinkedit.graph.sessions import open_session, result_of, turn_records
from thinkedit.graph.stopping import best_turn, why_selected
from thinkedit.graph.turnstile import Turnstile
from thinkedit.graph.watching import UNWATCHED, SessionNews, Watcher
from thinkedit.images import ImageLimits, Loaded
from thinkedit.ledger import Ledger, Session
from thinkedit.store import Store
from thinkedit.types import EditResult, LoopSettings, Status, StopReason

__all__ = ["Listener", "Runner", "open_runner"]

_POLL = 0.1


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
        watcher: Watcher = UNWATCHED,
    ) -> None:
        self.store = store
        self.ledger = ledger
        self.models = models
        self.config = config or Config.model_construct()
        self.watcher = watcher
        self._checkpointer = checkpointer or InMemorySaver()
        self._graphs = Graphs(
            models, self._checkpointer, self.config.loop, store=store, ledger=ledger, watcher=watcher
        )
        self._runs: dict[str, Run] = {}
        self._refusals: dict[tuple[str, str], Exception] = {}
        self.turnstile = Turnstile()
        self._taking = anyio.Lock()
        self._slots = anyio.CapacityLimiter(self.config.limits.sessions)
        self._tasks: TaskGroup | None = None
        self._parked = False

    @property
    def defaults(self) -> LoopSettings:
        return self.config.loop

    @property
    def image_limits(self) -> ImageLimits:
        limits = self.config.limits
        return ImageLimits(max_bytes=limits.image_bytes, max_pixels=limits.image_pixels)

    async def __aenter__(self) -> Self:
        self._tasks = await anyio.create_task_group().__aenter__()
        self._tasks.start_soon(self._poll)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.park()
        assert self._tasks is not None
        self._tasks.cancel_scope.cancel()
        try:
            # Without the error of the block, which would come out of the group as a group.
            await self._tasks.__aexit__(None, None, None)
        finally:
            with anyio.CancelScope(shield=True):
                await self.models.aclose()

    async def park(self) -> None:
        """Interrupt what runs here, to be gone on with later; the calls that follow it return at once."""
        self._parked = True
        with anyio.CancelScope(shield=True):
            for run in list(self._runs.values()):
                run.parking = True
                run.scope.cancel()
            for run in list(self._runs.values()):
                await run.done.wait()

    # what calls ask for

    async def open(
        self,
        source: Loaded,
        instruction: str,
        settings: LoopSettings,
        *,
        owner: str = "",
        session_id: str | None = None,
    ) -> str:
        """Create a session after checking that it can run. Returns its id; nothing runs yet.

        session_id: one from `new_session_id`, for a caller who has to know it before.
        """
        if self.full:
            raise BusyError(f"{len(self._runs)} sessions run or wait here: try again in 10 s", 10)
        opened = await open_session(
            store=self.store,
            ledger=self.ledger,
            editor=self.models.editor(settings.editor),
            thinker=self.models.thinker(settings.thinker),
            source=source,
            instruction=instruction,
            settings=settings,
            owner=owner,
            refiner=self._graphs.refiner(settings),
            safety=self._graphs.safety(settings),
            session_id=session_id,
        )
        self.watcher.heard(SessionNews("opened", opened))
        return opened

    async def start(self, session_id: str, *, owned: bool = False) -> bool:
        """Begin the session's run where it has none; whether it runs now, here or elsewhere.

        owned: whether one that begins is a call's own; otherwise only a cancel, a limit or leaving ends it.
        """
        known = session_id in self._runs
        run = None if self._parked else await self._running(session_id)
        if isinstance(run, Run) and not known and not owned:
            run.detached = True
        return run is not None

    async def fork(
        self, session: Session, turn: int, *, prompt: str | None = None, turns: int | None = None
    ) -> str:
        """A new session that goes another way from `turn`; nothing runs yet. Errors as `forking.fork`."""
        refiner, safety = self._graphs.refiner(session.settings), self._graphs.safety(session.settings)
        forked = await fork(
            self.store,
            self.ledger,
            session,
            turn,
            prompt=prompt,
            turns=turns,
            refiner="" if refiner is None else identity_of(refiner),
            safety="" if safety is None else safety.identity,
        )
        self.watcher.heard(SessionNews("opened", forked))
        return forked

    async def follow(self, session_id: str, listener: Listener | None = None) -> None:
        """Run the session until it ends or waits, here or by watching the process that has it.

        Raises what ended the run where that was not a model's failure: UnsupportedEdit or EditRefused at
        the first turn (the session is gone then), StoreError, LedgerError.
        """
        while not self._parked and (run := await self._running(session_id)) is not None:
            if isinstance(run, Run):
                await run.follow(listener)
                if run.error is not None and not isinstance(run.error, LeaseLost):
                    raise run.error
            else:
                await anyio.sleep(_POLL)

    async def cancel(self, session_id: str) -> None:
        """Cancel a running session, wherever it runs, and wait until it has ended. Idempotent."""
        await self.ledger.mark(session_id, "cancel")
        if (run := self._runs.get(session_id)) is not None:
            run.scope.cancel()
            await run.done.wait()
        while (await self.ledger.session(session_id)).status is Status.RUNNING:
            if not await self._cancelled_here(session_id):
                await anyio.sleep(_POLL)

    async def _cancelled_here(self, session_id: str) -> bool:
        """End a session that does not run, or a run that began here meanwhile; False where another has it."""
        async with self._taking:
            if (run := self._runs.get(session_id)) is None:
                if not await self.ledger.claim(session_id):
                    return False
                try:
                    await self._end_cancelled(await self.ledger.session(session_id))
                finally:
                    await self.ledger.release(session_id)
        if run is not None:
            run.scope.cancel()
            await run.done.wait()
        return True

    @property
    def parked(self) -> bool:
        """Whether this runner is leaving: what ran here is to be gone on with later."""
        return self._parked

    @property
    def busy(self) -> bool:
        """Whether any session runs or waits for a slot here."""
        return bool(self._runs)

    async def stop(self, session_id: str) -> None:
        """Ask a running session to stop after the step it is in."""
        await self.ledger.mark(session_id, "stop")

    @property
    def full(self) -> bool:
        """Whether as many sessions run and wait here as may: the next one is told to come back."""
        return len(self._runs) >= self.config.limits.sessions + self.config.limits.queue

    def runs_here(self, session_id: str) -> bool:
        return session_id in self._runs

    def detach(self, session_id: str) -> None:
        """From now on the run belongs to no call: only a cancel, a limit or leaving ends it."""
        if (run := self._runs.get(session_id)) is not None:
            run.detached = True

    def refusal(self, session_id: str, owner: str = "") -> Exception | None:
        """Why the owner's session is gone, where it was refused after its call had returned."""
        return self._refusals.get((session_id, owner))

    def detached(self, session_id: str) -> bool:
        return (run := self._runs.get(session_id)) is not None and run.detached

    async def result(self, session_id: str) -> EditResult:
        async with self.turnstile.through():
            return await result_of(self.store, self.ledger, session_id)

    async def delete(self, session_id: str) -> None:
        """Forget a session. LeaseLost where another process runs it."""
        await self.ledger.delete(session_id)
        await self._checkpointer.adelete_thread(session_id)

    # runs

    async def _running(self, session_id: str) -> Run | Literal["elsewhere"] | None:
        """The session's run, started if need be; `elsewhere` where another process has it, None if ended."""
        if self._tasks is None:
            raise RuntimeError("the runner is not open: use `async with`")
        if (run := self._runs.get(session_id)) is not None:
            return run
        before = await self.ledger.session(session_id)
        if before.status is not Status.RUNNING:
            return None
        async with self._taking:  # and not between the two looks of a cancel
            return await self._taken(session_id, before)

    async def _taken(self, session_id: str, before: Session) -> Run | Literal["elsewhere"] | None:
        assert self._tasks is not None
        if (run := self._runs.get(session_id)) is not None:
            return run
        if not await self.ledger.claim(session_id):
            return "elsewhere"
        try:
            # Looked at again now that nobody else can end it.
            session = await self.ledger.session(session_id)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.ledger.release(session_id)
            raise
        if session.status is not Status.RUNNING or self._parked:
            await self.ledger.release(session_id)
            return None
        if before.runner not in ("", self.ledger.runner):  # a lease that was given back names nobody
            self.watcher.heard(SessionNews("taken_over", session_id))
        run = self._runs[session_id] = Run(session_id)
        self._tasks.start_soon(self._run, run)
        return run

    async def _run(self, run: Run) -> None:
        with self.watcher.run(run.session_id):
            await self._run_watched(run)

    async def _run_watched(self, run: Run) -> None:
        try:
            with run.scope:
                async with self._slots, self.turnstile.through():
                    self.watcher.heard(SessionNews("began", run.session_id))
                    session = await self.ledger.session(run.session_id)
                    run.owner = session.owner
                    await drive(self._graphs.of(session.settings), session, run)
        except sqlite3.Error as error:
            run.error = checkpoints_failed(error)
        except Exception as error:
            run.error = error
        finally:
            with anyio.CancelScope(shield=True):
                try:
                    await self._settle(run)
                except Exception as error:
                    run.error = run.error or error
                finally:
                    if (news := run.news()) is not None:
                        self.watcher.heard(news)
                    self._runs.pop(run.session_id, None)
                    run.end()

    async def _settle(self, run: Run) -> None:
        """After a run: end it as cancelled, forget a refused one, give the lease back."""
        session_id = run.session_id
        try:
            if isinstance(run.error, UnsupportedEdit | EditRefused):  # the session is gone already
                if run.detached:  # nobody was there to be told
                    self._refusals[session_id, run.owner] = run.error
                await self._checkpointer.adelete_thread(session_id)
            elif run.scope.cancelled_caught and not run.parking:
                await self._end_cancelled(await self.ledger.session(session_id))
        finally:
            await self.ledger.release(session_id)

    async def _end_cancelled(self, session: Session) -> None:
        if session.status is not Status.RUNNING:
            return
        records = await turn_records(self.store, self.ledger, session.session_id)
        best = best_turn(records)
        changed = await self.ledger.change(
            session,
            status=Status.FINISHED,
            stop_reason=StopReason.CANCELLED,
            why=f"It was cancelled. {why_selected(best, records)}",
            selected_turn=best.turn if best is not None else None,
            wanted="",
        )
        if changed:
            self.watcher.heard(SessionNews("ended", session.session_id, StopReason.CANCELLED))

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


@asynccontextmanager
async def open_runner(
    config: Config, models: Models | None = None, *, watcher: Watcher = UNWATCHED
) -> AsyncIterator[Runner]:
    """A runner over the configured store and database: by default two SQLite files in the data folder."""
    store = await run_sync(Store, config.store_url)
    ledger = await run_sync(Ledger, config.sessions)
    try:
        async with checkpoints(config, ledger) as checkpointer:
            runner = Runner(
                store=store,
                ledger=ledger,
                models=models or Models(config.models),
                checkpointer=checkpointer,
                config=config,
                watcher=watcher,
            )
            async with runner:
                yield runner
    finally:
        ledger.close()
