"""One runner for a server process, opened when it is first needed."""

from __future__ import annotations

import importlib
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

import anyio
from anyio.abc import TaskGroup, TaskStatus
from anyio.to_thread import run_sync

from thinkedit.config import Config
from thinkedit.errors import BusyError
from thinkedit.server.collecting import collecting_when_idle

if TYPE_CHECKING:
    from thinkedit.graph.runner import Runner
    from thinkedit.graph.watching import Watcher

__all__ = ["FixedRunner", "RunnerSource", "SharedRunner"]

log = logging.getLogger(__name__)

_HEAVY = ("thinkedit.graph.runner", "cv2")
_LAST_WORDS = 3.0
"""Seconds that calls under way get, once their runs are parked, to send their answers."""


class RunnerSource(Protocol):
    """Lends the process's runner to one request at a time of its life."""

    def use(self) -> AbstractAsyncContextManager[Runner]: ...

    def warm(self) -> None:
        """Begin to load what the first call will need."""


class FixedRunner:
    """A runner that somebody else opens and closes."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Runner]:
        yield self._runner

    def warm(self) -> None: ...


class SharedRunner:
    """The runner over the configured data folder, for every transport of this process.

    Opening it loads the graph library, which takes longer than a host likes to wait for the list of tools:
    so it is opened by the first call that needs it, and its modules are loaded in a thread once `warm` was
    called. Leaving the context parks what still runs. What opening raises, each caller gets, and the next
    one tries again.
    """

    def __init__(self, config: Config, watcher: Watcher | None = None) -> None:
        self._config = config
        self._watched = {} if watcher is None else {"watcher": watcher}
        self._runner: Runner | None = None
        self._users = 0
        self._lock = anyio.Lock()
        self._warm = anyio.Event()
        self._closing = anyio.Event()
        self._closed = anyio.Event()
        self._idle = anyio.Event()
        self._tasks: TaskGroup | None = None

    async def __aenter__(self) -> Self:
        self._tasks = await anyio.create_task_group().__aenter__()
        self._tasks.start_soon(self._load)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._tasks is not None
        await self.close()
        self._tasks.cancel_scope.cancel()
        return await self._tasks.__aexit__(kind, error, trace)

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Runner]:
        if self._tasks is None or self._closing.is_set():
            raise BusyError("the server is shutting down: start it again and go on with continue_edit", 5)
        async with self._lock:
            if self._runner is None:
                self._runner = await self._tasks.start(self._hold)
        self._users += 1
        try:
            yield self._runner
        finally:
            self._users -= 1
            if not self._users and self._closing.is_set():
                self._idle.set()

    def warm(self) -> None:
        self._warm.set()

    async def close(self) -> None:
        """Park what runs, let the calls that follow it answer, and close the runner. Idempotent."""
        self._closing.set()
        if self._runner is not None:
            with anyio.CancelScope(shield=True):
                await self._closed.wait()

    async def _load(self) -> None:
        await self._warm.wait()
        try:
            for module in _HEAVY:
                await run_sync(importlib.import_module, module, abandon_on_cancel=True)
        except ImportError:  # the call that needs it says what is missing
            log.debug("loading ahead failed", exc_info=True)

    async def _hold(self, *, task_status: TaskStatus[Runner]) -> None:
        module = await run_sync(importlib.import_module, "thinkedit.graph.runner")
        self._closed = anyio.Event()
        try:
            # Shielded, so that a server that is being cancelled parks its runs and does not tear them.
            with anyio.CancelScope(shield=True):
                async with (
                    module.open_runner(self._config, **self._watched) as runner,
                    collecting_when_idle(lambda: runner.busy),
                ):
                    task_status.started(runner)
                    await self._closing.wait()
                    await runner.park()
                    if self._users:
                        with anyio.move_on_after(_LAST_WORDS):
                            await self._idle.wait()
        finally:
            self._runner = None
            self._closed.set()
