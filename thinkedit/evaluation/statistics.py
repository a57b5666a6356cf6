"""Means with intervals, paired comparisons and rank correlations over samples: seeded, the same twice.

The unit is the sample (a scene, a question of a benchmark): what several seeds made of it, or several metrics
say of it, stays together when samples are drawn again, so two seeds of one sample never count as two samples.
Strata are drawn from each by itself, and their means are averaged, as the benchmarks do that average task
types. scipy's own bootstrap draws single values and knows neither, hence this one; it is held against scipy's
where the two can say the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from thinkedit.adapters.require import require
from thinkedit.evaluation.base import Point

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["LEAST", "Comparison", "Estimate", "compare", "estimate", "rank_correlation"]

RESAMPLES = 2000
FLIPS = 9999
LEAST = 6
"""Samples without which there is no interval: even their whole range would hold the truth too seldom."""
_CELLS = 2_000_000
"""Numbers drawn at once, at most: what bounds the memory for thousands of samples."""
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Estimate:
    """A mean over `n` samples with its 95 % interval; None where there is nothing to have it from.

    Fewer than LEAST samples have a mean and no interval. Where all have one value, that is the interval.
    """

    n: int
    mean: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Two runs on the `n` samples that both have. difference: second less first, with its 95 % interval.

    p: two-sided, by flipping signs, of there being no difference. wins, losses, ties: samples on which the
    second is better, worse, the same. left_out: samples that only one of the two has.
    """

    n: int
    first: float | None = None
    second: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    wins: int = 0
    losses: int = 0
    ties: int = 0
    left_out: int = 0


@dataclass(frozen=True)
class _Clusters:
    """The samples of one stratum: the sum of each one's values, and how many there are."""

    sums: Floats
    counts: Floats

    @property
    def mean(self) -> float:
        return float(self.sums.sum() / self.counts.sum())


def estimate(points: Iterable[Point], *, seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """The mean over strata of the means within them, with a BCa bootstrap interval (Efron 1987).

    Neither the order of the points nor that of the strata matters. Points that are no numbers are left out.
    """
    strata, samples = _clustered(points)
    if not strata:
        return Estimate(0)
    mean = math.fsum(part.mean for part in strata) / len(strata)
    low, high = _interval(strata, samples, mean, seed, resamples)
    return Estimate(samples, mean, low, high)


def compare(
    first: Iterable[Point],
    second: Iterable[Point],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    flips: int = FLIPS,
) -> Comparison:
    """The paired comparison of two runs. A sample's stratum is that of its first run.

    Each sample counts by how many values it has in both runs together; the p-value is exact for few samples.
    """
    import numpy as np

    before, after = _by_sample(first), _by_sample(second)
    names = sorted(before.keys() & after.keys())
    left_out = len(before.keys() ^ after.keys())
    if not names:
        return Comparison(0, left_out=left_out)

    def joint(values: Floats) -> list[Point]:
        """A point for each of the sample's values, so that it weighs as much as it has of them."""
        return [
            Point(name, float(value), before[name][0])
            for name, value in zip(names, values, strict=True)
            for _ in range(len(before[name][1]) + len(after[name][1]))
        ]

    one = np.array([np.mean(before[name][1]) for name in names])
    other = np.array([np.mean(after[name][1]) for name in names])
    found = estimate(joint(other - one), seed=seed, resamples=resamples)
    sizes = np.array([len(before[name][1]) + len(after[name][1]) for name in names], dtype=np.float64)
    shares = _shares([before[name][0] for name in names], sizes)
    return Comparison(
        n=len(names),
        first=float(one @ shares),
        second=float(other @ shares),
        difference=found.mean,
        low=found.low,
        high=found.high,
        p=_sign_flips(other - one, shares, seed, flips),
        wins=int((other > one).sum()),
        losses=int((other < one).sum()),
        ties=int((other == one).sum()),
        left_out=left_out,
    )


def rank_correlation(
    pairs: Sequence[tuple[str, float, float]], *, seed: int = 0, resamples: int = 999
) -> Estimate:
    """Spearman's rho of (sample, x, y), with a percentile interval; whole samples are drawn again.

    n: pairs. mean is rho; None where there are fewer than three pairs, or x or y is always the same.
    """
    import numpy as np

    kept = [pair for pair in pairs if math.isfinite(pair[1]) and math.isfinite(pair[2])]
    x, y = (np.array([pair[place] for pair in kept], dtype=np.float64) for place in (1, 2))
    if len(kept) < 3 or (rho := _spearman(x, y)) is None:
        return Estimate(len(kept))
    rows: dict[str, list[int]] = {}
    for row, pair in enumerate(kept):
        rows.setdefault(pair[0], []).append(row)
    clusters = [np.array(rows[name]) for name in sorted(rows)]
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples if len(clusters) > 1 else 0):
        chosen = np.concatenate([clusters[at] for at in generator.integers(0, len(clusters), len(clusters))])
        if (again := _spearman(x[chosen], y[chosen])) is not None:
            drawn.append(again)
    if not drawn:
        return Estimate(len(kept), rho)
    low, high = (float(bound) for bound in np.percentile(drawn, (2.5, 97.5)))
    return Estimate(len(kept), rho, low, high)


