"""Several calls at once. What one of them raises ends all, and comes out as itself and not as a group.

On a full disk several fail in the same moment, and a caller wants one error of a known kind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar, cast

import anyio
from anyio.to_thread import run_sync

__all__ = ["each", "together"]

T = TypeVar("T")

_END = object()


async def together(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """What they give, in order."""
    results: dict[int, T] = {}

    async def one(index: int) -> None:
        results[index] = await calls[index]()

    with _plainly():
        async with anyio.create_task_group() as tasks:
            for index in range(len(calls)):
                tasks.start_soon(one, index)
    return [results[index] for index in range(len(calls))]


async def each(items: Iterable[T], work: Callable[[T], Awaitable[None]], *, at_once: int) -> None:
    """Do the work of every item, `at_once` of them together, begun in order.

    The items are read in a thread, and only as the work goes on: they may come from a long file.
    """
    places = anyio.CapacityLimiter(at_once)

    async def one(item: T, holder: object) -> None:
        try:
            await work(item)
        finally:
            places.release_on_behalf_of(holder)

    rest = iter(items)
    with _plainly():
        async with anyio.create_task_group() as tasks:
            while (item := await run_sync(next, rest, _END)) is not _END:
                holder = object()
                await places.acquire_on_behalf_of(holder)
                tasks.start_soon(one, cast(T, item), holder)


@contextmanager
def _plainly() -> Iterator[None]:
    """Raise the first error of a group, whatever it was in."""
    try:
        yield
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None
