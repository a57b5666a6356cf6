"""Evening out: nothing is raised, nothing repeated, and the order of the samples does not matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkedit.dataset.balancing import BINS, PAPER_TARGET, balanced, caps_for, lot

ways = st.sampled_from(["quantile", "flat", "target", "none"])
cells = st.lists(st.integers(0, 3 * BINS - 1), max_size=120)


def kept_ids(which: list[int], order: list[int], seed: int, **options: Any) -> set[int]:
    """Which samples are kept, by their number, where they come in this order."""
    column = np.array([which[number] for number in order], dtype=np.int64)
    lots = np.array([lot(seed, f"sample {number}") for number in order], dtype=np.uint64)
    kept = balanced(column, lots, 3 * BINS, **options)
    return {number for number, good in zip(order, kept, strict=True) if good}


@given(cells, ways, st.integers(0, 3), st.none() | st.integers(0, 130), st.randoms())
def test_permuting_the_samples_changes_nothing(
    which: list[int], how: Any, seed: int, most: int | None, shuffled: Any
) -> None:
    order = list(range(len(which)))
    straight = kept_ids(which, order, seed, how=how, most=most)
    shuffled.shuffle(order)
    assert kept_ids(which, order, seed, how=how, most=most) == straight
    if most is not None:
        assert len(straight) <= most


@given(cells, ways, st.floats(0, 1))
def test_no_cell_is_raised_above_its_cap(which: list[int], how: Any, quantile: float) -> None:
    column = np.array(which, dtype=np.int64)
    sizes = np.bincount(column, minlength=3 * BINS).reshape(-1, BINS)
    caps = caps_for(sizes, how, quantile=quantile)
    lots = np.arange(len(which), dtype=np.uint64)
    kept = balanced(column, lots, 3 * BINS, how, quantile=quantile)
    after = np.bincount(column[kept], minlength=3 * BINS).reshape(-1, BINS)
    assert (after <= sizes).all()
    assert (after == np.minimum(caps, sizes)).all()


@given(cells, ways, st.integers(0, 130))
def test_a_limit_is_used_up_and_rare_cells_stay_whole(which: list[int], how: Any, most: int) -> None:
    column = np.array(which, dtype=np.int64)
    lots = np.arange(len(which), dtype=np.uint64)
    free = balanced(column, lots, 3 * BINS, how)
    kept = balanced(column, lots, 3 * BINS, how, most=most)
    assert kept.sum() == min(most, free.sum())
    before = np.bincount(column[free], minlength=3 * BINS)
    after = np.bincount(column[kept], minlength=3 * BINS)
    cut = before > after
    if cut.any():  # who was cut at all has no fewer than the level, and nobody has more than one above it
        assert after.max() <= after[cut].min() + 1


def test_flat_makes_all_cells_as_small_as_the_smallest() -> None:
    sizes = np.array([[10, 0, 3, 50, 7, 4]])
    assert caps_for(sizes, "flat").tolist() == [[3, 0, 3, 3, 3, 3]]


def test_the_quantile_cuts_only_the_largest() -> None:
    sizes = np.array([[10, 0, 3, 50, 7, 4]])
    assert caps_for(sizes, "quantile", quantile=0.75).tolist() == [[10, 0, 3, 10, 7, 4]]
    assert caps_for(sizes, "quantile", quantile=1.0).tolist() == sizes.tolist()


def test_a_target_is_met_exactly_where_there_is_enough() -> None:
    sizes = np.full((1, BINS), 300)
    made = caps_for(sizes, "target", quantile=0.0, weights=PAPER_TARGET)
    assert made.tolist() == [[80, 160, 200, 300, 100, 50]]
    rare = np.array([[8, 300, 300, 300, 300, 300]])
    assert caps_for(rare, "target", quantile=0.0, weights=PAPER_TARGET).tolist() == [[8, 16, 20, 30, 10, 5]]
    without = caps_for(sizes, "target", quantile=0.0, weights=(0, 1, 1, 1, 1, 0))
    assert without.tolist() == [[0, 300, 300, 300, 300, 0]]


@pytest.mark.parametrize("how", ["quantile", "flat", "target", "none"])
def test_nothing_is_made_of_nothing(how: Any) -> None:
    nothing = np.empty(0, dtype=np.int64)
    assert balanced(nothing, nothing.astype(np.uint64), BINS, how, most=5).tolist() == []


def test_lots_differ_by_seed_and_by_id() -> None:
    assert len({lot(seed, name) for seed in range(20) for name in ("a", "b", "0")}) == 60
