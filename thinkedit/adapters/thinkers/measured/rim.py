"""The even rim of one colour around a result: what an instruction that asks for a border should leave.

It is taken off before the rest of the picture is laid over its source, so that no other wish is measured
on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters.thinkers.measured.colour import Pixels
from thinkedit.adapters.thinkers.measured.views import View
from thinkedit.adapters.vocabulary import Clause

__all__ = ["Rim", "find_rim", "without_rim"]

EVEN = 14
"""Steps of 8 bits within which a rim counts as one colour: JPEG leaves some."""
STRAY = 0.02
"""Share of a row that may be off."""
WIDEST = 0.4
"""A rim is at most this share of the shorter side: beyond it there is no picture left to judge."""


@dataclass(frozen=True)
class Rim:
    """thick: pixels on each side, 0 where there is none. colour: its sRGB."""

    thick: int
    colour: tuple[int, int, int]


def find_rim(source: View, result: Pixels, wishes: Sequence[Clause]) -> Rim:
    """The rim that was added to the picture, as thin as on its thinnest side.

    What the source has of such a rim itself is not counted as far as the sizes of both tell it apart.
    """
    thick, colour = _measured(result)
    rim = Rim(thick, colour)
    reshaped = any(
        wish.operation in ("crop", "resize") or (wish.operation == "rotate" and wish.amount % 1)
        for wish in wishes
    )
    height, width = result.shape[:2]
    quarters = sum(round(wish.amount) for wish in wishes if wish.operation == "rotate")
    had = source.size[::-1] if quarters % 2 else source.size
    if not thick or reshaped:
        return rim
    wider, higher = width - had[0], height - had[1]
    if wider > 0 and abs(wider - higher) <= 1:
        return Rim(min(thick, wider // 2), colour)
    own, own_colour = _measured(source.small)
    alike = max(abs(a - b) for a, b in zip(own_colour, colour, strict=True)) <= EVEN
    if own and alike and thick <= 1.1 * (own + 1) / source.scale:
        return Rim(0, colour)
    return rim


def without_rim(result: Pixels, rim: Rim) -> Pixels:
    """The picture inside the rim."""
    thick = rim.thick
    return np.ascontiguousarray(result[thick:-thick, thick:-thick]) if thick else result


def _measured(pixels: Pixels) -> tuple[int, tuple[int, int, int]]:
    """Thickness and colour of the rim; the colour is that of the outermost pixels in any case."""
    outmost = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    median = np.median(outmost, axis=0)
    most = int(WIDEST * min(pixels.shape[:2]))
    sideways = np.swapaxes(pixels, 0, 1)
    sides = (pixels, pixels[::-1], sideways, sideways[::-1])
    thick = min(_rows_of(side, median, most) for side in sides)
    red, green, blue = (int(value) for value in median)
    return thick, (red, green, blue)


def _rows_of(rows: Pixels, colour: NDArray[np.float64], most: int) -> int:
    """How many rows from the first on are of that colour."""
    for count in range(most):
        off = np.abs(rows[count].astype(np.int16) - colour).max(axis=-1) > EVEN
        if float(off.mean()) > STRAY:
            return count
    return most
