"""What was sent on streams of late, so that a client whose stream broke can have the rest (SEP-1699).

Only clients of revision 2025-11-25 ask for it: older ones do not reconnect, and newer ones have no protocol
sessions and go on by session_id.

Streams are named after requests, which each client counts for itself, and events are numbered: so a client
gets what was sent on its own connection, and nothing that it could guess of another's.
"""

from __future__ import annotations

from collections import OrderedDict
from contextvars import ContextVar
from weakref import WeakValueDictionary

from mcp.server.streamable_http import EventCallback, EventId, EventMessage, EventStore, StreamId
from mcp_types import JSONRPCMessage
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Connections", "RecentEvents"]

_SESSION = "mcp-session-id"


class _Connection:
    """What one protocol session is told apart by; kept alive by the tasks that serve it."""


_connection: ContextVar[_Connection | None] = ContextVar("thinkedit_connection", default=None)


class Connections:
    """Tells `RecentEvents` on which protocol session a request came, and a new one's tasks whose they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open: WeakValueDictionary[str, _Connection] = WeakValueDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        named = Headers(scope=scope).get(_SESSION)
        connection = (self._open.get(named) if named else None) or _Connection()

        async def watched(message: Message) -> None:
            # Before its answer has arrived no client knows the session's id.
            if message["type"] == "http.response.start" and named is None:
                begun = Headers(raw=message["headers"]).get(_SESSION)
                if begun is not None:
                    self._open[begun] = connection
            await send(message)

        before = _connection.set(connection)
        try:
            await self._app(scope, receive, watched)
        finally:
            _connection.reset(before)


class RecentEvents(EventStore):
    """The newest events of all streams, in memory: at most `most` of them and `max_bytes` in all."""

    def __init__(self, most: int = 2000, max_bytes: int = 64_000_000) -> None:
        self._most = most
        self._max_bytes = max_bytes
        self._bytes = 0
        self._number = 0
        self._kept: OrderedDict[
            int, tuple[tuple[_Connection | None, StreamId], JSONRPCMessage | None, int]
        ] = OrderedDict()

    async def store_event(self, stream_id: StreamId, message: JSONRPCMessage | None) -> EventId:
        """Keep an event; its id. The oldest go where there are too many."""
        self._number += 1
        size = 0 if message is None else len(message.model_dump_json(by_alias=True))
        self._kept[self._number] = ((_connection.get(), stream_id), message, size)
        self._bytes += size
        while len(self._kept) > self._most or self._bytes > self._max_bytes:
            _, (_, _, gone) = self._kept.popitem(last=False)
            self._bytes -= gone
        return str(self._number)

    async def replay_events_after(
        self, last_event_id: EventId, send_callback: EventCallback
    ) -> StreamId | None:
        """Send what came after an event on the same stream; None where that event is not known any more."""
        known = self._kept.get(int(last_event_id)) if last_event_id.isdecimal() else None
        if known is None or known[0][0] is not _connection.get():
            return None
        stream = known[0]
        later = [(number, kept) for number, kept in self._kept.items() if number > int(last_event_id)]
        for number, (its, message, _) in later:
            if its == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream[1]
