"""Which kept trajectories go to RL and which to SFT (paper, section 4.4): pure functions over columns.

RL is chosen first: trajectories whose scores vary by more than theta, of which there is something to be
explored. SFT gets, of the rest, those that vary little or are good throughout. No trajectory and no source
picture stands in both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["REASONS", "RL", "SFT", "Split", "choose_theta", "split", "variance_of"]

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

REASONS = ("high_variance", "source_in_rl")
"""Why a trajectory goes to neither, by the number 2 and 3 in `Split.place`."""

SFT, RL, HIGH_VARIANCE, SOURCE_IN_RL = 0, 1, 2, 3


@dataclass(frozen=True)
class Split:
    """place: SFT, RL or the reason for neither, of each trajectory; theta: what RL was chosen by."""

    place: NDArray[np.int8]
    theta: float


def variance_of(scores: list[float]) -> float:
    """Population variance (ddof 0), 0 for one score; rounded, so that equal scores in any order are equal."""
    mean = sum(sorted(scores)) / len(scores)
    return round(sum(sorted((score - mean) ** 2 for score in scores)) / len(scores), 9)


def choose_theta(variances: Floats, kept: Callable[[float], int], budget: int) -> float:
    """The highest theta, of the variances that there are, that leaves at least `budget`; 0 where none does.

    kept: how many trajectories are left by a theta, after balancing. Where many have the same variance more
    than the budget are left, and the lot decides among them.
    """
    thetas = np.unique(np.append(variances, 0.0))[::-1]
    low, high = 0, len(thetas) - 1  # the first leaves none, the last all that vary
    while low < high:
        middle = (low + high) // 2
        if kept(float(thetas[middle])) >= budget:
            high = middle
        else:
            low = middle + 1
    return float(thetas[low])


def split(
    variances: Floats,
    lowest: Floats,
    sources: NDArray[np.int64],
    chosen: Callable[[Mask, int | None], Mask],
    *,
    theta: float | None = None,
    budget: int | None = None,
    good: float = 8.0,
    sft_theta: float | None = None,
) -> Split:
    """Where each trajectory goes.

    variances, lowest: of its scores up to its best step, and the least of them. sources: a number for each
    source picture. chosen: of a mask of candidates those that balancing keeps for RL, and how many at most.
    theta: given, or chosen so that `budget` trajectories are left for RL, which are never more. SFT takes
    trajectories of at most the variance `sft_theta` (default: theta), and all whose scores are never below
    `good`.
    """
    if theta is None:
        theta = choose_theta(variances, lambda least: int(chosen(variances > least, None).sum()), budget or 0)
    rl = chosen(variances > theta, budget)
    place = np.full(len(variances), SFT, dtype=np.int8)
    steady = variances <= (theta if sft_theta is None else sft_theta)
    place[~(steady | (lowest >= good))] = HIGH_VARIANCE
    place[np.isin(sources, sources[rl])] = SOURCE_IN_RL
    place[rl] = RL
    return Split(place, theta)
