"""Numbers about crops, turns, borders and lettering: matched features, templates and changed pixels.

The place is not used; it is there so that all measures are called alike.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from gallery.frames import Frame, Pair, Where

__all__ = [
    "area_kept",
    "empty_corners",
    "found_within",
    "magnified",
    "mirrored",
    "source_within",
    "turned",
    "white_rim",
    "width",
    "width_over_height",
    "written_contrast",
    "written_low",
    "written_margin",
    "written_share",
]


def _affine(pair: Pair) -> NDArray[np.float64] | None:
    """Similarity from source to result by matched ORB features (RANSAC), 2 x 3."""
    orb = cv2.ORB_create(3000)
    found = [orb.detectAndCompute(f.pixels[..., 1].copy(), None) for f in (pair.before, pair.after)]
    if any(d is None or len(k) < 10 for k, d in found):
        return None
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(found[0][1], found[1][1])
    if len(matches) < 10:
        return None
    a = np.float32([found[0][0][m.queryIdx].pt for m in matches])
    b = np.float32([found[1][0][m.trainIdx].pt for m in matches])
    cv2.setRNGSeed(1)
    return cv2.estimateAffinePartial2D(a, b, ransacReprojThreshold=2.0)[0]


def turned(pair: Pair, where: Where) -> float:
    """Degrees by which the result is turned, clockwise; from matched features."""
    affine = _affine(pair)
    return 0.0 if affine is None else float(np.degrees(np.arctan2(affine[1, 0], affine[0, 0])))


def magnified(pair: Pair, where: Where) -> float:
    """How much larger things are; from matched features."""
    affine = _affine(pair)
    return 0.0 if affine is None else float(np.hypot(affine[0, 0], affine[1, 0]))


def area_kept(pair: Pair, where: Where) -> float:
    """Pixels of the result over pixels of the source."""
    return pair.after.width * pair.after.height / (pair.before.width * pair.before.height)


def width_over_height(pair: Pair, where: Where) -> float:
    return pair.after.width / pair.after.height


def width(pair: Pair, where: Where) -> float:
    return float(pair.after.width)


def empty_corners(pair: Pair, where: Where) -> float:
    """Largest share of the result that is one flat colour grown from a corner, over that of the source."""

    def flat(frame: Frame, right: bool, low: bool) -> float:
        mask = np.zeros((frame.height + 2, frame.width + 2), np.uint8)
        corner = ((frame.width - 1) * right, (frame.height - 1) * low)
        pixels = frame.pixels.copy()
        cv2.floodFill(pixels, mask, corner, 0, (0, 0, 0), (0, 0, 0), cv2.FLOODFILL_MASK_ONLY)
        return float(mask[1:-1, 1:-1].mean())

    four = [(right, low) for right in (False, True) for low in (False, True)]
    return max(flat(pair.after, *corner) - flat(pair.before, *corner) for corner in four)


def found_within(pair: Pair, where: Where) -> float:
    """Best normalised cross-correlation of the result's middle with a place in the source (crops)."""
    h, w = pair.after.height, pair.after.width
    middle = pair.after.pixels[h // 8 : h - h // 8, w // 8 : w - w // 8]
    if middle.shape[0] > pair.before.height or middle.shape[1] > pair.before.width:
        return 0.0
    return float(cv2.matchTemplate(pair.before.pixels, middle, cv2.TM_CCOEFF_NORMED).max())


def source_within(pair: Pair, where: Where) -> float:
    """Best normalised cross-correlation of the source with a place in the result (borders)."""
    if pair.after.height < pair.before.height or pair.after.width < pair.before.width:
        return 0.0
    return float(cv2.matchTemplate(pair.after.pixels, pair.before.pixels, cv2.TM_CCOEFF_NORMED).max())


def white_rim(pair: Pair, where: Where) -> float:
    """Share of the outermost pixels that are white."""
    x = pair.after.pixels
    rim = np.concatenate([x[0], x[-1], x[:, 0], x[:, -1]])
    return float((rim.min(axis=1) >= 240).mean())


def mirrored(pair: Pair, where: Where) -> float:
    """Mean difference (0 to 1) from the source seen in a mirror."""
    return float(np.abs(pair.after.encoded - pair.before.encoded[:, ::-1]).mean())


def _written(pair: Pair) -> Where:
    return np.asarray(np.abs(pair.after.encoded - pair.before.encoded).max(axis=2) > 0.08)


def written_share(pair: Pair, where: Where) -> float:
    """Share of pixels that lettering changed."""
    return float(_written(pair).mean())


def written_low(pair: Pair, where: Where) -> float:
    """Share of the changed pixels that lie in the lowest third."""
    changed = _written(pair)
    return float(changed[2 * changed.shape[0] // 3 :].sum() / max(int(changed.sum()), 1))


def written_margin(pair: Pair, where: Where) -> float:
    """Smallest distance of lettering from the rim, as a share of the width."""
    rows, columns = np.nonzero(_written(pair))
    if not rows.size:
        return 0.0
    h, w = pair.after.height, pair.after.width
    return float(min(columns.min(), w - 1 - columns.max(), rows.min(), h - 1 - rows.max()) / w)


def written_contrast(pair: Pair, where: Where) -> float:
    """WCAG contrast ratio of the lettering's brightest fifth with what stood there before."""
    changed = _written(pair)
    if not changed.any():
        return 1.0
    after = 2 ** pair.after.stops[changed]
    ink = float(after[after >= np.quantile(after, 0.8)].mean())
    paper = float((2 ** pair.before.stops[changed]).mean())
    high, low = max(ink, paper), min(ink, paper)
    return (high + 0.05) / (low + 0.05)
