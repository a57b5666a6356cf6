"""Give a coloured thing another colour: its shading, texture and highlights stay, hue and chroma move.

In Lab, hue turns to the wanted one with half of its own variation kept, chroma scales inside what the
screen can show, and lightness bends by a power that keeps black and white fixed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters.editors.photo.filters import Floats, by_strips, from_lab, to_lab
from thinkedit.adapters.editors.photo.palette import lab_of, rgb_of
from thinkedit.adapters.editors.photo.thing import NEUTRAL, Middle, find_thing
from thinkedit.adapters.masks.colours import hue_and_chroma
from thinkedit.adapters.masks.guided import Pixels

__all__ = ["recolour"]

BLACKEST, WHITEST = 7.5, 96.5
"""CIE lightness of black and white things, as against a black or white backdrop."""


def recolour(
    pixels: Pixels, amount: float, options: Mapping[str, str], *, reference: Pixels | None = None
) -> Pixels:
    """Recolour one thing.

    options: `colour`, the wanted colour (a name or #rrggbb); `region`, `colour:NAME` for the colour it has
        now, or `subject` for the subject's main colour.
    amount: 1 turns the colour wholly, 0.5 half.
    Raises UnsupportedEdit where the colour is not there, or the subject has several and none is named.
    """
    target = rgb_of(options["colour"])
    mask, middle = find_thing(pixels, options.get("region", "subject"))
    turn = _Turn.between(middle, lab_of(target))
    share = np.float32(min(max(amount, 0.0), 1.0))

    def rows(top: int, bottom: int) -> Pixels:
        inside = mask.rows(pixels, top, bottom)
        touched = inside > 0.01
        result = pixels[top:bottom].copy()
        if touched.any():
            lab = to_lab(result[touched][None])
            lab += (turn(lab) - lab) * (inside[touched] * share)[None, :, None]
            result[touched] = from_lab(lab)[0]
        return result

    return by_strips(pixels, rows)


@dataclass(frozen=True)
class _Turn:
    """The change of colour: from a middle to a target, applied to Lab values."""

    middle: Middle
    hue: float
    chroma: float
    power: float
    limits: NDArray[np.float32]

    @classmethod
    def between(cls, middle: Middle, target: tuple[float, float, float]) -> _Turn:
        lightness, a, b = target
        # A thing of white or black cloth still has its folds.
        lightness = min(WHITEST, max(BLACKEST, lightness))
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
