"""What drawn and painted styles are made of: dabs of a brush, bristles, hatching, uneven pigment."""

from __future__ import annotations

import cv2
import numpy as np

from thinkedit.adapters.editors.photo.filters import Floats, to_bytes
from thinkedit.adapters.masks.guided import Mask, Pixels, luma, strips

__all__ = ["along_lines", "brushed", "cloudy", "hatching", "tiled", "wavered"]

SECTORS = 6
TILE = 512


def brushed(pixels: Pixels, reach: float) -> Pixels:
    """Each pixel painted by the most even of the areas beside it; reach in pixels.

    Generalised Kuwahara filter (Papari, Petkov and Campisi, "Artistic Edge and Corner Enhancing
    Smoothing", 2007): soft sectors mixed by their evenness, so that dabs are round and not angular.
    """
    height, width = pixels.shape[:2]
    result = np.empty_like(pixels)
    rim = int(np.ceil(3 * reach))
    for top, bottom in strips(height, width, 600_000):
        first, last = max(0, top - rim), min(height, bottom + rim)
        done = _brushed_strip(pixels[first:last], reach)
        result[top:bottom] = done[top - first : bottom - first]
    return result


def _brushed_strip(pixels: Pixels, reach: float) -> Pixels:
    grey = luma(pixels)
    sigma = 0.55 * reach
    colour = np.asarray(cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), sigma), np.float32)
    mean = np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma), np.float32)
    square = np.asarray(cv2.GaussianBlur(grey * grey, (0, 0), sigma), np.float32)
    # The power 4 of the evenness: nearly the best sector alone where one is better, the mean where none is.
    even = (np.maximum(square - mean * mean, 0) + np.float32(2e-5)) ** np.float32(-4) * np.float32(1e-19)
    layers = np.dstack((colour * even[..., None], even))
    total = np.zeros_like(layers)
    for step in range(SECTORS):
        angle = 2 * np.pi * (step + 0.5) / SECTORS
        move = np.array([[1, 0, reach * np.cos(angle)], [0, 1, reach * np.sin(angle)]], np.float32)
        total += cv2.warpAffine(
            layers, move, layers.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
    return to_bytes(np.asarray(total[..., :3] / total[..., 3:], np.float32))


def along_lines(lightness: Floats, grain: float, length: float) -> Floats:
    """Noise drawn out along the picture's lines, of unit variance: the marks of bristles.

    Line integral convolution (Cabral and Leedom 1993) over the smoothed structure tensor's direction;
    grain: width of a bristle, length: of a stroke, both in pixels.
    """
    height, width = lightness.shape
    across = np.asarray(cv2.Sobel(lightness, cv2.CV_32F, 1, 0), np.float32)
    down = np.asarray(cv2.Sobel(lightness, cv2.CV_32F, 0, 1), np.float32)
    spread = max(2.0, 0.7 * length)

    def smooth(values: Floats) -> Floats:
        near = cv2.GaussianBlur(values, (0, 0), 0.4 * spread)
        return np.asarray(near + 0.2 * cv2.GaussianBlur(values, (0, 0), 2.5 * spread), np.float32)

    # Where nothing leads, strokes lie slightly aslant.
    difference = smooth(across * across - down * down) - np.float32(0.02)
    mixed = 2 * smooth(across * down) + np.float32(0.01)
    angle = 0.5 * np.arctan2(mixed, difference) + np.float32(np.pi / 2)
    u, v = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    noise = np.asarray(np.random.default_rng(3).standard_normal((height, width)), np.float32)
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.6 * grain), np.float32)
    total = noise.copy()
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    steps, pace = 6, np.float32(length / 12)
    for sign in (1, -1):
        px, py, du, dv = x.copy(), y.copy(), sign * u, sign * v
        for _ in range(steps):
            px += pace * du
            py += pace * dv
            total += cv2.remap(noise, px, py, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(total / max(float(total.std()), 1e-6), np.float32)


def hatching(side: int) -> Floats:
    """A tile of slanting pencil strokes, unevenly pressed, about -0.3 to 0.3; coarser for a large picture."""
    noise = np.asarray(np.random.default_rng(5).standard_normal((TILE, TILE)), np.float32)
    reach = 15
    slant = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    cv2.line(slant, (0, 2 * reach - 4), (2 * reach, 4), 1.0, 1, cv2.LINE_AA)
    wide = np.tile(noise, (3, 3))[TILE - 32 : 2 * TILE + 32, TILE - 32 : 2 * TILE + 32]
    drawn = np.asarray(cv2.filter2D(wide, -1, slant)[32:-32, 32:-32], np.float32)
    drawn *= np.float32(0.16 / max(float(drawn.std()), 1e-6))
    scale = max(1.0, side / 1400)
    size = round(TILE * scale)
    return np.asarray(cv2.resize(drawn, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)


def tiled(tile: Floats, width: int, top: int, bottom: int) -> Floats:
    """Rows top..bottom of a square tile repeated over `width` columns."""
    size = tile.shape[0]
    return np.asarray(tile[np.arange(top, bottom) % size][:, np.arange(width) % size], np.float32)


def cloudy(shape: tuple[int, ...], side: int) -> Mask:
    """Uneven pigment: noise of three scales with about unit variance."""
    rng = np.random.default_rng(0)
    total = np.zeros(shape, np.float32)
    for scale, share in ((0.08, 0.8), (0.02, 0.45), (0.006, 0.3)):
        cell = max(1.0, scale * side)
        grid = rng.standard_normal((int(shape[0] / cell) + 2, int(shape[1] / cell) + 2)).astype(np.float32)
        total += share * np.asarray(cv2.resize(grid, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC))
    return total


def wavered(pixels: Pixels, reach: float, length: float) -> Pixels:
    """The picture with each pixel moved by about `reach`, in waves of `length`, as wet outlines run."""
    height, width = pixels.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    rng = np.random.default_rng(11)
    cell = max(1.0, length)
    grid = (2, int(height / cell) + 2, int(width / cell) + 2)
    for at, moves in zip((x, y), rng.standard_normal(grid).astype(np.float32), strict=True):
        at += np.float32(reach) * np.asarray(
            cv2.resize(moves, (width, height), interpolation=cv2.INTER_CUBIC)
        )
    return np.asarray(cv2.remap(pixels, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.uint8)
