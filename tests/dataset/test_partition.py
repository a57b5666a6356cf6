"""RL and SFT: by variance, apart from one another, whatever the order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkedit.dataset.partition import RL, SFT, choose_theta, split, variance_of

rows = st.lists(
    st.tuples(
        st.integers(0, 12).map(lambda n: n / 4), st.integers(0, 20).map(lambda n: n / 2), st.integers(0, 9)
    ),
    max_size=40,
)


def parted(
    which: list[tuple[float, float, int]], order: list[int], **options: Any
) -> tuple[dict[int, int], float]:
    """Where each row goes, by its number; the first so many candidates are taken, lowest numbers first."""
    numbers = np.array(order, dtype=np.int64)

    def chosen(candidates: np.ndarray, most: int | None) -> np.ndarray:
        there = sorted(np.flatnonzero(candidates).tolist(), key=lambda place: numbers[place])
        kept = np.zeros(len(candidates), dtype=bool)
        kept[there[:most]] = True
        return kept

    made = split(
        np.array([which[n][0] for n in order], dtype=float),
        np.array([which[n][1] for n in order], dtype=float),
        np.array([which[n][2] for n in order], dtype=np.int64),
        chosen,
        **options,
    )
    return dict(zip(order, made.place.tolist(), strict=True)), made.theta


options = st.fixed_dictionaries(
    {"theta": st.none() | st.integers(0, 12).map(lambda n: n / 4), "budget": st.none() | st.integers(0, 45)}
)


@given(rows, options, st.randoms())
def test_sets_are_apart_and_the_order_does_not_matter(
    which: list[tuple[float, float, int]], given_: dict[str, Any], shuffled: Any
) -> None:
    order = list(range(len(which)))
    places, theta = parted(which, order, **given_)
    sources = {place: {which[n][2] for n in order if places[n] == place} for place in (SFT, RL)}
    assert not sources[SFT] & sources[RL]
    for number in order:
        variance, lowest, _ = which[number]
        if places[number] == RL:
            assert variance > theta
        if places[number] == SFT:
            assert variance <= theta or lowest >= 8.0
    if given_["budget"] is not None:
        assert list(places.values()).count(RL) <= given_["budget"]
    shuffled.shuffle(order)
    assert parted(which, order, **given_) == (places, theta)


@given(st.lists(st.integers(0, 12).map(lambda n: n / 4), max_size=40), st.integers(0, 45))
def test_theta_is_the_highest_that_leaves_the_budget(variances: list[float], budget: int) -> None:
    column = np.array(variances, dtype=float)

    def kept(least: float) -> int:
        return int((column > least).sum())

    theta = choose_theta(column, kept, budget)
    assert theta in {0.0, *variances}
    assert kept(theta) >= budget or theta == 0
    assert all(kept(higher) < budget for higher in variances if higher > theta)


@pytest.mark.parametrize(
    ("scores", "variance"),
    [([5.0], 0.0), ([4.0, 6.0], 1.0), ([1.0, 2.0, 6.0], 14 / 3), ([7.0, 7.0, 7.0], 0.0)],
)
def test_the_variance_is_of_the_population(scores: list[float], variance: float) -> None:
    assert variance_of(scores) == pytest.approx(variance)
    assert variance_of(scores[::-1]) == variance_of(scores)


def test_what_varies_and_is_not_chosen_goes_nowhere_unless_it_is_good_throughout() -> None:
    which = [(3.0, 2.0, 0), (3.0, 2.0, 1), (3.0, 9.0, 2), (0.5, 2.0, 3), (0.0, 2.0, 0)]
    places, theta = parted(which, [0, 1, 2, 3, 4], budget=1)
    assert theta == 0.5
    assert places == {0: RL, 1: 2, 2: SFT, 3: SFT, 4: 3}
