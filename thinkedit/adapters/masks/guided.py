"""Masks that follow the picture's own edges: a guided filter kept as its linear model.

He, Sun and Tang, "Guided Image Filtering" (2010) and "Fast Guided Filter" (2015): inside each window the
mask is slope * guide + offset. The two small maps are computed on a reduced picture and applied to the
guide at full size, so a 12 megapixel mask has sharp edges at the price of a one megapixel one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "REDUCED_SIDE",
    "GuidedMask",
    "Mask",
    "Pixels",
    "box_guided",
    "enlarge_at",
    "enlarge_rows",
    "luma",
    "reduced",
    "smoothstep",
    "strips",
]

Pixels = NDArray[np.uint8]
"""H x W x 3, RGB."""
Mask = NDArray[np.float32]
"""H x W, 0 to 1."""

REDUCED_SIDE = 1200
STRIP_PIXELS = 1_000_000


def reduced(pixels: Pixels, side: int = REDUCED_SIDE) -> Pixels:
    """The picture with its longer side at most `side`, area-averaged; no side below one pixel."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def strips(height: int, width: int, pixels: int = STRIP_PIXELS) -> Iterator[tuple[int, int]]:
    """(top, bottom) of bands of rows of about `pixels` pixels each, so that float copies stay small."""
    rows = max(1, pixels // max(1, width))
    for top in range(0, height, rows):
        yield top, min(height, top + rows)


def smoothstep(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    """0 up to `low`, 1 from `high` on, and a smooth S between; `low` above `high` falls instead of rising."""
    x = np.clip((values - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    return np.asarray(x * x * (3 - 2 * x), np.float32)


def enlarge_rows(
    small: NDArray[np.float32], shape: tuple[int, int], top: int, bottom: int
) -> NDArray[np.float32]:
    """Rows top..bottom of `small` enlarged bilinearly to `shape` (height, width), pixel centres aligned."""
    height, width = shape
    if small.shape[:2] == (height, width):
        return small[top:bottom]
    sy = small.shape[0] / height
    first = max(0, int((top + 0.5) * sy - 0.5) - 1)
    last = min(small.shape[0], int((bottom + 0.5) * sy - 0.5) + 3)
    rows = np.clip((np.arange(top, bottom, dtype=np.float32) + 0.5) * sy - 0.5 - first, 0, last - first - 1)
    low = np.minimum(rows.astype(np.int32), last - first - 1)
    high = np.minimum(low + 1, last - first - 1)
    part = (rows - low).astype(np.float32)
    wide = np.asarray(
        cv2.resize(small[first:last], (width, last - first), interpolation=cv2.INTER_LINEAR), np.float32
    )
    part = part.reshape(-1, *([1] * (wide.ndim - 1)))
    below: NDArray[np.float32] = wide[low]
    below += part * (wide[high] - below)
    return below


def enlarge_at(
    small: NDArray[np.float32], shape: tuple[int, int], y: NDArray[np.intp], x: NDArray[np.intp]
) -> NDArray[np.float32]:
    """As `enlarge_rows`, but only at the pixels (y, x): N or N x channels."""
    at, parts = [], []
    for position, small_side, side in ((y, small.shape[0], shape[0]), (x, small.shape[1], shape[1])):
        exact = np.clip((position + 0.5) * (small_side / side) - 0.5, 0, small_side - 1).astype(np.float32)
        low = exact.astype(np.intp)
        at.append((low, np.minimum(low + 1, small_side - 1)))
        parts.append((exact - low).reshape(-1, *([1] * (small.ndim - 2))))
    (top, bottom), (left, right) = at
    upper = small[top, left] + parts[1] * (small[top, right] - small[top, left])
    lower = small[bottom, left] + parts[1] * (small[bottom, right] - small[bottom, left])
    return np.asarray(upper + parts[0] * (lower - upper), np.float32)


def box_guided(guide: Mask, target: Mask, radius: int, eps: float) -> tuple[Mask, Mask]:
    """(slope, offset) of the guided filter, both averaged over the windows that cover a pixel."""
    side = (2 * radius + 1, 2 * radius + 1)

    def mean(values: Mask) -> Mask:
        return np.asarray(cv2.boxFilter(values, -1, side, borderType=cv2.BORDER_REFLECT), np.float32)

    mean_guide, mean_target = mean(guide), mean(target)
    covariance = mean(guide * target) - mean_guide * mean_target
    variance = np.maximum(mean(guide * guide) - mean_guide * mean_guide, 0)
    slope = np.asarray(covariance / (variance + np.float32(eps)), np.float32)
    return mean(slope), mean(mean_target - slope * mean_guide)


def luma(pixels: Pixels) -> Mask:
    """Rec. 601 luma of gamma-encoded values, 0 to 1."""
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
    return grey.astype(np.float32) * np.float32(1 / 255)


@dataclass(frozen=True)
class GuidedMask:
    """A mask of one picture as (slope, offset) over its luma, at reduced size.

    low, high: the filtered values that become 0 and 1, which takes off the faint haze a filter leaves.
    certainty: 0 to 1, how far the ways of finding it agreed.
    """

    slope: Mask
    offset: Mask
    low: float = 0.04
    high: float = 0.96
    certainty: float = 1.0

    @classmethod
    def fit(cls, small: Pixels, target: Mask, radius: int, eps: float) -> GuidedMask:
        """`target` (any size, 0 to 1) fitted to the edges of `small`; radius in pixels of `small`."""
        height, width = small.shape[:2]
        if target.shape != (height, width):
            target = np.asarray(
                cv2.resize(target, (width, height), interpolation=cv2.INTER_LINEAR), np.float32
            )
        slope, offset = box_guided(luma(small), target, max(1, radius), eps)
        return cls(slope, offset)

    @property
    def nbytes(self) -> int:
        return self.slope.nbytes + self.offset.nbytes

    def rows(self, pixels: Pixels, top: int, bottom: int) -> Mask:
        """The mask for rows top..bottom of `pixels`, the picture at any size."""
        shape = (pixels.shape[0], pixels.shape[1])
        values = enlarge_rows(self.slope, shape, top, bottom) * luma(pixels[top:bottom])
        values += enlarge_rows(self.offset, shape, top, bottom)
        values -= np.float32(self.low)
        values *= np.float32(1 / (self.high - self.low))
        return np.clip(values, 0, 1, out=values)

    def full(self, pixels: Pixels) -> Mask:
        """The mask at the size of `pixels`."""
        height, width = pixels.shape[:2]
        mask = np.empty((height, width), np.float32)
        for top, bottom in strips(height, width):
            mask[top:bottom] = self.rows(pixels, top, bottom)
        return mask
