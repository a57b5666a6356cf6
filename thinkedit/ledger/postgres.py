"""A pool of PostgreSQL connections, used from threads, that rides out a database which is away for a moment.

Where a connection is refused or cut, the work is done again from its beginning for up to RIDE_OUT seconds,
so that a restart of the server ends no session. Work is told that it is done again (`Db.again`), since what
was cut while it was committed may have been kept.
"""

from __future__ import annotations

import logging
import math
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from thinkedit.errors import LedgerError
from thinkedit.ledger.database import Db, Rows
from thinkedit.ledger.postgres_faults import PATIENCE, Address, Fault, fault_of
from thinkedit.ledger.rows import VERSION, schema

__all__ = ["CHECKPOINTS", "LEDGER", "RIDE_OUT", "Connection", "Postgres"]

log = logging.getLogger("thinkedit")

T = TypeVar("T")
Connection = psycopg.Connection[Any]

LEDGER, CHECKPOINTS = 5, 3
"""Connections of one process at most, for the ledger and for the checkpoints of its graphs.

They are opened as they are needed, and closed after minutes without use.
"""

RIDE_OUT = 15.0
"""Seconds for which work is tried again where the database is away."""

_SETUP = 7_223_004_651_190_386_011
"""The advisory lock under which tables are made: a number that nobody else will have thought of."""

_ON_CONNECTING = (
    f"SET lock_timeout = '{PATIENCE:g}s'; SET idle_in_transaction_session_timeout = '{PATIENCE:g}s'"
)
"""A process that is stopped in the middle of a transaction keeps nobody out of a session for longer."""


class _Row(tuple[Any, ...]):
    """A row, read by name or by index."""

    names: Sequence[str]

    def keys(self) -> Sequence[str]:
        return self.names

    def __getitem__(self, key: Any, /) -> Any:
        return super().__getitem__(self.names.index(key) if isinstance(key, str) else key)


def _rows(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], _Row]:
    names = [column.name for column in cursor.description or ()]
    kind = type("Row", (_Row,), {"names": names})
    return lambda values: kind(values)


class _Db:
    """One connection as work sees it."""

    clock = "extract(epoch FROM clock_timestamp())::float8"
    locking = " FOR UPDATE"

    def __init__(self, connection: Connection, again: bool) -> None:
        self.connection = connection
        self.again = again

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Rows:
        cursor = self.connection.cursor(row_factory=_rows)
        return cursor.execute(sql.replace("?", "%s").encode(), [_plain(value) for value in values])

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        plain = [[_plain(value) for value in row] for row in rows]
        self.connection.cursor().executemany(sql.replace("?", "%s").encode(), plain)


def _plain(value: Any) -> Any:
    """Text without the character that PostgreSQL's cannot hold; a member of an enumeration as its text."""
    return str.replace(value, "\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value


class Postgres:
    """The database at a postgresql:// URL; its tables are made where they are not there yet.

    SettingsError for a URL that cannot be read; LedgerError where the database cannot be used.
    """

    def __init__(self, url: str) -> None:
        self.address = Address.of(url)
        self.name = self.address.named.removeprefix("the session database ")
        self.threads = LEDGER
        self._closing = threading.Event()
        self._told = -math.inf
        self.alone(self._make_tables)
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # what it warns of, we say ourselves
        self._pool = ConnectionPool(
            url,
            kwargs=self.address.options,
            configure=_configure,
            min_size=0,
            max_size=LEDGER + CHECKPOINTS,
            max_idle=300.0,
            reconnect_timeout=1.0,
            num_workers=1,
            open=True,
        )
        self._end = weakref.finalize(self, self._pool.close, timeout=1.0)

    def run(self, work: Callable[[Db], T]) -> T:
        return self.connected(lambda connection, again: work(_Db(connection, again)))

    def transaction(self, work: Callable[[Db], T]) -> T:
        def transaction(connection: Connection, again: bool) -> T:
            with connection.transaction():
                return work(_Db(connection, again))

        return self.connected(transaction)

    def last(self, work: Callable[[Db], Any]) -> None:
        self._closing.set()
        self.run(work)

    def close(self) -> None:
        self._closing.set()
        self._end()

    def connected(self, attempt: Callable[[Connection, bool], T]) -> T:
        """Do `attempt` with a connection that commits each statement, again and again where it is cut.

        It is given the connection, and whether an earlier attempt may have been kept.
        """
        until = time.monotonic() + RIDE_OUT
        wait, again = 0.05, False
        while True:
            try:
                with self._pool.connection(timeout=1.0) as connection:
                    return attempt(connection, again)
            except psycopg.Error as error:
                if isinstance(error, PoolTimeout):
                    fault = self._why_not()
                else:
                    fault, again = fault_of(error), True
                if not fault.passing or self._closing.is_set() or time.monotonic() + wait > until:
                    raise self._failed(fault) from error
            if wait == 0.05:
                self._tell(fault)
                self._pool.check()  # the others are cut as well, most likely
            self._closing.wait(wait)
            wait = min(wait * 2, 1.0)

    def alone(self, work: Callable[[Connection], T]) -> T:
        """Do `work` over a connection of its own while no other process does such work; no second try."""
        try:
            with psycopg.connect(self.address.url, **self.address.options) as connection:
                _configure(connection)
                until = time.monotonic() + PATIENCE
                # Not with a lock that is waited for: an index that is made meanwhile waits for whoever waits.
                while not connection.execute("SELECT pg_try_advisory_lock(%s)", (_SETUP,)).fetchone()[0]:  # type: ignore[index]
                    if time.monotonic() > until:
                        raise LedgerError(
                            f"{self.address.named}: another process has been making its tables for "
                            f"{PATIENCE:g} s: try again"
                        )
                    time.sleep(0.05)
                return work(connection)
        except psycopg.Error as error:
            raise self._failed(fault_of(error)) from error

    def _make_tables(self, connection: Connection) -> None:
        with connection.transaction():
            there = connection.execute("SELECT to_regclass('thinkedit')").fetchone()
            if there is None or there[0] is None:
                connection.execute(schema().encode())
                connection.execute("CREATE TABLE thinkedit (version INTEGER NOT NULL)")
                connection.execute("INSERT INTO thinkedit VALUES (%s)", (VERSION,))
                return
            row = connection.execute("SELECT version FROM thinkedit").fetchone()
        if row is None or row[0] != VERSION:
            raise LedgerError(
                f"{self.address.named} is of version {row and row[0]}, this thinkedit reads {VERSION}: use "
                "the release that wrote it, or another database"
            )

    def _tell(self, fault: Fault) -> None:
        """Once for an outage, and not in every thread that meets it."""
        before, self._told = self._told, time.monotonic()
        if self._told - before >= RIDE_OUT:
            log.warning("%s: %s: trying again for %g s", self.address.named, fault.text, RIDE_OUT)

    def _why_not(self) -> Fault:
        """Why the pool had no connection to give."""
        try:
            psycopg.connect(self.address.url, **self.address.options).close()
        except psycopg.Error as error:
            return fault_of(error)
        return Fault("no connection became free", "try again", passing=True)

    def _failed(self, fault: Fault) -> LedgerError:
        return LedgerError(f"{self.address.named}: {fault.text}: {fault.hint}")


def _configure(connection: Connection) -> None:
    connection.execute(_ON_CONNECTING)
