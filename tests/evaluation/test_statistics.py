"""Intervals cover what they say, p-values are as rare as they say, and known answers come out."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkedit.evaluation.base import Point, row
from thinkedit.evaluation.statistics import Estimate, compare, estimate, rank_correlation

Draw = Callable[[np.random.Generator, int], np.ndarray]


def points(values: object, stratum: str = "") -> list[Point]:
    return [Point(f"s{at}", float(value), stratum) for at, value in enumerate(np.asarray(values))]


def covered(truth: float, made: Callable[[np.random.Generator], list[Point]], times: int = 400) -> float:
    """In how many of the simulated experiments the interval holds the truth."""
    hits = 0
    for trial in range(times):
        found = estimate(made(np.random.default_rng(trial)), seed=trial, resamples=600)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth <= found.high
    return hits / times


SKEWED: Draw = lambda generator, n: generator.exponential(1.0, n)  # noqa: E731
SCORES: Draw = lambda generator, n: np.clip(generator.normal(6.0, 2.0, n), -20, 20)  # noqa: E731
RIGHT: Draw = lambda generator, n: (generator.random(n) < 0.3).astype(float)  # noqa: E731


@pytest.mark.parametrize(
    ("draw", "truth", "least"), [(SCORES, 6.0, 0.91), (SKEWED, 1.0, 0.90), (RIGHT, 0.3, 0.91)]
)
def test_the_interval_holds_the_truth_about_as_often_as_it_says(
    draw: Draw, truth: float, least: float
) -> None:
    share = covered(truth, lambda generator: points(draw(generator, 50)))
    assert least <= share <= 0.985


def test_seeds_of_one_sample_are_not_counted_as_samples() -> None:
    def five_seeds(generator: np.random.Generator, names: Callable[[int, int], str]) -> list[Point]:
        scenes = generator.normal(6.0, 2.0, 40)
        return [
            Point(names(scene, seed), float(scenes[scene] + generator.normal(0, 0.3)))
            for scene in range(40)
            for seed in range(5)
        ]

    share = covered(6.0, lambda generator: five_seeds(generator, lambda scene, _: f"s{scene}"))
    naive = covered(6.0, lambda generator: five_seeds(generator, lambda scene, seed: f"s{scene}-{seed}"))
    assert 0.91 <= share <= 0.98
    assert naive < 0.75, "as if there were five times as many scenes"


def test_strata_are_averaged_and_drawn_from_by_themselves() -> None:
    def two(generator: np.random.Generator) -> list[Point]:
        return [
            *points(generator.normal(2.0, 0.5, 60), "many"),
            *(Point(f"few{at}", value, "few") for at, value in enumerate(generator.normal(8.0, 2.0, 20))),
        ]

    assert 0.91 <= covered(5.0, two) <= 0.98
    made = two(np.random.default_rng(1))
    found = estimate(made)
    assert found.mean == pytest.approx(row("all", "x", made).mean)
    assert found.n == 80


def test_it_agrees_with_scipy_where_that_can_say_the_same() -> None:
    from scipy.stats import bootstrap

    values = np.random.default_rng(5).exponential(2.0, 40)
    theirs = bootstrap((values,), np.mean, n_resamples=20_000, rng=np.random.default_rng(0))
    ours = estimate(points(values), resamples=20_000)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.02)
    strata = [np.random.default_rng(6).exponential(2.0, size) for size in (12, 30)]
    theirs = bootstrap(
        strata,
        lambda a, b, axis: (a.mean(axis=axis) + b.mean(axis=axis)) / 2,
        n_resamples=20_000,
        rng=np.random.default_rng(0),
    )
    both = [*points(strata[0], "a"), *(Point(f"b{at}", float(v), "b") for at, v in enumerate(strata[1]))]
    ours = estimate(both, resamples=20_000)
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.04)


def test_p_values_are_uniform_where_there_is_no_difference() -> None:
    found = []
    for trial in range(600):
        generator = np.random.default_rng(trial)
        scenes = generator.normal(6, 2, 30)
        first, second = scenes + generator.normal(0, 1, 30), scenes + generator.normal(0, 1, 30)
        p = compare(points(first), points(second), seed=trial, resamples=0, flips=299).p
        assert p is not None
        found.append(p)
    for level in (0.05, 0.2, 0.5, 0.8):
        share = float(np.mean(np.array(found) <= level))
        assert abs(share - level) < 4 * np.sqrt(level * (1 - level) / 600), (level, share)


def test_p_values_of_known_cases() -> None:
    # All of ten better: two of the 1024 ways to flip signs are as extreme.
    better = compare(points(np.zeros(10)), points(np.arange(1, 11)))
    assert better.p == pytest.approx(2 / 1024)
    assert (better.wins, better.losses, better.ties, better.difference) == (10, 0, 0, 5.5)
    same = compare(points(range(3)), points(range(3)))
    assert (same.p, same.difference, same.low, same.ties) == (1.0, 0.0, None, 3)
    same = compare(points(range(6)), points(range(6)))
    assert (same.p, same.difference, same.low, same.high, same.ties) == (1.0, 0.0, 0.0, 0.0, 6)


def test_only_samples_that_both_have_are_compared() -> None:
    found = compare(
        [Point("a", 1.0), Point("b", 2.0), Point("b", 4.0), Point("mine", 9.0)],
        [Point("b", 5.0), Point("b", 5.0), Point("a", 1.0), Point("theirs", 0.0)],
    )
    assert (found.n, found.left_out) == (2, 2)
    # b has twice as many values as a in both: (1 + 2 * 3) / 3 and (1 + 2 * 5) / 3
    assert (found.first, found.second) == (pytest.approx(7 / 3), pytest.approx(11 / 3))
    assert found.difference == pytest.approx(4 / 3)
    assert compare([Point("a", 1.0)], [Point("b", 1.0)]).difference is None


def test_what_there_is_too_little_of_has_no_interval() -> None:
    assert estimate([]) == Estimate(0)
    assert estimate([Point("a", 3.0), Point("a", 5.0)]) == Estimate(1, 4.0)
    assert estimate([Point("a", 3.0), Point("b", float("nan"))]) == Estimate(1, 3.0)
    assert estimate(points([1, 2, 3, 4, 5])) == Estimate(5, 3.0)
    assert estimate(points([1, 2, 3, 4, 5, 6])).low is not None
    assert estimate(points([3] * 6)) == Estimate(6, 3.0, 3.0, 3.0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefghijkl"), st.floats(0, 10), st.sampled_from(["x", "y"])),
        min_size=1,
        max_size=30,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_never_matters_and_the_mean_lies_within(
    values: list[tuple[str, float, str]], dice: random.Random
) -> None:
    made = [Point(stratum + sample, value, stratum) for sample, value, stratum in values]
    found = estimate(made, resamples=200)
    dice.shuffle(made)
    again = estimate(made, resamples=200)
    assert again == found, "the same points in another order"
    assert found.mean is not None
    assert found.mean == pytest.approx(row("all", "x", made).mean)
    if found.low is not None:
        assert found.high is not None
        assert min(v for _, v, _ in values) - 1e-9 <= found.low <= found.high
        assert found.high <= max(v for _, v, _ in values) + 1e-9


def test_rank_correlation() -> None:
    rising = [(f"s{at}", at, at**3) for at in range(20)]
    assert rank_correlation(rising) == Estimate(
        20, pytest.approx(1.0), pytest.approx(1.0), pytest.approx(1.0)
    )
    falling = rank_correlation([(name, x, -y) for name, x, y in rising])
    assert falling.mean == pytest.approx(-1.0)
    assert rank_correlation([("a", 1, 2), ("b", 1, 3), ("c", 1, 4)]).mean is None
    from scipy.stats import spearmanr

    generator = np.random.default_rng(3)
    x = generator.integers(0, 11, 200)  # with ties, as scores have
    y = x + generator.normal(0, 4, 200)
    loose = rank_correlation([(f"s{at // 4}", float(x[at]), float(y[at])) for at in range(200)])
    assert loose.mean == pytest.approx(float(spearmanr(x, y).statistic))
    assert loose.low is not None
    assert loose.high is not None
    assert loose.low < loose.mean < loose.high
    assert loose == rank_correlation([(f"s{at // 4}", float(x[at]), float(y[at])) for at in range(200)])
