"""The sky, for outdoor pictures: a cautious seed from colour, flatness and the upper edge, then GrabCut.

A wrong sky spoils a picture and a refusal does not, so each test refuses where it is unsure: indoor
backdrops and walls (neutral, not bright), night, skies seen through branches or lattice, frames that are
nothing but sky or water.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters.masks.guided import GuidedMask, Pixels, reduced

__all__ = ["NO_SKY", "find_sky"]

NO_SKY = (
    "no sky could be told apart for certain in this picture "
    "(it has to be blue or white, even and against the upper edge; "
    "dusk, night, fog and skies behind branches or towers are left alone)"
)
"""What to tell a person whose picture's sky is not found."""

SIDE = 400
Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]


def find_sky(pixels: Pixels) -> GuidedMask | None:
    """The sky's mask, or None where there is none, or none that can be told apart for certain."""
    small = reduced(pixels, SIDE)
    if min(small.shape[:2]) < 40:
        return None
    lab = np.asarray(cv2.cvtColor(small.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB), np.float32)
    seed = _seed(lab)
    if seed is None or not _looks_like_sky(seed, lab):
        return None
    sky = _grown(seed, small)
    if not _still_the_same(seed, sky):
        return None
    fine = reduced(pixels)
    radius = max(4, round(0.01 * max(fine.shape[:2])))
    return GuidedMask.fit(fine, sky.astype(np.float32), radius, 1e-4)


def _seed(lab: Floats) -> Flags | None:
    """Flat pixels of a sky's colours that hang together with the picture's upper edge."""
    lightness, a, b = np.moveaxis(lab, 2, 0)
    smooth = np.asarray(cv2.GaussianBlur(np.ascontiguousarray(lightness), (0, 0), 1), np.float32)
    slope = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)) / 4
    flat = (b < 8) & (a > -14) & (a < 22) & (slope < 2.2) & (lightness > 28)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(flat.astype(np.uint8), connectivity=4)
    height, width = flat.shape
    upper = set(np.unique(labels[: max(2, height // 40)]).tolist()) - {0}
    large = [i for i in upper if i < count and stats[i, cv2.CC_STAT_AREA] > 0.004 * height * width]
    seed = _above_the_sea(np.asarray(np.isin(labels, large), np.bool_), lightness)
    return seed if seed.any() else None


def _above_the_sea(seed: Flags, lightness: Floats) -> Flags:
    """The seed cut at a horizon: a sky grows lighter downwards, so suddenly darker rows are water."""
    height = seed.shape[0]
    step = max(2, height // 40)
    rows = np.flatnonzero(seed.sum(axis=1) > 0.2 * seed.shape[1])
    medians = np.full(height, np.nan)
    for row in rows:
        medians[row] = np.median(lightness[row][seed[row]])
    drop = medians[step:] - medians[:-step]
    darker = np.flatnonzero(np.nan_to_num(drop, nan=0.0) < -9)
    if darker.size:
        seed = seed.copy()
        seed[int(darker[0]) + step // 2 :] = False
    return seed


def _looks_like_sky(seed: Flags, lab: Floats) -> bool:
    height = seed.shape[0]
    area = float(seed.mean())
    across = float(seed[: max(2, height // 50)].mean())
    lowest = int(np.flatnonzero(seed.any(axis=1)).max()) / height
    if area < 0.06 or across < 0.8 or lowest > 0.88:
        return False
    lightness, a, b = (float(v) for v in lab[seed].mean(axis=0))
    chroma = float(np.hypot(a, b))
    rest = lab[..., 0][cv2.dilate(seed.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0]
    lighter_below = float((rest > lightness).mean()) if rest.size else 1.0
    blue = b < -8 and chroma > 10 and a < 20 and lighter_below < 0.9
    pale_blue = b < -3.5 and lightness > 78 and lighter_below < 0.15
    white = lightness > 92 and chroma < 6 and lighter_below < 0.05 and across > 0.95 and lowest < 0.6
    return blue or pale_blue or white


def _grown(seed: Flags, small: Pixels) -> Flags:
    """The seed grown over clouds and up to outlines (GrabCut, Rother et al. 2004, from a mask)."""
    height, width = seed.shape
    closed = cv2.morphologyEx(seed.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    marks = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    marks[closed > 0] = cv2.GC_PR_FGD
    marks[cv2.erode(closed, np.ones((5, 5), np.uint8)) > 0] = cv2.GC_FGD
    marks[cv2.dilate(closed, np.ones((25, 25), np.uint8)) == 0] = cv2.GC_BGD
    lowest = int(np.flatnonzero(seed.any(axis=1)).max())
    marks[min(height - 1, lowest + 4) :] = cv2.GC_BGD
    cv2.setRNGSeed(0)
    model = np.zeros((1, 65))
    cv2.grabCut(small, marks, None, model, model.copy(), 3, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]  # the stub wants a rectangle
    sky = (marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)
    _, labels = cv2.connectedComponents(sky.astype(np.uint8), connectivity=4)
    kept = set(np.unique(labels[seed]).tolist()) - {0}
    return np.asarray(np.isin(labels, list(kept)), np.bool_)


def _still_the_same(seed: Flags, sky: Flags) -> bool:
    """Growing may add clouds and edges, not another half; and a sky is whole, not a lattice's meshes."""
    if not 0.7 < float(sky.sum()) / float(seed.sum()) < 1.7:
        return False
    height = sky.shape[0]
    low = height - np.argmax(sky[::-1], axis=0)
    low[~sky.any(axis=0)] = 0
    above = np.arange(height)[:, None] < low[None, :]
    whole = float(sky.sum()) / float(above.sum())
    return whole > 0.85
