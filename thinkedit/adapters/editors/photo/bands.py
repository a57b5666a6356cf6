"""Work by bands of rows: an operation, where it applies, and a look at whether to go on, band by band."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from thinkedit.adapters.masks.guided import Mask, Pixels, strips

__all__ = ["Check", "Rows", "Weight", "by_bands"]

Rows = Callable[[int, int], Pixels]
"""(top, bottom) -> the new pixels of those rows."""
Weight = Callable[[int, int], Mask]
"""(top, bottom) -> how much of the new pixels to take, 0 to 1."""
Check = Callable[[], None]
"""Raises where the work is no longer wanted."""
BAND_PIXELS = 500_000


def by_bands(pixels: Pixels, rows: Rows, weight: Weight | None, check: Check) -> Pixels:
    """A new picture: `rows` where `weight` is 1 (or everywhere), `pixels` where it is 0, a mix between."""
    result = np.empty_like(pixels)
    for top, bottom in strips(pixels.shape[0], pixels.shape[1], BAND_PIXELS):
        check()
        share = weight(top, bottom) if weight is not None else None
        if share is not None and not share.any():
            result[top:bottom] = pixels[top:bottom]
            continue
        new = rows(top, bottom)
        if share is not None:
            new = _blend(pixels[top:bottom], new, share)
        result[top:bottom] = new
    return result


def _blend(old: Pixels, new: Pixels, share: Mask) -> Pixels:
    share = np.ascontiguousarray(share, np.float32)
    mixed = np.asarray(
        cv2.blendLinear(np.ascontiguousarray(new), np.ascontiguousarray(old), share, 1 - share)
    )
    return np.asarray(mixed, np.uint8)
