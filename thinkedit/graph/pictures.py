"""The pictures that a process is working on."""

from __future__ import annotations

from anyio.to_thread import run_sync

from thinkedit.images import Picture
from thinkedit.store import Store

__all__ = ["PictureCache"]


class PictureCache:
    """The pictures in use, so that one made or read is not read and decoded again a moment later.

    budget: bytes of decoded pixels kept at most; the least recently used go first.
    """

    def __init__(self, budget: int = 256_000_000) -> None:
        self._budget = budget
        self._kept: dict[str, Picture] = {}

    async def get(self, store: Store, sha: str) -> Picture:
        picture = self._kept.pop(sha, None)
        if picture is None:
            picture = await run_sync(store.get, sha)
        self._kept[sha] = picture
        total = 0
        for key, kept in reversed(list(self._kept.items())):
            total += 3 * kept.width * kept.height
            if total > self._budget and key != sha:
                del self._kept[key]
        return picture
