"""Masks remembered by picture: one sentence asks for the same mask several times, and so do the turns."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from thinkedit.adapters.masks.guided import GuidedMask, Pixels

__all__ = ["MaskCache", "digest"]


def digest(pixels: Pixels) -> bytes:
    """Identifies the picture by its size and every pixel; 12 megapixels take about 50 ms."""
    name = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
    name.update(np.ascontiguousarray(pixels).data)
    return name.digest()


class MaskCache:
    """Least recently used masks within `limit` bytes; safe to share between threads.

    Masks are made one at a time: the network and the cascade are not re-entrant, and two threads that ask
    for the same mask make it once.
    """

    def __init__(self, limit: int = 64_000_000) -> None:
        self._limit = limit
        self._kept: OrderedDict[tuple[bytes, str], GuidedMask | None] = OrderedDict()
        self._look = threading.Lock()
        self._make = threading.Lock()

    def get(
        self, pixels: Pixels, kind: str, make: Callable[[Pixels], GuidedMask | None]
    ) -> GuidedMask | None:
        """The mask `kind` of the picture, made by `make` where it is not known; None means not found."""
        key = (digest(pixels), kind)
        known, mask = self._find(key)
        if known:
            return mask
        with self._make:
            known, mask = self._find(key)
            if not known:
                mask = make(pixels)
                self._keep(key, mask)
        return mask

    def _find(self, key: tuple[bytes, str]) -> tuple[bool, GuidedMask | None]:
        with self._look:
            if key not in self._kept:
                return False, None
            self._kept.move_to_end(key)
            return True, self._kept[key]

    def _keep(self, key: tuple[bytes, str], mask: GuidedMask | None) -> None:
        with self._look:
            self._kept[key] = mask
            size = sum(1024 if kept is None else kept.nbytes for kept in self._kept.values())
            while size > self._limit and len(self._kept) > 1:
                _, dropped = self._kept.popitem(last=False)
                size -= 1024 if dropped is None else dropped.nbytes
