"""Where the HTTP server listens, and which hosts and web pages it answers: at first this machine's alone.

A web page that a user visits can make the browser send requests to a server on their own machine, directly or
by letting a name of the attacker point to 127.0.0.1. The Host and Origin headers tell such requests apart.
Beyond this machine a server listens only where callers have to say who they are. What a proxy says of hosts
and addresses (`Forwarded`, `X-Forwarded-*`) is never believed.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from urllib.parse import urlsplit

from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from thinkedit.errors import SettingsError

__all__ = ["RightHost", "bind", "is_loopback", "security_settings"]

log = logging.getLogger(__name__)


_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_loopback(address: str) -> bool:
    """Whether it is an IP address that only this machine reaches."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def bind(host: str, port: int, *, asks_who: bool = False) -> socket.socket:
    """A listening socket on an address of this machine; port 0 takes a free one. SettingsError otherwise.

    asks_who: whether callers have to say who they are; without that it is a loopback address or none.
    """
    address = "127.0.0.1" if host.lower() == "localhost" else host.strip("[]")
    if not is_loopback(address) and not asks_who:
        raise SettingsError(
            f"the server cannot listen on {host!r}: it asks nobody who they are, so only this machine may "
            "reach it; use 127.0.0.1, ::1 or localhost, and an SSH tunnel from elsewhere, or let it ask: "
            "--tokens FILE with lines of `thinkedit token NAME`, or a block [server.oauth]"
        )
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise SettingsError(
            f"the server cannot listen on {host!r}: give an IP address of this machine, or 0.0.0.0 or :: for "
            "all, and the name by which clients know it as server.public_url"
        ) from None
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


def security_settings(address: str, public: str | None = None) -> TransportSecuritySettings:
    """Hosts and origins that are this machine, on any port: a tunnel may have another one than the server.

    public: the origin under which a proxy makes the server known, https://HOST or https://HOST:PORT.
    """
    names = dict.fromkeys(["127.0.0.1", "localhost", "[::1]", f"[{address}]" if ":" in address else address])
    hosts = [form for name in names for form in (name, f"{name}:*")]
    origins = [f"http://{host}" for host in hosts]
    if public is not None:
        parts = urlsplit(public)
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
        bare = parts.netloc.removesuffix(f":{port}")
        same = [f"{bare}:{port}", *([bare] if port == _DEFAULT_PORTS[parts.scheme] else [])]
        hosts += same
        origins += [f"{parts.scheme}://{host}" for host in same]
    return TransportSecuritySettings(
        # The SDK cannot be told of "whichever address of mine the request came to": `RightHost` does it all.
        enable_dns_rebinding_protection=not _is_any(address),
        allowed_hosts=hosts,
        allowed_origins=origins,
    )


def _is_any(address: str) -> bool:
    return ipaddress.ip_address(address).is_unspecified


class RightHost:
    """Checks Host and Origin of every request, as the SDK does for its own route.

    address: what the server listens on. Where that is all addresses, the one to which a request came is
    right too: a web page can only have names pointed somewhere, and names are not taken for it.
    """

    def __init__(self, app: ASGIApp, settings: TransportSecuritySettings, address: str) -> None:
        self._app = app
        self._any = _is_any(address)
        self._hosts = settings.allowed_hosts
        self._origins = settings.allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            host, origin = headers.get("host", "").lower(), headers.get("origin")
            if not (_matches(host, self._hosts) or (self._any and _is_of(host, scope.get("server")))):
                log.warning("refused a request for the host %r", host[:80])
                refusal = JSONResponse({"error": f"this server is not {host[:80]!r}"}, status_code=421)
                return await refusal(scope, receive, send)
            if origin is not None and not _matches(origin, self._origins):
                log.warning("refused a request from the origin %r", origin[:80])
                refusal = JSONResponse({"error": f"pages of {origin[:80]!r} may not ask"}, status_code=403)
                return await refusal(scope, receive, send)
        return await self._app(scope, receive, send)


def _is_of(host: str, server: tuple[str, int] | None) -> bool:
    """Whether Host is the very address and port that the request came to."""
    if server is None:
        return False
    address, port = server
    own = ipaddress.ip_address(address)
    mapped = own.ipv4_mapped if isinstance(own, ipaddress.IPv6Address) else None
    shown = f"[{own}]" if own.version == 6 and mapped is None else str(mapped or own)
    return host in (f"{shown}:{port}", *([shown] if port == 80 else []))


def _matches(value: str, allowed: list[str]) -> bool:
    name, colon, port = value.rpartition(":")
    return value in allowed or (bool(colon) and port.isdigit() and f"{name}:*" in allowed)
