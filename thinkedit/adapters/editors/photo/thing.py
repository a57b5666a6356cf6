"""The thing that "the red cup" means: where a colour and the subject meet, less faces, skin and strangers.

Where the subject has little of the colour, the colour counts wherever it is, but then not on a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from thinkedit.adapters import masks
from thinkedit.adapters.editors.photo.filters import Floats, to_lab
from thinkedit.adapters.masks.colours import colour_weight, hue_and_chroma
from thinkedit.adapters.masks.guided import GuidedMask, Mask, Pixels, reduced, smoothstep
from thinkedit.errors import UnsupportedEdit

__all__ = ["NEUTRAL", "Middle", "find_thing"]

LEAST = 0.004
"""Smallest share of the picture that is worth recolouring."""
MAIN = 0.35
"""Share of the subject that its main colour has."""
NEUTRAL = 12.0
"""Chroma below which a colour counts as white, grey or black."""
HAIR_COLOURS = ("black", "brown", "grey", "beige", "yellow", "white")


@dataclass(frozen=True)
class Middle:
    """Medians of the thing: lightness, chroma, hue in degrees."""

    lightness: float
    chroma: float
    hue: float


def find_thing(pixels: Pixels, region: str) -> tuple[GuidedMask, Middle]:
    """The mask of the thing and its middle colour; region: `colour:NAME`, or `subject`.

    Raises UnsupportedEdit, with the colours that are there, where there is no such thing.
    """
    small = reduced(pixels)
    lab = to_lab(small)
    found = masks.guided_subject(pixels)
    area = None if found is None else found.full(small)
    source = _named(region.partition(":")[2]) if region.startswith("colour:") else _main_colour(pixels, area)
    weight, middle = _weighed(small, lab, source, area)
    return GuidedMask.fit(small, weight, max(2, round(0.003 * max(small.shape[:2]))), 1e-4), middle


def _named(name: str) -> str:
    source = masks.canonical_colour(name)
    if source is None:
        known = ", ".join(masks.COLOUR_NAMES)
        raise UnsupportedEdit(f"{name!r} is not a colour that can be found; known are {known}", (name,))
    return source


def _main_colour(pixels: Pixels, area: Mask | None) -> str:
    if area is None:
        raise UnsupportedEdit(
            "no subject stands out in this picture; name the colour to change, as in make the red parts blue"
        )
    shares = masks.colour_shares(pixels, area)
    first = next(iter(shares))
    if shares[first] < MAIN:
        raise UnsupportedEdit(
            f"the subject has several colours ({_listing(shares)}); name the one to change, "
            f"as in make the {first} parts blue"
        )
    return first


def _weighed(small: Pixels, lab: Floats, source: str, area: Mask | None) -> tuple[Mask, Middle]:
    """The weight of the thing's pixels at reduced size, and its middle colour."""
    skin = _skin(small, lab)
    everywhere = colour_weight(lab, source) * (1 - skin)
    band = everywhere if area is None else np.asarray(everywhere * area, np.float32)
    if area is not None and float(band.mean()) < max(LEAST, 0.3 * float(everywhere.mean())):
        area = np.asarray(1 - area, np.float32) if skin.any() else None
        band = everywhere if area is None else np.asarray(everywhere * area, np.float32)
    if float(band.mean()) < LEAST:
        shares = masks.colour_shares(small)
        raise UnsupportedEdit(
            f"there is no {source} to recolour; the picture has {_listing(shares)}", (source,)
        )
    if source in HAIR_COLOURS and _is_hair(small, lab, source):
        raise UnsupportedEdit(
            f"the {source} here is hair as well, which cannot be told apart from the rest", (source,)
        )
    middle = _middle(lab, band)
    if middle.chroma > NEUTRAL:
        band = _around(lab, middle, band) * (1 - skin)
        if area is not None:
            band *= area
        band = _of_one_kind(band, lab, middle)
    return np.asarray(cv2.GaussianBlur(band, (0, 0), 0.6), np.float32), middle


