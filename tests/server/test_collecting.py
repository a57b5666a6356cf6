"""Garbage is collected when nothing runs, and not in between."""

from __future__ import annotations

import gc
import weakref

import anyio
import pytest

from thinkedit.server.collecting import collecting_when_idle

pytestmark = pytest.mark.anyio


class Ring:
    """Refers to itself, so that only a collection frees it."""

    def __init__(self) -> None:
        self.me = self


def old_garbage() -> anyio.Event:
    """Set when a ring that has outlived the young generations is freed."""
    ring, gone = Ring(), anyio.Event()
    weakref.finalize(ring, gone.set)
    gc.collect(1)
    return gone


async def test_it_waits_until_nothing_runs() -> None:
    busy = True
    before = gc.get_threshold(), gc.get_freeze_count()
    async with collecting_when_idle(lambda: busy, every=0.01):
        gone = old_garbage()
        with anyio.move_on_after(0.2) as waiting:
            await gone.wait()
        assert waiting.cancelled_caught
        busy = False
        with anyio.fail_after(5):
            await gone.wait()
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


async def test_it_does_not_wait_for_ever() -> None:
    async with collecting_when_idle(lambda: True, every=0.01, longest=0.05):
        with anyio.fail_after(5):
            await old_garbage().wait()
