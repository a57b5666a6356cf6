"""The pictures and turn records that a process is working on."""

from __future__ import annotations

from anyio.to_thread import run_sync

from thinkedit.images import Picture
from thinkedit.store import Store
from thinkedit.types import TurnRecord

__all__ = ["PictureCache", "RecordCache"]


class PictureCache:
    """The pictures in use, so that one made or read is not read and decoded again a moment later.

    budget: bytes kept at most, decoded and encoded; the least recently used go first.
    """

    def __init__(self, budget: int = 256_000_000) -> None:
        self._budget = budget
        self._used = 0
        self._kept: dict[str, Picture] = {}

    async def get(self, store: Store, sha: str) -> Picture:
        picture = self._kept.get(sha)
        if picture is None:
            picture = await run_sync(store.get, sha)
        self.add(picture)
        return picture

    def add(self, picture: Picture) -> None:
        """Keep a picture that lies in the store."""
        if (before := self._kept.pop(picture.sha256, None)) is not None:
            self._used -= _size(before)
        self._kept[picture.sha256] = picture
        self._used += _size(picture)
        while self._used > self._budget and len(self._kept) > 1:
            self._used -= _size(self._kept.pop(next(iter(self._kept))))


def _size(picture: Picture) -> int:
    return len(picture.data) + 3 * picture.width * picture.height


class RecordCache:
    """Turn records by hash. They never change, so one that was read once is not read again.

    size: records kept at most; the oldest go first.
    """

    def __init__(self, size: int = 1000) -> None:
        self._size = size
        self._kept: dict[str, TurnRecord] = {}

    async def get(self, store: Store, sha: str) -> TurnRecord:
        record = self._kept.get(sha)
        if record is None:
            record = await run_sync(store.get_record, sha, TurnRecord)
            self._keep(sha, record)
        return record

    async def put(self, store: Store, record: TurnRecord) -> str:
        """Store a record; returns its hash."""
        sha = await run_sync(store.put_record, record)
        self._keep(sha, record)
        return sha

    def _keep(self, sha: str, record: TurnRecord) -> None:
        self._kept[sha] = record
        if len(self._kept) > self._size:
            del self._kept[next(iter(self._kept))]