def _around(lab: Floats, middle: Middle, band: Mask) -> Mask:
    """The band moved to the thing's own hues, so that a name's limits do not cut through it."""
    away = _away(lab, middle)
    _, chroma = hue_and_chroma(lab)
    sure = away[band > 0.5]
    half = float(np.clip(4 * np.median(sure) + 6, 10, 24)) if sure.size else 18.0
    raised = np.asarray(chroma * np.clip(45 / (lab[..., 0] + 5), 1, 2.2), np.float32)
    floor = min(14.0, 0.35 * middle.chroma)
    near = smoothstep(away, half + 5, half - 5) * smoothstep(raised, floor, 2 * floor)
    near = np.maximum(near, band)
    # Rims and glints beside it hold its colour mixed with another's: paler, or a little aside in hue.
    reach = 2 * max(1, round(0.003 * max(near.shape))) + 1
    beside = cv2.dilate((near > 0.6).astype(np.uint8), np.ones((reach, reach), np.uint8))
    rim = smoothstep(away, half + 16, half + 4) * smoothstep(raised, 0.25 * floor, floor) * beside
    return np.asarray(np.maximum(near, rim), np.float32)


def _of_one_kind(weight: Mask, lab: Floats, middle: Middle) -> Mask:
    """The weight without small separate pieces whose hue is not the thing's: coffee beside a red cup."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((weight > 0.3).astype(np.uint8))
    if count < 3:
        return weight
    away = _away(lab, middle)
    areas = stats[:, cv2.CC_STAT_AREA]
    largest = int(1 + np.argmax(areas[1:]))
    tolerance = max(7.0, 3 * float(np.median(away[labels == largest])))
    strangers = np.zeros(weight.shape, np.uint8)
    for piece in range(1, count):
        if 30 < areas[piece] < 0.2 * areas[largest]:
            left, top, wide, high = stats[piece, :4].tolist()
            window = np.s_[top : top + high, left : left + wide]
            inside = labels[window] == piece
            if float(np.median(away[window][inside])) > tolerance:
                strangers[window][inside] = 1
    return np.asarray(weight * (1 - cv2.dilate(strangers, np.ones((5, 5), np.uint8))), np.float32)


def _away(lab: Floats, middle: Middle) -> Floats:
    """Degrees of hue between each pixel and the middle."""
    hue, _ = hue_and_chroma(lab)
    return np.asarray(np.abs((hue - middle.hue + 180) % 360 - 180), np.float32)


def _middle(lab: Floats, weight: Mask) -> Middle:
    chosen = lab[weight > 0.5]
    if not len(chosen):
        chosen = lab[weight >= float(weight.max()) * 0.9]
    lightness, a, b = (float(v) for v in np.median(chosen, axis=0))
    return Middle(lightness, float(np.hypot(a, b)), float(np.degrees(np.arctan2(b, a)) % 360))


def _skin(small: Pixels, lab: Floats) -> Mask:
    """Faces, and the rest of the skin by the faces' own colour; zeros where there is no face."""
    found = masks.guided_faces(small)
    if found is None:
        return np.zeros(small.shape[:2], np.float32)
    faces = found.full(small)
    core = np.median(lab[faces > 0.8], axis=0) if (faces > 0.8).any() else np.array([65.0, 15.0, 20.0])
    away = np.hypot(lab[..., 1] - core[1], lab[..., 2] - core[2]).astype(np.float32)
    lighter = np.abs(lab[..., 0] - core[0]).astype(np.float32)
    alike = smoothstep(away, 14, 6) * smoothstep(lighter, 40, 25)
    return np.asarray(np.maximum(faces, alike), np.float32)


def _is_hair(small: Pixels, lab: Floats, source: str) -> bool:
    """Whether what surrounds a face above the chin has the colour `source`."""
    found = masks.guided_faces(small)
    if found is None:
        return False
    faces = (found.full(small) > 0.5).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(faces)
    head = np.zeros_like(faces)
    for left, top, wide, high, _area in stats[1:].tolist():
        centre = (round(left + wide / 2), round(top + high * 0.4))
        cv2.ellipse(head, centre, (round(wide * 0.75), round(high * 0.65)), 0, 0, 360, 1, -1)
        head[round(top + high * 0.8) :, max(0, left) : left + wide] = 0
    around = (head > 0) & (faces == 0)
    return bool(around.any()) and float(colour_weight(lab, source)[around].mean()) > 0.3


def _listing(shares: Mapping[str, float]) -> str:
    named = [f"{colour} {share:.0%}".replace("%", " %") for colour, share in shares.items() if share > 0.03]
    return ", ".join(named[:5]) or "no clear colour"
