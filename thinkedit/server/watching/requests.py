"""What is noted of each HTTP request and each tool call, and the trace that a request belongs to."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.context import ServerMiddleware
from opentelemetry import context as otel
from opentelemetry import trace
from opentelemetry.propagate import extract
from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from thinkedit.server.callers import owner_of
from thinkedit.server.strict import ERROR_KIND
from thinkedit.server.watching.logs import ACCESS
from thinkedit.server.watching.telling import at_work_on, is_session_id

if TYPE_CHECKING:
    from thinkedit.server.watching.metrics import Metrics

__all__ = ["PROBED", "WatchedRequests", "watched_calls"]

log = logging.getLogger(ACCESS)

PROBED = ("/healthz", "/readyz", "/metrics")
"""Asked for every few seconds by machines: only a failure of theirs is worth a line of log."""

_OTHER = "other"
_GONE = 499
"""For a client that hung up before its answer began; nginx has the same number."""


class WatchedRequests:
    """Counts requests by the template of their path, logs one line each, and goes on with their trace."""

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute], metrics: Metrics | None) -> None:
        self._app = app
        self._routes = routes
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        began, status = time.monotonic(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        carrier = Headers(scope=scope)
        token = otel.attach(extract(carrier)) if "traceparent" in carrier else None
        try:
            await self._app(scope, receive, noted)
        except anyio.get_cancelled_exc_class():
            status = status or _GONE
            raise
        except Exception:
            status = status or 500
            raise
        finally:
            self._note(scope, status or _GONE, time.monotonic() - began)
            if token is not None:
                otel.detach(token)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route, method = self._route(scope), scope["method"]
        if self._metrics is not None:
            self._metrics.request(method, route, status, seconds)
        if route not in PROBED or status >= 400:
            ms = round(seconds * 1000, 1)
            fields = {"method": method, "route": route, "status": status, "ms": ms}
            if (caller := owner_of(scope)) is not None:  # by now nobody acts as them any more
                fields["caller"] = caller
            log.info("%s %s %d", method, route, status, extra={"fields": fields})

    def _route(self, scope: Scope) -> str:
        """The template of the path: a path itself may hold what is known to few."""
        for route in self._routes:
            if route.matches(scope)[0] is not Match.NONE:
                return str(getattr(route, "path", _OTHER))
        return _OTHER


def watched_calls(metrics: Metrics | None) -> ServerMiddleware[Any]:
    """Counts tool calls, and says what is known of their session to logs and to their span."""

    async def middleware(ctx: Any, call_next: Any) -> Any:
        if ctx.method != "tools/call":
            return await call_next(ctx)
        params = ctx.params if isinstance(ctx.params, dict) else {}
        arguments = params.get("arguments")
        session_id = arguments.get("session_id") if isinstance(arguments, dict) else None
        began, outcome = time.monotonic(), "error"
        span = trace.get_current_span()
        try:
            with at_work_on(session_id):
                result = await call_next(ctx)
            outcome, made = _taken(result)
            if is_session_id(named := made or session_id):
                span.set_attribute("thinkedit.session_id", str(named))
            return result
        except anyio.get_cancelled_exc_class():
            outcome = "cancelled"
            raise
        finally:
            span.set_attribute("thinkedit.outcome", outcome)
            if metrics is not None:
                metrics.tool(str(params.get("name")), outcome, time.monotonic() - began)

    return middleware


def _taken(result: Any) -> tuple[str, object]:
    """(ok, or what kind of error; the session that came of it)."""
    if isinstance(result, dict):
        failed, data, meta = result.get("isError"), result.get("structuredContent"), result.get("_meta")
    else:
        failed, data, meta = (getattr(result, n, None) for n in ("is_error", "structured_content", "meta"))
    session_id = data.get("session_id") if isinstance(data, dict) else None
    return (str((meta or {}).get(ERROR_KIND, "error")) if failed else "ok"), session_id
