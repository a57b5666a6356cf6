"""How many sessions of one process move on at once, between their model calls.

Where the models of a thousand sessions answer in the same moment, all of them would be worked on in one round
of the event loop, and nobody else would be heard for that long: no cancel, no probe, no new caller. So a few
go on, and the others wait in order; while its model works a session holds no place.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

import anyio

__all__ = ["Turnstile", "away"]

AT_ONCE = 8
"""A step between two waits takes a millisecond or so; eight keep the loop and its threads busy."""


class Turnstile:
    """Places for `at_once` sessions."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._places = anyio.Semaphore(at_once)

    @asynccontextmanager
    async def through(self) -> AsyncIterator[None]:
        """Hold a place inside the block, but for what is done `away`, in whatever task that began there."""
        turn = _Turn(self._places)
        token = _current.set(turn)
        try:
            await turn.back()
            yield
        finally:
            _current.reset(token)
            turn.leave()


@asynccontextmanager
async def away() -> AsyncIterator[None]:
    """Give the session's place back inside the block; without one, nothing happens."""
    turn = _current.get()
    if turn is None:
        yield
        return
    turn.out()
    try:
        yield
    finally:
        await turn.back()


class _Turn:
    """One session's place. Several of its model calls may be under way: it is needed when all are back."""

    def __init__(self, places: anyio.Semaphore) -> None:
        self._places = places
        self._away = 1
        self._held = False

    def out(self) -> None:
        self._away += 1
        self.leave()

    async def back(self) -> None:
        self._away -= 1
        if self._needed():
            await self._places.acquire()
            if self._needed():
                self._held = True
            else:  # it went away again meanwhile, or came back by another task
                self._places.release()

    def _needed(self) -> bool:
        return not self._away and not self._held

    def leave(self) -> None:
        if self._held:
            self._held = False
            self._places.release()


_current: ContextVar[_Turn | None] = ContextVar("thinkedit_turn", default=None)
