"""Who runs a session: one process at a time, by a lease.

The runner of a session holds a *lease* (name, end, fencing number); every write checks the number, so that
a runner which lost its lease can no longer write. A lease ends by its time, which is the database's where
processes of several machines share it, or at once where its process is known to be dead: one of this machine
and of this container.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

import anyio

from thinkedit.errors import LeaseLost, LedgerError, NotFoundError
from thinkedit.ledger.database import Database, Db, Row

__all__ = ["Leases", "no_such_session"]

log = logging.getLogger("thinkedit")

T = TypeVar("T")

_FREE = "UPDATE sessions SET runner='', lease_until=0"


_LOCKS = 64


@cache
def _machine() -> str:
    """Names this machine, since it was started, and this container: where a process id means one process.

    Neither a host's name nor the number of a namespace will do by itself: machines may share both.
    """
    if not sys.platform.startswith("linux"):
        return socket.gethostname()
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{socket.gethostname()}:{boot}:{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:  # nobody can be seen to be dead then, and leases end by their time
        return f"{socket.gethostname()}:{uuid.uuid4().hex}"


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


def _is_held(row: Row) -> bool:
    """Whether the process that the row names has the lease, and may still live."""
    return bool(row["runner"]) and row["lease_until"] > row["now"] and not _process_is_gone(row["runner"])


@dataclass(frozen=True)
class _Hold:
    """What this process has of a session. claims: how many want a release; taken: whether one is `take`'s."""

    fence: int | None = None
    claims: int = 0
    taken: bool = False


def no_such_session(session_id: str) -> NotFoundError:
    return NotFoundError(f"there is no session {session_id[:80]!r}: `thinkedit sessions list` shows them")


