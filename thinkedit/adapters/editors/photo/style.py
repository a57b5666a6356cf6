"""The photograph as a pencil drawing, a coloured sketch, a watercolour, an oil painting or a cartoon.

Strokes and washes are sized by the picture, so that a print looks the same from 1 and from 12 megapixels:
shapes are worked out on a reduced copy, lines and paper at full size. Below the amount 1 the style is laid
over the photograph; above it the strokes grow.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from thinkedit.adapters.editors.photo.filters import Floats, by_strips, from_lab, to_bytes, to_lab
from thinkedit.adapters.editors.photo.strokes import along_lines, brushed, cloudy, hatching, tiled, wavered
from thinkedit.adapters.masks.guided import Mask, Pixels, enlarge_rows, luma, reduced, smoothstep

__all__ = ["cartoon", "colour_sketch", "oil", "pencil", "watercolour"]

Options = Mapping[str, str]
WASH_SIDE = 1500
OIL_SIDE = 1500
CARTOON_SIDE = 1200
FAINT = 0.03
"""Share of the light around that a line must lack to be drawn."""
PAPER = (252.0, 251.0, 247.0)


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
    """Coloured pencil: the drawing over hatched colour, thin where the photograph is even (a sky, a wall)."""
    shade = _shading(pixels)
    small = reduced(pixels, WASH_SIDE)
    flat = small
    for _ in range(2):
        flat = np.asarray(cv2.bilateralFilter(flat, 9, 40, 9), np.uint8)
    lab = to_lab(flat)
    vivid = np.clip(np.hypot(lab[..., 1], lab[..., 2]) / 70, 0, 1)
    cover = np.asarray(0.6 + 0.4 * np.maximum(_busy(np.ascontiguousarray(lab[..., 0])), vivid), np.float32)
    # Red and blue are themselves only where they are darkish: on pale paper they would turn to salmon.
    lab[..., 0] += (62 - 36 * vivid) * (1 - lab[..., 0] / 100)
    lab[..., 1:] *= 1.15
    tint = from_lab(lab).astype(np.float32)
    hatch = hatching(max(pixels.shape[:2]))
    stroke = 1.4 + 0.8 * max(1.0, amount)
    shape = (pixels.shape[0], pixels.shape[1])

    def rows(top: int, bottom: int) -> Pixels:
        drawn = _drawn(pixels, shade, stroke, top, bottom, shaded=0.25)
        drawn += _paper(pixels.shape, top, bottom) * (1.02 - drawn)
        laid = enlarge_rows(cover, shape, top, bottom)
        laid += tiled(hatch, shape[1], top, bottom) * (1.12 - laid)
        paper = np.array(PAPER, np.float32)
        coloured = paper + (enlarge_rows(tint, shape, top, bottom) - paper) * laid[..., None]
        return to_bytes(coloured * drawn[..., None])

    return _laid_over(pixels, by_strips(pixels, rows), amount)


def watercolour(
    pixels: Pixels, amount: float, options: Options, *, reference: Pixels | None = None
) -> Pixels:
    """Washes: even areas of light, clear colour, a dark rim where pigment dried, the paper left white."""
    small = reduced(pixels, WASH_SIDE)
    side = max(small.shape[:2])
    reach = max(1.4, 0.0034 * side * max(1.0, amount))
    wash = np.asarray(
        cv2.edgePreservingFilter(
            brushed(small, reach), flags=cv2.RECURS_FILTER, sigma_s=20 * max(1.0, amount), sigma_r=0.2
        ),
        np.uint8,
    )
    # Wet edges waver, and colour is laid in a few washes over each other.
    lab = to_lab(wavered(wash, 0.001 * side, 0.012 * side))
    lightness = np.ascontiguousarray(lab[..., 0])
    step = np.float32(11)
    base = np.floor(lightness / step) * step
    layered = base + step * (0.5 + 0.5 * np.tanh((lightness - base - step / 2) / step * 5))
    layered = np.asarray(cv2.GaussianBlur(0.6 * layered + 0.4 * lightness, (0, 0), max(0.5, side / 1800)))
    # Pigment dries at the rim of a wash: in a line on the dark side of a step.
    wide = cv2.GaussianBlur(layered, (0, 0), max(1.0, side / 420))
    rim = np.clip((wide - cv2.GaussianBlur(layered, (0, 0), max(0.6, side / 1500)) - 0.6) / 6, 0, 1)
    pooled = cloudy(small.shape[:2], side) * (0.3 + 0.7 * _busy(lightness))
    clear = 100 - (100 - layered) * (0.94 - 0.34 * smoothstep(lightness, 45, 92))
    lab[..., 0] = np.clip(7 + 0.935 * clear - 15 * rim + 1.5 * pooled, 0, 100)
    lab[..., 1:] *= (1.2 + 0.2 * rim - 0.05 * pooled)[..., None]
    painted = from_lab(lab).astype(np.float32)
    shape = (pixels.shape[0], pixels.shape[1])

    def rows(top: int, bottom: int) -> Pixels:
        strip = enlarge_rows(painted, shape, top, bottom)
        grain = _paper(pixels.shape, top, bottom)[..., None]
        strip *= 1 + np.float32(0.5) * grain * (np.float32(1.2) - strip * np.float32(1 / 255))
        return to_bytes(strip)

    return _laid_over(pixels, by_strips(pixels, rows), amount)


def oil(pixels: Pixels, amount: float, options: Options, *, reference: Pixels | None = None) -> Pixels:
    """Oil paint: dabs of one colour, richer, with the relief of bristles drawn along the picture's lines."""
    small = reduced(pixels, OIL_SIDE)
    side = max(small.shape[:2])
    reach = max(1.3, 0.0034 * side * max(1.0, amount))
    lab = to_lab(brushed(brushed(small, reach), 0.6 * reach))
    lab[..., 1:] *= 1.18
    lightness = np.ascontiguousarray(lab[..., 0])
    relief = lightness - cv2.GaussianBlur(lightness, (0, 0), max(0.8, side / 900))
    bristles = along_lines(lightness, max(1.0, side / 1100), max(4.0, 0.012 * side * max(1.0, amount)))
    lab[..., 0] = np.clip(lightness + 0.8 * relief + 2.4 * bristles, 0, 100)
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


