"""Colour changes as a table: a change worked out on a grid of colours and interpolated for each pixel.

Whatever depends on a pixel's colour alone can be done so, at a fifteenth of the price on 12 megapixels.
The grid has 52 steps a side (every fifth code), which keeps the interpolation within one code.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from thinkedit.adapters.editors.photo.bands import Rows
from thinkedit.adapters.editors.photo.filters import Floats, to_linear
from thinkedit.adapters.masks.guided import Pixels

__all__ = ["Change", "by_cube"]

Change = Callable[[Floats], Floats]
"""Linear light, height x width x 3, to linear light; may leave 0 to 1, which is then clipped."""
SIDE = 52


def _grid() -> Pixels:
    """Every fifth code of red (fastest), green and blue, as a picture of SIDE * SIDE x SIDE."""
    codes = np.arange(0, 256, 5, dtype=np.uint8)
    blue, green, red = np.meshgrid(codes, codes, codes, indexing="ij")
    return np.stack([red, green, blue], axis=-1).reshape(SIDE * SIDE, SIDE, 3)


def _encoded(light: Floats) -> NDArray[np.float64]:
    """sRGB values, 0 to 1, of linear light."""
    light = np.clip(light, 0, 1)
    power = 1.055 * np.power(light.astype(np.float64), 1 / 2.4) - 0.055
    return np.where(light <= 0.0031308, 12.92 * light, power)


def by_cube(pixels: Pixels, change: Change) -> Rows:
    """The bands of `pixels` with every colour changed."""
    table = _encoded(change(to_linear(_grid()))).reshape(-1)
    lookup = ImageFilter.Color3DLUT(SIDE, table.tolist())

    def rows(top: int, bottom: int) -> Pixels:
        return np.asarray(Image.fromarray(pixels[top:bottom]).filter(lookup), np.uint8)

    return rows
