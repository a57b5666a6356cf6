"""Laying a picture on a model's canvas, and lifting the model's picture back to the source's size.

Models work at sizes of their own: multiples of 16, about a megapixel, or a short list. A source is scaled
evenly to fit the canvas that is nearest to its shape, and what the canvas has more is filled with the
source's own edge; of the result that rim is cut off before it is scaled back. Nothing is ever stretched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thinkedit.images import Picture

__all__ = ["Laid", "canvas_for", "lay", "lift"]

Size = tuple[int, int]
"""(width, height) in pixels."""

SAME_SHAPE = 0.02
"""How far two aspect ratios may lie apart, as a share, and still be scaled into one another."""


@dataclass(frozen=True)
class Laid:
    """A source on a model's canvas.

    canvas: its size. box: left, top, width and height of the source on it. pixels: height x width x 3, RGB.
    """

    canvas: Size
    box: tuple[int, int, int, int]
    pixels: NDArray[np.uint8]


def canvas_for(
    size: Size,
    *,
    area: int | None,
    multiple: int,
    longest: int | None = None,
    allowed: Sequence[Size] | None = None,
) -> Size:
    """The canvas nearest in shape to a picture of `size`.

    area: pixels that it is to have, about; None for as many as the picture has. multiple: what both sides
    are divisible by. longest: no side is longer. allowed: choose one of these instead.
    """
    width, height = size
    aspect = width / height
    if allowed:
        wanted = area or width * height
        return min(
            allowed,
            key=lambda s: (round(abs(math.log(s[0] / s[1] / aspect)), 3), abs(s[0] * s[1] - wanted)),
        )
    pixels = area or width * height
    across, down = math.sqrt(pixels * aspect), math.sqrt(pixels / aspect)
    if longest is not None and max(across, down) > longest:
        shrink = longest / max(across, down)
        across, down = across * shrink, down * shrink

    def whole(side: float) -> int:
        most = max(longest // multiple, 1) if longest is not None else None
        count = max(round(side / multiple), 1)
        return multiple * (count if most is None else min(count, most))

    return whole(across), whole(down)


def lay(picture: Picture, canvas: Size) -> Laid:
    """The picture in the middle of a canvas, as large as fits; transparent parts are laid on white.

    The rim that is left is filled by repeating the picture's edge. Takes time: call it in a thread.
    """
    import cv2

    pixels = picture.pixels()
    if (alpha := picture.alpha()) is not None:
        cover = alpha[..., None].astype(np.float32) / 255
        pixels = np.rint(pixels * cover + 255 * (1 - cover)).astype(np.uint8)
    width, height = canvas
    scale = min(width / picture.width, height / picture.height)
    across = min(max(round(picture.width * scale), 1), width)
    down = min(max(round(picture.height * scale), 1), height)
    # A rim of a pixel or two is rounding and not worth a seam.
    across, down = (
        width if width - across <= 2 * width / 1000 + 1 else across,
        height if height - down <= 2 * height / 1000 + 1 else down,
    )
    left, top = (width - across) // 2, (height - down) // 2
    scaled = _scaled(pixels, (across, down))
    laid = cv2.copyMakeBorder(
        scaled, top, height - down - top, left, width - across - left, cv2.BORDER_REPLICATE
    )
    return Laid(canvas, (left, top, across, down), np.asarray(laid, dtype=np.uint8))


def lift(result: NDArray[np.uint8], laid: Laid, source: Picture) -> tuple[Picture, str]:
    """(the model's picture at the source's size, a line on what was done to it or "").

    A result in the canvas's shape has the rim cut off and is scaled back. One in another shape, from a model
    that chose its own, is fitted inside the source's frame whole, with its edge repeated around it.
    Alpha, colour profile and capture date are the source's. Takes time: call it in a thread.
    """
    height, width = result.shape[:2]
    across, down = laid.canvas
    if abs(math.log((width / height) / (across / down))) <= SAME_SHAPE + 1 / width + 1 / height:
        left, top, wide, high = laid.box
        sx, sy = width / across, height / down
        x0, y0 = round(left * sx), round(top * sy)
        x1, y1 = max(round((left + wide) * sx), x0 + 1), max(round((top + high) * sy), y0 + 1)
        pixels = _scaled(result[y0:y1, x0:x1], source.size)
        note = ""
        if (x1 - x0, y1 - y0) != source.size:
            note = f"made at {width} x {height} and scaled to {source.width} x {source.height}"
        return Picture.from_pixels(pixels, like=source), note
    whole = Picture.from_pixels(np.ascontiguousarray(result))
    pixels = lay(whole, source.size).pixels
    note = f"the model gave {width} x {height}, another shape than asked for: fitted whole into the frame"
    return Picture.from_pixels(pixels, like=source), note


def _scaled(pixels: NDArray[np.uint8], size: Size) -> NDArray[np.uint8]:
    import cv2

    height, width = pixels.shape[:2]
    if (width, height) == size:
        return pixels
    smaller = size[0] < width or size[1] < height
    method = cv2.INTER_AREA if smaller else cv2.INTER_LANCZOS4
    return np.asarray(cv2.resize(pixels, size, interpolation=method), dtype=np.uint8)
