"""Any picture through a model that takes few sizes, and back at its own size, never stretched.

A source is laid on a canvas of a size that the model takes: scaled evenly until it fits, centred, and the
rest filled with its own edge pixels. What the model makes of the canvas is lifted off again: the filling is
cut away and the picture brought to the source's size. All of it is blocking work for a thread.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from thinkedit.errors import SettingsError
from thinkedit.images import Picture

__all__ = ["Laid", "canvas_for", "cut", "flattened", "lay", "lay_mask", "lift", "within"]

WHOLE = 1.03
"""A canvas up to this much larger than the source takes it pixel by pixel; scaling would only blur it."""

ROUNDED = 0.04
"""A side that differs by less than this, and 24 pixels at most, is one that the model rounded."""


def canvas_for(
    size: tuple[int, int],
    *,
    area: int | None,
    multiple: int,
    longest: int | None = None,
    allowed: Sequence[tuple[int, int]] | None = None,
    widest: float | None = None,
) -> tuple[int, int]:
    """The (width, height) to lay a picture of `size` on: of its aspect, as near as the model's sizes let it.

    area: the pixels that the model works best at; None for the picture's own.
    multiple: of each side. longest: of either side; a picture that is longer still is laid on less.
    allowed: the only sizes there are; area then chooses between those of one aspect, without it the smallest
        that takes the picture whole, else the largest. multiple and longest are then left aside.
    widest: the longer side over the shorter one at most; a picture that is longer gets more filling.
    SettingsError where there is no such size.
    """
    width, height = size
    if min(width, height, multiple) < 1 or (area is not None and area < 1):
        raise SettingsError(f"no canvas for {width}x{height} of area {area} in multiples of {multiple}")
    if allowed is not None:
        return _nearest(size, area, allowed)
    if widest is not None:
        width, height = max(width, math.ceil(height / widest)), max(height, math.ceil(width / widest))
        size = width, height
    if longest is not None and longest < multiple:
        raise SettingsError(f"the longest side is {longest}: give {multiple}, the model's multiple, or more")
    if area is None and (longest is None or max(size) <= longest // multiple * multiple):
        return _up(width, multiple), _up(height, multiple)
    scale = math.sqrt((area or width * height) / (width * height))
    if longest is not None:
        scale = min(scale, longest / max(size))
    most = None if longest is None else longest // multiple
    return _rounded(width * scale, height * scale, multiple, most)


def _nearest(size: tuple[int, int], area: int | None, allowed: Sequence[tuple[int, int]]) -> tuple[int, int]:
    if not allowed:
        raise SettingsError("the list of sizes that the model takes is empty")
    width, height = size

    def worse(canvas: tuple[int, int]) -> tuple[float, float]:
        aspect = abs(math.log(canvas[0] / canvas[1] * height / width))
        pixels = canvas[0] * canvas[1]
        if area is not None:
            return round(aspect, 3), abs(math.log(pixels / area))
        whole = canvas[0] >= width and canvas[1] >= height
        return round(aspect, 3), pixels if whole else 1e12 - pixels

    return min(allowed, key=worse)


def _up(side: int, multiple: int) -> int:
    return -(-side // multiple) * multiple


def _rounded(width: float, height: float, multiple: int, most: int | None) -> tuple[int, int]:
    """Multiples near (width, height), those of the nearest aspect: they leave the least to fill."""
    sides = [(math.floor(side / multiple), math.ceil(side / multiple)) for side in (width, height)]
    choices = [
        (max(1, across), max(1, down))
        for across in range(sides[0][0] - 1, sides[0][1] + 2)
        for down in range(sides[1][0] - 1, sides[1][1] + 2)
        if most is None or max(across, down) <= most
    ]

    def worse(choice: tuple[int, int]) -> float:
        across, down = choice[0] * multiple, choice[1] * multiple
        aspect = abs(math.log(across / down * height / width))
        return aspect + 0.25 * abs(math.log(across * down / (width * height)))

    across, down = min(choices, key=worse)
    return across * multiple, down * multiple


@dataclass(frozen=True)
class Laid:
    """A source on its canvas.

    canvas: (width, height). box: (left, top, width, height) of the source on it, in pixels.
    pixels: the canvas, height x width x 3, RGB, 8 bits.
    """

    canvas: tuple[int, int]
    box: tuple[int, int, int, int]
    pixels: NDArray[np.uint8] = field(repr=False)

    @property
    def filled(self) -> bool:
        """Whether a part of the canvas is filling."""
        return self.box[2:] != self.canvas


def flattened(picture: Picture) -> NDArray[np.uint8]:
    """Height x width x 3: the picture as it looks on white paper."""
    pixels, alpha = picture.pixels(), picture.alpha()
    if alpha is None:
        return pixels
    share = alpha[..., None].astype(np.uint16)
    mixed = pixels * share + 255 * (255 - share) + 127
    return (mixed // 255).astype(np.uint8)


def lay(picture: Picture, canvas: tuple[int, int]) -> Laid:
    """The picture in the middle of a canvas, as large as it fits, transparent parts on white."""
    pixels = flattened(picture)
    box = _fitted(picture.size, canvas)
    scaled = _resized(pixels, box[2:])
    return Laid(canvas, box, _filled(scaled, box, canvas))


def as_it_is(canvas: tuple[int, int]) -> Laid:
    """A source that is its own canvas and is sent as it is; `pixels` is empty, since nobody needs them."""
    return Laid(canvas, (0, 0, *canvas), np.empty((0, 0, 3), np.uint8))


def lay_mask(mask: bytes, laid: Laid) -> NDArray[np.uint8]:
    """Height x width of the canvas: an 8-bit greyscale PNG of the source's size, laid as the source was.

    White where the edit may change pixels; the filling may always change. ImageError where it is no picture.
    """
    grey = Picture.from_bytes(mask).pixels()
    scaled = _resized(grey, laid.box[2:])[..., 0]
    left, top, width, height = laid.box
    canvas: NDArray[np.uint8] = np.full((laid.canvas[1], laid.canvas[0]), 255, np.uint8)
    canvas[top : top + height, left : left + width] = scaled
    return canvas


def lift(result: NDArray[np.uint8], laid: Laid, source: Picture) -> tuple[Picture, str]:
    """The model's picture at the source's size, with the source's alpha and profile, and a line on how.

    result: height x width x 3 (RGB) or 4 (RGBA, its own alpha is then kept), 8 bits. Where it has the
    canvas's aspect, at whatever size, the filling is cut away; a result of another aspect is kept whole,
    fitted inside the source's size and its edges filled, and the line says so.
    """
    height, width = result.shape[:2]
    inside = _inside(width, height, laid)
    if inside is not None:
        made = _resized(result, source.size, inside)
        own = laid.canvas == source.size == (width, height)
        note = "" if own else f"made at {width}x{height}, brought back to {source.width}x{source.height}"
    else:
        box = _fitted((width, height), source.size)
        made = _filled(_resized(result, box[2:]), box, source.size)
        note = (
            f"the model answered with {width}x{height}, not {laid.canvas[0]}x{laid.canvas[1]}: "
            f"fitted into {source.width}x{source.height}, the rest filled with its edges"
        )
    return Picture.from_pixels(made, like=source), note


def cut(result: NDArray[np.uint8], laid: Laid) -> NDArray[np.uint8]:
    """The model's picture at its own size without the filling; whole where its aspect is not the canvas's."""
    height, width = result.shape[:2]
    inside = _inside(width, height, laid)
    if inside is None or not laid.filled:
        return result
    left, top, right, bottom = (round(edge) for edge in inside)
    return result[top : max(bottom, top + 1), left : max(right, left + 1)]


def within(made: Picture, mask: bytes, source: Picture) -> Picture:
    """`made` where the mask is white and `source` where it is black; all three of one size."""
    white = Picture.from_bytes(mask).pixels()
    share = _resized(white, source.size)[..., :1].astype(np.uint16)
    mixed = (made.pixels() * share + source.pixels() * (255 - share) + 127) // 255
    return Picture.from_pixels(mixed.astype(np.uint8), like=source)


def _inside(width: int, height: int, laid: Laid) -> tuple[float, float, float, float] | None:
    """(left, top, right, bottom) of the source on a result of this size; None where its aspect is another."""
    if not _same_aspect(width, height, laid.canvas):
        return None
    across, down = width / laid.canvas[0], height / laid.canvas[1]
    left, top, wide, high = laid.box
    return left * across, top * down, min(width, (left + wide) * across), min(height, (top + high) * down)


def _same_aspect(width: int, height: int, canvas: tuple[int, int]) -> bool:
    """Whether both sides were scaled alike, but for rounding."""

    def near(side: int, wanted: float) -> bool:
        return abs(side - wanted) <= min(24, max(2, ROUNDED * side))

    return near(height, width * canvas[1] / canvas[0]) or near(width, height * canvas[0] / canvas[1])


def _fitted(size: tuple[int, int], canvas: tuple[int, int]) -> tuple[int, int, int, int]:
    """(left, top, width, height) of a picture of `size` in the middle of `canvas`."""
    scale = min(canvas[0] / size[0], canvas[1] / size[1])
    if 1 <= scale < WHOLE:
        scale = 1.0
    width = min(canvas[0], max(1, round(size[0] * scale)))
    height = min(canvas[1], max(1, round(size[1] * scale)))
    return (canvas[0] - width) // 2, (canvas[1] - height) // 2, width, height


def _resized(
    pixels: NDArray[np.uint8],
    size: tuple[int, int],
    inside: tuple[float, float, float, float] | None = None,
) -> NDArray[np.uint8]:
    """`inside` (left, top, right, bottom; fractions of pixels count) of the pixels, at `size`."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = inside or (0, 0, width, height)
    if all(edge == int(edge) for edge in (left, top, right, bottom)):
        pixels = pixels[int(top) : int(bottom), int(left) : int(right)]
        height, width = pixels.shape[:2]
        left, top, right, bottom = 0, 0, width, height
        if (width, height) == size:
            return pixels
    image = Image.fromarray(np.ascontiguousarray(pixels))
    scaled = image.resize(size, Image.Resampling.LANCZOS, (left, top, right, bottom), reducing_gap=3.0)
    return np.asarray(scaled)


def _filled(
    pixels: NDArray[np.uint8], box: tuple[int, int, int, int], canvas: tuple[int, int]
) -> NDArray[np.uint8]:
    """The pixels at their place, their edges drawn out to the canvas's."""
    left, top, width, height = box
    if (width, height) == canvas:
        return pixels
    beside = ((top, canvas[1] - top - height), (left, canvas[0] - left - width), (0, 0))
    return np.pad(pixels, beside, mode="edge")
