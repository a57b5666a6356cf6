"""Ctrl-C and SIGTERM: the first ends the work in good order, the second ends the process at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

import anyio

from thinkedit.cli.failures import INTERRUPTED

__all__ = ["Interrupted", "Interrupts", "run"]

T = TypeVar("T")

_SHOW_CURSOR = b"\x1b[?25h\n"


class Interrupted(Exception):
    """The user interrupted work that leaves nothing to report."""


class Interrupts:
    """Inside the `with`, the first signal calls `on_first` and cancels the scope given to `cancels`.

    seen: whether a signal came. Work that cannot be cancelled (a thread at its pixels) is waited for; the
    second signal does not wait. Nothing is lost by that: all that is paid for is written down at once.
    """

    def __init__(self, on_first: Callable[[], None] | None = None) -> None:
        self.seen = False
        self._on_first = on_first
        self._scope: anyio.CancelScope | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._before[number] = signal.signal(number, self._handle)
            except ValueError:  # not the main thread, as where a program embeds the command line
                break
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def cancels(self, scope: anyio.CancelScope) -> None:
        """Let the first signal cancel this scope; one that came already cancels it now."""
        self._scope = scope
        if self.seen:
            scope.cancel()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.seen:
            if sys.stdout.isatty():
                os.write(sys.stdout.fileno(), _SHOW_CURSOR)
            os._exit(INTERRUPTED)
        self.seen = True
        # A handler runs between any two instructions, so the loop is told and acts when it is its turn.
        self._loop.call_soon_threadsafe(self._first)

    def _first(self) -> None:
        if self._on_first is not None:
            self._on_first()
        if self._scope is not None:
            self._scope.cancel()


def run(work: Callable[[], Awaitable[T]]) -> T:
    """Run async work to its end. Interrupted where a signal came first; nothing else wraps its errors."""

    async def interruptible() -> T:
        with Interrupts() as interrupts, anyio.CancelScope() as scope:
            interrupts.cancels(scope)
            return await work()
        raise Interrupted("interrupted")

    return run_plainly(interruptible)


def run_plainly(work: Callable[[], Awaitable[T]]) -> T:
    """Run async work that looks after signals itself. A group of one error comes out as that error."""
    try:
        return anyio.run(work)
    except KeyboardInterrupt:  # a second signal, while the loop was being taken down after the first
        os._exit(INTERRUPTED)
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from None
