"""The salient subject by U-2-Net (small), Qin et al. 2020, with what it leaves open settled by colour.

The network sees 320 x 320 pixels and is unsure of what is cut by the frame (a breast below a face) or lies
against a likeness (a flag beside a red suit). There GrabCut (Rother et al. 2004) goes on from the parts that
it is sure of, by the colours of both sides and the outlines between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters.masks.guided import GuidedMask, Mask, Pixels, reduced, smoothstep

__all__ = ["find_subject"]

Flags = NDArray[np.bool_]
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
DEEP = 9.0
"""Pixels of 320 inside the outline from which on the network's word stands."""
SUPPORT = 0.18
"""Least mean of the network's answer over a piece that colour adds to the subject."""
FIRM = 0.85
"""Of the network's answer: from here on its word stands at the frame too."""
LINE = 7.0
"""Least change of colour that divides such a piece from the subject: fur has 3 to 6, outlines 10 and more."""


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


def _settled(scaled: Mask, small: Pixels) -> tuple[Mask, float]:
    """(the network's answer settled by colour where it is not firm, at the size of `small`; its certainty).

    Works on the part around the subject, so that a small one is seen as closely as a large one.
    """
    height, width = small.shape[:2]
    seen = np.asarray(cv2.resize(scaled, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    left, top, wide, high = cv2.boundingRect((seen > 0.05).astype(np.uint8))
    margin = round(0.12 * max(wide, high)) + 8
    part = np.s_[max(0, top - margin) : top + high + margin, max(0, left - margin) : left + wide + margin]
    answer = np.asarray(cv2.resize(seen[part], (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32)
    closer = np.asarray(cv2.resize(small[part], (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    settled = _by_colour(answer, closer)
    differing = float(np.abs(settled - smoothstep(answer, 0.2, 0.8)).sum())
    certainty = 1 - min(1.0, 2 * differing / max(1.0, float(settled.sum())))
    smooth = np.asarray(cv2.GaussianBlur(settled, (0, 0), 1.0), np.float32)
    rows, columns = seen[part].shape
    seen[:] = 0
    seen[part] = cv2.resize(smooth, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return seen, certainty


def _by_colour(scaled: Mask, pixels: Pixels) -> Mask:
    """0 or 1 for each pixel: GrabCut from where the answer is firm on either side."""
    marks = np.where(scaled > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    # Depth is measured to the outline only: the frame cuts the subject, it does not end it.
    rim = int(DEEP) + 2
    firm = cv2.copyMakeBorder((scaled > 0.95).astype(np.uint8), rim, rim, rim, rim, cv2.BORDER_REPLICATE)
    depth = cv2.distanceTransform(firm, cv2.DIST_L2, 5)[rim:-rim, rim:-rim]
    marks[depth > min(DEEP, 0.4 * float(depth.max()))] = cv2.GC_FGD
    marks[cv2.dilate((scaled > 0.05).astype(np.uint8), np.ones((9, 9), np.uint8)) == 0] = cv2.GC_BGD
    if not ((marks == cv2.GC_FGD).any() and (marks == cv2.GC_BGD).any()):
        return np.asarray(scaled > 0.5, np.float32)
    cv2.setRNGSeed(0)
    model = np.zeros((1, 65))
    cv2.grabCut(pixels, marks, None, model, model.copy(), 3, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]  # the stub wants a rectangle
    inside = (marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)
    return _supported(np.asarray(inside, np.uint8), scaled, pixels)


def _supported(inside: NDArray[np.uint8], scaled: Mask, pixels: Pixels) -> Mask:
    """Without pieces that a line divides off where the network was unsure, or that it hardly saw.

    A breast runs on from the chin without a line; a flag of the suit's own red does not.
    """
    body = ((scaled > 0.5) & (inside > 0)).astype(np.uint8)
    slope = _slope(pixels)
    outside = cv2.copyMakeBorder(1 - inside, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    open_to = cv2.dilate(outside, np.ones((3, 3), np.uint8))[1:-1, 1:-1] > 0
    kept = body.astype(np.float32)
    for piece, contact in _pieces(inside - body, body):
        divided = bool((piece & open_to).any()) and float(slope[contact].mean()) > LINE
        if float(scaled[piece].mean()) > SUPPORT and not divided:
            kept[piece] = 1
    # What the frame cuts is easily taken for the subject's, having no outline of its own there.
    firm = (body > 0) & (scaled > FIRM)
    half = (body > 0) & ~firm
    thick = cv2.morphologyEx(half.astype(np.uint8), cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))
    thick = cv2.dilate(thick, np.ones((5, 5), np.uint8)) * half
    for piece, contact in _pieces(thick.astype(np.uint8), firm.astype(np.uint8)):
        framed = piece[[0, -1]].any() or piece[:, [0, -1]].any()
        if framed and float(slope[contact].mean()) > LINE:
            kept[piece] = 0
    return kept


def _pieces(parts: NDArray[np.uint8], body: NDArray[np.uint8]) -> Iterator[tuple[Flags, Flags]]:
    """(a connected piece of the parts that touches the body, its pixels that do), one by one."""
    beside = cv2.dilate(body, np.ones((3, 3), np.uint8)) > 0
    count, labels = cv2.connectedComponents(parts, connectivity=4)
    for piece in range(1, count):
        where = np.asarray(labels == piece, np.bool_)
        contact = np.asarray(where & beside, np.bool_)
        if contact.any():
            yield where, contact


def _slope(pixels: Pixels) -> Mask:
    """Largest change of colour near each pixel, in CIE Lab for one pixel."""
    lab = cv2.cvtColor(pixels.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)
    lab = cv2.GaussianBlur(lab, (0, 0), 0.8)
    across, down = cv2.Sobel(lab, cv2.CV_32F, 1, 0), cv2.Sobel(lab, cv2.CV_32F, 0, 1)
    change = np.sqrt((across**2 + down**2).sum(axis=-1)) / 8
    return np.asarray(cv2.dilate(change, np.ones((5, 5), np.uint8)), np.float32)


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
    target, certainty = _settled(scaled, small)
    radius = max(4, round(0.006 * max(small.shape[:2])))
    return replace(GuidedMask.fit(small, smoothstep(target, 0.2, 0.8), radius, 1e-4), certainty=certainty)
