"""Every colour that a picture of the world can hold, by what it means.

Things and backgrounds have colours of their own, each in two shades. A change of colour that was applied too
weakly is a mixture in which most of the old colour remains; which two were mixed, and which way, can be read
off it. A style moves all colours by one affine map that can be undone. So a pixel says what it belongs to.
"""

from __future__ import annotations

from functools import cache
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BACKGROUNDS", "COLOURS", "STYLES", "code_of", "codes", "shades", "styled"]

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (204, 40, 44),
    "orange": (238, 126, 26),
    "yellow": (240, 208, 40),
    "green": (44, 146, 62),
    "blue": (38, 88, 204),
    "purple": (124, 52, 168),
    "pink": (242, 122, 176),
    "brown": (122, 78, 44),
    "black": (40, 42, 48),
    "white": (246, 246, 242),
}
"""Of things."""

BACKGROUNDS: dict[str, tuple[int, int, int]] = {
    "grey": (190, 190, 196),
    "cream": (240, 228, 198),
    "mint": (188, 226, 204),
    "lavender": (206, 198, 232),
    "peach": (246, 206, 184),
    "turquoise": (148, 212, 216),
}

REMAINS = 0.6
"""Of the old colour, where a change was applied too weakly."""

STYLES: dict[str, tuple[float, float, tuple[int, int, int]]] = {
    "none": (1.0, 0.0, (0, 0, 0)),
    "watercolour": (0.52, 0.0, (118, 120, 122)),
    "sepia": (0.25, 0.55, (52, 34, 8)),
    "night": (0.38, 0.04, (2, 8, 40)),
    "negative": (-0.46, 0.0, (214, 207, 223)),
}
"""Of the colour itself, of its lightness, and what is added to red, green and blue."""

_STEP = 24  # from one shade to the other, as a part of 255


@cache
def shades(names: tuple[str, str | None], *, background: bool) -> NDArray[np.uint8]:
    """Two shades (2 x 3, RGB) of a colour, or of the mixture of a colour with what remains of an old one."""
    known = BACKGROUNDS if background else COLOURS
    colour = np.array(known[names[0]], float)
    if names[1] is not None:
        colour = REMAINS * np.array(known[names[1]], float) + (1 - REMAINS) * colour
    step, dark = (_STEP, 216) if background else (2 * _STEP, 64)
    both = np.stack([colour, colour + (step if colour.mean() < dark else -step)])
    return np.asarray(np.clip(both.round(), 0, 255), np.uint8)


def styled(colours: NDArray[np.uint8], style: str, half: bool = False) -> NDArray[np.uint8]:
    """Colours (... x 3) in a style, or half the way to it."""
    if style == "none":
        return colours
    own, lightness, added = STYLES[style]
    plain = colours.astype(float)
    moved = own * plain + lightness * plain.mean(axis=-1, keepdims=True) + np.array(added, float)
    if half:
        moved = (plain + moved) / 2
    return np.asarray(np.clip(moved.round(), 0, 255), np.uint8)


@cache
def codes(style: str, half: bool) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
    """(packed colours in ascending order, what each means) of a style.

    The meaning is 2 * place + shade: places count `mixtures(background=False)` and then those of backgrounds.
    """
    table = [shades(names, background=False) for names in mixtures(background=False)]
    table += [shades(names, background=True) for names in mixtures(background=True)]
    packed = pack(styled(np.concatenate(table), style, half))
    order = np.argsort(packed, kind="stable")
    return packed[order], order.astype(np.int16)


@cache
def mixtures(*, background: bool) -> tuple[tuple[str, str | None], ...]:
    """Every (colour, what it was before or None), in the order of their codes."""
    known = BACKGROUNDS if background else COLOURS
    return (*((name, None) for name in known), *permutations(known, 2))


def pack(colours: NDArray[np.uint8]) -> NDArray[np.int64]:
    """RGB (... x 3) as one number each."""
    wide = colours.astype(np.int64)
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]


def code_of(pixels: NDArray[np.uint8], style: str, half: bool) -> NDArray[np.int16]:
    """What each pixel means in that style (see `codes`), -1 for a colour that the world does not have."""
    known, meaning = codes(style, half)
    packed = pack(pixels)
    at = np.minimum(np.searchsorted(known, packed), len(known) - 1)
    return np.where(known[at] == packed, meaning[at], np.int16(-1))
