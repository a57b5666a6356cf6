"""Geometry: crop, rotate, flip, resize, border. Height x width x 3 or 4 in and out, 8 bits."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters import masks
from thinkedit.adapters.editors.photo.palette import rgb_of
from thinkedit.adapters.masks.guided import Pixels, reduced
from thinkedit.adapters.vocabulary import Clause
from thinkedit.errors import UnsupportedEdit

__all__ = ["border", "crop", "flip", "resize", "rotate"]

MOST_PIXELS = 50_000_000
PAPER = {"white": (255, 255, 255), "black": (0, 0, 0)}
"""A border's white and black are the paper's and the ink's; on a thing they would have no shape."""


def flip(pixels: Pixels, clause: Clause) -> Pixels:
    """Mirror left to right (`axis` horizontal) or top to bottom (vertical)."""
    return np.asarray(cv2.flip(pixels, 1 if clause.option("axis") == "horizontal" else 0), np.uint8)


def rotate(pixels: Pixels, clause: Clause) -> Pixels:
    """Turn clockwise (+) or counterclockwise (-), by quarter turns without loss.

    By other angles, what is kept is the largest upright rectangle that lies inside the turned picture.
    """
    degrees = float((clause.given or "degrees:90").partition(":")[2]) * (clause.direction or 1)
    quarters, rest = divmod(degrees, 90)
    if math.isclose(rest, 0, abs_tol=1e-6):
        return np.ascontiguousarray(np.rot90(pixels, -int(quarters) % 4))
    height, width = pixels.shape[:2]
    wide, high = _inner(width, height, math.radians(degrees))
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1.0)
    matrix[:, 2] += ((wide - width) / 2, (high - height) / 2)
    turned = cv2.warpAffine(
        pixels, matrix, (wide, high), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(turned, np.uint8)


def _inner(width: int, height: int, angle: float) -> tuple[int, int]:
    """Width and height of the largest upright rectangle in a width x height one turned by `angle`."""
    sine, cosine = abs(math.sin(angle)), abs(math.cos(angle))
    long, short = max(width, height), min(width, height)
    if short <= 2 * sine * cosine * long or math.isclose(sine, cosine):
        half = short / 2
        wide, high = (half / sine, half / cosine) if width >= height else (half / cosine, half / sine)
    else:
        double = cosine * cosine - sine * sine
        wide = (width * cosine - height * sine) / double
        high = (height * cosine - width * sine) / double
    return max(1, math.floor(wide)), max(1, math.floor(high))


def crop(pixels: Pixels, clause: Clause) -> Pixels:
    """Cut to a ratio, to a size in pixels, closer, or a part off one side.

    A cut to a ratio or a size lies about the subject where there is one, else about the centre, and a
    named side or `centre` overrides that. "Closer" takes 20 % off width and height at the plain amount.
    """
    height, width = pixels.shape[:2]
    unit, _, number = (clause.given or "").partition(":")
    if clause.option("off"):
        return _cut_off(pixels, clause)
    if clause.region in ("subject", "faces"):
        wide, high = _around_thing(pixels, clause)
    elif ratio := clause.option("ratio"):
        across, upright = (float(part) for part in ratio.split(":"))
        scale = min(width / across, height / upright)
        wide, high = across * scale, upright * scale
    elif size := clause.option("size"):
        wide, high = (float(part) for part in size.split("x"))
        if wide > width or high > height:
            raise UnsupportedEdit(
                f"cannot crop to {size}: the picture is {width}x{height}; crop to a ratio instead", (size,)
            )
    elif unit == "pixels":
        wide, high = width - 2 * float(number), height - 2 * float(number)
        if wide < 1 or high < 1:
            raise UnsupportedEdit(f"cannot crop {number} pixels off a picture of {width}x{height}", (number,))
    else:
        share = max(0.02, 1 - 0.2 * clause.amount)
        wide, high = width * share, height * share
    box = (max(1, min(width, round(wide))), max(1, min(height, round(high))))
    left, top = _corner(pixels, clause.region, *box)
    return np.ascontiguousarray(pixels[top : top + box[1], left : left + box[0]])


def _cut_off(pixels: Pixels, clause: Clause) -> Pixels:
    height, width = pixels.shape[:2]
    sideways = clause.region in ("left", "right")
    length = width if sideways else height
    unit, _, number = (clause.given or "").partition(":")
    cut = round(float(number) if unit == "pixels" else length * min(0.9, 0.2 * clause.amount))
    if cut >= length:
        raise UnsupportedEdit(f"cannot cut {cut} pixels off a picture of {width}x{height}", (number,))
    if clause.region in ("left", "top"):
        kept = pixels[:, cut:] if sideways else pixels[cut:]
    else:
        kept = pixels[:, : width - cut] if sideways else pixels[: height - cut]
    return np.ascontiguousarray(kept)


def _thing(pixels: Pixels, region: str) -> tuple[float, float, float, float] | None:
    """(left, top, right, bottom) of the subject or the faces, or None."""
    rgb = np.ascontiguousarray(pixels[..., :3])
    found = masks.guided_faces(rgb) if region == "faces" else masks.guided_subject(rgb)
    if found is None:
        return None
    small = reduced(rgb)
    inside = found.full(small) > 0.5
    columns, rows = np.flatnonzero(inside.any(axis=0)), np.flatnonzero(inside.any(axis=1))
    if not rows.size:
        return None
    scale = max(pixels.shape[:2]) / max(small.shape[:2])
    box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    return box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale


def _around_thing(pixels: Pixels, clause: Clause) -> tuple[float, float]:
    """Width and height of a cut about the subject with air around it, in the picture's own ratio."""
    height, width = pixels.shape[:2]
    box = _thing(pixels, clause.region)
    if box is None:
        what = "no face is to be found" if clause.region == "faces" else "no subject stands out"
        raise UnsupportedEdit(
            f"{what} in this picture; crop closer, to a ratio or to a size", (clause.region,)
        )
    air = 1.3 if clause.region == "subject" else 2.6
    scale = min(1.0, max((box[2] - box[0]) / width, (box[3] - box[1]) / height) * air / clause.amount**0.5)
    return width * scale, height * scale


def _corner(pixels: Pixels, region: str, wide: int, high: int) -> tuple[int, int]:
    """Left and top of a cut of that size: at the named side, else about the subject, else in the middle.

    A face is kept whole with the hair above it, wherever the middle of its body lies.
    """
    height, width = pixels.shape[:2]
    left, top = (width - wide) / 2, (height - high) / 2
    if region in ("whole", "subject", "faces"):
        face = _thing(pixels, "faces")
        box = face if region == "faces" else _thing(pixels, "subject")
        if box is not None:
            left, top = (box[0] + box[2] - wide) / 2, (box[1] + box[3] - high) / 2
        if face is not None:
            air = 0.5 * (face[3] - face[1])
            left = min(max(left, face[2] + air - wide), face[0] - air)
            top = min(max(top, face[3] + air - high), face[1] - air)
    left = {"left": 0.0, "right": float(width - wide)}.get(region, left)
    top = {"top": 0.0, "bottom": float(height - high)}.get(region, top)
    return round(min(max(left, 0), width - wide)), round(min(max(top, 0), height - high))


def resize(pixels: Pixels, clause: Clause) -> Pixels:
    """To a width, a height, a longest side, a scale, or inside a box of width x height.

    A box of other proportions holds the picture as large as fits, undistorted: a person is never
    stretched unasked. With `exact` the picture is stretched to the box, as is one within 1 % of it.
    """
    height, width = pixels.shape[:2]
    options = clause.as_mapping()
    if size := options.get("size"):
        wide, high = (int(part) for part in size.split("x"))
        if not ("exact" in options or 0.99 < (wide * height) / (high * width) < 1.01):
            scale = min(wide / width, high / height)
            wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    else:
        sides = {"width": width, "height": height, "longest": max(width, height)}
        key = next((key for key in sides if key in options), None)
        scale = float(options[key]) / sides[key] if key else float(options["scale"])
        wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    if wide * high > MOST_PIXELS:
        raise UnsupportedEdit(f"cannot resize to {wide}x{high}: more than 50 megapixels", (f"{wide}x{high}",))
    smaller = wide * high < width * height
    method = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (wide, high), interpolation=method), np.uint8)


def border(pixels: Pixels, clause: Clause) -> Pixels:
    """A frame around the picture, 4 % of its longer side at the plain amount, or so many pixels."""
    unit, _, number = (clause.given or "").partition(":")
    longest = max(pixels.shape[:2])
    thick = round(float(number)) if unit == "pixels" else max(1, round(0.04 * longest * clause.amount))
    if (pixels.shape[0] + 2 * thick) * (pixels.shape[1] + 2 * thick) > MOST_PIXELS:
        raise UnsupportedEdit(f"a border of {thick} pixels makes more than 50 megapixels", (str(thick),))
    name = clause.option("colour") or "white"
    colour: NDArray[np.uint8] = np.array([*(PAPER.get(name) or rgb_of(name)), 255], np.uint8)
    framed = np.empty((pixels.shape[0] + 2 * thick, pixels.shape[1] + 2 * thick, pixels.shape[2]), np.uint8)
    framed[:] = colour[: pixels.shape[2]]
    framed[thick:-thick, thick:-thick] = pixels
    return framed