def _busy(lightness: Floats) -> Mask:
    """0 where lightness is even (skies, walls), 1 where there is something to draw, smooth between."""
    side = max(lightness.shape)
    fine = np.abs(lightness - cv2.GaussianBlur(lightness, (0, 0), max(1.0, side / 250)))
    spread = np.asarray(cv2.GaussianBlur(fine, (0, 0), max(1.0, side / 80)), np.float32)
    return smoothstep(spread, 0.6, 3.0)


def _shading(pixels: Pixels) -> Mask:
    """Luma blurred by 0.8 % of the longer side, at reduced size: what the paper is dodged by."""
    small = luma(reduced(pixels))
    return np.asarray(cv2.GaussianBlur(small, (0, 0), max(1.0, 0.008 * max(small.shape))), np.float32)


def _drawn(
    pixels: Pixels, shade: Mask, stroke: float, top: int, bottom: int, *, shaded: float = 0.45
) -> Mask:
    """Colour dodge of the luma by its blur, 0 to 1, made darker by `stroke`; dark parts are `shaded`."""
    around = enlarge_rows(shade, (pixels.shape[0], pixels.shape[1]), top, bottom)
    # A pencil leaves out what is fainter than FAINT, a sensor's noise in the dark above all.
    ratio = (luma(pixels[top:bottom]) + np.float32(0.05)) / (around + np.float32(0.05)) + np.float32(FAINT)
    drawn = np.minimum(1, ratio) ** np.float32(stroke)
    drawn *= 1 - np.float32(shaded) * smoothstep(around, 0.6, -0.15)
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


def _outlines(flat: Pixels, weight: float) -> Mask:
    """Lines by difference of Gaussians: 0 on a line, 1 off it."""
    grey = luma(flat)
    sigma = max(0.7, max(grey.shape) / 850)
    near = cv2.GaussianBlur(grey, (0, 0), sigma)
    wide = cv2.GaussianBlur(grey, (0, 0), 1.6 * sigma)
    difference = np.asarray(near - wide, np.float32)
    return np.asarray(np.clip(1 + np.tanh(110 * weight * (difference + 0.006)), 0, 1), np.float32)
