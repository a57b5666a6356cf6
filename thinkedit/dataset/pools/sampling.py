"""Taking N rows of a pool with its categories as even as they can be (paper, supplement: the pool)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

__all__ = ["even_shares", "order_of", "take_evenly"]

T = TypeVar("T")


def order_of(seed: int, key: str) -> bytes:
    """What rows are drawn by: a random order that the seed decides and the order of the files does not."""
    return hashlib.sha256(f"{seed}\0{key}".encode("utf-8", "surrogatepass")).digest()


def even_shares(sizes: Mapping[str, int], count: int, seed: int) -> dict[str, int]:
    """How many of each category, `count` together, none more than it has; all where there are fewer.

    Categories that have enough get the same number; the few left over go, one each, to categories in an
    order that the seed decides.
    """
    shares = dict.fromkeys(sizes, 0)
    left = min(count, sum(sizes.values()))
    open_ = sorted(sizes, key=lambda name: order_of(seed, name))
    while left:
        open_ = [name for name in open_ if shares[name] < sizes[name]]
        level = min(left // len(open_), min(sizes[name] - shares[name] for name in open_))
        given = open_ if level else open_[:left]
        for name in given:
            shares[name] += max(level, 1)
        left -= len(given) * max(level, 1)
    return shares


def take_evenly(
    groups: Mapping[str, Iterable[tuple[str, T]]],
    count: int,
    seed: int,
    good: Callable[[Sequence[T]], Sequence[bool]],
) -> list[T]:
    """`count` of the good ones of (id, value), categories even; what is drawn and not good is replaced.

    good is asked of several values at once, and once for each that is drawn: no picture is opened that is
    not needed. Fewer than `count` where there are no more good ones.
    """
    waiting = {
        name: sorted(members, key=lambda member: order_of(seed, member[0]), reverse=True)
        for name, members in sorted(groups.items())
    }
    taken: dict[str, list[T]] = {name: [] for name in waiting}
    while True:
        sizes = {name: len(taken[name]) + len(waiting[name]) for name in waiting}
        shares = even_shares(sizes, count, seed)
        drawn = [
            (name, waiting[name].pop()[1]) for name in waiting for _ in range(shares[name] - len(taken[name]))
        ]
        if not drawn:
            return [value for name in waiting for value in taken[name]]
        for (name, value), usable in zip(drawn, good([value for _, value in drawn]), strict=True):
            if usable:
                taken[name].append(value)
