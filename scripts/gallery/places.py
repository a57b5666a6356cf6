"""Where things are in the example photographs, drawn by hand.

Polygons in fractions of width and height, each well inside what it names, so that a mask's soft edge falls
on neither side. They are the yardstick's own: the editor and the thinker never see them.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["PLACES", "place"]

Polygon = tuple[tuple[float, float], ...]

_SKY_CHINA: tuple[Polygon, ...] = (
    ((0.01, 0.02), (0.29, 0.02), (0.28, 0.12), (0.14, 0.22), (0.12, 0.40), (0.02, 0.30)),
    (
        (0.36, 0.02), (0.99, 0.02), (0.99, 0.28), (0.92, 0.28), (0.88, 0.42), (0.56, 0.42), (0.53, 0.25),
        (0.38, 0.12),
    ),
)  # fmt: skip
_PAGODA: Polygon = (
    (0.21, 0.24), (0.30, 0.17), (0.35, 0.17), (0.43, 0.26), (0.44, 0.45), (0.50, 0.50), (0.52, 0.72),
    (0.45, 0.80), (0.30, 0.75), (0.15, 0.74), (0.15, 0.50), (0.19, 0.40),
)  # fmt: skip
_WOOD: tuple[Polygon, ...] = (
    ((0.85, 0.10), (0.98, 0.10), (0.98, 0.95), (0.85, 0.95)),
    ((0.01, 0.55), (0.10, 0.50), (0.12, 0.70), (0.20, 0.90), (0.01, 0.95)),
)
_RED: tuple[Polygon, ...] = (
    (
        (0.16, 0.50), (0.20, 0.35), (0.27, 0.25), (0.27, 0.40), (0.30, 0.55), (0.33, 0.65), (0.25, 0.75),
        (0.18, 0.65),
    ),
    ((0.70, 0.40), (0.74, 0.40), (0.77, 0.50), (0.75, 0.65), (0.70, 0.72), (0.69, 0.65), (0.67, 0.50)),
    ((0.345, 0.64), (0.38, 0.60), (0.40, 0.62), (0.37, 0.74), (0.34, 0.72)),
)  # fmt: skip
_IN_CUP: tuple[Polygon, ...] = (
    ((0.42, 0.32), (0.55, 0.32), (0.55, 0.43), (0.42, 0.43)),
    ((0.38, 0.12), (0.55, 0.10), (0.60, 0.18), (0.45, 0.20)),
)
_HEAD: Polygon = (
    (0.36, 0.06), (0.46, 0.04), (0.56, 0.10), (0.57, 0.20), (0.52, 0.28), (0.48, 0.34), (0.40, 0.33),
    (0.35, 0.22), (0.32, 0.20), (0.32, 0.12),
)  # fmt: skip
_SUIT: tuple[Polygon, ...] = (
    ((0.26, 0.60), (0.44, 0.62), (0.46, 0.66), (0.46, 0.78), (0.42, 0.70), (0.35, 0.67), (0.27, 0.70)),
    ((0.13, 0.62), (0.23, 0.55), (0.23, 0.68), (0.13, 0.78)),
    ((0.55, 0.60), (0.66, 0.56), (0.67, 0.66), (0.55, 0.65)),
    (
        (0.15, 0.86), (0.30, 0.88), (0.40, 0.86), (0.45, 0.88), (0.44, 0.98), (0.40, 0.98), (0.38, 0.92),
        (0.30, 0.90), (0.20, 0.97),
    ),
)  # fmt: skip
_STUDIO: tuple[Polygon, ...] = (
    ((0.20, 0.05), (0.29, 0.05), (0.28, 0.25), (0.21, 0.35)),
    ((0.62, 0.05), (0.70, 0.05), (0.69, 0.35), (0.63, 0.40)),
)
_FACE: Polygon = (
    (0.38, 0.20),
    (0.44, 0.17),
    (0.50, 0.20),
    (0.51, 0.26),
    (0.47, 0.32),
    (0.42, 0.32),
    (0.38, 0.27),
)
_SKY_ROCKET: tuple[Polygon, ...] = (
    ((0.16, 0.03), (0.30, 0.03), (0.29, 0.40), (0.26, 0.75), (0.15, 0.72)),
    ((0.34, 0.05), (0.46, 0.05), (0.46, 0.78), (0.34, 0.78)),
    ((0.55, 0.05), (0.67, 0.05), (0.66, 0.78), (0.56, 0.78)),
    ((0.73, 0.03), (0.86, 0.03), (0.86, 0.78), (0.76, 0.78), (0.73, 0.50)),
)
_ROCKET: Polygon = ((0.488, 0.36), (0.505, 0.31), (0.52, 0.36), (0.515, 0.94), (0.49, 0.94))
_CAT: Polygon = (
    (0.12, 0.05), (0.70, 0.05), (0.75, 0.30), (0.72, 0.60), (0.64, 0.80), (0.50, 0.85), (0.35, 0.70),
    (0.12, 0.45),
)  # fmt: skip

PLACES: dict[str, dict[str, tuple[Polygon, ...]]] = {
    "astronaut": {
        "subject": (_HEAD, *_SUIT),
        "background": _STUDIO,
        "face": (_FACE,),
        "suit": _SUIT,
        "not the suit": (_HEAD, *_STUDIO, ((0.62, 0.75), (0.90, 0.80), (0.90, 0.95), (0.65, 0.95))),
    },
    "chelsea": {
        "subject": (_CAT,),
        "background": (
            ((0.86, 0.10), (0.99, 0.10), (0.99, 0.95), (0.88, 0.95), (0.84, 0.50)),
            ((0.01, 0.02), (0.06, 0.02), (0.05, 0.30), (0.01, 0.30)),
        ),
    },
    "china": {
        "subject": (_PAGODA,),
        "background": (*_SKY_CHINA, ((0.58, 0.57), (0.85, 0.57), (0.83, 0.62), (0.60, 0.70))),
        "sky": _SKY_CHINA,
        "ground": (
            _PAGODA,
            ((0.55, 0.90), (0.65, 0.78), (0.80, 0.75), (0.88, 0.80), (0.88, 0.98), (0.55, 0.98)),
            ((0.92, 0.50), (0.98, 0.45), (0.98, 0.95), (0.92, 0.95)),
        ),
    },
    "coffee": {
        "subject": (*_RED, *_IN_CUP),
        "background": _WOOD,
        "red china": _RED,
        "not the red china": (*_WOOD, *_IN_CUP),
    },
    "rocket": {
        "subject": (_ROCKET,),
        "background": _SKY_ROCKET,
        "sky": _SKY_ROCKET,
        "ground": (_ROCKET, ((0.43, 0.97), (0.57, 0.97), (0.57, 0.99), (0.43, 0.99))),
    },
}  # fmt: skip


def place(photo: str, name: str, height: int, width: int) -> NDArray[np.bool_]:
    """Which pixels surely belong to a place; "whole" is everywhere."""
    if name == "whole":
        return np.ones((height, width), bool)
    drawn = np.zeros((height, width), np.uint8)
    for polygon in PLACES[photo][name]:
        corners = np.round(np.array(polygon) * (width - 1, height - 1)).astype(np.int32)
        cv2.fillPoly(drawn, [corners], 1)
    return drawn.astype(bool)
