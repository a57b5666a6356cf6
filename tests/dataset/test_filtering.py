"""The trajectory filter: what is kept, and up to where."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dataset.kit import halves
from thinkedit.dataset.filtering import REASONS, best_step, verdict

maybe = st.one_of(halves, st.none())


@given(st.lists(halves, min_size=2, max_size=6))
def test_kept_exactly_where_a_later_image_is_at_least_as_good(scores: list[float]) -> None:
    kept = verdict([True] * len(scores), scores)
    assert isinstance(kept, int) == (max(scores[1:]) >= scores[0])
    assert isinstance(kept, int) or kept == "worse"


@given(st.lists(halves, min_size=2, max_size=6))
def test_the_best_is_last_and_with_the_first_of_ties_nothing_before_is_as_good(scores: list[float]) -> None:
    kept = verdict([True] * len(scores), scores, tie="first")
    if isinstance(kept, int):
        assert kept == scores.index(max(scores)) + 1
        assert all(score < scores[kept - 1] for score in scores[: kept - 1])


@given(st.lists(halves, min_size=2, max_size=6))
def test_the_last_of_ties_keeps_the_chain(scores: list[float]) -> None:
    kept = verdict([True] * len(scores), scores, tie="last")
    if isinstance(kept, int):
        assert scores[kept - 1] == max(scores)
        assert all(score < scores[kept - 1] for score in scores[kept:])
        first = verdict([True] * len(scores), scores, tie="first")
        assert isinstance(first, int)
        assert first <= kept


@given(st.lists(st.tuples(st.booleans(), maybe), max_size=6), st.booleans())
def test_there_is_always_a_number_of_steps_or_a_known_reason(
    steps: list[tuple[bool, float | None]], good: bool
) -> None:
    images, scores = [image for image, _ in steps], [score for _, score in steps]
    kept = verdict(images, scores, single="keep_if_good", good=good)
    if isinstance(kept, str):
        assert kept in REASONS
    else:
        assert 1 <= kept <= len(steps)
        assert images[kept - 1]


@pytest.mark.parametrize(
    ("images", "scores", "said"),
    [
        ([], [], "no_image"),
        ([False], [None], "no_image"),
        ([False, True], [None, 5.0], "no_first_image"),
        ([True, True], [5.0, None], "unscored"),
        ([True, True], [5.0, math.nan], "bad_score"),
        ([True, True], [math.nan, 5.0], "bad_score"),
        ([True, True], [5.0, math.inf], "bad_score"),
        ([True, True], [5.0, 10.5], "bad_score"),
        ([True], [9.0], "one_step"),
        ([True, False], [9.0, None], "one_step"),
        ([True, True], [6.0, 5.5], "worse"),
        ([True, False, True], [6.0, None, 6.5], 3),
        ([True, True], [6.0, 6.0], 1),
    ],
)
def test_each_reason(images: list[bool], scores: list[float | None], said: int | str) -> None:
    assert verdict(images, scores) == said


def test_a_single_good_image_is_kept_where_that_is_wanted() -> None:
    assert verdict([True], [9.0], single="keep_if_good", good=True) == 1
    assert verdict([True], [7.0], single="keep_if_good", good=False) == "one_step_not_good"
    assert verdict([True, True], [9.0, 8.0], single="keep_if_good", good=True) == "worse"


def test_no_best_of_nothing() -> None:
    assert best_step([]) is None
    assert best_step([None, None]) is None
