"""Colours by name, as a person means them when repainting a thing: CSS names tamed where they glare."""

from __future__ import annotations

import re

import cv2
import numpy as np

from thinkedit.errors import UnsupportedEdit

__all__ = ["PALETTE", "lab_of", "rgb_of"]

RGB = tuple[int, int, int]

PALETTE: dict[str, RGB] = {
    "red": (200, 30, 38), "crimson": (168, 18, 50), "maroon": (110, 20, 32), "burgundy": (110, 16, 44),
    "scarlet": (224, 36, 26), "coral": (240, 116, 92), "orange": (240, 130, 20), "peach": (250, 190, 150),
    "amber": (248, 176, 10), "gold": (222, 176, 40), "golden": (222, 176, 40), "mustard": (206, 164, 40),
    "yellow": (248, 214, 30), "lemon": (250, 234, 80), "lime": (150, 210, 40), "green": (42, 140, 58),
    "olive": (112, 116, 40), "emerald": (16, 140, 92), "mint": (160, 224, 190), "teal": (14, 124, 128),
    "turquoise": (50, 190, 190), "cyan": (40, 196, 220), "aqua": (60, 200, 214), "sky blue": (116, 184, 230),
    "skyblue": (116, 184, 230),
    "blue": (34, 84, 190), "azure": (44, 132, 220), "navy": (20, 34, 92), "indigo": (62, 44, 140),
    "purple": (116, 48, 152), "violet": (130, 70, 200), "lilac": (190, 160, 214), "lavender": (196, 180, 230),
    "plum": (120, 50, 104), "magenta": (206, 34, 150), "fuchsia": (220, 40, 150), "pink": (238, 130, 172),
    "rose": (230, 100, 130), "brown": (110, 68, 40), "chocolate": (84, 50, 30), "tan": (204, 170, 128),
    "beige": (226, 210, 182), "cream": (246, 236, 210), "ivory": (248, 244, 226), "sand": (216, 194, 150),
    "white": (255, 255, 255), "silver": (190, 192, 196), "grey": (128, 128, 128), "gray": (128, 128, 128),
    "charcoal": (54, 56, 60), "black": (0, 0, 0),
}  # fmt: skip

_HEX = re.compile(r"#?([0-9a-f]{6}|[0-9a-f]{3})")


def rgb_of(name: str) -> RGB:
    """The sRGB bytes of a colour name, with "light", "pale", "dark" or such before it, or of #rrggbb.

    Raises UnsupportedEdit for a name that is not known.
    """
    words = " ".join(name.strip().lower().replace("-", " ").replace("_", " ").split())
    if words in PALETTE:
        return PALETTE[words]
    shade = next((known for known in _SHADES if words.startswith(known)), "")
    base = words.removeprefix(shade).strip()
    if shade and base in PALETTE:
        towards, share = _SHADES[shade]
        red, green, blue = (round(v + (towards - v) * share) for v in PALETTE[base])
        return red, green, blue
    found = _HEX.fullmatch(words)
    if found is None or (not words.startswith("#") and len(words) == 3):
        raise UnsupportedEdit(
            f"the colour {name!r} is not known; give a name such as red, teal or light blue, or #rrggbb",
            (name,),
        )
    digits = found[1] if len(found[1]) == 6 else "".join(2 * digit for digit in found[1])
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


_SHADES = {
    "light": (255, 0.45), "pale": (255, 0.55), "pastel": (255, 0.5),
    "dark": (0, 0.4), "deep": (0, 0.3), "bright": (255, 0.1),
}  # fmt: skip


def lab_of(rgb: RGB) -> tuple[float, float, float]:
    """CIE L*a*b* of sRGB bytes."""
    one = np.array([[rgb]], np.float32) / np.float32(255)
    lightness, a, b = np.asarray(cv2.cvtColor(one, cv2.COLOR_RGB2LAB))[0, 0].tolist()
    return lightness, a, b
