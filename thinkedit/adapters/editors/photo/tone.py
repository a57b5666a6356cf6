"""Tone: exposure, contrast, gamma, shadows, highlights, clarity and automatic enhancement.

Each operation looks at the picture once, at reduced size, and returns a function from a band of rows to
its new pixels, so that no copy of the whole picture in floating point is ever made.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters.editors.photo.bands import Rows
from thinkedit.adapters.editors.photo.cube import by_code_cube, in_gamut
from thinkedit.adapters.editors.photo.filters import Floats, from_lab, to_lab
from thinkedit.adapters.masks.guided import Pixels, box_guided, enlarge_rows, luma, reduced, smoothstep
from thinkedit.adapters.vocabulary import STOPS, Clause

__all__ = ["auto", "clarity", "contrast", "curve", "exposure", "gamma", "shadows_highlights"]

_CODES = np.arange(256, dtype=np.float64) / 255
_LIGHT = np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4)
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
CHANNELS = np.float32(0.5)
"""Share of a contrast curve that bends the channels, the rest bends luma alone."""
SHOULDER = 0.7
"""Linear light above which a brighter exposure rolls off instead of clipping."""


def _encoded(light: NDArray[np.float64]) -> NDArray[np.uint8]:
    light = np.clip(light, 0, 1)
    code = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(code * 255 + 0.5).astype(np.uint8)


def exposure(pixels: Pixels, clause: Clause) -> Rows:
    """More or less light, in linear light; a brighter one rolls off above SHOULDER, hue kept.

    The roll-off is the extended one of Reinhard et al. (2002, equation 4): white stays white and nothing
    else becomes it.

    The new code depends on the old one and on the pixel's largest channel alone: a table of 256 x 256.
    """
    gain = 2.0 ** (STOPS * clause.amount * clause.direction)
    largest = _LIGHT * gain
    above = np.maximum(largest - SHOULDER, 0) / (1 - SHOULDER)
    white = (max(gain, 1.0) - SHOULDER) / (1 - SHOULDER)
    rolled = SHOULDER + (1 - SHOULDER) * above * (1 + above / white**2) / (1 + above)
    kept = np.where(largest > SHOULDER, rolled, largest) if gain > 1 else largest
    share = gain * kept / np.maximum(largest, 1e-9)
    table = _encoded(_LIGHT[None, :] * share[:, None]).reshape(-1)

    def rows(top: int, bottom: int) -> Pixels:
        strip = pixels[top:bottom]
        index = strip.max(axis=2).astype(np.uint16)[..., None] << 8
        return np.asarray(np.take(table, index | strip), np.uint8)

    return rows


def curve(pixels: Pixels, values: NDArray[np.float64]) -> Rows:
    """One curve for all three channels; values: 256 outputs in 0 to 1."""
    table = (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)

    def rows(top: int, bottom: int) -> Pixels:
        return np.asarray(cv2.LUT(pixels[top:bottom], table), np.uint8)

    return rows


def contrast(pixels: Pixels, clause: Clause) -> Rows:
    """A curve about the picture's own middle tone, which stays: an S for more, a flatter line for less.

    The slope in the middle is 1.35 at the plain amount; each half is a power, so it never turns over.
    Half of it bends each channel, which deepens colours with the tones, and half bends the luma alone,
    which leaves them: by channels only, strong colours would glare.
    """
    small = np.asarray(luma(reduced(pixels, 400)))
    pivot = float(np.clip(np.median(small), 0.3, 0.65))
    slope = 1 + 0.35 * clause.amount if clause.direction > 0 else max(0.0, 1 - 0.25 * clause.amount)

    def bent(codes: Floats) -> Floats:
        if clause.direction < 0:
            return np.asarray(pivot + (codes - pivot) * slope, np.float32)
        below = pivot * (np.minimum(codes, pivot) / pivot) ** slope
        above = 1 - (1 - pivot) * ((1 - np.maximum(codes, pivot)) / (1 - pivot)) ** slope
        return np.asarray(np.where(pivot > codes, below, above), np.float32)

    def change(codes: Floats) -> Floats:
        grey = np.asarray(codes @ LUMA, np.float32)
        by_luma = codes + np.asarray(bent(grey) - grey)[..., None]
        mixed = by_luma + CHANNELS * (bent(codes) - by_luma)
        return in_gamut(mixed, np.asarray(mixed @ LUMA, np.float32))

    return by_code_cube(pixels, change)


def gamma(pixels: Pixels, clause: Clause) -> Rows:
    """Midtones up or down with black and white fixed: an exponent of 0.78 at the plain amount."""
    return curve(pixels, _CODES ** (0.78 ** (clause.amount * clause.direction)))


def _base(pixels: Pixels, share: float, eps: float) -> tuple[Floats, Floats]:
    """Slope and offset of the edge-preserving base layer over lightness, at reduced size."""
    small = reduced(pixels)
    lightness = to_lab(small)[..., 0] * np.float32(0.01)
    radius = max(4, round(share * max(small.shape[:2])))
    return box_guided(np.ascontiguousarray(lightness), np.ascontiguousarray(lightness), radius, eps)


def _base_rows(model: tuple[Floats, Floats], lightness: Floats, pixels: Pixels, top: int) -> Floats:
    shape, bottom = (pixels.shape[0], pixels.shape[1]), top + lightness.shape[0]
    base: Floats = enlarge_rows(model[0], shape, top, bottom) * lightness
    base += enlarge_rows(model[1], shape, top, bottom)
    return np.clip(base, 0, 1, out=base)


def shadows_highlights(pixels: Pixels, clause: Clause) -> Rows:
    """Lift or deepen the dark areas, brighten or recover the bright ones; local contrast is kept.

    The base layer (guided filter, radius 2 % of the longer side) is bent, detail is laid back on it, and
    black stays black. Recovered highlights come down most where they are bright but not yet white, with
    their detail and colour deepened: pulled down evenly, a sky turns to a flat grey.
    """
    model = _base(pixels, 0.02, 0.01)
    amount = clause.amount * clause.direction
    low = 0.9 * amount if clause.operation == "shadows" else 0.0
    high = max(-0.5, 0.3 * amount) if clause.operation == "highlights" else 0.0

    def rows(top: int, bottom: int) -> Pixels:
        lab = to_lab(pixels[top:bottom])
        lightness = lab[..., 0] * np.float32(0.01)
        base = _base_rows(model, lightness, pixels, top)
        dark = np.clip(1 - base * 2, 0, 1) ** np.float32(1.5)
        bright = np.clip(base * 2 - 1, 0, 1) ** np.float32(1.5)
        ends = base / (base + np.float32(0.1))
        new = base + np.float32(low * 0.35) * dark * ((1 - base) * ends if low > 0 else base)
        new += np.float32(high * 0.35) * bright * (1 - base if high > 0 else _white_kept(base))
        np.clip(new, 0, 1, out=new)
        gain = np.clip(new / np.maximum(base, 0.02), 0.3, 3)
        pulled = np.clip((base - new) * np.float32(4 if high < 0 else 0), 0, 1)
        lightness -= base
        lightness *= np.clip(gain, 1, 1.6) + pulled
        lightness += new
        lab[..., 0] = np.clip(lightness, 0, 1) * 100
        deeper = 1 + np.float32(0.6) * pulled if high < 0 else np.clip(gain, 0.8, 1.4) ** np.float32(0.6)
        lab[..., 1:] *= np.asarray(deeper)[..., None]
        return from_lab(lab)

    return rows


def _white_kept(base: Floats) -> Floats:
    """Share of the pull that a bright base gets: whole up to 0.8, about half at white."""
    return np.asarray(1 - np.float32(0.5) * smoothstep(base, 0.8, 1.02), np.float32)


def clarity(pixels: Pixels, clause: Clause) -> Rows:
    """Local contrast of the midtones, on lightness only (guided base, radius 2.5 % of the longer side)."""
    model = _base(pixels, 0.025, 0.02)
    strength = np.float32(max(-0.9, 0.75 * clause.amount * clause.direction))

    def rows(top: int, bottom: int) -> Pixels:
        lab = to_lab(pixels[top:bottom])
        lightness = lab[..., 0] * np.float32(0.01)
        detail = lightness - _base_rows(model, lightness, pixels, top)
        detail *= strength * 4 * lightness * (1 - lightness)
        lab[..., 0] = np.clip(lightness + detail, 0, 1) * 100
        return from_lab(lab)

    return rows


def auto(pixels: Pixels, clause: Clause) -> Rows:
    """Stretch the tones to the picture's own ends, bring the middle near 47 %, take out most of a cast.

    amount: 1 does all of this, 0.5 half. A picture of one tone is left as it is.
    """
    lab = to_lab(reduced(pixels, 600))
    lightness = lab[..., 0]
    low, high = (float(v) for v in np.percentile(lightness, (0.5, 99.5)))
    if high - low < 8:
        return lambda top, bottom: pixels[top:bottom]
    x = np.linspace(0, 100, 1025)
    # A picture that is meant dark or pale keeps some of that: the ends move at most 12.
    low, high = min(low, 12.0), max(high, 88.0)
    stretched = np.clip((x - low) / (high - low) * 97 + 1.5, 0, 100)
    middle = float(np.interp(np.median(lightness), x, stretched)) / 100
    power = float(np.clip(np.log(0.47) / np.log(np.clip(middle, 0.05, 0.95)), 0.7, 1.12))
    target = (stretched / 100) ** power * 100
    table = (x + min(clause.amount, 2.5) * (target - x)).astype(np.float32)
    cast = _cast(lab) * np.float32(clause.amount)

    def rows(top: int, bottom: int) -> Pixels:
        strip = to_lab(pixels[top:bottom])
        old = strip[..., 0]
        new = table[np.clip(old * np.float32(10.24) + np.float32(0.5), 0, 1024).astype(np.int32)]
        gain = np.clip((new + 4) / (old + 4), 0.8, 1.3)
        strip[..., 0] = np.clip(new, 0, 100)
        strip[..., 1:] -= cast
        strip[..., 1:] *= gain[..., None]
        return from_lab(strip)

    return rows


def _cast(lab: Floats) -> Floats:
    """Mean a and b of what should be neutral: 60 % of its median, within 6."""
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    near = (chroma < 25) & (lab[..., 0] > 25) & (lab[..., 0] < 95)
    if int(near.sum()) < 0.02 * near.size:
        return np.zeros(2, np.float32)
    return np.asarray(np.clip(np.median(lab[near][:, 1:], axis=0) * 0.6, -6, 6), np.float32)
