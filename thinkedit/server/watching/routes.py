"""`/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import ipaddress
import logging
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from thinkedit.errors import BusyError, ThinkEditError
from thinkedit.ledger.statuses import statuses
from thinkedit.server.watching.health import WHY, Readiness

if TYPE_CHECKING:
    from thinkedit.server.lifetime import RunnerSource
    from thinkedit.server.watching.metrics import Metrics

__all__ = ["add_watching_routes", "open_to_anybody"]

log = logging.getLogger("thinkedit.server")

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_WITHOUT = 'metrics need the extra "watch": pip install "thinkedit[watch]"\n'
_COUNTED_EVERY = 10.0
"""Seconds between two counts of the ledger's sessions, however often somebody scrapes."""

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_HERE = ("localhost", "127.0.0.1", "::1")


def open_to_anybody(scope: Scope) -> bool:
    """Whether a request is answered without a token where others need one.

    Health always; metrics for this machine itself. What a proxy here passes on comes from elsewhere.
    """
    path = scope["path"]
    if path in ("/healthz", "/readyz"):
        return True
    if path != "/metrics":
        return False
    headers = Headers(scope=scope)
    try:
        near = ipaddress.ip_address((scope.get("client") or ("",))[0]).is_loopback
        asked = urlsplit(f"//{headers.get('host', 'localhost')}").hostname
    except ValueError:
        return False
    # A proxy that says nothing of those it passes on at least passes on the name that they asked for.
    return near and asked in _HERE and not any(name in headers for name in _FORWARDED)


def add_watching_routes(app: Starlette, source: RunnerSource, metrics: Metrics | None) -> None:
    """metrics: None where the extra is not installed."""
    readiness = Readiness(source, lambda error: metrics.failed(error, "probe") if metrics else None)
    counts = _Counts(source, metrics) if metrics is not None else None

    async def healthz(request: Request) -> Response:
        return JSONResponse({"alive": True}, headers=_HEADERS)

    async def readyz(request: Request) -> Response:
        part = await readiness.what_is_wrong()
        if part is None:
            return JSONResponse({"ready": True}, headers=_HEADERS)
        told = {"ready": False, "part": part, "why": WHY[part]}
        return JSONResponse(told, status_code=503, headers={**_HEADERS, "Retry-After": "1"})

    async def page(request: Request) -> Response:
        if metrics is None or counts is None:
            return PlainTextResponse(_WITHOUT, status_code=404, headers=_HEADERS)
        await counts.refresh()
        content, media_type = metrics.page(request.headers.get("accept", ""))
        return Response(content, headers={**_HEADERS, "Content-Type": media_type})

    for path, endpoint in (("/healthz", healthz), ("/readyz", readyz), ("/metrics", page)):
        app.router.routes.append(Route(path, endpoint, methods=["GET"]))


class _Counts:
    """Keeps the number of sessions in the ledger fresh enough. A ledger that fails leaves the last ones."""

    def __init__(self, source: RunnerSource, metrics: Metrics) -> None:
        self._source = source
        self._metrics = metrics
        self._until = 0.0

    async def refresh(self) -> None:
        if time.monotonic() < self._until:
            return
        self._until = time.monotonic() + _COUNTED_EVERY
        try:
            async with self._source.use() as runner:
                self._metrics.kept(await statuses(runner.ledger))
        except BusyError:
            pass
        except ThinkEditError as error:
            self._metrics.failed(error, "probe")
            log.warning("the sessions could not be counted: %s", error)
