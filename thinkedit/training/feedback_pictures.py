"""The pictures of the set, read in threads while others are edited already."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import anyio
from anyio.to_thread import run_sync

from thinkedit.errors import ThinkEditError
from thinkedit.images import Picture, load
from thinkedit.training.feedback_calls import Failed
from thinkedit.training.next_step import Kind

__all__ = ["SetPictures"]

KEPT = 64
"""Pictures kept open: all answers to a prompt come with the same two."""

AT_ONCE = 2
"""Threads that read: the more, the later the first picture is there, and with it the first edit."""


class SetPictures:
    """Made inside the event loop that it is used in."""

    def __init__(self) -> None:
        self._slots = anyio.CapacityLimiter(AT_ONCE)
        self._under_way: dict[Path, anyio.Lock] = {}
        self._read: OrderedDict[Path, Picture] = OrderedDict()

    async def get(self, image: Picture | Path) -> Picture:
        """The picture, read once for all that ask for it. Raises Failed where it cannot be."""
        if isinstance(image, Picture):
            return image
        if image in self._read:
            self._read.move_to_end(image)
            return self._read[image]
        lock = self._under_way.setdefault(image, anyio.Lock())
        async with lock:
            if image not in self._read:
                try:
                    self._read[image] = await run_sync(_picture, image, limiter=self._slots)
                except (ThinkEditError, OSError) as error:
                    raise Failed(Kind.NO_SOURCE, " ".join(str(error).split())) from error
                finally:
                    self._under_way.pop(image, None)
            picture = self._read[image]
        while len(self._read) > KEPT:
            self._read.popitem(last=False)
        return picture


def _picture(path: Path) -> Picture:
    picture = load(path).picture
    picture.sha256  # noqa: B018  # computed here, in the thread
    return picture
