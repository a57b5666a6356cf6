"""One SQLite connection, used from threads, whose faults come out as LedgerError."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from anyio import CapacityLimiter
from anyio.lowlevel import checkpoint
from anyio.to_thread import run_sync

from thinkedit.errors import LedgerError
from thinkedit.ledger.rows import SCHEMA, VERSION

__all__ = ["PATIENCE", "Database", "write_ahead"]

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds to wait for another process that has the database locked."""


def write_ahead(db: sqlite3.Connection) -> None:
    """Put a database in WAL mode, in which readers and the writer do not wait for each other.

    SQLite's own waiting does not cover this switch: where several processes open a new database at once,
    all but one are told at once that it is locked.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL").close()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)


class Database:
    """The file at `path`, or a database in memory where path is None.

    Raises LedgerError where the file cannot be opened, read or written.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self.path = None if path is None else Path(path)
        self._lock = threading.Lock()
        self._threads = CapacityLimiter(1)
        self._db = self._guard(self._connect)
        # An embedding author may simply let go of the ledger.
        self._end = weakref.finalize(self, self._db.close)

    def _connect(self) -> sqlite3.Connection:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(
            ":memory:" if self.path is None else str(self.path),
            timeout=PATIENCE,
            isolation_level=None,
            check_same_thread=False,
        )
        db.row_factory = sqlite3.Row
        try:
            write_ahead(db)
            # In WAL mode NORMAL loses nothing when a process dies; a power cut can cost the last commits,
            # never the file, and what they recorded is then done again.
            db.execute("PRAGMA synchronous=NORMAL")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, VERSION):
                raise LedgerError(
                    f"the session database {self.path} is of version {version}, this thinkedit reads "
                    f"{VERSION}: use the release that wrote it, or another --data folder"
                )
            if version == 0:
                db.executescript(f"BEGIN IMMEDIATE;{SCHEMA}PRAGMA user_version={VERSION};COMMIT;")
        except BaseException:
            db.close()
            raise
        return db

    def _guard(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except sqlite3.DatabaseError as error:
            kind = type(error).__name__
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                hint = "another process holds it; try again"
            elif isinstance(error, sqlite3.OperationalError):
                hint = "check that the folder can be written and has space left"
            else:
                hint = (
                    "it is damaged; move it away and run `thinkedit sessions rebuild`: "
                    "pictures and turn records are safe in the store"
                )
            raise LedgerError(f"the session database {self.path}: {error} ({kind}): {hint}") from error
        except OSError as error:
            raise LedgerError(f"the session database {self.path}: {error.strerror or error}") from error

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self.path is None:  # nothing there blocks for longer than a thread takes to be reached
            await checkpoint()
            return self._locked(work)
        # The limiter is the ledger's own, so that it never waits for threads that pixel work holds.
        return await run_sync(self._locked, work, limiter=self._threads)

    async def _transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` with the database locked for writing: all of it is kept, or nothing."""

        def transaction(db: sqlite3.Connection) -> T:
            db.execute("BEGIN IMMEDIATE")
            try:
                result = work(db)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:  # some faults, such as a full disk, have rolled it back already
                    db.execute("ROLLBACK")
                raise
            return result

        return await self._run(transaction)

    def _locked(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock:
            return self._guard(lambda: work(self._db))

    def close(self) -> None:
        with self._lock:
            self._end()
