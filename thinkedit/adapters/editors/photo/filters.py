"""Pieces that the masked operations share: light, Lab, and work by strips of rows."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters.masks.guided import Pixels, strips

__all__ = ["Floats", "by_strips", "from_lab", "from_linear", "to_bytes", "to_lab", "to_linear"]

Floats = NDArray[np.float32]

_CODES = np.arange(256, dtype=np.float64) / 255
_LINEAR = np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4).astype(np.float32)
_STEPS = 16383
_LIGHT = np.arange(_STEPS + 1, dtype=np.float64) / _STEPS
_ENCODED = (
    np.where(_LIGHT <= 0.0031308, 12.92 * _LIGHT, 1.055 * _LIGHT ** (1 / 2.4) - 0.055) * 255 + 0.5
).astype(np.uint8)


def to_linear(pixels: Pixels) -> Floats:
    """sRGB bytes to linear light, 0 to 1 (IEC 61966-2-1)."""
    return np.asarray(cv2.LUT(pixels, _LINEAR), np.float32)


def from_linear(light: Floats) -> Pixels:
    """Linear light to sRGB bytes, clipped; exact to half a step above code 3."""
    index = np.clip(light, 0, 1)
    index *= _STEPS
    index += 0.5
    return np.asarray(_ENCODED[index.astype(np.uint16)], np.uint8)


def to_bytes(values: Floats) -> Pixels:
    """Values in 0 to 255, rounded and clipped."""
    return np.asarray(np.clip(values + np.float32(0.5), 0, 255), np.uint8)


def to_lab(pixels: Pixels) -> Floats:
    """CIE L*a*b* under D65: L 0 to 100, a and b in the same unit."""
    scaled = pixels.astype(np.float32)
    scaled *= np.float32(1 / 255)
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), np.float32)


def from_lab(lab: Floats) -> Pixels:
    """L*a*b* to sRGB bytes; what lies outside the gamut is clipped in each channel."""
    rgb = np.asarray(cv2.cvtColor(np.ascontiguousarray(lab, np.float32), cv2.COLOR_LAB2RGB), np.float32)
    rgb *= 255
    return to_bytes(rgb)


def by_strips(pixels: Pixels, make: Callable[[int, int], Pixels]) -> Pixels:
    """A new picture, rows top..bottom at a time from `make(top, bottom)`."""
    result = np.empty_like(pixels)
    for top, bottom in strips(pixels.shape[0], pixels.shape[1]):
        result[top:bottom] = make(top, bottom)
    return result
