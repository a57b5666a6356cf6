"""Laying the result over the source, so that both can be measured in one frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from thinkedit.adapters.thinkers.measured.colour import Pixels, Weights
from thinkedit.adapters.thinkers.measured.placement import (
    Placement,
    expected_placement,
    find_placement,
    lay_weights,
    pair_in_place,
    upright,
)
from thinkedit.adapters.thinkers.measured.rim import Rim, find_rim, without_rim
from thinkedit.adapters.thinkers.measured.scene import Scene
from thinkedit.adapters.thinkers.measured.sources import Source
from thinkedit.adapters.thinkers.measured.views import Pair, View, resize
from thinkedit.adapters.vocabulary import Clause

__all__ = ["look"]

MOVING = ("crop", "rotate", "flip", "border")


def look(source: Source, result: Pixels, wishes: Sequence[Clause]) -> tuple[Scene, list[str]]:
    """The scene to measure, and remarks for a person on how the pictures were brought together.

    A border that was asked for is taken off first: every other wish is measured on the picture inside it.
    """
    view = source.view
    rim = None
    if any(wish.operation == "border" for wish in wishes):
        rim = find_rim(view, result, wishes)
        result = without_rim(result, rim)
    if any(wish.operation in (*MOVING, "resize") for wish in wishes):
        placed = _placed(source, result, wishes, rim)
        if placed is not None:
            return placed, []
    pair = Pair.of(view, result)
    remarks = []
    if pair.resized and not any(wish.operation in (*MOVING, "resize") for wish in wishes):
        (had, high), (has, tall) = view.size, (result.shape[1], result.shape[0])
        remarks.append(f"the result is {has} x {tall} instead of {had} x {high} and was scaled for measuring")
    scene = Scene(pair, tuple(wishes), result, view.size, source.region, step=view.step, rim=rim)
    return scene, remarks


def _placed(source: Source, result: Pixels, wishes: Sequence[Clause], rim: Rim | None) -> Scene | None:
    view = source.view
    placement = _placement(view, result, wishes)
    if placement is None:
        return None
    pair, matrix = pair_in_place(view, result, placement)
    if float(pair.valid.mean()) < 0.05:
        return None
    size = (pair.result.shape[1], pair.result.shape[0])

    def place(weights: Weights) -> Weights:
        return lay_weights(weights, matrix, size)

    return Scene(pair, tuple(wishes), result, view.size, source.region, place, placement, view.step, rim)


def _placement(view: View, result: Pixels, wishes: Sequence[Clause]) -> Placement | None:
    """Where the source lies in the result, even where a stretch was asked for."""
    height, width = result.shape[:2]
    if not any(wish.operation in MOVING for wish in wishes):
        across, down = width / view.size[0], height / view.size[1]
        return Placement(np.array([[across, 0, 0], [0, down, 0]]), False, 0.0, max(across, down), 0)
    across, down = _proportions(view, wishes) or (width, height)
    wide, high = width, max(1, round(width * down / across))
    if 0.99 < high / height < 1.01:
        return find_placement(view, result) or expected_placement(view, result, wishes)
    even = resize(result, wide, high)
    found = find_placement(view, even) or expected_placement(view, even, wishes)
    return None if found is None else found.stretched(width / wide, height / high)


def _proportions(view: View, wishes: Sequence[Clause]) -> tuple[float, float] | None:
    """Width to height of the picture before a stretch that was asked for; None where there was none."""
    if not any(wish.operation == "resize" and wish.option("exact") for wish in wishes):
        return None
    across, down = float(view.size[0]), float(view.size[1])
    for wish in wishes:
        if wish.operation == "rotate":
            across, down = upright(across, down, 90 * wish.amount)
    for wish in wishes:
        if wish.operation == "crop" and (shape := wish.option("ratio") or wish.option("size")):
            across, down = (float(part) for part in shape.replace("x", ":").split(":"))
        elif wish.operation == "crop" and wish.option("off"):
            unit, _, number = (wish.given or "").partition(":")
            sideways = wish.region in ("left", "right")
            length = across if sideways else down
            left = max(1.0, length - (float(number) if unit == "pixels" else 0.2 * wish.amount * length))
            across, down = (left, down) if sideways else (across, left)
    return across, down
