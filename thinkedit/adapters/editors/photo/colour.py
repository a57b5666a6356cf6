"""Colour: warmth, tint, saturation, vibrance, black and white, sepia, vintage.

As in `tone`: each returns a function from a band of rows to its new pixels.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters import masks
from thinkedit.adapters.editors.photo.bands import Rows
from thinkedit.adapters.editors.photo.cube import Change, by_cube, gamut_used, in_gamut
from thinkedit.adapters.editors.photo.detail import falloff
from thinkedit.adapters.editors.photo.filters import (
    Floats,
    from_lab,
    from_linear,
    to_bytes,
    to_lab,
    to_linear,
)
from thinkedit.adapters.masks.guided import Pixels, reduced, smoothstep
from thinkedit.adapters.vocabulary import STOPS, Clause

__all__ = ["black_and_white", "darker_sky", "saturation", "sepia", "tint", "vibrance", "vintage", "warmth"]

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
PANCHROMATIC = np.array([0.2778, 0.65, 0.0722], np.float32)
"""Weights of a black and white film with skin a little lighter than luminance makes it."""
SKIN_HUE = 50.0


def warmth(pixels: Pixels, clause: Clause) -> Rows:
    """Gains on red and blue in linear light with the luminance kept: +11 % and -15 % at the plain amount.

    On greys of middle lightness and above that is 6 to 7 units of b*.

    What then leaves the gamut fades where it is pale (a white stays white) and gives up some light where
    it is strong (a yellow petal turns golden, not pale).
    """
    level = 0.52 * clause.amount * clause.direction
    gains = np.array([max(0.15, 1 + 0.22 * level), 1.0, max(0.15, 1 - 0.28 * level)], np.float32)

    def change(light: Floats) -> Floats:
        before = light @ LUMINANCE
        strength = 1 - light.min(axis=2) / np.maximum(light.max(axis=2), np.float32(1e-6))
        light = light * gains
        light *= (before / np.maximum(light @ LUMINANCE, np.float32(1e-6)))[..., None]
        largest = light.max(axis=2)
        dimmed = light / np.maximum(largest, 1)[..., None]
        faded = in_gamut(light, before)
        return np.asarray(faded + (dimmed - faded) * strength[..., None], np.float32)

    return by_cube(pixels, change)


def _lab_change(change: Callable[[Floats], None]) -> Change:
    """A change made in place in L*a*b*, with what leaves the gamut drawn back in."""

    def in_light(light: Floats) -> Floats:
        lab = np.asarray(cv2.cvtColor(light, cv2.COLOR_LRGB2LAB), np.float32)
        change(lab)
        light = np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2LRGB), np.float32)
        return in_gamut(light, light @ LUMINANCE)

    return in_light


def darker_sky(pixels: Pixels, clause: Clause) -> Rows:
    """Less light with deeper colour, as through a graduated and a polarising filter.

    The light taken is the exposure's on average, a quarter more at the zenith and half at the horizon,
    where a sky is bright by nature and its lower edge would show. Chroma rises by half of its own for
    each stop: at the same chromaticity a sky would turn grey.
    """
    stops = 1.25 * STOPS * clause.amount
    gain = np.float32(2.0**-stops)
    deeper = np.float32(min(2.0, 1 + 0.5 * stops))

    def change(light: Floats) -> Floats:
        lab = np.asarray(cv2.cvtColor(light, cv2.COLOR_LRGB2LAB), np.float32)
        darker = np.asarray(cv2.cvtColor(light * gain, cv2.COLOR_LRGB2LAB), np.float32)
        lab[..., 0] = darker[..., 0]
        lab[..., 1:] *= deeper
        made = np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2LRGB), np.float32)
        return in_gamut(made, made @ LUMINANCE)

    darkened, horizon = by_cube(pixels, change), _horizon(pixels)

    def rows(top: int, bottom: int) -> Pixels:
        down = np.arange(top, bottom, dtype=np.float32) / np.float32(horizon)
        share = 1 - np.float32(0.6) * smoothstep(down, 0.3, 1.0)[:, None, None]
        old = pixels[top:bottom].astype(np.float32)
        return to_bytes(old + (darkened(top, bottom) - old) * share)

    return rows


def _horizon(pixels: Pixels) -> int:
    """The row where the sky ends, the picture's last one where there is no sky."""
    found = masks.guided_sky(pixels)
    height = int(pixels.shape[0])
    if found is None:
        return height
    across = np.asarray(found.full(reduced(pixels, 400)).mean(axis=1))
    lowest = int(np.flatnonzero(across > 0.1).max(initial=0)) + 1
    return max(1, round(height * lowest / across.size))


def tint(pixels: Pixels, clause: Clause) -> Rows:
    """Towards magenta (+) or green (-) along a*: 4.5 units at the plain amount, less near black and white."""
    shift = np.float32(4.5 * clause.amount * clause.direction)

    def change(lab: Floats) -> None:
        room = np.clip(np.minimum(lab[..., 0], 104 - lab[..., 0]) * np.float32(1 / 15), 0, 1)
        lab[..., 1] += shift * room

    return by_cube(pixels, _lab_change(change))


