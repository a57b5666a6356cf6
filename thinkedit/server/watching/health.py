"""Whether the process lives, and whether it can work: what a load balancer and an orchestrator ask.

`/healthz` answers as long as the process serves. `/readyz` answers 200 only where a call could be worked on:
the ledger answers, the store can be read, the queue has room, and the server is not on its way out. It opens
the runner where nobody has yet: a replica that cannot open its database is not ready.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from anyio.to_thread import run_sync

from thinkedit.errors import BusyError, LedgerError, StoreError, ThinkEditError

if TYPE_CHECKING:
    from thinkedit.graph.runner import Runner
    from thinkedit.server.lifetime import RunnerSource

__all__ = ["Part", "Readiness"]

log = logging.getLogger("thinkedit.server")

Part = Literal["shutdown", "ledger", "store", "queue", "runner"]
"""What a server may be kept from working by; `runner`: what opens it fails for another reason."""

WHY: dict[Part, str] = {
    "shutdown": "the server is shutting down",
    "ledger": "the session database does not answer",
    "store": "the picture store cannot be read",
    "queue": "as many sessions run and wait as may",
    "runner": "the server cannot be made ready; its log says why",
}
"""Told to whoever asks, who need not be known: no path and no address stands in it."""

_FRESH = 1.0
"""Seconds that a verdict is good for, so that probes cost nothing, however many there are."""

_PATIENCE = 5.0
"""Seconds after which a part that says nothing counts as one that fails."""

_NO_PICTURE = "0" * 64
_SQLITE = b"SQLite format 3\x00"


class Readiness:
    """The verdict on one server.

    failed: told of each look that meets a failure, with the error.
    """

    def __init__(
        self, source: RunnerSource, failed: Callable[[BaseException], None] = lambda error: None
    ) -> None:
        self._source = source
        self._failed = failed
        self._looking: asyncio.Task[Part | None] | None = None
        self._verdict: Part | None = None
        self._until = 0.0
        self._at: Literal["opening", "ledger", "store"] = "opening"
        self._folder_seen = False

    async def what_is_wrong(self) -> Part | None:
        """The part that keeps the server from working, or None. Never raises, and takes 5 seconds at most."""
        if time.monotonic() < self._until:
            return self._verdict
        # In a task of its own: a thread that waits for a dead disk cannot be cancelled, and the next probe
        # waits for the same look instead of adding another thread.
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        done, _ = await asyncio.wait({self._looking}, timeout=_PATIENCE)
        if done:
            self._keep(self._looking.result())
            self._looking = None
        else:
            self._keep("store" if self._at == "store" else "ledger")
        return self._verdict

    def _keep(self, verdict: Part | None) -> None:
        if verdict != self._verdict:
            level = logging.INFO if verdict is None else logging.WARNING
            log.log(level, "%s", "ready again" if verdict is None else f"not ready: {WHY[verdict]}")
        self._verdict, self._until = verdict, time.monotonic() + _FRESH

    async def _look(self) -> Part | None:
        self._at = "opening"
        try:
            async with self._source.use() as runner:
                self._at = "ledger"
                await _ledger_answers(runner)
                new = not self._folder_seen and not await runner.ledger.sessions(limit=1)
                self._at = "store"
                await run_sync(self._store_answers, runner, new)
                return "queue" if runner.full else None
        except BusyError:
            return "shutdown"
        except ThinkEditError as error:
            return self._met(error)
        except OSError as error:
            return self._met(LedgerError(str(error)) if self._at != "store" else StoreError(str(error)))
        except Exception:
            log.exception("looking whether this server can work failed")
            return "runner"

    def _met(self, error: ThinkEditError) -> Part:
        self._failed(error)
        part: Part = (
            "ledger"
            if isinstance(error, LedgerError)
            else "store"
            if isinstance(error, StoreError)
            else "runner"
        )
        if self._verdict != part:
            log.warning("%s", error)
        return part

    def _store_answers(self, runner: Runner, new: bool) -> None:
        """StoreError where the store cannot be read. Before the first session its folder may be missing."""
        folder = runner.store.folder
        if folder is None:
            runner.store.has(_NO_PICTURE)
            return
        try:
            if new:
                folder.mkdir(parents=True, exist_ok=True)
            with os.scandir(folder) as inside:
                next(inside, None)
        except OSError as error:
            raise StoreError(f"{folder} cannot be read: {error.strerror or error}") from error
        self._folder_seen = True


async def _ledger_answers(runner: Runner) -> None:
    await runner.ledger.marked()
    path = getattr(runner.ledger.driver, "path", None)  # a database on a server has none
    if path is not None:
        # An open file answers after its name is gone, and what is written to it is lost with the process.
        await run_sync(_looks_whole, os.fspath(path))


def _looks_whole(path: str) -> None:
    try:
        with open(path, "rb") as file:
            head = file.read(len(_SQLITE))
    except OSError as error:
        raise LedgerError(f"the session database {path}: {error.strerror or error}") from error
    if head != _SQLITE:
        raise LedgerError(f"the session database {path} is no SQLite database any more")
