"""What can be measured on pictures: pure functions of arrays, no words and no thresholds.

Lightness maps `L` are H x W, 0 to 100; `weights` are H x W, 0 to 1. Every function takes pictures of any
size from one pixel up and returns finite numbers.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters.thinkers.measured.colour import Lab, Pixels, Weights

__all__ = [
    "Map",
    "blockiness",
    "burnt",
    "crushed",
    "flatness",
    "laplacian",
    "level_step",
    "local_contrast",
    "mean",
    "noise",
    "overshoot",
    "quantile",
    "ratio_percent",
    "shift",
    "spread",
    "structure",
    "tone_matched",
]

Map = NDArray[np.float32]


def mean(values: NDArray[Any], weights: Weights | None = None) -> float:
    """Weighted mean; 0 where nothing weighs."""
    if weights is None:
        return float(values.mean()) if values.size else 0.0
    total = float(weights.sum(dtype=np.float64))
    return float((values * weights).sum(dtype=np.float64)) / total if total > 1e-6 else 0.0


def spread(values: NDArray[Any], weights: Weights | None = None) -> float:
    """Weighted standard deviation."""
    centre = mean(values, weights)
    return float(np.sqrt(mean((values - centre) ** 2, weights)))


def quantile(values: NDArray[Any], share: float, weights: Weights | None = None) -> float:
    """The value below which `share` (0 to 1) of the pixels that weigh at least a half lie; 0 for none."""
    chosen = values if weights is None else values[weights >= 0.5]
    return float(np.quantile(chosen, share)) if chosen.size else 0.0


def ratio_percent(after: float, before: float, floor: float) -> float:
    """100 ln(after / before): +100 is e times as much, and more and less are alike. `floor` steadies it."""
    return float(100 * np.log((max(after, 0) + floor) / (max(before, 0) + floor)))


def _smooth(values: Map, sigma: float) -> Map:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32)


def structure(before: Map, after: Map, sigma: float = 1.5) -> Map:
    """The structure term of SSIM for every pixel (Wang et al. 2004, equation 10, C3 = 4.5e-4 of the range).

    Tone and colour edits leave it near 1, because neither local mean nor local contrast enters; blur, noise
    and movement lower it.
    """
    one, two = (np.asarray(L, np.float32) / np.float32(100) for L in (before, after))
    mean_one, mean_two = _smooth(one, sigma), _smooth(two, sigma)
    var_one = np.maximum(_smooth(one * one, sigma) - mean_one * mean_one, 0)
    var_two = np.maximum(_smooth(two * two, sigma) - mean_two * mean_two, 0)
    both = _smooth(one * two, sigma) - mean_one * mean_two
    steady = np.float32(4.5e-4)
    term: Map = (both + steady) / (np.sqrt(var_one * var_two) + steady)
    return np.clip(term, -1, 1)


def laplacian(L: Map) -> Map:
    """Absolute Laplacian: how sharp each place is."""
    return np.abs(np.asarray(cv2.Laplacian(L, cv2.CV_32F), np.float32))


def local_contrast(L: Map, weights: Weights | None = None, share: float = 0.025) -> float:
    """Mean distance of lightness from its surroundings, a window of `share` of the longer side."""
    return mean(np.abs(L - _smooth(L, max(1.0, share * max(L.shape)))), weights)


def noise(L: Map, weights: Weights | None = None) -> float:
    """Standard deviation of pixel noise in L*, from the flattest places.

    Immerkaer's second-difference mask (1996), whose response a straight edge or a ramp does not raise; the
    median of its absolute value over the calmer half of the picture, so that texture does not count.
    """
    if min(L.shape) < 3:
        return 0.0
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(np.asarray(cv2.filter2D(L, cv2.CV_32F, kernel), np.float32))[1:-1, 1:-1]
    if weights is not None:
        inside = weights[1:-1, 1:-1] >= 0.5
        if int(inside.sum()) < 64:
            return 0.0
    else:
        inside = np.ones(response.shape, bool)
    busy = np.asarray(cv2.blur(response, (7, 7)), np.float32)
    calm = inside & (busy <= np.median(busy[inside]))
    return float(np.median(response[calm])) / 0.6745 / 6


def burnt(pixels: Pixels) -> Map:
    """1 where the brightest channel is at its end (254 or 255): detail in it is lost."""
    return np.asarray(pixels.max(axis=2) >= 254, np.float32)


def crushed(pixels: Pixels) -> Map:
    """1 where every channel is at black (2 or less)."""
    return np.asarray(pixels.max(axis=2) <= 2, np.float32)


def level_step(pixels: Pixels) -> float:
    """Mean distance between the levels that the green channel uses, 1 for a smooth picture.

    Levels are counted between the 2nd and the 98th percentile; a picture with fewer than 2,000 pixels or
    with hardly any range gives 1, since it cannot show banding.
    """
    stride = max(1, int(np.sqrt(pixels.shape[0] * pixels.shape[1] / 1e6)))
    green = pixels[::stride, ::stride, 1]
    if green.size < 2000:
        return 1.0
    counts = np.bincount(green.ravel(), minlength=256)
    total = np.cumsum(counts) / green.size
    low, high = int(np.searchsorted(total, 0.02)), int(np.searchsorted(total, 0.98))
    if high - low < 24:
        return 1.0
    used = int((counts[low : high + 1] > green.size * 2e-5).sum())
    return (high - low + 1) / max(used, 1)


def blockiness(L: Map, left: int = 0, top: int = 0) -> float:
    """Steps across the 8 x 8 grid of JPEG over the steps elsewhere; 1 where no grid shows.

    left, top: where the map lies in its picture, so that the grid is the picture's own.
    """
    if min(L.shape) < 24:
        return 1.0
    across = np.abs(np.diff(L, axis=1))
    down = np.abs(np.diff(L, axis=0))
    columns = (np.arange(across.shape[1]) + left) % 8 == 7
    rows = (np.arange(down.shape[0]) + top) % 8 == 7
    at = float(across[:, columns].mean() + down[rows].mean())
    off = float(across[:, ~columns].mean() + down[~rows].mean())
    return (at + 0.05) / (off + 0.05)


def shift(before: Map, after: Map, weights: Weights | None = None) -> tuple[float, float]:
    """(pixels, confidence): how far the picture moved, by phase correlation of its edges.

    Edges, because they survive a change of tone. Confidence is the height of the peak, 0 to 1; below about
    0.1 the distance means nothing.
    """
    height, width = before.shape
    if min(height, width) < 16:
        return 0.0, 0.0

    def edges(L: Map) -> NDArray[np.float64]:
        smooth = _smooth(L, 1.0)
        size = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
        if weights is not None:
            size = size * weights
        return np.asarray(np.minimum(size, np.float32(40)), np.float64)

    window = cv2.createHanningWindow((width, height), cv2.CV_64F)
    first, second = edges(before), edges(after)
    if first.std() < 1e-3 or second.std() < 1e-3:
        return 0.0, 0.0
    (dx, dy), peak = cv2.phaseCorrelate(first, second, window)
    distance = float(np.hypot(dx, dy))
    return (distance, float(peak)) if np.isfinite(distance) else (0.0, 0.0)


def tone_matched(before: Map, after: Map, weights: Weights | None = None) -> Map:
    """`before` with the tone curve that best explains `after`: the mean of `after` for each level.

    What is left between the two is what no change of tone explains.
    """
    levels = np.clip(np.rint(before), 0, 100).astype(np.int32)
    weigh = np.ones(before.size) if weights is None else weights.ravel().astype(np.float64)
    count = np.bincount(levels.ravel(), weights=weigh, minlength=101)
    total = np.bincount(levels.ravel(), weights=weigh * after.ravel(), minlength=101)
    known = count > 1e-6
    if not known.any():
        return before
    curve = np.interp(np.arange(101), np.flatnonzero(known), total[known] / count[known])
    curve = np.convolve(np.pad(curve, 2, mode="edge"), np.ones(5) / 5, mode="valid")
    return np.interp(before, np.arange(101), curve).astype(np.float32)


def overshoot(before: Map, after: Map, weights: Weights | None = None, radius: int = 5) -> float:
    """How far lightness passes what lay nearby before, beside strong edges: mean L* of the worst fifth.

    Halos of sharpening, clarity and careless masks. `before` is tone-matched first, so a global change of
    tone counts nothing. radius: pixels taken as nearby.
    """
    if min(before.shape) < 8:
        return 0.0
    expected = tone_matched(before, after, weights)
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    high, low = cv2.dilate(expected, kernel), cv2.erode(expected, kernel)
    beyond = np.maximum(np.maximum(after - high, low - after), 0)
    edge = (high - low) > 25
    if weights is not None:
        edge &= weights >= 0.5
    if int(edge.sum()) < 32:
        return 0.0
    values = np.sort(beyond[edge])
    return float(values[-max(1, values.size // 5) :].mean())


def flatness(lab: Lab, weights: Weights | None = None) -> float:
    """Share of pixels whose neighbours right and below are nearly the same, 0 to 1: painted areas."""
    L = lab[..., 0]
    if min(L.shape) < 3:
        return 1.0
    across = np.abs(np.diff(L, axis=1, append=L[:, -1:]))
    down = np.abs(np.diff(L, axis=0, append=L[-1:]))
    return mean((np.maximum(across, down) < 0.6).astype(np.float32), weights)
