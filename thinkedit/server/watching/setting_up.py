"""What watches one server process, put together from what is installed and what the environment asks for."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import anyio
from anyio.abc import TaskGroup
from anyio.to_thread import run_sync
from opentelemetry import trace
from starlette.applications import Starlette

from thinkedit.config import Config
from thinkedit.graph.watching import Watcher, Watchers
from thinkedit.server.callers import caller
from thinkedit.server.watching.logs import log_as_json
from thinkedit.server.watching.redacting import Redaction, secrets_of
from thinkedit.server.watching.requests import WatchedRequests, watched_calls
from thinkedit.server.watching.routes import add_watching_routes
from thinkedit.server.watching.telling import Noting
from thinkedit.server.watching.tracing import Traces, provider_from, traced_elsewhere

if TYPE_CHECKING:
    from mcp.server.context import ServerMiddleware
    from opentelemetry.sdk.trace import TracerProvider

    from thinkedit.server.lifetime import RunnerSource
    from thinkedit.server.watching.metrics import Metrics

__all__ = ["Watching", "log_as_json_for"]

_LAST_SPANS = 3.0
"""Seconds that the last spans get to reach their collector, which may be away."""


class Watching:
    """Entered for as long as the server serves.

    watcher: for the runner. metrics: None where the extra `watch` is not installed. provider: sends the spans
    of this process; None where nobody asked for any, or where somebody else sends them.
    """

    def __init__(
        self, metrics: Metrics | None, traces: Traces | None = None, provider: TracerProvider | None = None
    ) -> None:
        self.metrics = metrics
        watchers: list[Watcher] = [watcher for watcher in (metrics, traces) if watcher is not None]
        self.watcher = Watchers([*watchers, Noting()])
        self._provider = provider
        self._tasks: TaskGroup | None = None

    @classmethod
    def here(cls, environment: Mapping[str, str] | None = None) -> Self:
        """For a server in this process.

        environment: where the standard OTEL_* variables are looked for, by default the process's own.
        MissingExtra and SettingsError for traces that are asked for and cannot be sent.
        """
        elsewhere = traced_elsewhere()
        provider = None if elsewhere else provider_from(os.environ if environment is None else environment)
        if provider is not None:
            trace.set_tracer_provider(provider)  # the MCP SDK's spans go there too
        return cls(_metrics(), Traces() if elsewhere or provider is not None else None, provider)

    def calls(self) -> ServerMiddleware[Any]:
        """For the MCP server."""
        return watched_calls(self.metrics)

    def add_to(self, app: Starlette, source: RunnerSource) -> None:
        """The routes, and around everything that the application has by now what notes its requests."""
        add_watching_routes(app, source, self.metrics)
        app.add_middleware(WatchedRequests, routes=app.router.routes, metrics=self.metrics)

    async def __aenter__(self) -> Self:
        self._tasks = await anyio.create_task_group().__aenter__()
        if self.metrics is not None:
            self._tasks.start_soon(self.metrics.sample_delay)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._tasks is not None
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(None, None, None)
        with anyio.CancelScope(shield=True):
            await run_sync(self.end)
        return None

    def end(self) -> None:
        """Send the last spans. Blocks for three seconds at most."""
        if self._provider is not None:
            sending = threading.Thread(target=self._provider.shutdown, daemon=True)
            sending.start()
            sending.join(_LAST_SPANS)


def log_as_json_for(config: Config) -> None:
    """Write the log of this process as JSON, without what this configuration keeps secret."""
    log_as_json(Redaction(secrets_of(config)), caller)


def _metrics() -> Metrics | None:
    try:
        from thinkedit.server.watching.metrics import Metrics
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "prometheus_client":
            raise
        return None
    return Metrics()
