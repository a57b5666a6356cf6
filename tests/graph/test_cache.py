"""The pictures that a process keeps at hand, within a budget."""

from __future__ import annotations

import numpy as np
import pytest

from thinkedit.graph.cache import PictureCache, RecordCache
from thinkedit.images import Picture
from thinkedit.store import Store
from thinkedit.types import TurnRecord

pytestmark = pytest.mark.anyio


class CountingStore(Store):
    reads = 0

    def _read(self, key: str, sha: str) -> bytes | None:
        data = super()._read(key, sha)
        self.reads += data is not None
        return data


def pictures(count: int) -> list[Picture]:
    return [Picture.from_pixels(np.full((20, 20, 3), number, dtype=np.uint8)) for number in range(count)]


async def test_what_was_used_last_stays_and_the_rest_goes() -> None:
    store = CountingStore.in_memory()
    one, two, three = pictures(3)
    for picture in (one, two, three):
        store.put(picture)
    cache = PictureCache(budget=2 * 1200 + 2 * len(one.data) + 50)
    for picture in (one, two, one, three, one):
        assert await cache.get(store, picture.sha256) == picture
    assert store.reads == 3
    assert await cache.get(store, two.sha256) == two
    assert store.reads == 4, "the least recently used had gone"
    assert await cache.get(store, one.sha256) == one
    assert store.reads == 4


async def test_a_picture_larger_than_the_budget_is_kept_alone() -> None:
    store = CountingStore.in_memory()
    one, two = pictures(2)
    cache = PictureCache(budget=10)
    for picture in (one, two):
        store.put(picture)
        cache.add(picture)
        assert await cache.get(store, picture.sha256) is picture
    assert store.reads == 0
    await cache.get(store, one.sha256)
    assert store.reads == 1


async def test_records_are_read_once_and_the_oldest_go() -> None:
    store = CountingStore.in_memory()
    cache = RecordCache(size=2)
    records = [TurnRecord(session_id="s", turn=turn, prompt="p", seed=0) for turn in (1, 2, 3)]
    shas = [await cache.put(store, record) for record in records]
    assert await cache.get(store, shas[2]) is records[2]
    assert store.reads == 0
    assert await cache.get(store, shas[0]) == records[0]
    assert await cache.get(store, shas[0]) == records[0]
    assert store.reads == 1
