"""The second opinion: numbers read off source and result by other means than the thinker's.

The thinker measures in CIELAB (lightness, b*, chroma), by Laplacians, the structure term of SSIM, CIEDE2000
and phase correlation. Here: light in stops from linear luminance, the ratio of red to blue light, HSV
chroma, Oklab, the Fourier spectrum and Sobel gradients, directions of gradients, matched templates and
features, and places drawn by hand (`places.py`). It is another yardstick, not a person.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gallery import shapes, tones
from gallery.frames import Pair, Where

__all__ = ["MEASURES", "burnt", "disagreement"]

MEASURES: dict[str, Callable[[Pair, Where], float]] = {
    name: getattr(module, name)
    for module in (tones, shapes)
    for name in module.__all__
    if name != "hue_share"
} | {
    "blue_share": tones.hue_share(195, 265),
    "green_share": tones.hue_share(75, 165),
    "brown_share": tones.hue_share(8, 60),
}
"""Measures by name."""


def burnt(pair: Pair) -> float:
    """Share of pixels newly at the end of the scale in all three channels, white or black."""
    if not pair.same_size:
        return 0.0

    def ends(pixels: NDArray[np.uint8]) -> Where:
        return np.asarray((pixels.min(axis=2) >= 253) | (pixels.max(axis=2) <= 2))

    return float((ends(pair.after.pixels) & ~ends(pair.before.pixels)).mean())


def disagreement(pair: Pair) -> float:
    """1 minus same_directions over the whole picture; 0 where the size changed."""
    return (
        1 - tones.same_directions(pair, np.ones(pair.before.pixels.shape[:2], bool))
        if pair.same_size
        else 0.0
    )
