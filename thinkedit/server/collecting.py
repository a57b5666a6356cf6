"""When a server collects garbage: not in the middle of the work of a thousand sessions.

Python's full collection looks at every object there is. With a thousand sessions these are some 700,000,
which takes 0.4 s on two slow cores, during which nobody is heard; and it frees next to nothing, since what
a session leaves behind is freed by its reference counts. So what is loaded at the start is never looked at
again, full collections do not come by themselves, and one is made when nothing runs, or every ten minutes.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import anyio

__all__ = ["collecting_when_idle", "give_back_what_is_freed"]

EVERY = 30.0
"""Seconds between two looks at whether nothing runs."""

LONGEST = 600.0
"""Seconds after which it is done in any case."""

_YOUNG = (1000, 10)
_NEVER = 1_000_000


_M_MMAP_THRESHOLD = -3
"""From glibc's malloc.h."""


def give_back_what_is_freed() -> None:
    """Let the memory of each larger picture go back to the system as soon as it is freed. For this process.

    glibc raises the size above which a block is a mapping of its own with the first such block that is
    freed. From then on pictures lie in heaps among what lives longer, and a server's memory grows far above
    what it holds. A size that is set stays. Does nothing where the C library is another.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").mallopt(_M_MMAP_THRESHOLD, 128 * 1024)


@asynccontextmanager
async def collecting_when_idle(
    busy: Callable[[], bool], *, every: float = EVERY, longest: float = LONGEST
) -> AsyncIterator[None]:
    """Collect as above inside the block, and as before after it. busy: whether anything runs now."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_YOUNG, _NEVER)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_look, busy, every, longest)
            yield
            tasks.cancel_scope.cancel()
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def _look(busy: Callable[[], bool], every: float, longest: float) -> None:
    worked, last = False, anyio.current_time()
    while True:
        await anyio.sleep(every)
        worked = worked or busy()
        if (worked and not busy()) or anyio.current_time() - last > longest:
            gc.collect()
            worked, last = False, anyio.current_time()
