"""Laying the result over the source, so that both can be measured in one frame."""

from __future__ import annotations

from collections.abc import Sequence

from thinkedit.adapters.thinkers.measured.colour import Pixels, Weights
from thinkedit.adapters.thinkers.measured.placement import (
    expected_placement,
    find_placement,
    lay_weights,
    pair_in_place,
)
from thinkedit.adapters.thinkers.measured.scene import Scene
from thinkedit.adapters.thinkers.measured.sources import Source
from thinkedit.adapters.thinkers.measured.views import Pair
from thinkedit.adapters.vocabulary import Clause

__all__ = ["look"]

MOVING = ("crop", "rotate", "flip", "border")


def look(source: Source, result: Pixels, wishes: Sequence[Clause]) -> tuple[Scene, list[str]]:
    """The scene to measure, and remarks for a person on how the pictures were brought together."""
    if any(wish.operation in MOVING for wish in wishes):
        placed = _placed(source, result, wishes)
        if placed is not None:
            return placed, []
    view = source.view
    pair = Pair.of(view, result)
    remarks = []
    if pair.resized and not any(wish.operation in (*MOVING, "resize") for wish in wishes):
        (had, high), (has, tall) = view.size, (result.shape[1], result.shape[0])
        remarks.append(f"the result is {has} x {tall} instead of {had} x {high} and was scaled for measuring")
    return Scene(pair, tuple(wishes), result, view.size, source.region, step=view.step), remarks


def _placed(source: Source, result: Pixels, wishes: Sequence[Clause]) -> Scene | None:
    view = source.view
    placement = find_placement(view, result) or expected_placement(view, result, wishes)
    if placement is None:
        return None
    pair, matrix = pair_in_place(view, result, placement)
    if float(pair.valid.mean()) < 0.05:
        return None
    size = (pair.result.shape[1], pair.result.shape[0])

    def place(weights: Weights) -> Weights:
        return lay_weights(weights, matrix, size)

    return Scene(pair, tuple(wishes), result, view.size, source.region, place, placement, view.step)
