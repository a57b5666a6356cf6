"""The checkpoints of this process's graphs: in a SQLite file of their own, or beside the ledger's tables."""

from __future__ import annotations

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from anyio.to_thread import run_sync
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite import SqliteSaver

from thinkedit.config import Config
from thinkedit.errors import LedgerError, MissingExtra
from thinkedit.ledger import Ledger
from thinkedit.ledger.sqlite import PATIENCE, write_ahead

__all__ = ["InThread", "checkpoints", "checkpoints_failed", "plain_serializer", "sqlite_checkpoints"]

T = TypeVar("T")


@asynccontextmanager
async def checkpoints(config: Config, ledger: Ledger) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """Where the configuration wants them. Raises LedgerError, MissingExtra without LangGraph's package."""
    if config.database is None:
        async with sqlite_checkpoints(config.data / "checkpoints.sqlite") as saver:
            yield saver
        return
    try:
        from thinkedit.graph.postgres_checkpoints import postgres_checkpoints
    except ImportError as error:
        raise MissingExtra("a PostgreSQL database", "postgres") from error
    yield await postgres_checkpoints(ledger)


@asynccontextmanager
async def sqlite_checkpoints(path: Path) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    try:
        saver = await run_sync(_Saver, path)
    except sqlite3.Error as error:
        raise checkpoints_failed(error, path) from error
    try:
        yield saver
    finally:
        await run_sync(saver.close)


class InThread(BaseCheckpointSaver[Any], ABC):
    """The asynchronous half of a saver whose own work blocks."""

    @abstractmethod
    async def _run(self, work: Callable[[BaseCheckpointSaver[Any]], T]) -> T:
        """Do `work` in a thread."""

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return await self._run(lambda saver: saver.get_tuple(config))

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002  # LangGraph's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        def found(saver: BaseCheckpointSaver[Any]) -> list[CheckpointTuple]:
            return [*saver.list(config, filter=filter, before=before, limit=limit)]

        for one in await self._run(found):
            yield one

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        return await self._run(lambda saver: saver.put(config, checkpoint, metadata, new_versions))

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        await self._run(lambda saver: saver.put_writes(config, writes, task_id, task_path))

    async def adelete_thread(self, thread_id: str) -> None:
        await self._run(lambda saver: saver.delete_thread(thread_id))


class _Saver(InThread, SqliteSaver):
    """LangGraph's saver of one SQLite file, its work done in one thread in the order of the calls.

    Each read or write changes threads once. AsyncSqliteSaver does for every statement, commit and cursor,
    some 27 times a turn.
    """

    def __init__(self, path: Path) -> None:
        connection = sqlite3.connect(path, timeout=PATIENCE, check_same_thread=False)
        try:
            super().__init__(connection, serde=plain_serializer())
            write_ahead(connection)
            connection.execute("PRAGMA synchronous=NORMAL")
            self.setup()
        except BaseException:
            connection.close()
            raise
        self._thread = ThreadPoolExecutor(1, "checkpoints")

    async def _run(self, work: Callable[[BaseCheckpointSaver[Any]], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, self)

    def close(self) -> None:
        """Do what has been asked for, then close the file; blocks."""
        self._thread.shutdown()
        self.conn.close()


def plain_serializer() -> JsonPlusSerializer:
    """Reads nothing but plain values: no class that a checkpoint names is made."""
    return JsonPlusSerializer(allowed_msgpack_modules=[])


def checkpoints_failed(error: sqlite3.Error, path: Path | None = None) -> LedgerError:
    """LedgerError for what a checkpoint database in SQLite raised."""
    where = "the checkpoint database" + (f" {path}" if path is not None else "")
    if isinstance(error, sqlite3.OperationalError):
        return LedgerError(f"{where}: {error}: check that the folder can be written and has space left")
    return LedgerError(f"{where}: {error}: move it away; sessions go on from their recorded calls")
