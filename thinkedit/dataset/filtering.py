"""Which trajectories are kept, and up to which step (paper, section 4): pure functions over scores.

A trajectory is kept iff max over t > 1 of S_t >= S_1, and then cut behind k = argmax over t >= 1 of S_t.
S_t is the judge's overall score of the image of step t.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

__all__ = ["REASONS", "Single", "Tie", "best_step", "verdict"]

Tie: TypeAlias = Literal["first", "last"]
Single: TypeAlias = Literal["discard", "keep_if_good"]

REASONS = {
    "no_image": "no step has an image",
    "no_first_image": "the first step has no image, so nothing can be compared with it",
    "unscored": "the judge gave no score of an image",
    "bad_score": "a score is no number from 0 to 10",
    "one_step": "there is no second image, and single ones are discarded",
    "one_step_not_good": "there is no second image, and the first is not good",
    "worse": "no later image is as good as the first",
}
"""Why a trajectory is dropped."""


def best_step(scores: Sequence[float | None], tie: Tie = "first") -> int | None:
    """Index of the highest score; None where there is none. tie: which of equal ones."""
    there = [(score, index) for index, score in enumerate(scores) if score is not None]
    if not there:
        return None
    top = max(score for score, _ in there)
    equal = [index for score, index in there if score == top]
    return equal[0] if tie == "first" else equal[-1]


def verdict(
    images: Sequence[bool],
    scores: Sequence[float | None],
    *,
    tie: Tie = "first",
    single: Single = "discard",
    good: bool = False,
) -> int | str:
    """How many steps are kept, counted from the first; or the reason (see REASONS) why none are.

    images: whether each step has one (an editor may have refused a prompt); scores: its S_t, None where the
    judge gave none. single: what becomes of a trajectory without an image at t > 1, which the paper leaves
    open. good: whether the first image is good, on both of its scores.
    """
    if not any(images):
        return "no_image"
    if not images[0]:
        return "no_first_image"
    shown = [score if image else None for image, score in zip(images, scores, strict=True)]
    if any(image and score is None for image, score in zip(images, shown, strict=True)):
        return "unscored"
    if any(score is not None and not (math.isfinite(score) and 0 <= score <= 10) for score in shown):
        return "bad_score"
    first = shown[0]
    assert first is not None
    later = [score for score in shown[1:] if score is not None]
    if not later:
        if single == "discard":
            return "one_step"
        return 1 if good else "one_step_not_good"
    if max(later) < first:
        return "worse"
    best = best_step(shown, tie)
    assert best is not None
    return best + 1
