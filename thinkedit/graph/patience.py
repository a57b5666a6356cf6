"""How long a model is waited for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from thinkedit.adapters.base import Progress

__all__ = ["TooLate", "in_time"]

T = TypeVar("T")


class TooLate(Exception):
    """A model call took longer than it may."""


async def in_time(
    limit: float, call: Callable[[Progress], Awaitable[T]], progress: Progress | None = None
) -> T:
    """The call's result. TooLate after `limit` seconds without a sign of life.

    call gets a Progress to report to; each report, of a step or of waiting behind others, begins the time
    anew, so that a queue before a busy model is not taken for a model that hangs.
    """
    with anyio.move_on_after(limit) as scope:

        async def told(done: float, total: float, message: str) -> None:
            scope.deadline = anyio.current_time() + limit
            if progress is not None:
                await progress(done, total, message)

        return await call(told)
    raise TooLate