def _spearman(x: Floats, y: Floats) -> float | None:
    """Pearson's correlation of the ranks; None where there is nothing to rank."""
    require("rank correlations", "scipy")
    from scipy.stats import rankdata

    a, b = (rankdata(values) for values in (x, y))
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / scale if scale else None


def _by_sample(points: Iterable[Point]) -> dict[str, tuple[str, list[float]]]:
    """(stratum, values) of each sample."""
    found: dict[str, tuple[str, list[float]]] = {}
    for point in points:
        if math.isfinite(point.value):
            found.setdefault(point.sample, (point.stratum, []))[1].append(point.value)
    return found


def _clustered(points: Iterable[Point]) -> tuple[list[_Clusters], int]:
    """The strata in the order of their names, and how many samples there are."""
    import numpy as np

    strata: dict[str, dict[str, list[float]]] = {}
    for point in points:
        if math.isfinite(point.value):
            strata.setdefault(point.stratum, {}).setdefault(point.sample, []).append(point.value)
    made = [
        _Clusters(
            np.array([math.fsum(strata[name][sample]) for sample in sorted(strata[name])]),
            np.array([float(len(strata[name][sample])) for sample in sorted(strata[name])]),
        )
        for name in sorted(strata)
    ]
    return made, len({sample for members in strata.values() for sample in members})


def _interval(
    strata: Sequence[_Clusters], samples: int, mean: float, seed: int, resamples: int
) -> tuple[float | None, float | None]:
    """The BCa bounds; plain percentiles where the correction cannot be had."""
    import numpy as np

    if not resamples or samples < LEAST or all(len(part.sums) < 2 for part in strata):
        return None, None
    drawn = _resampled(strata, np.random.default_rng(seed), resamples)
    below = (np.count_nonzero(drawn < mean) + np.count_nonzero(drawn == mean) / 2) / resamples
    levels = [0.025, 0.975]
    moved = _jackknife(strata)
    spread = float((moved**2).sum())
    if 0 < below < 1 and spread > 0:
        bias = _NORMAL.inv_cdf(below)
        pace = float((moved**3).sum()) / (6 * spread**1.5)
        for at, level in enumerate(levels):
            z = bias + _NORMAL.inv_cdf(level)
            levels[at] = _NORMAL.cdf(bias + z / (1 - pace * z))
    low, high = np.quantile(drawn, levels)
    return float(low), float(high)


def _resampled(strata: Sequence[_Clusters], generator: np.random.Generator, resamples: int) -> Floats:
    """The mean in each resample: samples drawn with replacement, from each stratum as many as it has."""
    import numpy as np

    total = np.zeros(resamples)
    for part in strata:
        size = len(part.sums)
        step = max(1, _CELLS // size)
        for start in range(0, resamples, step):
            stop = min(start + step, resamples)
            chosen = generator.integers(0, size, (stop - start, size))
            total[start:stop] += part.sums[chosen].sum(axis=1) / part.counts[chosen].sum(axis=1)
    return np.asarray(total / len(strata), dtype=np.float64)


def _jackknife(strata: Sequence[_Clusters]) -> Floats:
    """How far leaving out each sample moves the mean down, as the acceleration of BCa takes it."""
    import numpy as np

    moved = []
    for part in strata:
        size = len(part.sums)
        if size > 1:
            without = (part.sums.sum() - part.sums) / (part.counts.sum() - part.counts) / len(strata)
            # Strata of several sizes: each is scaled to its own number of samples (Efron, Tibshirani, 14.15).
            moved.append((without.mean() - without) * (size - 1) / size)
    return np.concatenate(moved)


def _shares(strata: Sequence[str], sizes: Floats) -> Floats:
    """What each sample counts in the mean; the shares add up to one."""
    import numpy as np

    whole: dict[str, float] = {}
    for stratum, size in zip(strata, sizes, strict=True):
        whole[stratum] = whole.get(stratum, 0.0) + float(size)
    return np.array([size / whole[name] / len(whole) for name, size in zip(strata, sizes, strict=True)])


def _sign_flips(deltas: Floats, shares: Floats, seed: int, flips: int) -> float | None:
    """The p-value of a permutation test in which each sample's two runs may change places."""
    require("paired comparisons", "scipy")
    import numpy as np
    from scipy.stats import permutation_test

    if not flips:
        return None
    moving = deltas != 0  # what is the same in both runs changes nothing by changing places
    if moving.sum() < 2:  # either sign is as far from zero
        return 1.0
    counted = shares[moving]

    def statistic(x: Floats, axis: int = -1) -> Any:
        return np.sum(x * counted, axis=axis)

    found = permutation_test(
        (deltas[moving],),
        statistic,
        permutation_type="samples",
        vectorized=True,
        n_resamples=flips,
        batch=max(1, _CELLS // len(counted)),
        axis=-1,
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)
