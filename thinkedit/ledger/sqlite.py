"""One SQLite connection, used from threads, whose faults come out as LedgerError."""

from __future__ import annotations

import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from thinkedit.errors import LedgerError
from thinkedit.ledger.database import Db
from thinkedit.ledger.rows import VERSION, schema

__all__ = ["PATIENCE", "SQLite", "write_ahead"]

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


class _Db:
    """The one connection as work sees it. Its processes share the machine, and so the clock."""

    again = False
    locking = ""  # BEGIN IMMEDIATE has locked the whole file already

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.execute = connection.execute
        self._connection = connection

    @property
    def clock(self) -> str:
        return repr(time.time())

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._connection.executemany(sql, rows)


class SQLite:
    """The file at `path`, or a database in memory where path is None."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.name = "memory" if path is None else path.name
        self.threads = 0 if path is None else 1
        self._lock = threading.Lock()
        self._connection = self._guard(self._connect)
        self._db = _Db(self._connection)
        # An embedding author may simply let go of the ledger.
        self._end = weakref.finalize(self, self._connection.close)

    def run(self, work: Callable[[Db], T]) -> T:
        with self._lock:
            return self._guard(lambda: work(self._db))

    def transaction(self, work: Callable[[Db], T]) -> T:
        """Run `work` with the database locked for writing."""

        def transaction(db: Db) -> T:
            db.execute("BEGIN IMMEDIATE")
            try:
                result = work(db)
                db.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # some faults, such as a full disk, have rolled it back
                    db.execute("ROLLBACK")
                raise
            return result

        return self.run(transaction)

    def last(self, work: Callable[[Db], Any]) -> None:
        self.run(work)

    def close(self) -> None:
        with self._lock:
            self._end()

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
                tables = schema(keyed="WITHOUT ROWID")
                db.executescript(f"BEGIN IMMEDIATE;{tables}PRAGMA user_version={VERSION};COMMIT;")
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