class Leases(Database):
    """Leases of sessions, fenced writes, and marks for a session's runner.

    lease: seconds that a claim lasts without being renewed.
    Raises LeaseLost where another process runs the session, NotFoundError for an unknown session.
    """

    def __init__(self, where: str | os.PathLike[str] | None, *, lease: float = 30.0) -> None:
        super().__init__(where)
        self.lease = lease
        self.runner = f"{_machine()}/{os.getpid()}-{uuid.uuid4().hex[:12]}"
        # Changed only under the session's lock, together with its row.
        self._held: dict[str, _Hold] = {}
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    @property
    def holding(self) -> int:
        """How many sessions this process holds."""
        return len(self._held)

    async def claim(self, session_id: str) -> bool:
        """Take the lease; False where a living process holds it. Each claim wants its `release`."""

        def work(db: Db) -> bool:
            if not self._claim(db, session_id):
                return False
            self._count(session_id, 1)
            return True

        # Who watches another process's session asks again and again: looking locks nothing.
        row = await self._run(lambda db: self._lease_of(db, session_id))
        if row["runner"] != self.runner and _is_held(row):
            return False
        return await self._transaction(session_id, work)

    async def is_free(self, session_id: str) -> bool:
        """Whether no living process has the lease."""
        return not _is_held(await self._run(lambda db: self._lease_of(db, session_id)))

    async def left(self, quiet: float = 10.0) -> list[str]:
        """Sessions under way that no living process runs, oldest first.

        quiet: seconds for which nothing has happened to them; one that was made just now is about to be run.
        """

        def work(db: Db) -> list[str]:
            rows = db.execute(
                f"SELECT session_id, runner, lease_until, updated, {db.clock} AS now FROM sessions"
                " WHERE status='running' ORDER BY created"
            ).fetchall()
            return [
                row["session_id"] for row in rows if row["updated"] < row["now"] - quiet and not _is_held(row)
            ]

        return await self._run(work)

    async def release(self, session_id: str) -> None:
        """Take one claim back; with the last one the lease is free, if this process still has it."""

        def work(db: Db) -> None:
            held = self._held.get(session_id)
            if held is None or held.claims <= 1:
                self._free(db, session_id)
            else:
                self._count(session_id, -1)

        try:
            await self._transaction(session_id, work)
        except LedgerError:  # the lease ends by its time then
            self._held.pop(session_id, None)
            raise

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

        def work(db: Db) -> None:
            db.execute("UPDATE sessions SET wanted=? WHERE session_id=?", (wanted, session_id))

        await self._run(work)

    async def marked(self) -> dict[str, str]:
        """Marks on the sessions that this process runs."""

        def work(db: Db) -> dict[str, str]:
            rows = db.execute(
                "SELECT session_id, wanted FROM sessions WHERE runner=? AND wanted<>''", (self.runner,)
            )
            return {row["session_id"]: row["wanted"] for row in rows}

        return await self._run(work)

    def close(self) -> None:
        """Free the leases that this process still has, then close the database."""
        with suppress(LedgerError):
            self.driver.last(lambda db: db.execute(f"{_FREE} WHERE runner=?", (self.runner,)))
        super().close()

    async def _transaction(self, session_id: str, work: Callable[[Db], T]) -> T:
        """Run `work` in one transaction; what this process holds of the session changes with the rows."""

        def whole() -> T:
            with self._locks[hash(session_id) % _LOCKS]:
                before = self._held.get(session_id)

                def attempt(db: Db) -> T:
                    self._put(session_id, before)
                    return work(db)

                try:
                    return self.driver.transaction(attempt)
                except LeaseLost:
                    raise
                except BaseException:
                    self._put(session_id, before)
                    raise

        return await self._in_thread(whole)

    async def _write(self, session_id: str, work: Callable[[Db], T]) -> T:
        """Run `work` in one transaction, in which this process is seen to hold the session's lease."""

        def checked(db: Db) -> T:
            self._renew(db, session_id)
            return work(db)

        return await self._transaction(session_id, checked)

    def _put(self, session_id: str, hold: _Hold | None) -> None:
        if hold is None:
            self._held.pop(session_id, None)
        else:
            self._held[session_id] = hold

    def _count(self, session_id: str, more: int, *, taken: bool = False) -> None:
        held = self._held.get(session_id, _Hold())
        self._held[session_id] = replace(held, claims=held.claims + more, taken=held.taken or taken)

    def _claim(self, db: Db, session_id: str) -> bool:
        row = self._lease_of(db, session_id, db.locking)
        mine = row["runner"] == self.runner
        if not mine and _is_held(row):
            return False
        fence = row["fence"] + (0 if mine else 1)
        db.execute(
            "UPDATE sessions SET runner=?, lease_until=?, fence=? WHERE session_id=?",
            (self.runner, row["now"] + self.lease, fence, session_id),
        )
        self._held[session_id] = replace(self._held.get(session_id, _Hold()), fence=fence)
        return True

    def _renew(self, db: Db, session_id: str) -> None:
        """Check the fencing number, and claim the time anew. LeaseLost where it is another's."""
        row = self._lease_of(db, session_id, db.locking)
        held = self._held.get(session_id, _Hold())
        if held.fence != row["fence"]:
            if held.fence is not None:
                self._held[session_id] = replace(held, fence=None)
            raise LeaseLost(f"session {session_id} is run by another process now")
        until = row["now"] + self.lease
        if until - row["lease_until"] > self.lease / 10:
            db.execute("UPDATE sessions SET lease_until=? WHERE session_id=?", (until, session_id))

    def _end_taken(self, db: Db, session_id: str) -> None:
        """Free what `take` claimed, and nobody will release."""
        if (held := self._held.get(session_id)) is not None and held.taken:
            self._free(db, session_id)

    def _free(self, db: Db, session_id: str) -> None:
        held = self._held.pop(session_id, None)
        if held is not None and held.fence is not None:
            db.execute(
                f"{_FREE} WHERE session_id=? AND fence=? AND runner=?", (session_id, held.fence, self.runner)
            )

    @staticmethod
    def _lease_of(db: Db, session_id: str, locking: str = "") -> Row:
        """runner, lease_until and fence of the session, and `now`, the time that the lease is counted by."""
        row: Row | None = db.execute(
            f"SELECT runner, lease_until, fence, {db.clock} AS now FROM sessions WHERE session_id=?{locking}",
            (session_id,),
        ).fetchone()
        if row is None:
            raise no_such_session(session_id)
        return row
