"""The checkpoints of this process's graphs, in a SQLite file of their own."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from thinkedit.errors import LedgerError
from thinkedit.ledger.database import PATIENCE, write_ahead

__all__ = ["checkpoints_failed", "sqlite_checkpoints"]


@asynccontextmanager
async def sqlite_checkpoints(path: Path) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    stack = AsyncExitStack()
    try:
        await run_sync(_prepare, path)
        saver = await stack.enter_async_context(AsyncSqliteSaver.from_conn_string(str(path)))
        saver.serde = JsonPlusSerializer(allowed_msgpack_modules=[])
        await saver.setup()
        await saver.conn.execute("PRAGMA synchronous=NORMAL")
    except sqlite3.Error as error:
        await stack.aclose()
        raise checkpoints_failed(error, path) from error
    async with stack:
        yield saver


def _prepare(path: Path) -> None:
    with closing(sqlite3.connect(path, timeout=PATIENCE)) as db:
        write_ahead(db)


def checkpoints_failed(error: sqlite3.Error, path: Path | None = None) -> LedgerError:
    """LedgerError for what a checkpoint database in SQLite raised."""
    where = "the checkpoint database" + (f" {path}" if path is not None else "")
    if isinstance(error, sqlite3.OperationalError):
        return LedgerError(f"{where}: {error}: check that the folder can be written and has space left")
    return LedgerError(f"{where}: {error}: move it away; sessions go on from their recorded calls")
