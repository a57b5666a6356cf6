"""What the options of `thinkedit dataset generate` name: sources, one after another, and what guards them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from thinkedit.dataset.records import Dropped, PoolItem
    from thinkedit.dataset.sources import Guard

__all__ = ["guard_of", "items_of", "shown"]


def items_of(
    place: Path,
    editors: list[str],
    sources: str | None,
    pools: list[str],
    sessions: list[Path],
    licence: str | None,
    world: Literal["full", "small"],
    seed: int,
) -> Iterator[PoolItem | Dropped]:
    """What the options name, one after another."""
    from thinkedit.dataset.exported import session_items
    from thinkedit.dataset.pools import read_pool
    from thinkedit.dataset.sources import world_items
    from thinkedit.errors import SettingsError

    count = int(sources) if sources is not None and sources.isdigit() else None
    if sources is not None and count is None:
        found = read_pool("folder", sources, licence=licence)
        yield from found.dropped
        yield from found.items()
    elif count is not None and not pools:
        if not any(name.partition(":")[0] == "provingground" for name in editors):
            raise SettingsError(
                f"--sources {count} without --pool means the proving ground, and no editor is of it: "
                "name a file of sources or a pool"
            )
        yield from world_items(count, seed, world)
    shares = [None] * len(pools) if count is None else _shares(count, len(pools))
    for named, share in zip(pools, shares, strict=True):
        kind, colon, where = named.partition(":")
        if not colon or not where:
            raise SettingsError(
                f"--pool {named!r} is no KIND:PLACE: write folder:DIR or sharegpt-4o-image:DIR"
            )
        found = read_pool(kind, where, count=share, seed=seed, licence=licence)
        yield from found.dropped
        yield from found.items()
    for exported in sessions:
        yield from session_items(place, exported, licence=licence or "unknown")


def _shares(count: int, pools: int) -> list[int | None]:
    return [count // pools + (number < count % pools) for number in range(pools)]


def shown(sources: str | None) -> str | int | None:
    """For the manifest: a number, or the name of a file without the folders of this machine."""
    if sources is None:
        return None
    return int(sources) if sources.isdigit() else Path(sources).name


def guard_of(folders: list[Path]) -> Guard | None:
    """Of the folders of benchmarks' pictures."""
    if not folders:
        return None
    from thinkedit.dataset.leakage import Benchmarks

    return Benchmarks.read(folders)
