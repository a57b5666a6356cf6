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
from thinkedit.adapters.masks.guided import Mask, Pixels

__all__ = ["Change", "by_code_cube", "by_cube", "gamut_used", "in_gamut"]

Change = Callable[[Floats], Floats]
"""Linear light (or codes), height x width x 3, 0 to 1, to the same; what leaves 0 to 1 is clipped."""
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
    return _looked_up(pixels, _encoded(change(to_linear(_grid()))))


def by_code_cube(pixels: Pixels, change: Change) -> Rows:
    """The same for a change that is worked out on the sRGB codes themselves, 0 to 1."""
    return _looked_up(pixels, np.clip(change(_grid().astype(np.float32) / np.float32(255)), 0, 1))


def in_gamut(colours: Floats, grey: Mask) -> Floats:
    """Colours outside the screen's gamut drawn towards a grey until they fit; changes `colours`.

    Clipping each channel by itself would flatten petals and fabrics to one flat red or yellow.
    """
    grey = np.clip(grey, 0, 1)
    room = np.minimum(_room(colours, grey), 1)[..., None]
    colours -= grey[..., None]
    colours *= room
    colours += grey[..., None]
    return colours


def gamut_used(colours: Floats, grey: Mask) -> Mask:
    """How far each colour is from its grey, as a share of the way to the gamut's edge; above 1 outside it."""
    return np.asarray(1 / np.maximum(_room(colours, np.clip(grey, 0, 1)), np.float32(1e-3)), np.float32)


def _room(colours: Floats, grey: Mask) -> Mask:
    """By how much a colour's distance from its grey may grow until it leaves the gamut."""
    over = (1 - grey) / np.maximum(colours.max(axis=2) - grey, np.float32(1e-6))
    under = grey / np.maximum(grey - colours.min(axis=2), np.float32(1e-6))
    return np.asarray(np.maximum(np.minimum(over, under), 0), np.float32)


def _looked_up(pixels: Pixels, values: NDArray[np.floating]) -> Rows:
    lookup = ImageFilter.Color3DLUT(SIDE, values.reshape(-1))

    def rows(top: int, bottom: int) -> Pixels:
        return np.asarray(Image.fromarray(pixels[top:bottom]).filter(lookup), np.uint8)

    return rows
