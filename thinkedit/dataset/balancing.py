"""Evening out task types and score levels: pure functions over columns.

A cell is (task type, score bin). Of each cell at most its cap is kept, by lot; nothing is ever repeated. The
lot of a sample follows from the seed and its id, so the order in which samples come does not matter.
The paper says only that tasks and scores are balanced; its Figure 3 shows scores that are not flat but
highest around 4 to 6.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "PAPER_TARGET", "Balance", "balanced", "caps_for", "lot"]

Balance: TypeAlias = Literal["quantile", "flat", "target", "none"]

Ints: TypeAlias = NDArray[np.int64]

BINS = 6
"""Score bins of a task type: 0, 2, 4, 6, 8 and 10."""

PAPER_TARGET = (8.0, 16.0, 20.0, 30.0, 10.0, 5.0)
"""The bars of Figure 3, read by eye."""


def lot(seed: int, name: str) -> int:
    """A number of 64 bits that decides who is kept: the lowest of a cell."""
    told = f"{seed}\0{name}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), "big")


def caps_for(
    sizes: Ints, how: Balance, *, quantile: float = 0.75, weights: Sequence[float] = PAPER_TARGET
) -> Ints:
    """The cap of each cell. sizes: how many there are, task types x BINS.

    `quantile`: every cell is cut at that quantile of the sizes of all cells that have any. `flat`: at the
    smallest of them. `target`: the cells of each task type are to stand to one another as the weights of
    their bins; the scale is that quantile, over the bins, of size over weight, so with quantile 0 the
    histogram is exact and with more a rare bin may fall short. `none`: nothing is cut.
    """
    there = sizes[sizes > 0]
    if how == "none" or not there.size:
        return sizes.copy()
    if how == "flat":
        return np.minimum(sizes, int(there.min()))
    if how == "quantile":
        return np.minimum(sizes, max(int(np.quantile(there, quantile)), 1))
    wanted = np.asarray(weights, dtype=float)
    caps = np.zeros_like(sizes)
    for task, row in enumerate(sizes):
        usable = (row > 0) & (wanted > 0)
        if usable.any():
            scale = float(np.quantile(row[usable] / wanted[usable], quantile))
            # Not below what the rarest cell asks for, whatever the division did to the last bit.
            caps[task] = np.minimum(row, np.floor(wanted * scale + 1e-9).astype(np.int64))
    return caps


def level_for(caps: Ints, most: int) -> Ints:
    """The same caps cut at one level so that they are at most `most` together: rare cells stay whole."""
    if caps.sum() <= most:
        return caps
    low, high = 0, int(caps.max())
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.minimum(caps, middle).sum() <= most else (low, middle - 1)
    return np.minimum(caps, low)


def balanced(
    cells: Ints,
    lots: NDArray[np.uint64],
    count: int,
    how: Balance,
    *,
    quantile: float = 0.75,
    weights: Sequence[float] = PAPER_TARGET,
    most: int | None = None,
) -> NDArray[np.bool_]:
    """Who is kept. cells: of each sample, task * BINS + bin, below `count`; lots: of each, see `lot`.

    most: how many at most, all cells together; large cells are cut to one level then, and what is left of
    `most` goes, one each, to some of them.
    """
    sizes = np.bincount(cells, minlength=count).reshape(-1, BINS)
    caps = caps_for(sizes, how, quantile=quantile, weights=weights)
    levelled = (caps if most is None else level_for(caps, most)).reshape(-1)
    caps = caps.reshape(-1)
    order = np.lexsort((lots, cells))
    ordered = cells[order]
    starts = np.searchsorted(ordered, np.arange(count))
    place = np.arange(len(cells)) - starts[ordered]
    kept = np.zeros(len(cells), dtype=bool)
    kept[order] = place < levelled[ordered]
    if most is not None and (left := min(most, int(caps.sum())) - int(kept.sum())) > 0:
        following = order[(place == levelled[ordered]) & (place < caps[ordered])]
        kept[following[np.argsort(lots[following], kind="stable")[:left]]] = True
    return kept
