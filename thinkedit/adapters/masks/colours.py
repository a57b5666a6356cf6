"""Named colours as regions: a band of hue in CIE Lab with enough chroma, or a range of neutral lightness.

Hues are degrees in the a*b* plane: pure red is at 40, orange 73, yellow 103, green 136, cyan 196, sky blue
about 260, blue 306, magenta 328. Bands overlap, as the words do.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters.masks.guided import GuidedMask, Mask, Pixels, reduced, smoothstep

__all__ = [
    "COLOUR_NAMES",
    "canonical_colour",
    "colour_shares",
    "colour_weight",
    "find_colour",
    "hue_and_chroma",
]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Band:
    """Hue from `start` to `end` (degrees, may pass 360), chroma and lightness from-to; None: any hue."""

    start: float | None
    end: float = 0.0
    chroma: tuple[float, float] = (14.0, 999.0)
    lightness: tuple[float, float] = (-99.0, 199.0)


BANDS = {
    "red": Band(2, 48, chroma=(22, 999)),
    "orange": Band(38, 80, chroma=(26, 999), lightness=(35, 199)),
    "yellow": Band(76, 114, chroma=(22, 999), lightness=(40, 199)),
    "green": Band(110, 176),
    "turquoise": Band(172, 236),
    "blue": Band(226, 308),
    "purple": Band(298, 342),
    "pink": Band(325, 385, chroma=(11, 999), lightness=(45, 199)),
    "brown": Band(28, 88, chroma=(10, 48), lightness=(8, 52)),
    "beige": Band(55, 112, chroma=(6, 30), lightness=(62, 199)),
    "white": Band(None, chroma=(-99, 12), lightness=(80, 199)),
    "grey": Band(None, chroma=(-99, 10), lightness=(24, 80)),
    "black": Band(None, chroma=(-99, 14), lightness=(-99, 24)),
}
COLOUR_NAMES = tuple(BANDS)

_SAME = {
    "crimson": "red", "scarlet": "red", "maroon": "red", "burgundy": "red", "ruby": "red",
    "amber": "orange", "peach": "orange", "coral": "orange",
    "gold": "yellow", "golden": "yellow", "mustard": "yellow", "lemon": "yellow",
    "lime": "green", "olive": "green", "emerald": "green", "mint": "green",
    "cyan": "turquoise", "teal": "turquoise", "aqua": "turquoise",
    "navy": "blue", "azure": "blue", "sky blue": "blue", "skyblue": "blue", "indigo": "blue",
    "violet": "purple", "lilac": "purple", "lavender": "purple", "plum": "purple",
    "magenta": "pink", "rose": "pink", "fuchsia": "pink",
    "tan": "beige", "cream": "beige", "ivory": "beige", "sand": "beige", "chocolate": "brown",
    "gray": "grey", "silver": "grey", "charcoal": "black",
}  # fmt: skip


def canonical_colour(name: str) -> str | None:
    """The band that a colour word belongs to; shades ("dark red") go by their colour. None: no colour."""
    words = name.strip().lower().replace("-", " ").replace("_", " ")
    for candidate in (
        words,
        words.removeprefix("light").removeprefix("dark").strip(),
        words.rpartition(" ")[2],
    ):
        found = _SAME.get(candidate, candidate)
        if found in BANDS:
            return found
    return None


def hue_and_chroma(lab: Floats) -> tuple[Floats, Floats]:
    """(hue in degrees 0 to 360, chroma) of L*a*b* values."""
    a, b = lab[..., 1], lab[..., 2]
    hue = np.asarray(np.degrees(np.arctan2(b, a)) % 360, np.float32)
    return hue, np.asarray(np.hypot(a, b), np.float32)


def colour_weight(lab: Floats, colour: str) -> Mask:
    """How much each pixel has the colour (a key of BANDS), 0 to 1, with soft limits."""
    band = BANDS[colour]
    hue, chroma = hue_and_chroma(lab)
    lightness = lab[..., 0]
    weight = np.ones(chroma.shape, np.float32)
    if band.start is not None:
        # Shadows of a coloured thing hold less chroma at the same hue.
        chroma = np.asarray(chroma * np.clip(45 / (lightness + 5), 1, 2.2), np.float32)
        middle, half = (band.start + band.end) / 2, (band.end - band.start) / 2
        away = np.abs((hue - middle + 180) % 360 - 180).astype(np.float32)
        weight *= smoothstep(away, half + 5, half - 5)
        weight *= smoothstep(chroma, band.chroma[0] - 6, band.chroma[0] + 6)
    weight *= smoothstep(chroma, band.chroma[1] + 4, band.chroma[1] - 4)
    weight *= smoothstep(lightness, band.lightness[0] - 5, band.lightness[0] + 5)
    weight *= smoothstep(lightness, band.lightness[1] + 5, band.lightness[1] - 5)
    return weight


def _lab(pixels: Pixels) -> Floats:
    return np.asarray(
        cv2.cvtColor(pixels.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB), np.float32
    )


def colour_shares(pixels: Pixels, within: Mask | None = None) -> dict[str, float]:
    """Share of the picture, or of the mask `within`, that has each colour, largest first; they overlap."""
    small = reduced(pixels, 400)
    lab = _lab(small)
    size = (small.shape[1], small.shape[0])
    area = np.ones(size[::-1], np.float32) if within is None else cv2.resize(within, size)
    total = max(float(area.sum()), 1e-6)
    shares = {colour: float((colour_weight(lab, colour) * area).sum()) / total for colour in BANDS}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def find_colour(pixels: Pixels, colour: str) -> GuidedMask | None:
    """The pixels of a colour (a key of BANDS), or None where less than 0.3 % of the picture has it."""
    small = reduced(pixels)
    lab = _lab(small)
    weight = colour_weight(lab, colour)
    if float(weight.mean()) < 0.003:
        return None
    return GuidedMask.fit(small, weight, max(2, round(0.003 * max(small.shape[:2]))), 1e-4)
