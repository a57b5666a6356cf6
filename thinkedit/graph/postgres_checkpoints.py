"""The checkpoints in PostgreSQL, beside the ledger's tables and over the ledger's connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.postgres import PostgresSaver

from thinkedit.graph.checkpoints import InThread, plain_serializer
from thinkedit.ledger import Ledger
from thinkedit.ledger.postgres import CHECKPOINTS, Connection, Postgres

__all__ = ["postgres_checkpoints"]

T = TypeVar("T")


async def postgres_checkpoints(ledger: Ledger) -> BaseCheckpointSaver[Any]:
    """A saver over the database that the ledger is in; its tables are made where they are not there yet."""
    database = cast(Postgres, ledger.driver)
    await run_sync(database.alone, _make_tables)
    return _Saver(database)


def _make_tables(connection: Connection) -> None:
    there = connection.execute("SELECT to_regclass('checkpoint_migrations')").fetchone()
    if there is not None and there[0] is not None:
        newest = connection.execute("SELECT max(v) FROM checkpoint_migrations").fetchone()
        if newest is not None and newest[0] == len(PostgresSaver.MIGRATIONS) - 1:
            return
    PostgresSaver(connection).setup()


class _Saver(InThread, PostgresSaver):
    """LangGraph's saver, made anew over a pooled connection for each piece of work.

    All that it writes may be written twice, so that work which was cut is simply done again.
    """

    def __init__(self, database: Postgres) -> None:
        BaseCheckpointSaver.__init__(self, serde=plain_serializer())
        self._database = database
        # Their own, so that no wait of the ledger's for a session's row holds a checkpoint up.
        self._threads = CapacityLimiter(CHECKPOINTS)

    async def _run(self, work: Callable[[BaseCheckpointSaver[Any]], T]) -> T:
        def attempt(connection: Connection, again: bool) -> T:
            return work(PostgresSaver(connection, serde=self.serde))

        return await run_sync(self._database.connected, attempt, limiter=self._threads)
