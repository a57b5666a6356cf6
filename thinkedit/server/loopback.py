"""Only this machine: where the HTTP server listens, and which requests it takes.

A web page that a user visits can make the browser send requests to a server on their own machine, directly or
by letting a name of the attacker point to 127.0.0.1. The Host and Origin headers tell such requests apart.
"""

from __future__ import annotations

import ipaddress
import logging
import socket

from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from thinkedit.errors import SettingsError

__all__ = ["LoopbackOnly", "bind", "security_settings"]

log = logging.getLogger(__name__)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket on a loopback address; port 0 takes a free one. SettingsError otherwise."""
    address = "127.0.0.1" if host.lower() == "localhost" else host.strip("[]")
    try:
        loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise SettingsError(
            f"the server cannot listen on {host!r}: it asks nobody who they are, so only this machine may "
            "reach it; use 127.0.0.1, ::1 or localhost, and an SSH tunnel from elsewhere"
        )
    if not 0 <= port <= 65535:
        raise SettingsError(f"the port is {port}: give 1 to 65535, or 0 for any free one")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family, backlog=128)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SettingsError(
            f"the server cannot listen on {host}:{port}: {reason}; choose another port"
        ) from error


def security_settings(address: str) -> TransportSecuritySettings:
    """Hosts and origins that are this machine, on any port: a tunnel may have another one than the server."""
    names = dict.fromkeys(["127.0.0.1", "localhost", "[::1]", f"[{address}]" if ":" in address else address])
    hosts = [form for name in names for form in (name, f"{name}:*")]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=hosts,
        allowed_origins=[f"http://{host}" for host in hosts],
    )


class LoopbackOnly:
    """Checks Host and Origin of every request, as the SDK does for its own route."""

    def __init__(self, app: ASGIApp, settings: TransportSecuritySettings) -> None:
        self._app = app
        self._hosts = settings.allowed_hosts
        self._origins = settings.allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            host, origin = headers.get("host", ""), headers.get("origin")
            if not _matches(host, self._hosts):
                log.warning("refused a request for the host %r", host[:80])
                refusal = JSONResponse({"error": f"this server is not {host[:80]!r}"}, status_code=421)
                return await refusal(scope, receive, send)
            if origin is not None and not _matches(origin, self._origins):
                log.warning("refused a request from the origin %r", origin[:80])
                refusal = JSONResponse({"error": f"pages of {origin[:80]!r} may not ask"}, status_code=403)
                return await refusal(scope, receive, send)
        return await self._app(scope, receive, send)


def _matches(value: str, allowed: list[str]) -> bool:
    name, colon, port = value.rpartition(":")
    return value in allowed or (bool(colon) and port.isdigit() and f"{name}:*" in allowed)
