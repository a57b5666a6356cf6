"""Source and result with the regions that the wishes name: what every target is measured on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np

from thinkedit.adapters.thinkers.measured.colour import Pixels, Weights, ciede2000
from thinkedit.adapters.thinkers.measured.measures import Map, mean
from thinkedit.adapters.thinkers.measured.placement import Placement
from thinkedit.adapters.thinkers.measured.regions import Region
from thinkedit.adapters.thinkers.measured.rim import Rim
from thinkedit.adapters.thinkers.measured.views import Detail, Pair
from thinkedit.adapters.vocabulary import Clause

__all__ = ["GEOMETRY", "REPLACING", "SOFTENING", "STYLES", "Scene", "place_of"]

STYLES = ("pencil", "colour_sketch", "watercolour", "oil", "cartoon")
GEOMETRY = ("crop", "rotate", "flip", "resize", "border")
REPLACING = ("background_replace", "sky_replace", "caption", "pixelate")
"""What puts something else in a region's place."""
SOFTENING = ("blur", "denoise", "pixelate")


def place_of(clause: Clause) -> str:
    """The region that a wish changes: replacing the sky changes the sky, whatever the clause says."""
    if clause.operation == "background_replace":
        return "background"
    if clause.operation == "caption":
        words = (clause.option("position") or "bottom").replace("-", " ").split()
        return next((word for word in words if word in ("top", "bottom")), "centre")
    return "sky" if clause.operation == "sky_replace" else clause.region


@dataclass(frozen=True)
class Scene:
    """What is looked at for one critique.

    clauses: the instruction's wishes. full: the result at its own size, without the border that was asked
    for. place: brings weights from the source's frame into the pair's. size: (width, height) of the source.
    placement: where the source lies in the result, if a wish changes the geometry and it was found.
    step: distance of the levels that the source uses. rim: the border found and taken off, where one was
    asked for.
    """

    pair: Pair
    clauses: tuple[Clause, ...]
    full: Pixels
    size: tuple[int, int]
    region: Callable[[str], Region]
    place: Callable[[Weights], Weights] = field(default=lambda weights: weights)
    placement: Placement | None = None
    step: float = 1.0
    rim: Rim | None = None

    def inside(self, name: str) -> Weights:
        """Weights of what surely lies in the region, in the pair's frame."""
        if name == "whole":
            return self.pair.valid
        return self.place(self.region(name).inside) * self.pair.valid

    def outside(self, names: Sequence[str]) -> Weights:
        """Weights of what surely lies outside all of the regions."""
        left = self.pair.valid
        for name in names:
            left = left * self.place(self.region(name).outside)
        return left

    def asked(self, *operations: str) -> bool:
        """Whether one of these operations was wished for, anywhere."""
        return any(clause.operation in operations for clause in self.clauses)

    @cached_property
    def delta_e(self) -> Map:
        """CIEDE2000 between source and result, for every pixel."""
        return np.asarray(ciede2000(self.pair.before, self.pair.after), np.float32)

    def detail_weights(self, detail: Detail, weights: Weights) -> Weights:
        """Weights of the small picture for one full-size sample."""
        height, width = weights.shape
        left, top, right, bottom = detail.weights_box
        x0, y0 = int(left * width), int(top * height)
        x1, y1 = max(x0 + 1, round(right * width)), max(y0 + 1, round(bottom * height))
        cut = np.ascontiguousarray(weights[y0:y1, x0:x1])
        size = (detail.before.shape[1], detail.before.shape[0])
        return np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_LINEAR), np.float32)

    def over_details(
        self, measure: Callable[[Map, Weights], float], weights: Weights
    ) -> list[tuple[float, float, float]]:
        """(before, after, share of the weight) of a measure on each full-size sample.

        On the small pictures where there are no samples; samples that the weights hardly touch are left out.
        """
        found = []
        for detail in self.pair.details:
            cut = self.detail_weights(detail, weights)
            share = float(cut.mean())
            if share > 0.08:
                found.append((measure(detail.before, cut), measure(detail.after, cut), share))
        if not found:
            before, after = self.pair.lightness
            found.append((measure(before, weights), measure(after, weights), mean(weights)))
        return found
