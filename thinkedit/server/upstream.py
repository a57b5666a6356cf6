"""A connection to a server that runs elsewhere, whose loss is said in one line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import mcp_types as types
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from thinkedit.errors import SettingsError, ThinkEditError
from thinkedit.server.remote import bearer, unknown_caller

__all__ = ["upstream"]

_LONGEST_MESSAGE = 64_000_000
_CONNECT = 5.0


@asynccontextmanager
async def upstream(base: str, ask: Any = None, *, token: str | None = None) -> AsyncIterator[Client]:
    """A client of the server at `base` (http://HOST:PORT).

    ask: answers the server's questions (elicitation); None where nobody can be asked.
    token: by which the server knows who asks.
    SettingsError where the server is not there, goes away or does not know the token; MCPError for what it
    says itself.
    """
    refused: list[int] = []

    async def note(answer: httpx2.Response) -> None:
        if answer.status_code in (401, 403):
            refused.append(answer.status_code)

    timeout = httpx2.Timeout(None, connect=_CONNECT)
    ours: list[BaseException] = []
    try:
        hooks = {"response": [note]}
        async with httpx2.AsyncClient(timeout=timeout, headers=bearer(token), event_hooks=hooks) as web:
            way = streamable_http_client(f"{base}/mcp", http_client=web, max_sse_event_size=_LONGEST_MESSAGE)
            async with Client(way, elicitation_callback=ask) as client:
                try:
                    yield client
                except BaseException as error:
                    ours.append(error)
                    raise
    except (anyio.get_cancelled_exc_class(), GeneratorExit):
        raise
    except BaseException as error:
        if refused and not any(isinstance(cause, ThinkEditError) for cause in _leaves(error)):
            raise unknown_caller(base, refused[-1], token) from error
        raise _told(base, error, ours) from error


def _told(base: str, error: BaseException, ours: list[BaseException]) -> BaseException:
    """What to raise for what came out of the client's task groups."""
    causes = _leaves(error)
    for cause in causes:
        # What the block itself raised is its own affair, but for a connection that was lost under it.
        if isinstance(cause, ThinkEditError) or (cause in ours and not _is_a_lost_connection(cause)):
            return cause
    reason = next((str(c) or type(c).__name__ for c in causes), "it went away")
    return SettingsError(
        f"{base} cannot be reached ({' '.join(reason.split())[:200]}): start it with "
        "`thinkedit serve --http HOST:PORT`; sessions that ran there are gone on with by continue_edit"
    )


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]


def _is_a_lost_connection(error: BaseException) -> bool:
    if isinstance(error, MCPError):
        return error.code in (types.CONNECTION_CLOSED, types.REQUEST_TIMEOUT)
    lost = (httpx2.HTTPError, OSError, anyio.BrokenResourceError, anyio.ClosedResourceError)
    return isinstance(error, lost)
