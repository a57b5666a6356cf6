"""One session under way in this process, and those who follow it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from thinkedit.errors import EditRefused, LeaseLost, UnsupportedEdit
from thinkedit.graph.watching import SessionNews
from thinkedit.types import Event

__all__ = ["Listener", "Run"]

Listener = Callable[[Event], Awaitable[None]]


class Run:
    """One session under way in this process.

    detached: whether it belongs to no call any more, so that none that goes away ends it.
    """

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.owner = ""
        self.scope = anyio.CancelScope()
        self.done = anyio.Event()
        self.error: Exception | None = None
        self.parking = False
        self.detached = False
        self._listeners: list[MemoryObjectSendStream[Event]] = []

    def emit(self, event: Event) -> None:
        for stream in self._listeners:
            with suppress(anyio.WouldBlock, anyio.BrokenResourceError):
                stream.send_nowait(event)

    async def follow(self, listener: Listener | None) -> None:
        """Pass events on until the run ends."""
        if listener is None or self.done.is_set():
            await self.done.wait()
            return
        # A reader that falls a thousand events behind loses some, rather than holding the run up.
        send, receive = anyio.create_memory_object_stream[Event](1000)
        self._listeners.append(send)

        try:
            with send, receive:
                async for event in receive:
                    await listener(event)
        finally:
            self._listeners.remove(send)

    def news(self) -> SessionNews | None:
        """What to tell of a run that came neither to its session's end nor to a pause."""
        match self.error:
            case None:
                left = self.parking and self.scope.cancelled_caught
                return SessionNews("parked", self.session_id) if left else None
            case UnsupportedEdit() | EditRefused():
                return SessionNews("refused", self.session_id)
            case LeaseLost():
                return SessionNews("lost", self.session_id)
            case error:
                return SessionNews("broke", self.session_id, error=type(error).__name__)

    def end(self) -> None:
        """Let those go that follow the run."""
        self.done.set()
        for stream in self._listeners:
            stream.close()
