"""Who runs a session: one process at a time, by a lease.

The runner of a session holds a *lease* (name, end, fencing number); every write checks the number, so that
a runner which lost its lease can no longer write. A lease ends by its time, or at once where its process is
known to be dead.
"""

from __future__ import annotations

import logging
import os
import socket
import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal, TypeVar

import anyio

from thinkedit.errors import LeaseLost, LedgerError, NotFoundError
from thinkedit.ledger.database import Database

__all__ = ["Leases", "no_such_session"]

log = logging.getLogger("thinkedit")

T = TypeVar("T")

_FREE = "UPDATE sessions SET runner='', lease_until=0"


def _machine() -> str:
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        namespace = 0
    return f"{socket.gethostname()}:{namespace}"


def _process_is_gone(runner: str) -> bool:
    """Whether `runner` names a process of this machine that no longer lives. False where unsure."""
    machine, _, rest = runner.rpartition("/")
    pid = rest.partition("-")[0]
    if machine != _machine() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return _is_zombie(int(pid))


def _is_zombie(pid: int) -> bool:
    """Whether the process has ended, and only its parent has not asked for it yet (proc(5), `stat`)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[:1] == ["Z"]


def _held(row: sqlite3.Row, now: float) -> bool:
    """Whether the process that the row names has the lease, and may still live."""
    return bool(row["runner"]) and row["lease_until"] > now and not _process_is_gone(row["runner"])


def no_such_session(session_id: str) -> NotFoundError:
    return NotFoundError(f"there is no session {session_id!r}: `thinkedit sessions list` shows them")


class Leases(Database):
    """Leases of sessions, fenced writes, and marks for a session's runner.

    lease: seconds that a claim lasts without being renewed.
    Raises LeaseLost where another process runs the session, NotFoundError for an unknown session.
    """

    def __init__(self, path: str | os.PathLike[str] | None, *, lease: float = 30.0) -> None:
        super().__init__(path)
        self.lease = lease
        self.runner = f"{_machine()}/{os.getpid()}-{uuid.uuid4().hex[:12]}"
        # What this process holds: changed under the database's lock only, together with the rows.
        self._fences: dict[str, int] = {}
        self._holders: Counter[str] = Counter()
        self._taken: set[str] = set()

    async def claim(self, session_id: str) -> bool:
        """Take the lease; False where a living process holds it. Each claim wants its `release`."""

        def work(db: sqlite3.Connection) -> bool:
            if not self._claim(db, session_id):
                return False
            self._holders[session_id] += 1
            return True

        return await self._transaction(work)

    async def is_free(self, session_id: str) -> bool:
        """Whether no living process has the lease."""
        row = await self._run(lambda db: self._lease_of(db, session_id))
        return not _held(row, time.time())

    async def release(self, session_id: str) -> None:
        """Take one claim back; with the last one the lease is free, if this process still has it."""

        def work(db: sqlite3.Connection) -> None:
            self._holders[session_id] -= 1
            if self._holders[session_id] <= 0:
                self._free(db, session_id)

        await self._transaction(work)

    @asynccontextmanager
    async def hold(self, session_id: str) -> AsyncIterator[None]:
        """Keep the lease alive during a model call, which may last longer than the lease."""

        async def renew() -> None:
            while True:
                await anyio.sleep(self.lease / 3)
                try:
                    await self._write(session_id, lambda db: None)
                except LeaseLost:
                    raise
                except LedgerError as error:  # it may pass; the write after the call decides
                    log.warning("the lease of session %s could not be renewed: %s", session_id, error)

        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(renew)
                yield
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            if len(group.exceptions) == 1:
                raise group.exceptions[0] from None
            raise

    async def mark(self, session_id: str, wanted: Literal["", "stop", "cancel"]) -> None:
        """Ask the session's runner, whichever process that is, to stop or cancel it."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("UPDATE sessions SET wanted=? WHERE session_id=?", (wanted, session_id))

        await self._run(work)

    async def marked(self) -> dict[str, str]:
        """Marks on the sessions that this process runs."""

        def work(db: sqlite3.Connection) -> dict[str, str]:
            rows = db.execute(
                "SELECT session_id, wanted FROM sessions WHERE runner=? AND wanted<>''", (self.runner,)
            )
            return {row["session_id"]: row["wanted"] for row in rows}

        return await self._run(work)

    def close(self) -> None:
        """Free the leases that this process still has, then close the file."""
        with suppress(LedgerError):
            self._locked(lambda db: db.execute(f"{_FREE} WHERE runner=?", (self.runner,)))
        super().close()

    async def _write(self, session_id: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in one transaction, in which this process is seen to hold the session's lease."""

        def checked(db: sqlite3.Connection) -> T:
            self._renew(db, session_id)
            return work(db)

        return await self._transaction(checked)

    def _claim(self, db: sqlite3.Connection, session_id: str) -> bool:
        row = self._lease_of(db, session_id)
        now = time.time()
        mine = row["runner"] == self.runner
        if not mine and _held(row, now):
            return False
        fence = row["fence"] + (0 if mine else 1)
        db.execute(
            "UPDATE sessions SET runner=?, lease_until=?, fence=? WHERE session_id=?",
            (self.runner, now + self.lease, fence, session_id),
        )
        self._fences[session_id] = fence
        return True

    def _renew(self, db: sqlite3.Connection, session_id: str) -> None:
        """Check the fencing number, and claim the time anew. LeaseLost where it is another's."""
        row = self._lease_of(db, session_id)
        if self._fences.get(session_id) != row["fence"]:
            self._fences.pop(session_id, None)
            raise LeaseLost(f"session {session_id} is run by another process now")
        until = time.time() + self.lease
        if until - row["lease_until"] > self.lease / 10:
            db.execute("UPDATE sessions SET lease_until=? WHERE session_id=?", (until, session_id))

    def _free(self, db: sqlite3.Connection, session_id: str) -> None:
        del self._holders[session_id]
        self._taken.discard(session_id)
        if (fence := self._fences.pop(session_id, None)) is not None:
            db.execute(
                f"{_FREE} WHERE session_id=? AND fence=? AND runner=?", (session_id, fence, self.runner)
            )

    @staticmethod
    def _lease_of(db: sqlite3.Connection, session_id: str) -> sqlite3.Row:
        row: sqlite3.Row | None = db.execute(
            "SELECT runner, lease_until, fence FROM sessions WHERE session_id=?", (session_id,)
        ).fetchone()
        if row is None:
            raise no_such_session(session_id)
        return row
