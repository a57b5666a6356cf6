"""Whom the HTTP server lets in: a token for everything but its health and the metadata of OAuth.

Two halves stand around the SDK's own check of bearer tokens. `Asked` comes before it: it refuses tokens in
addresses and takes a browser's password for the token that it is. `Known` comes after it: nothing passes that
has no caller. RFC 6750 has the answers.
"""

from __future__ import annotations

import base64
import binascii
import logging
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from thinkedit.errors import BusyError
from thinkedit.server.callers import Callers, acting_as, owner_of
from thinkedit.server.watching.routes import open_to_anybody

__all__ = ["WELL_KNOWN", "Asked", "Known"]

log = logging.getLogger("thinkedit.server")

_IN_ADDRESSES = frozenset({"access_token", "api_key", "apikey", "auth", "authorization", "bearer", "token"})
WELL_KNOWN = "/.well-known/oauth-protected-resource"


class Asked:
    """Before the check: how the token was sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        if _has_token(scope["query_string"]):
            said = "a token in the address is never taken: send it as the header Authorization: Bearer TOKEN"
            refusal = _line(400, said)
            return await refusal(scope, receive, send)
        if _is_page(scope) and (token := _password(Headers(scope=scope).get("authorization", ""))):
            scope = {**scope, "headers": list(scope["headers"])}
            MutableHeaders(scope=scope)["authorization"] = f"Bearer {token}"
        began = False

        async def watched(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except BusyError as error:  # whether the token is good cannot be said now
            if began:
                raise
            refusal = _line(503, str(error), {"Retry-After": f"{error.retry_after:.0f}"})
            await refusal(scope, receive, send)


class Known:
    """After the check: only callers pass, and what they ask for is done as theirs."""

    def __init__(self, app: ASGIApp, callers: Callers) -> None:
        self._app = app
        self._callers = callers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_metadata(scope["path"]) or open_to_anybody(scope):
            return await self._app(scope, receive, send)
        owner = owner_of(scope)
        if owner is None:
            return await self._refusal(scope)(scope, receive, send)
        missing = [name for name in self._callers.scopes if name not in scope["auth"].scopes]
        if missing:
            how = self._bearer('error="insufficient_scope"')
            refusal = _line(403, f"this token lacks the scope {' '.join(missing)}", {"WWW-Authenticate": how})
            return await refusal(scope, receive, send)
        with acting_as(owner):
            return await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response:
        headers = Headers(scope=scope)
        if _is_page(scope) and "text/html" in headers.get("accept", ""):
            said = "give any name, and your token as the password"
            return _line(401, said, {"WWW-Authenticate": 'Basic realm="thinkedit", charset="UTF-8"'})
        if "authorization" in headers:
            said = "this token is not, or no longer, one of this server"
            how = self._bearer('error="invalid_token"')
        else:
            said, how = "send your token as the header Authorization: Bearer TOKEN", self._bearer()
        return _line(401, said, {"WWW-Authenticate": how})

    def _bearer(self, *said: str) -> str:
        parts = list(said)
        if self._callers.scopes:
            parts.append(f'scope="{" ".join(self._callers.scopes)}"')
        if self._callers.metadata_url is not None:
            parts.append(f'resource_metadata="{self._callers.metadata_url}"')
        return f"Bearer {', '.join(parts)}" if parts else 'Bearer realm="thinkedit"'


def _has_token(query: bytes) -> bool:
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return any(name.lower() in _IN_ADDRESSES for name, _ in pairs)


def _is_metadata(path: str) -> bool:
    return path == WELL_KNOWN or path.startswith(f"{WELL_KNOWN}/")


def _is_page(scope: Scope) -> bool:
    """What a person looks at in a browser, which changes nothing."""
    path: str = scope["path"]
    return scope["method"] in ("GET", "HEAD") and (path == "/sessions" or path.startswith("/sessions/"))


def _password(header: str) -> str | None:
    """The password of HTTP Basic (RFC 7617), where it could be a token."""
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        password = base64.b64decode(value.strip(), validate=True).decode("ascii").partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None
    return password if password.isprintable() else None


def _line(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": message}, status, {"Cache-Control": "no-store", **(headers or {})})
