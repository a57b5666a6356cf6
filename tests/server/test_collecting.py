"""Garbage is collected when nothing runs, and not in between."""

from __future__ import annotations

import gc
import platform
import subprocess
import sys
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


LIVES = """
import sys
from thinkedit.server.collecting import give_back_what_is_freed

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

if sys.argv[1] == "set":
    give_back_what_is_freed()
del (first := [b"x" * 4_000_000])[:]  # the first that is freed raises glibc's own size
kept, pictures = [], []
for _ in range(400):
    pictures.append(b"x" * 200_000)
    kept.append(b"x" * 50_000)
before = resident()
pictures.clear()
print(before - resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="about glibc's malloc")
def test_pictures_that_are_freed_go_back_to_the_system() -> None:
    def given_back(how: str) -> int:
        command = [sys.executable, "-c", LIVES, how]
        return int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)

    assert given_back("set") > 0.9 * 400 * 200_000
    assert given_back("not") < 0.5 * 400 * 200_000, "there is nothing to mend any more"
