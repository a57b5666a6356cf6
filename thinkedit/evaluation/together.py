"""Several at once, begun in order; the first error comes out as itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import anyio

__all__ = ["each"]

T = TypeVar("T")


async def each(items: Iterable[T], work: Callable[[T], Awaitable[None]], *, at_once: int) -> None:
    """Do the work of every item, `at_once` of them together.

    What one raises ends all and is raised: on a full disk several fail in the same moment, and the caller
    wants one error of a known kind and not a group of them.
    """
    places = anyio.CapacityLimiter(at_once)

    async def one(item: T, place: object) -> None:
        try:
            await work(item)
        finally:
            places.release_on_behalf_of(place)

    try:
        async with anyio.create_task_group() as tasks:
            for item in items:
                place = object()
                await places.acquire_on_behalf_of(place)
                tasks.start_soon(one, item, place)
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None
