"""The photograph as a pencil drawing, a coloured sketch, a watercolour, an oil painting or a cartoon.

Strokes and washes are sized by the picture, so that a print looks the same from 1 and from 12 megapixels:
shapes are worked out on a reduced copy, lines and paper at full size. Below the amount 1 the style is laid
over the photograph; above it the strokes grow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters.editors.photo.filters import Floats, by_strips, from_lab, to_bytes, to_lab
from thinkedit.adapters.masks.guided import Mask, Pixels, enlarge_rows, luma, reduced, smoothstep, strips

__all__ = ["cartoon", "colour_sketch", "oil", "pencil", "watercolour"]

Options = Mapping[str, str]
T = TypeVar("T", np.uint8, np.float32)
WASH_SIDE = 1500
OIL_SIDE = 2200
CARTOON_SIDE = 1200


def pencil(pixels: Pixels, amount: float, options: Options, *, reference: Pixels | None = None) -> Pixels:
    """A graphite drawing: lines where light changes, soft shading in the dark parts, paper grain."""
    shade = _shading(pixels)
    stroke = 1.6 + 0.8 * max(1.0, amount)

    def rows(top: int, bottom: int) -> Pixels:
        drawn = _drawn(pixels, shade, stroke, top, bottom)
        drawn += _paper(pixels.shape, top, bottom) * (1.02 - drawn)
        grey = to_bytes(255 * drawn)
        return np.repeat(grey[..., None], 3, axis=2)

    return _laid_over(pixels, by_strips(pixels, rows), amount)


def colour_sketch(
    pixels: Pixels, amount: float, options: Options, *, reference: Pixels | None = None
) -> Pixels:
    """Coloured pencil: the drawing over pale, flat colour."""
    shade = _shading(pixels)
    small = reduced(pixels, WASH_SIDE)
    flat = small
    for _ in range(2):
        flat = np.asarray(cv2.bilateralFilter(flat, 9, 40, 9), np.uint8)
    lab = to_lab(flat)
    lab[..., 0] = 62 + 0.38 * lab[..., 0]
    lab[..., 1:] *= 1.15
    tint = from_lab(lab).astype(np.float32)
    stroke = 1.4 + 0.8 * max(1.0, amount)
    shape = (pixels.shape[0], pixels.shape[1])

    def rows(top: int, bottom: int) -> Pixels:
        drawn = _drawn(pixels, shade, stroke, top, bottom)
        drawn += _paper(pixels.shape, top, bottom) * (1.02 - drawn)
        return to_bytes(enlarge_rows(tint, shape, top, bottom) * drawn[..., None])

    return _laid_over(pixels, by_strips(pixels, rows), amount)


def watercolour(
    pixels: Pixels, amount: float, options: Options, *, reference: Pixels | None = None
) -> Pixels:
    """Washes: even areas of light, clear colour, darker where a wash ends, pigment settled in the paper."""
    small = reduced(pixels, WASH_SIDE)
    side = max(small.shape[:2])
    wash = np.asarray(cv2.medianBlur(small, 2 * max(1, round(side / 750)) + 1), np.uint8)
    wash = np.asarray(
        cv2.edgePreservingFilter(wash, flags=cv2.RECURS_FILTER, sigma_s=40 * max(1.0, amount), sigma_r=0.36)
    )
    lab = to_lab(wash)
    across, down = cv2.Sobel(lab[..., 0], cv2.CV_32F, 1, 0), cv2.Sobel(lab[..., 0], cv2.CV_32F, 0, 1)
    ends = np.asarray(cv2.GaussianBlur(np.hypot(across, down), (0, 0), max(0.6, side / 1500)), np.float32)
    pooled = _cloudy(small.shape[:2], side)
    lab[..., 0] = 16 + 0.86 * lab[..., 0] - 10 * np.clip(ends / 48, 0, 1) + 2.2 * pooled
    lab[..., 1:] *= (1.25 - 0.06 * pooled)[..., None]
    painted = from_lab(lab).astype(np.float32)
    shape = (pixels.shape[0], pixels.shape[1])

    def rows(top: int, bottom: int) -> Pixels:
        strip = enlarge_rows(painted, shape, top, bottom)
        grain = _paper(pixels.shape, top, bottom)[..., None]
        strip *= 1 + np.float32(0.35) * grain * (np.float32(1.25) - strip * np.float32(1 / 255))
        return to_bytes(strip)

    return _laid_over(pixels, by_strips(pixels, rows), amount)


def oil(pixels: Pixels, amount: float, options: Options, *, reference: Pixels | None = None) -> Pixels:
    """Oil paint: two passes of a Kuwahara filter, broad and fine, then richer colour and relief."""
    small = reduced(pixels, OIL_SIDE)
    side = max(small.shape[:2])
    broad = max(2, round(0.0052 * side * max(1.0, amount)))
    painted = _kuwahara(_kuwahara(small, broad), max(1, round(0.6 * broad)))
    lab = to_lab(painted)
    lab[..., 1:] *= 1.18
    lightness = np.ascontiguousarray(lab[..., 0])
    relief = lightness - cv2.GaussianBlur(lightness, (0, 0), max(0.8, side / 900))
    lab[..., 0] = np.clip(lightness + 0.9 * relief, 0, 100)
    strokes = from_lab(lab).astype(np.float32)
    shape = (pixels.shape[0], pixels.shape[1])
    done = by_strips(pixels, lambda top, bottom: to_bytes(enlarge_rows(strokes, shape, top, bottom)))
    return _laid_over(pixels, done, amount)


def cartoon(pixels: Pixels, amount: float, options: Options, *, reference: Pixels | None = None) -> Pixels:
    """Flat, stepped colour inside dark outlines (Winnemöller et al., "Real-Time Video Abstraction", 2006)."""
    small = reduced(pixels, CARTOON_SIDE)
    flat = small
    for _ in range(4):
        flat = np.asarray(cv2.bilateralFilter(flat, 9, 28, 7), np.uint8)
    lab = to_lab(flat)
    step = np.float32(100 / max(5, round(9 / max(1.0, amount))))
    lightness = np.asarray(cv2.GaussianBlur(np.ascontiguousarray(lab[..., 0]), (0, 0), 0.8), np.float32)
    base = np.floor(lightness / step) * step
    lab[..., 0] = base + step * (0.5 + 0.5 * np.tanh((lightness - base - step / 2) / step * 5))
    lab[..., 1:] *= 1.3
    coloured = from_lab(lab).astype(np.float32)
    lines = _outlines(flat, max(1.0, amount))
    shape = (pixels.shape[0], pixels.shape[1])

    def rows(top: int, bottom: int) -> Pixels:
        ink = smoothstep(enlarge_rows(lines, shape, top, bottom), 0.25, 0.75)
        return to_bytes(enlarge_rows(coloured, shape, top, bottom) * (0.08 + 0.92 * ink)[..., None])

    return _laid_over(pixels, by_strips(pixels, rows), amount)


def _laid_over(pixels: Pixels, styled: Pixels, amount: float) -> Pixels:
    """The style at the share `amount` over the photograph, where that is below 1."""
    if amount >= 1:
        return styled
    share = max(0.0, amount)
    return np.asarray(cv2.addWeighted(styled, share, pixels, 1 - share, 0), np.uint8)


def _shading(pixels: Pixels) -> Mask:
    """Luma blurred by 0.8 % of the longer side, at reduced size: what the paper is dodged by."""
    small = luma(reduced(pixels))
    return np.asarray(cv2.GaussianBlur(small, (0, 0), max(1.0, 0.008 * max(small.shape))), np.float32)


def _drawn(pixels: Pixels, shade: Mask, stroke: float, top: int, bottom: int) -> Mask:
    """Colour dodge of the luma by its blur, 0 to 1, made darker by `stroke`; dark parts keep some shading."""
    around = enlarge_rows(shade, (pixels.shape[0], pixels.shape[1]), top, bottom)
    drawn = np.minimum(1, (luma(pixels[top:bottom]) + 0.02) / (around + 0.02)) ** np.float32(stroke)
    drawn *= 0.55 + 0.45 * smoothstep(around, -0.15, 0.6)
    return np.asarray(drawn, np.float32)


def _paper(shape: tuple[int, ...], top: int, bottom: int) -> Mask:
    """Grain of drawing paper for rows top..bottom, about -0.15 to 0.15, as coarse as the picture is large."""
    coarse = max(1.0, max(shape[:2]) / 1600)
    size = 512
    noise = np.asarray(np.random.default_rng(7).standard_normal((size, size)), np.float32)
    noise = np.asarray(
        cv2.GaussianBlur(noise, (0, 0), 0.7, borderType=cv2.BORDER_REFLECT), np.float32
    ) * np.float32(0.1)
    rows = (np.arange(top, bottom) / coarse).astype(np.int64) % size
    columns = (np.arange(shape[1]) / coarse).astype(np.int64) % size
    return np.asarray(noise[rows][:, columns], np.float32)


def _cloudy(shape: tuple[int, ...], side: int) -> Floats:
    """Uneven pigment: noise of three scales with about unit variance."""
    rng = np.random.default_rng(0)
    total = np.zeros(shape, np.float32)
    for scale, share in ((0.08, 0.8), (0.02, 0.45), (0.006, 0.3)):
        cell = max(1.0, scale * side)
        grid = rng.standard_normal((int(shape[0] / cell) + 2, int(shape[1] / cell) + 2)).astype(np.float32)
        total += share * np.asarray(cv2.resize(grid, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC))
    return total


def _kuwahara(pixels: Pixels, radius: int) -> Pixels:
    """Each pixel the mean of the most even of its four quadrants (Kuwahara et al. 1976), in strips."""
    height, width = pixels.shape[:2]
    result = np.empty_like(pixels)
    for top, bottom in strips(height, width, 600_000):
        first, last = max(0, top - radius), min(height, bottom + radius)
        done = _kuwahara_strip(pixels[first:last], radius)
        result[top:bottom] = done[top - first : bottom - first]
    return result


def _kuwahara_strip(pixels: Pixels, radius: int) -> Pixels:
    grey = luma(pixels)
    side = (radius + 1, radius + 1)
    best = np.zeros_like(pixels)
    least = np.full(grey.shape, np.inf, np.float32)
    for x in (0, radius):
        for y in (0, radius):
            mean = _quadrant(grey, side, (x, y))
            spread = _quadrant(grey * grey, side, (x, y)) - mean * mean
            better = spread < least
            np.copyto(best, _quadrant(pixels, side, (x, y)), where=better[..., None])
            np.copyto(least, spread, where=better)
    return best


def _quadrant(values: NDArray[T], side: tuple[int, int], anchor: tuple[int, int]) -> NDArray[T]:
    """The mean over a box with the pixel in one of its corners."""
    mean = cv2.boxFilter(values, -1, side, anchor=anchor, borderType=cv2.BORDER_REFLECT)
    return np.asarray(mean, values.dtype)


def _outlines(flat: Pixels, weight: float) -> Mask:
    """Lines by difference of Gaussians: 0 on a line, 1 off it."""
    grey = luma(flat)
    sigma = max(0.7, max(grey.shape) / 850)
    near = cv2.GaussianBlur(grey, (0, 0), sigma)
    wide = cv2.GaussianBlur(grey, (0, 0), 1.6 * sigma)
    difference = np.asarray(near - wide, np.float32)
    return np.asarray(np.clip(1 + np.tanh(110 * weight * (difference + 0.006)), 0, 1), np.float32)