def saturation(pixels: Pixels, clause: Clause) -> Rows:
    """Chroma times 1 + 0.3 at the plain amount, or times 1 - 0.3; hue and lightness stay.

    Towards the edge of the gamut chroma rises less and less, and a colour at the edge stays: what is
    strong already would run together to one flat, glaring red.
    """
    factor = np.float32(max(0.0, 1 + 0.3 * clause.amount * clause.direction))

    def change(lab: Floats) -> None:
        lab[..., 1:] *= factor

    if factor <= 1:
        return by_cube(pixels, _lab_change(change))

    def held_back(light: Floats) -> Floats:
        used = np.minimum(gamut_used(light, np.asarray(light @ LUMINANCE, np.float32)), 1)
        lab = np.asarray(cv2.cvtColor(light, cv2.COLOR_LRGB2LAB), np.float32)
        # Pale colours are near the edge as well, and far from glaring.
        used *= smoothstep(np.hypot(lab[..., 1], lab[..., 2]), 25, 60)
        lab[..., 1:] *= (factor * (1 + (factor**6 - 1) * used**6) ** np.float32(-1 / 6))[..., None]
        made = np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2LRGB), np.float32)
        return in_gamut(made, np.asarray(made @ LUMINANCE, np.float32))

    return by_cube(pixels, held_back)


def vibrance(pixels: Pixels, clause: Clause) -> Rows:
    """More chroma where there is little, less for skin (hue 50 degrees), so that nothing glares."""
    level = np.float32(max(-1.0, 0.6 * clause.amount * clause.direction))

    def change(lab: Floats) -> None:
        a, b = np.ascontiguousarray(lab[..., 1]), np.ascontiguousarray(lab[..., 2])
        chroma, hue = cv2.cartToPolar(a, b, angleInDegrees=True)
        away = (hue - np.float32(SKIN_HUE)) * np.float32(1 / 22)
        gain = 1 + level * np.exp(chroma * np.float32(-1 / 40)) * (1 - np.float32(0.6) * np.exp(-away * away))
        lab[..., 1:] *= np.maximum(gain, 0)[..., None]

    return by_cube(pixels, _lab_change(change))


def _curve(slope: float) -> NDArray[np.uint8]:
    x = np.arange(256) / 255
    y = np.where(x < 0.5, 0.5 * (2 * x) ** slope, 1 - 0.5 * (2 - 2 * x) ** slope)
    return (y * 255 + 0.5).astype(np.uint8)


def _grey(strip: Pixels, table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Height x width: panchromatic grey, with a curve laid over it."""
    light = to_linear(strip) @ PANCHROMATIC
    return np.asarray(cv2.LUT(from_linear(light), table), np.uint8)


def black_and_white(pixels: Pixels, clause: Clause) -> Rows:
    """Panchromatic grey with a little more contrast; an amount below 1 leaves that share of the colour."""
    table, share = _curve(1.15), min(1.0, clause.amount)

    def rows(top: int, bottom: int) -> Pixels:
        strip = pixels[top:bottom]
        grey = np.asarray(cv2.cvtColor(_grey(strip, table), cv2.COLOR_GRAY2RGB), np.uint8)
        return grey if share >= 1 else np.asarray(cv2.addWeighted(grey, share, strip, 1 - share, 0), np.uint8)

    return rows


def sepia(pixels: Pixels, clause: Clause) -> Rows:
    """A brown-toned print: grey through three curves; an amount below 1 mixes with the colours."""
    x = np.arange(256) / 255
    depth = max(1.0, clause.amount)
    warm = np.stack([x + 0.05 * depth, x * (1 - 0.12 * depth) + 0.02, x * (1 - 0.28 * depth) + 0.02], axis=-1)
    toned = (np.clip(warm, 0, 1) * 255 + 0.5).astype(np.uint8)[:, None, :]
    table, share = _curve(1.2), min(1.0, clause.amount)

    def rows(top: int, bottom: int) -> Pixels:
        strip = pixels[top:bottom]
        grey = np.asarray(cv2.cvtColor(_grey(strip, table), cv2.COLOR_GRAY2RGB), np.uint8)
        brown = np.asarray(cv2.LUT(grey, toned), np.uint8)
        return (
            brown if share >= 1 else np.asarray(cv2.addWeighted(brown, share, strip, 1 - share, 0), np.uint8)
        )

    return rows


def vintage(pixels: Pixels, clause: Clause) -> Rows:
    """A faded print: lifted blacks, less colour, yellow lights over bluish darks, and darker corners."""
    shade = falloff(pixels.shape[0], pixels.shape[1], min(0.9, 0.4 * clause.amount))
    level = np.float32(clause.amount)

    def rows(top: int, bottom: int) -> Pixels:
        lab = to_lab(pixels[top:bottom])
        lightness = lab[..., 0]
        lab[..., 0] = lightness + level * (8 - np.float32(0.14) * lightness)
        lab[..., 1] += level * (2 - np.float32(0.25) * lab[..., 1])
        lab[..., 2] += level * (np.float32(0.09) * lightness - 2 - np.float32(0.2) * lab[..., 2])
        lab[..., 0] *= shade(top, bottom)
        return from_lab(lab)

    return rows
