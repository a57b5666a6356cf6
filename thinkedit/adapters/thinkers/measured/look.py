"""Laying the result over the source, so that both can be measured in one frame."""

from __future__ import annotations

from collections.abc import Sequence

from thinkedit.adapters.thinkers.measured.colour import Pixels
from thinkedit.adapters.thinkers.measured.scene import Scene
from thinkedit.adapters.thinkers.measured.sources import Source
from thinkedit.adapters.thinkers.measured.views import Pair
from thinkedit.adapters.vocabulary import Clause

__all__ = ["look"]


def look(source: Source, result: Pixels, wishes: Sequence[Clause]) -> tuple[Scene, list[str]]:
    """The scene to measure, and remarks for a person on how the pictures were brought together."""
    view = source.view
    pair = Pair.of(view, result)
    remarks = []
    if pair.resized:
        had, has = view.size, (result.shape[1], result.shape[0])
        remarks.append(
            f"the result is {has[0]} x {has[1]} instead of {had[0]} x {had[1]} and was scaled for measuring"
        )
    return Scene(pair, tuple(wishes), result, view.size, source.region), remarks
