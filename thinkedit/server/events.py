"""What was sent on streams of late, so that a client whose stream broke can have the rest (SEP-1699).

Only clients of revision 2025-11-25 ask for it: older ones do not reconnect, and newer ones have no protocol
sessions and go on by session_id.
"""

from __future__ import annotations

from collections import OrderedDict

from mcp.server.streamable_http import EventCallback, EventId, EventMessage, EventStore, StreamId
from mcp_types import JSONRPCMessage

__all__ = ["RecentEvents"]


class RecentEvents(EventStore):
    """The newest events of all streams, in memory: at most `most` of them and `max_bytes` in all."""

    def __init__(self, most: int = 2000, max_bytes: int = 64_000_000) -> None:
        self._most = most
        self._max_bytes = max_bytes
        self._bytes = 0
        self._number = 0
        self._kept: OrderedDict[int, tuple[StreamId, JSONRPCMessage | None, int]] = OrderedDict()

    async def store_event(self, stream_id: StreamId, message: JSONRPCMessage | None) -> EventId:
        """Keep an event; its id. The oldest go where there are too many."""
        self._number += 1
        size = 0 if message is None else len(message.model_dump_json(by_alias=True))
        self._kept[self._number] = (stream_id, message, size)
        self._bytes += size
        while len(self._kept) > self._most or self._bytes > self._max_bytes:
            _, (_, _, gone) = self._kept.popitem(last=False)
            self._bytes -= gone
        return str(self._number)

    async def replay_events_after(
        self, last_event_id: EventId, send_callback: EventCallback
    ) -> StreamId | None:
        """Send what came after an event on the same stream; None where that event is not known any more."""
        known = self._kept.get(int(last_event_id)) if last_event_id.isdigit() else None
        if known is None:
            return None
        stream_id = known[0]
        later = [(number, kept) for number, kept in self._kept.items() if number > int(last_event_id)]
        for number, (stream, message, _) in later:
            if stream == stream_id and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream_id
