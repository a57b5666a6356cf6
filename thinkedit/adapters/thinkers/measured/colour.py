"""Colour as people see it: CIELAB (D65) from sRGB pixels, and the CIEDE2000 difference of two such pictures.

CIEDE2000 after Sharma, Wu and Dalal, "The CIEDE2000 color-difference formula: implementation notes,
supplementary test data, and mathematical observations" (2005), whose test pairs the tests use.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Lab", "Pixels", "Weights", "chroma", "ciede2000", "hue", "hue_distance", "linear", "to_lab"]

Pixels = NDArray[np.uint8]
"""H x W x 3, RGB."""
Lab = NDArray[np.float32]
"""H x W x 3: L* 0 to 100, a* and b* about -110 to 110."""
Weights = NDArray[np.float32]
"""H x W, 0 to 1: how much each pixel counts."""

_CODES = np.arange(256, dtype=np.float64) / 255
_LINEAR = np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4).astype(np.float32)
_SEVENTH = 25.0**7


def linear(pixels: Pixels) -> NDArray[np.float32]:
    """Linear light, 0 to 1, of gamma-encoded sRGB (IEC 61966-2-1)."""
    light: NDArray[np.float32] = _LINEAR[pixels]
    return light


def to_lab(pixels: Pixels) -> Lab:
    """CIELAB under D65 of an sRGB picture."""
    scaled = pixels.astype(np.float32)
    scaled *= np.float32(1 / 255)
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2Lab), np.float32)


def chroma(lab: Lab) -> NDArray[np.float32]:
    """Distance from grey, C*ab."""
    distance: NDArray[np.float32] = np.hypot(lab[..., 1], lab[..., 2])
    return distance


def hue(lab: Lab) -> NDArray[np.float32]:
    """Hue angle h_ab in degrees, 0 to 360: red about 35, yellow 95, green 140, blue 285."""
    angle: NDArray[np.float32] = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % np.float32(360)
    return angle


def hue_distance(angle: NDArray[np.float32], centre: float) -> NDArray[np.float32]:
    """Degrees between hue angles, 0 to 180."""
    distance: NDArray[np.float32] = np.abs((angle - np.float32(centre) + 180) % 360 - 180)
    return distance


def ciede2000(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    """CIEDE2000 difference of two pictures in CIELAB (last axis L, a, b), with all weights 1.

    About 1 is just visible side by side. Computes in the inputs' own floating type.
    """
    dtype = np.result_type(first.dtype, np.float32)
    one, two = np.asarray(first, dtype), np.asarray(second, dtype)
    L1, a1, b1 = one[..., 0], one[..., 1], one[..., 2]
    L2, a2, b2 = two[..., 0], two[..., 1], two[..., 2]

    mean_c7 = ((np.sqrt(a1 * a1 + b1 * b1) + np.sqrt(a2 * a2 + b2 * b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(mean_c7 / (mean_c7 + _SEVENTH))
    a1, a2 = a1 * stretch, a2 * stretch
    C1, C2 = np.sqrt(a1 * a1 + b1 * b1), np.sqrt(a2 * a2 + b2 * b2)
    h1, h2 = np.arctan2(b1, a1), np.arctan2(b2, a2)
    turn = dtype.type(2 * np.pi)
    h1, h2 = np.where(h1 < 0, h1 + turn, h1), np.where(h2 < 0, h2 + turn, h2)

    grey = C1 * C2 == 0
    dh = h2 - h1
    dh = np.where(dh > np.pi, dh - turn, np.where(dh < -np.pi, dh + turn, dh))
    dH = 2 * np.sqrt(C1 * C2) * np.sin(np.where(grey, 0, dh) / 2)
    total = h1 + h2
    wide = np.abs(h1 - h2) > np.pi
    mean_h = np.where(wide, np.where(total < turn, total + turn, total - turn), total) / 2
    mean_h = np.where(grey, total, mean_h)

    mean_C = (C1 + C2) / 2
    T = (
        1
        - 0.17 * np.cos(mean_h - np.radians(30))
        + 0.24 * np.cos(2 * mean_h)
        + 0.32 * np.cos(3 * mean_h + np.radians(6))
        - 0.20 * np.cos(4 * mean_h - np.radians(63))
    )
    middle = ((L1 + L2) / 2 - 50) ** 2
    S_L = 1 + 0.015 * middle / np.sqrt(20 + middle)
    S_C, S_H = 1 + 0.045 * mean_C, 1 + 0.015 * mean_C * T
    mean_C7 = mean_C**7
    R_C = 2 * np.sqrt(mean_C7 / (mean_C7 + _SEVENTH))
    theta = np.radians(60) * np.exp(-(((mean_h - np.radians(275)) / np.radians(25)) ** 2))
    dL, dC, dH = (L2 - L1) / S_L, (C2 - C1) / S_C, dH / S_H
    squared = dL * dL + dC * dC + dH * dH - np.sin(theta) * R_C * dC * dH
    return np.asarray(np.sqrt(np.maximum(squared, 0)), dtype)
