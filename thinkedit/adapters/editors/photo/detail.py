"""Detail: sharpen, denoise, blur, vignette, pixelate.

As in `tone`: each returns a function from a band of rows to its new pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

from thinkedit.adapters.editors.photo.bands import Rows
from thinkedit.adapters.editors.photo.filters import from_linear, to_bytes, to_linear
from thinkedit.adapters.masks.guided import Mask, Pixels, luma, reduced, smoothstep
from thinkedit.adapters.vocabulary import Clause

__all__ = ["blur", "denoise", "falloff", "noise_level", "pixelate", "sharpen", "vignette"]


def sharpen(pixels: Pixels, clause: Clause) -> Rows:
    """Unsharp mask on luma; the radius grows with the picture so that it shows at any viewing size.

    The same step is added to all three channels, which leaves hue alone; steps below 1 of 255 are left
    out as noise, and a step is held to 40 so that hard edges get no halo.
    """
    sigma = float(np.clip(max(pixels.shape[:2]) / 1400, 0.8, 2.5))
    strength = np.float32(0.9 * clause.amount)
    reach = int(np.ceil(4 * sigma))

    def rows(top: int, bottom: int) -> Pixels:
        first, last = max(0, top - reach), min(pixels.shape[0], bottom + reach)
        grey = luma(pixels[first:last]) * np.float32(255)
        step = grey - cv2.GaussianBlur(grey, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        step = step[top - first : bottom - first]
        step = np.sign(step) * np.maximum(np.abs(step) - 1, 0) * strength
        return to_bytes(pixels[top:bottom] + np.clip(step, -40, 40)[..., None])

    return rows


def noise_level(pixels: Pixels) -> float:
    """Standard deviation of fine noise, 0 to 255, by the median of the second difference in flat parts.

    Immerkaer, "Fast Noise Variance Estimation" (1996), with a median in place of the mean, so that
    texture counts for less.
    """
    height, width = pixels.shape[:2]
    top, left = max(0, height // 2 - 600), max(0, width // 2 - 600)
    grey = luma(pixels[top : top + 1200, left : left + 1200]) * np.float32(255)
    if min(grey.shape) < 3:
        return 0.0
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    second = np.abs(cv2.filter2D(grey, -1, kernel))[1:-1, 1:-1]
    return float(np.median(second) / 0.6745 / 6)


def denoise(pixels: Pixels, clause: Clause) -> Rows:
    """Bilateral filter whose range follows the noise that is there (2.5 times its sigma)."""
    reach = 4
    level = 2.5 * max(noise_level(pixels), 1.2) * clause.amount

    def rows(top: int, bottom: int) -> Pixels:
        first, last = max(0, top - reach), min(pixels.shape[0], bottom + reach)
        smooth = cv2.bilateralFilter(
            np.ascontiguousarray(pixels[first:last]), 7, level * 1.7, 2 + clause.amount
        )
        return np.asarray(smooth[top - first : bottom - first], np.uint8)

    return rows


def blur(pixels: Pixels, clause: Clause) -> Rows:
    """Gaussian blur of 0.5 % of the longer side, or by a radius in pixels; wide ones at reduced size."""
    unit, _, number = (clause.given or "").partition(":")
    longest = max(pixels.shape[:2])
    sigma = float(number) / 2 if unit == "pixels" else 0.005 * longest * clause.amount
    if sigma < 4:
        reach = int(np.ceil(4 * max(sigma, 0.3)))

        def rows(top: int, bottom: int) -> Pixels:
            first, last = max(0, top - reach), min(pixels.shape[0], bottom + reach)
            soft = cv2.GaussianBlur(
                pixels[first:last], (0, 0), max(sigma, 0.3), borderType=cv2.BORDER_REPLICATE
            )
            return np.asarray(soft[top - first : bottom - first], np.uint8)

        return rows
    shrink = sigma / 3
    small = reduced(pixels, max(1, round(longest / shrink)))
    soft = cv2.GaussianBlur(
        small, (0, 0), sigma * max(small.shape[:2]) / longest, borderType=cv2.BORDER_REPLICATE
    )
    whole = np.asarray(
        cv2.resize(soft, (pixels.shape[1], pixels.shape[0]), interpolation=cv2.INTER_CUBIC), np.uint8
    )
    return lambda top, bottom: whole[top:bottom]


def falloff(height: int, width: int, strength: float, start: float = 0.4) -> Falloff:
    """Brightness towards the corners: 1 inside `start` of the half diagonal, 1 - strength in the corners."""
    return Falloff(height, width, strength, start)


class Falloff:
    """`rows` -> factors, height x width, as a lens loses light."""

    def __init__(self, height: int, width: int, strength: float, start: float) -> None:
        self._size = (height, width)
        self._start = start
        self._strength = np.float32(strength)

    def __call__(self, top: int, bottom: int) -> Mask:
        height, width = self._size
        y = (np.arange(top, bottom, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / height) - 1
        x = (np.arange(width, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / width) - 1
        radius = np.sqrt((x * x)[None] + (y * y)[:, None]) * np.float32(1 / 1.4143)
        out = np.clip((radius - np.float32(self._start)) * np.float32(1 / (1 - self._start)), 0, 1)
        return np.asarray(1 - self._strength * out * out, np.float32)


def vignette(pixels: Pixels, clause: Clause) -> Rows:
    """Darker corners, as a lens makes them: 1.9 stops less light there at the plain amount.

    Bright areas lose less of it, and white two fifths, so that a sky is shaded and not soiled.
    """
    fall = falloff(pixels.shape[0], pixels.shape[1], 1.0, 0.3)
    stops = np.float32(1.9 * clause.amount)

    def rows(top: int, bottom: int) -> Pixels:
        light = to_linear(pixels[top:bottom])
        bright = smoothstep(np.asarray(light.max(axis=2)), 0.15, 1.0)
        lost = (1 - fall(top, bottom)) * stops * (1 - np.float32(0.62) * bright)
        light *= np.exp2(-lost)[..., None]
        return from_linear(light)

    return rows


def pixelate(pixels: Pixels, clause: Clause) -> Rows:
    """Square blocks, 60 across the longer side at the plain amount, or of a given size in pixels."""
    height, width = pixels.shape[:2]
    unit, _, number = (clause.given or "").partition(":")
    block = float(number) if unit == "pixels" else max(height, width) / 60 * clause.amount
    block = min(max(1.0, block), float(max(height, width)))
    size = (max(1, round(width / block)), max(1, round(height / block)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    whole = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
    return lambda top, bottom: whole[top:bottom]
