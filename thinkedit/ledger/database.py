"""What the ledger asks of a database, be it SQLite or PostgreSQL, and which of the two it gets.

The statements are written in the dialect that both share. What differs is here: the marks and rows of a
statement, the clock, the lock on a row, and what is done where the database is away for a moment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from anyio import CapacityLimiter
from anyio.lowlevel import checkpoint
from anyio.to_thread import run_sync

from thinkedit.errors import MissingExtra

__all__ = ["Database", "Db", "Driver", "Row", "Rows", "is_url"]

T = TypeVar("T")


class Row(Protocol):
    """A row, read by name or by index; `dict(row)` works."""

    def keys(self) -> Iterable[str]: ...
    def __getitem__(self, key: Any, /) -> Any: ...


class Rows(Protocol):
    def fetchone(self) -> Any: ...
    def fetchall(self) -> Sequence[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Db(Protocol):
    """What a piece of work does its statements with; the values stand for `?` marks.

    again: whether this is not the first attempt at the work. An earlier one may have been kept after all,
    where the connection was cut while it was committed: what must not be done twice looks first.
    clock: SQL for the time now, in seconds of the Unix epoch, by the clock that all processes share.
    locking: what a SELECT ends with that locks its rows up to the end of the transaction.
    """

    @property
    def again(self) -> bool: ...
    @property
    def clock(self) -> str: ...
    @property
    def locking(self) -> str: ...
    def execute(self, sql: str, values: Sequence[Any] = ()) -> Rows: ...
    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None: ...


class Driver(Protocol):
    """One database; its methods block, and may be called from several threads.

    name: for people; it holds no password.
    threads: how much work is done at once; 0 where nothing blocks for longer than reaching a thread takes.
    Each method raises LedgerError where the database cannot be used.
    """

    threads: int
    name: str

    def run(self, work: Callable[[Db], T]) -> T:
        """Do `work`, each statement kept by itself."""
        ...

    def transaction(self, work: Callable[[Db], T]) -> T:
        """Do `work`: all of it is kept, or nothing. It may be done again from the beginning."""
        ...

    def last(self, work: Callable[[Db], Any]) -> None:
        """Do `work` without waiting for a database that is away: the process wants to end."""
        ...

    def close(self) -> None: ...


def is_url(where: object) -> bool:
    """Whether `where` names a PostgreSQL database rather than a file."""
    return isinstance(where, str) and where.startswith(("postgresql://", "postgres://"))


class Database:
    """The database that `where` names: a postgresql:// URL, a file of SQLite, or memory where it is None.

    Raises LedgerError where it cannot be opened, read or written, MissingExtra without psycopg.
    """

    def __init__(self, where: str | os.PathLike[str] | None) -> None:
        self.driver = _driver(where)
        self.name = self.driver.name
        self._threads = CapacityLimiter(max(self.driver.threads, 1))

    async def _run(self, work: Callable[[Db], T]) -> T:
        return await self._in_thread(lambda: self.driver.run(work))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if not self.driver.threads:
            await checkpoint()
            return work()
        # The limiter is the ledger's own, so that it never waits for threads that pixel work holds.
        return await run_sync(work, limiter=self._threads)

    def close(self) -> None:
        self.driver.close()


def _driver(where: str | os.PathLike[str] | None) -> Driver:
    if is_url(where):
        try:
            from thinkedit.ledger.postgres import Postgres
        except ImportError as error:  # psycopg is there, but finds no libpq: that is no better
            raise MissingExtra("a PostgreSQL database", "postgres") from error
        return Postgres(str(where))
    from thinkedit.ledger.sqlite import SQLite

    return SQLite(None if where is None else Path(where))
