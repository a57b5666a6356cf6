"""A picture as the thinker looks at it: small for colour and tone, and in samples at full size for detail.

Colour, tone and structure are judged at 512 pixels on the longer side, where a person sees the whole
picture. Noise, sharpness and JPEG blocks vanish in that reduction, so they are judged on a few square
samples cut out at the picture's own size.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from thinkedit.adapters.thinkers.measured.colour import Lab, Pixels, Weights, to_lab
from thinkedit.adapters.thinkers.measured.measures import Map, laplacian, level_step

__all__ = ["SIDE", "Pair", "Sample", "View", "reduce", "resize"]

SIDE = 512
SAMPLE_SIDE = 256
WHOLE_SIDE = 768  # up to here the whole picture is the one sample


def resize(pixels: Pixels, width: int, height: int) -> Pixels:
    """The picture at another size: area-averaged when it shrinks, cubic when it grows."""
    if pixels.shape[:2] == (height, width):
        return pixels
    shrinks = width * height < pixels.shape[0] * pixels.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=how), np.uint8)


def reduce(pixels: Pixels, side: int = SIDE) -> Pixels:
    """The picture with its longer side at most `side`, no side below one pixel."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    return resize(pixels, max(1, round(width * scale)), max(1, round(height * scale)))


@dataclass(frozen=True)
class Sample:
    """A part of a picture at its own size; left and top in pixels of that picture."""

    left: int
    top: int
    pixels: Pixels


@dataclass(frozen=True)
class View:
    """One picture, reduced, with its samples.

    size: (width, height) of the picture itself. step: distance of the levels that it uses.
    """

    size: tuple[int, int]
    small: Pixels
    lab: Lab
    samples: tuple[Sample, ...] = field(default=(), repr=False)
    step: float = 1.0

    @classmethod
    def of(cls, pixels: Pixels, *, samples: bool = True) -> View:
        small = reduce(pixels)
        cuts = _samples(pixels, small) if samples else ()
        return cls((pixels.shape[1], pixels.shape[0]), small, to_lab(small), cuts, level_step(pixels))

    @property
    def scale(self) -> float:
        """Pixels of the small picture for one of the picture."""
        return float(max(self.small.shape[:2]) / max(self.size))


def _samples(pixels: Pixels, small: Pixels) -> tuple[Sample, ...]:
    """The calmest, a middling and the two most detailed squares of a grid over the picture."""
    height, width = pixels.shape[:2]
    if max(height, width) <= WHOLE_SIDE:
        return (Sample(0, 0, pixels),)
    detail = laplacian(to_lab(small)[..., 0])
    rows, columns = max(1, height // SAMPLE_SIDE), max(1, width // SAMPLE_SIDE)
    busy = np.asarray(cv2.resize(detail, (columns, rows), interpolation=cv2.INTER_AREA)).ravel()
    order = np.argsort(busy, kind="stable")
    picks = dict.fromkeys(
        (int(order[-1]), int(order[-2 % len(order)]), int(order[len(order) // 2]), int(order[0]))
    )
    cuts = []
    for pick in picks:
        top, left = (pick // columns) * SAMPLE_SIDE, (pick % columns) * SAMPLE_SIDE
        cut = pixels[top : top + SAMPLE_SIDE, left : left + SAMPLE_SIDE]
        cuts.append(Sample(left, top, np.ascontiguousarray(cut)))
    return tuple(cuts)


@dataclass(frozen=True)
class Detail:
    """One sample of both pictures at the same size, in lightness. left, top: in the source, for grids."""

    before: Map
    after: Map
    left: int
    top: int
    weights_box: tuple[float, float, float, float]  # left, top, right, bottom as shares of the picture


@dataclass(frozen=True)
class Pair:
    """Source and result laid over each other in the result's frame.

    before, after: CIELAB, same shape. source, result: the same as pixels. valid: where both have pixels.
    details: samples at full size, none where the result's geometry differs.
    resized: the result has another size than the source, and was brought to it for measuring.
    stretch: width to height of the result over that of the source; 1 where the shape stayed.
    """

    source: Pixels
    result: Pixels
    before: Lab
    after: Lab
    valid: Weights
    details: tuple[Detail, ...] = field(default=(), repr=False)
    resized: bool = False
    stretch: float = 1.0

    @classmethod
    def of(cls, source: View, result: Pixels) -> Pair:
        """The result laid over the source without any change of geometry."""
        height, width = source.small.shape[:2]
        small = resize(reduce(result), width, height)
        own = (result.shape[1], result.shape[0])
        stretch = (own[0] / own[1]) / (source.size[0] / source.size[1])
        details = _details(source, result) if abs(np.log(stretch)) < 0.03 else ()
        ones = np.ones((height, width), np.float32)
        return cls(
            source.small, small, source.lab, to_lab(small), ones, details, own != source.size, float(stretch)
        )

    @property
    def lightness(self) -> tuple[Map, Map]:
        return self.before[..., 0], self.after[..., 0]


def _details(source: View, result: Pixels) -> tuple[Detail, ...]:
    width, height = source.size
    sx, sy = result.shape[1] / width, result.shape[0] / height
    details = []
    for sample in source.samples:
        rows, columns = sample.pixels.shape[:2]
        left, top = round(sample.left * sx), round(sample.top * sy)
        right, bottom = round((sample.left + columns) * sx), round((sample.top + rows) * sy)
        other = result[top : max(bottom, top + 1), left : max(right, left + 1)]
        if not other.size:
            continue
        before = sample.pixels
        if other.shape != before.shape:  # both at the smaller size, so that neither is blurred by enlarging
            w, h = min(columns, other.shape[1]), min(rows, other.shape[0])
            before, other = resize(before, w, h), resize(np.ascontiguousarray(other), w, h)
        box = (
            sample.left / width,
            sample.top / height,
            (sample.left + columns) / width,
            (sample.top + rows) / height,
        )
        details.append(Detail(to_lab(before)[..., 0], to_lab(other)[..., 0], sample.left, sample.top, box))
    return tuple(details)
