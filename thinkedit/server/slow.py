"""Ends connections that take their time: uvicorn waits for a request as long as the client likes.

A client that connects and says nothing, sends its request in drops, or does not read its answer costs little
each, and all connections there are together. An event stream that is open and quiet is none of these.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["Patience", "TimedProtocol", "timed_protocol"]


@dataclass(frozen=True)
class Patience:
    """Seconds. head: for the first line and the headers of a request; body: for all of its body; silence:
    within the body, and for a client that takes nothing of its answer.

    waiting: connections that may be without a whole head at once; the oldest makes room for a new one.
    """

    head: float = 15.0
    body: float = 300.0
    silence: float = 30.0
    waiting: int = 256


class TimedProtocol(H11Protocol):
    """HTTP/1.1 with limits on a client's slowness; make it with `timed_protocol`."""

    patience: ClassVar[Patience]
    waiting: ClassVar[dict[TimedProtocol, None]]

    _head: asyncio.TimerHandle | None = None
    _body: asyncio.TimerHandle | None = None
    _silence: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._silence = _stopped(self._silence)
        if self.conn.their_state is h11.IDLE:
            if self._head is None:
                self._await_head()
            return
        self._has_head()
        if self.conn.their_state is h11.SEND_BODY:
            self._body = self._body or self._end_after(self.patience.body)
            self._silence = self.loop.call_later(self.patience.silence, self._is_silent)
        else:
            self._body = _stopped(self._body)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self._unread or self._end_after(self.patience.silence)

    def resume_writing(self) -> None:
        self._unread = _stopped(self._unread)
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_head()
        for timer in (self._body, self._silence, self._unread):
            _stopped(timer)
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._head = self._end_after(self.patience.head)
        self.waiting[self] = None
        if len(self.waiting) > self.patience.waiting:
            next(iter(self.waiting))._end()

    def _has_head(self) -> None:
        self._head = _stopped(self._head)
        self.waiting.pop(self, None)

    def _is_silent(self) -> None:
        if not self.flow.read_paused:
            self._end()
        else:  # it is this server that has not taken what came
            self._silence = self.loop.call_later(self.patience.silence, self._is_silent)

    def _end_after(self, seconds: float) -> asyncio.TimerHandle:
        return self.loop.call_later(seconds, self._end)

    def _end(self) -> None:
        self.waiting.pop(self, None)
        self.transport.abort()


def timed_protocol(patience: Patience | None = None) -> type[TimedProtocol]:
    """The protocol of one server, for uvicorn's setting `http`."""
    values: dict[str, Any] = {"patience": patience or Patience(), "waiting": {}}
    return type("TimedProtocol", (TimedProtocol,), values)


def _stopped(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    if timer is not None:
        timer.cancel()
    return None
