"""Who runs a session: one process at a time, by a lease.

The runner of a session holds a *lease* (name, end, fencing number); every write checks the number, so that
a runner which lost its lease can no longer write. A lease ends by its time, or at once where its process is
known to be dead.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal, TypeVar

import anyio

from thinkedit.errors import LeaseLost, NotFoundError
from thinkedit.ledger.database import Database

__all__ = ["Leases", "no_such_session"]

T = TypeVar("T")


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
    return False


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
        self._fences: dict[str, int] = {}

    async def claim(self, session_id: str) -> bool:
        """Take or renew the lease; False where a living process holds it."""

        def work(db: sqlite3.Connection) -> int | None:
            now = time.time()
            db.execute("BEGIN IMMEDIATE")
            try:
                row = db.execute(
                    "SELECT runner, lease_until, fence FROM sessions WHERE session_id=?", (session_id,)
                ).fetchone()
                if row is None:
                    raise no_such_session(session_id)
                mine = row["runner"] == self.runner
                held = row["runner"] and not mine and row["lease_until"] > now
                fence: int | None = None
                if not held or _process_is_gone(row["runner"]):
                    fence = row["fence"] + (0 if mine else 1)
                    db.execute(
                        "UPDATE sessions SET runner=?, lease_until=?, fence=? WHERE session_id=?",
                        (self.runner, now + self.lease, fence, session_id),
                    )
                db.execute("COMMIT")
            except BaseException:
                db.execute("ROLLBACK")
                raise
            return fence

        fence = await self._run(work)
        if fence is None:
            return False
        self._fences[session_id] = fence
        return True

    async def release(self, session_id: str) -> None:
        """Give the lease back, if this process still has it."""
        fence = self._fences.pop(session_id, None)

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE sessions SET runner='', lease_until=0 WHERE session_id=? AND fence=? AND runner=?",
                (session_id, fence, self.runner),
            )

        await self._run(work)

    @asynccontextmanager
    async def hold(self, session_id: str) -> AsyncIterator[None]:
        """Keep the lease alive during a model call, which may last longer than the lease."""

        async def renew() -> None:
            while True:
                await anyio.sleep(self.lease / 3)
                await self._write(session_id, lambda db: None)

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

    async def _write(self, session_id: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in one transaction, in which this process is seen to hold the session's lease."""

        def transaction(db: sqlite3.Connection) -> T:
            db.execute("BEGIN IMMEDIATE")
            try:
                self._check_fence(db, session_id)
                result = work(db)
                db.execute("COMMIT")
            except BaseException:
                db.execute("ROLLBACK")
                raise
            return result

        return await self._run(transaction)

    def _check_fence(self, db: sqlite3.Connection, session_id: str) -> None:
        now = time.time()
        row = db.execute("SELECT fence FROM sessions WHERE session_id=?", (session_id,)).fetchone()
        if row is None:
            raise no_such_session(session_id)
        if self._fences.get(session_id) != row["fence"]:
            raise LeaseLost(f"session {session_id} is run by another process now")
        db.execute("UPDATE sessions SET lease_until=? WHERE session_id=?", (now + self.lease, session_id))
