"""Give a coloured thing another colour: its shading, texture and highlights stay, hue and chroma move.

The thing is where the named colour and the subject meet (or the colour alone, where the subject has none
of it), less faces and skin, with a mask that follows its edges. In Lab, hue turns to the wanted one with
half of its own variation kept, chroma scales inside what the screen can show, and lightness bends by a
power that keeps black and white fixed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters import masks
from thinkedit.adapters.editors.photo.filters import Floats, by_strips, from_lab, to_lab
from thinkedit.adapters.editors.photo.palette import lab_of, rgb_of
from thinkedit.adapters.masks.colours import colour_weight, hue_and_chroma
from thinkedit.adapters.masks.guided import GuidedMask, Mask, Pixels, reduced, smoothstep
from thinkedit.errors import UnsupportedEdit

__all__ = ["recolour"]

LEAST = 0.004
"""Smallest share of the picture that is worth recolouring."""
NEUTRAL = 12.0
HAIR_COLOURS = ("black", "brown", "grey", "beige", "yellow", "white")


@dataclass(frozen=True)
class _Middle:
    """Weighted medians of what is recoloured: lightness, chroma, hue in degrees."""

    lightness: float
    chroma: float
    hue: float


def recolour(
    pixels: Pixels, amount: float, options: Mapping[str, str], *, reference: Pixels | None = None
) -> Pixels:
    """Recolour one thing.

    options: `colour`, the wanted colour (a name or #rrggbb); `from`, the colour it has now; `region`,
        `subject` (default: the subject where it has the colour, else the colour anywhere),
        `background`, `whole`, or `colour:NAME`, which is another way to say `from`.
    amount: 1 turns the colour wholly, 0.5 half.
    Raises UnsupportedEdit where the colour is not there, or the subject has several and none is named.
    """
    target = rgb_of(options["colour"])
    region = options.get("region", "")
    named = options.get("from") or (region.partition(":")[2] if region.startswith("colour:") else "")
    area = _area(pixels, region)
    source = _source(named, pixels, area if region in ("subject", "background") else None)
    small = reduced(pixels)
    lab = to_lab(small)
    weight, middle = _thing(small, lab, source, area, region)
    radius = max(2, round(0.003 * max(small.shape[:2])))
    mask = GuidedMask.fit(small, weight, radius, 1e-4)
    turn = _Turn.between(middle, lab_of(target))
    share = np.float32(min(max(amount, 0.0), 1.0))

    def rows(top: int, bottom: int) -> Pixels:
        inside = mask.rows(pixels, top, bottom)
        strip = pixels[top:bottom]
        if float(inside.max()) < 0.01:
            return strip
        lab = to_lab(strip)
        lab += (turn(lab) - lab) * (inside * share)[..., None]
        return np.where(inside[..., None] < 0.01, strip, from_lab(lab))

    return by_strips(pixels, rows)


def _area(pixels: Pixels, region: str) -> Mask | None:
    """Where the thing is looked for, at reduced size; None for everywhere."""
    if region == "whole":
        return None
    found = masks.guided_subject(pixels)
    if found is None:
        if region in ("subject", "background"):
            raise UnsupportedEdit(
                f"no subject was found in this picture, so its {region} cannot be recoloured"
            )
        return None
    subject = found.full(reduced(pixels))
    return np.asarray(1 - subject, np.float32) if region == "background" else subject


def _source(named: str, pixels: Pixels, area: Mask | None) -> str:
    """The colour to be replaced: as named, or the one that the area mostly has."""
    if named:
        source = masks.canonical_colour(named)
        if source is None:
            known = ", ".join(masks.COLOUR_NAMES)
            raise UnsupportedEdit(f"{named!r} is not a colour that can be found; known are {known}", (named,))
        return source
    shares = masks.colour_shares(pixels, area)
    first = next(iter(shares))
    if shares[first] < 0.4:
        raise UnsupportedEdit(f"it has several colours ({_listing(shares)}): name the one to change")
    return first


def _thing(small: Pixels, lab: Floats, source: str, area: Mask | None, region: str) -> tuple[Mask, _Middle]:
    """The weight of what is recoloured, and its middle colour."""
    everywhere = colour_weight(lab, source)
    everywhere *= 1 - _skin(small, lab)
    band = everywhere if area is None else np.asarray(everywhere * area, np.float32)
    if area is not None and not region and float(band.mean()) < max(LEAST, 0.3 * float(everywhere.mean())):
        # The colour is mostly elsewhere; a person in the picture is then not what is meant.
        area = np.asarray(1 - area, np.float32) if masks.guided_faces(small) is not None else None
        band = everywhere if area is None else np.asarray(everywhere * area, np.float32)
    if float(band.mean()) < LEAST:
        shares = masks.colour_shares(small, area if region in ("subject", "background") else None)
        where = (
            f"in the {region} of this picture" if region in ("subject", "background") else "in this picture"
        )
        raise UnsupportedEdit(
            f"there is no {source} to recolour {where}; it has {_listing(shares)}", (source,)
        )
    if source in HAIR_COLOURS and _is_hair(small, lab, source):
        raise UnsupportedEdit(
            f"the {source} here is hair as well, which cannot be told apart from the rest", (source,)
        )
    middle = _middle(lab, band)
    if middle.chroma > NEUTRAL:
        band = _around(lab, middle, band)
        band *= 1 - _skin(small, lab)
        if area is not None:
            band *= area
        band = _of_one_kind(band, lab, middle)
    return np.asarray(cv2.GaussianBlur(band, (0, 0), 0.6), np.float32), middle


def _around(lab: Floats, middle: _Middle, band: Mask) -> Mask:
    """The band moved to the thing's own hues, so that a name's limits do not cut through it."""
    away = _away(lab, middle)
    _, chroma = hue_and_chroma(lab)
    sure = away[band > 0.5]
    half = float(np.clip(4 * np.median(sure) + 6, 10, 24)) if sure.size else 18.0
    raised = np.asarray(chroma * np.clip(45 / (lab[..., 0] + 5), 1, 2.2), np.float32)
    floor = min(14.0, 0.35 * middle.chroma)
    near = smoothstep(away, half + 5, half - 5) * smoothstep(raised, floor, 2 * floor)
    return np.asarray(np.maximum(near, band), np.float32)


def _of_one_kind(weight: Mask, lab: Floats, middle: _Middle) -> Mask:
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


def _away(lab: Floats, middle: _Middle) -> Floats:
    """Degrees of hue between each pixel and the middle."""
    hue, _ = hue_and_chroma(lab)
    return np.asarray(np.abs((hue - middle.hue + 180) % 360 - 180), np.float32)


def _middle(lab: Floats, weight: Mask) -> _Middle:
    chosen = lab[weight > 0.5]
    if not len(chosen):
        chosen = lab[weight >= float(weight.max()) * 0.9]
    lightness, a, b = (float(v) for v in np.median(chosen, axis=0))
    return _Middle(lightness, float(np.hypot(a, b)), float(np.degrees(np.arctan2(b, a)) % 360))


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


@dataclass(frozen=True)
class _Turn:
    """The change of colour: from a middle to a target, applied to Lab values."""

    middle: _Middle
    hue: float
    chroma: float
    power: float
    limits: NDArray[np.float32]

    @classmethod
    def between(cls, middle: _Middle, target: tuple[float, float, float]) -> _Turn:
        lightness, a, b = target
        chroma = float(np.hypot(a, b))
        hue = float(np.degrees(np.arctan2(b, a)) % 360)
        # White, black and pastels are what they are by lightness; a red and a blue cup may be equally dark.
        pull = 0.85 if chroma < NEUTRAL else 0.8 if lightness > 80 else 0.55
        wanted = min(96.0, max(4.0, middle.lightness + pull * (lightness - middle.lightness)))
        present = min(96.0, max(4.0, middle.lightness))
        power = float(np.clip(np.log(wanted / 100) / np.log(present / 100), 0.15, 6.0))
        return cls(middle, hue, chroma, power, _chroma_limits(hue))

    def __call__(self, lab: Floats) -> Floats:
        hue, chroma = hue_and_chroma(lab)
        lightness = 100 * np.power(np.clip(lab[..., 0], 0, 100) / 100, np.float32(self.power))
        if self.middle.chroma > NEUTRAL:
            off = (hue - self.middle.hue + 180) % 360 - 180
            turned = np.radians(self.hue + 0.5 * np.clip(off, -40, 40))
            chroma = chroma * np.float32(min(1.6, self.chroma / self.middle.chroma))
        else:
            turned = np.full(hue.shape, np.radians(self.hue), np.float32)
            chroma = np.full(hue.shape, self.chroma, np.float32)
        limit = self.limits[np.clip(lightness, 0, 100).astype(np.int32)]
        knee = np.float32(0.75) * limit
        room = np.maximum(limit - knee, np.float32(1e-3))
        chroma = np.where(chroma > knee, knee + room * (1 - np.exp(-(chroma - knee) / room)), chroma)
        return np.stack((lightness, chroma * np.cos(turned), chroma * np.sin(turned)), axis=-1).astype(
            np.float32
        )


def _chroma_limits(hue: float) -> NDArray[np.float32]:
    """The largest chroma that sRGB can show at each whole lightness 0 to 100 of this hue, by bisection."""
    lightness = np.arange(101, dtype=np.float32)
    low, high = np.zeros(101, np.float32), np.full(101, 140, np.float32)
    a, b = np.cos(np.radians(hue)), np.sin(np.radians(hue))
    for _ in range(12):
        middle = (low + high) / 2
        lab = np.stack((lightness, middle * a, middle * b), axis=-1).astype(np.float32)[None]
        rgb = cv2.cvtColor(lab, cv2.COLOR_LAB2LRGB)
        back = cv2.cvtColor(rgb, cv2.COLOR_LRGB2LAB)
        shown = np.abs(back - lab).max(axis=-1)[0] < 0.5
        low, high = np.where(shown, middle, low), np.where(shown, high, middle)
    return np.asarray(low, np.float32)
