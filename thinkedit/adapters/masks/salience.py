"""The salient subject by U-2-Net (small), Qin et al. 2020, in OpenCV's own network engine."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np

from thinkedit.adapters.masks.guided import GuidedMask, Mask, Pixels, reduced, smoothstep

__all__ = ["find_subject"]

WEIGHTS = Path(__file__).parent.parent / "weights" / "u2netp.onnx"
SIDE = 320
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)

# Scaling to the full range makes a mask of anything, so the answer is tested first. Photographs with a
# subject had a maximum above 0.99, at most 0.9 undecided pixels for each sure one, and a band of undecided
# pixels at most 7.4 wide along the outline (of 320); landscapes, rooms and textures fail one of these.
SURE = 0.93
UNDECIDED = 1.0
FRINGE = 9.0
SMALL, SMALL_FRINGE = 0.06, 3.2
SMALLEST, LARGEST = 0.004, 0.95


@cache
def _network() -> cv2.dnn.Net:
    return cv2.dnn.readNetFromONNX(str(WEIGHTS))


def _saliency(small: Pixels) -> Mask:
    """The network's own answer, 320 x 320, 0 to 1."""
    square = np.asarray(cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_AREA)).astype(np.float32)
    square /= max(float(square.max()), 1.0)
    blob = np.ascontiguousarray(((square - MEAN) / DEVIATION).transpose(2, 0, 1)[None])
    network = _network()
    network.setInput(blob)
    answer: Mask = np.asarray(network.forward("1959"), np.float32)[0, 0]
    return answer


def _is_decided(scaled: Mask) -> bool:
    """Whether the mask has a clear inside and a narrow outline."""
    inside = (scaled > 0.5).astype(np.uint8)
    sure = float(inside.mean())
    if not SMALLEST < sure < LARGEST:
        return False
    undecided = float(((scaled > 0.2) & (scaled < 0.8)).sum())
    outlines, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    fringe = undecided / max(1.0, sum(cv2.arcLength(line, True) for line in outlines))
    allowed = SMALL_FRINGE if sure < SMALL else FRINGE
    return undecided < UNDECIDED * float(inside.sum()) and fringe < allowed


def find_subject(pixels: Pixels) -> GuidedMask | None:
    """The subject's mask, or None where nothing stands out. Not re-entrant: one call at a time."""
    small = reduced(pixels)
    if min(small.shape[:2]) < 8 or int(small.max()) - int(small.min()) < 8:
        return None
    raw = _saliency(small)
    lowest, highest = float(raw.min()), float(raw.max())
    if highest < SURE:
        return None
    scaled = (raw - lowest) / (highest - lowest)
    if not _is_decided(scaled):
        return None
    height, width = small.shape[:2]
    target = np.asarray(cv2.resize(scaled, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    return GuidedMask.fit(
        small, smoothstep(target, 0.2, 0.8), max(4, round(0.006 * max(height, width))), 1e-4
    )
