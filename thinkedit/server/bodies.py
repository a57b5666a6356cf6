"""What is sent to the MCP endpoint, looked at while it comes in, before anything is parsed.

A call has a score of arguments, and its megabytes are one string. The same megabytes as empty lists become a
gigabyte of objects, and everybody waits while they are made.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Bodies"]

MOST = 20_000
"""Commas and opening brackets of one body, those in texts included: these have 8,000 characters at most."""


class Bodies:
    """Refuses (413) more than `max_bytes` or `most` parts of what is sent to `path`, and hangs up.

    A client that leaves in the middle of its body, there or elsewhere, is no fault of the server: nothing is
    answered, and nothing logged.
    """

    def __init__(self, app: ASGIApp, path: str, max_bytes: int, most: int = MOST) -> None:
        self._app = app
        self._path = path
        self._max_bytes = max_bytes
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limited = scope["path"] == self._path
        size = parts = 0
        complete = False

        async def watched() -> Message:
            nonlocal size, parts, complete
            message = await receive()
            if message["type"] == "http.disconnect":
                if not complete:
                    raise _Gone
                return message
            complete = not message.get("more_body", False)
            if limited:
                body = message.get("body", b"")
                size += len(body)
                parts += body.count(b",") + body.count(b"[") + body.count(b"{")
                if size > self._max_bytes:
                    raise _TooMuch(self._too_large())
                if parts > self._most:
                    raise _TooMuch(f"the body has more than {self._most:,} parts: a picture goes to /images")
            return message

        try:
            declared = Headers(scope=scope).get("content-length", "")
            if limited and declared.isdecimal() and int(declared[:20]) > self._max_bytes:
                raise _TooMuch(self._too_large())
            await self._app(scope, watched, send)
        except _TooMuch as error:
            # Hanging up keeps the rest from being sent.
            refusal = JSONResponse({"error": str(error)}, status_code=413, headers={"Connection": "close"})
            await refusal(scope, receive, send)
        except _Gone:
            pass

    def _too_large(self) -> str:
        return f"the request body has more than {self._max_bytes / 1e6:,.1f} MB: send the picture to /images"


class _TooMuch(Exception): ...


class _Gone(Exception): ...
