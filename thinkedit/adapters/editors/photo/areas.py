"""Where an operation applies: masks of things, halves and the centre, dark and bright areas, a given mask."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters import masks
from thinkedit.adapters.editors.photo.bands import Weight
from thinkedit.adapters.masks.guided import GuidedMask, Mask, Pixels, luma, reduced, smoothstep
from thinkedit.errors import EditorFailed, UnsupportedEdit

__all__ = ["area", "given_mask", "held_tones"]


def area(pixels: Pixels, region: str) -> Weight | None:
    """The weight of a region over the rows of `pixels`; None for the whole picture.

    Raises UnsupportedEdit where this picture has no such thing.
    """
    if region == "whole":
        return None
    if region in _PLACES:
        height, width = pixels.shape[:2]
        return lambda top, bottom: _PLACES[region](height, width, top, bottom)
    if region in ("shadows", "highlights"):
        return _rows_of(_tones(pixels, region), pixels)
    if region.startswith("colour:"):
        name = region.partition(":")[2]
        return _rows_of(
            _found(masks.guided_colour(pixels, name), name, f"no {name} is to be seen in this picture"),
            pixels,
        )
    if region == "background":
        subject = _rows_of(_found(masks.guided_subject(pixels), region, _NO_SUBJECT), pixels)
        return lambda top, bottom: np.asarray(1 - subject(top, bottom), np.float32)
    finder, why = _THINGS[region]
    return _rows_of(_found(finder(pixels), region, why), pixels)


_NO_SUBJECT = "no subject stands out from the background in this picture"
_THINGS: dict[str, tuple[Callable[[Pixels], GuidedMask | None], str]] = {
    "subject": (masks.guided_subject, _NO_SUBJECT),
    "sky": (masks.guided_sky, masks.NO_SKY),
    "faces": (masks.guided_faces, "no face is to be found in this picture"),
}


def _found(mask: GuidedMask | None, region: str, why: str) -> GuidedMask:
    if mask is None:
        raise UnsupportedEdit(
            f"{why}; name another place, such as the top or a colour, or the whole picture",
            (region,),
        )
    return mask


def _rows_of(mask: GuidedMask, pixels: Pixels) -> Weight:
    return lambda top, bottom: mask.rows(pixels, top, bottom)


def _tones(pixels: Pixels, region: str) -> GuidedMask:
    """Dark or bright areas, smooth inside and bounded by the picture's edges."""
    small = reduced(pixels)
    light = luma(small)
    wanted = smoothstep(light, 0.5, 0.2) if region == "shadows" else smoothstep(light, 0.55, 0.85)
    return GuidedMask.fit(small, wanted, max(2, round(0.01 * max(small.shape[:2]))), 0.005)


def held_tones(pixels: Pixels, region: str) -> Weight:
    """Where the shadows or highlights are to be kept: wider and softer than the region itself.

    A narrow ramp leaves patches on a wall, and would turn the order of its tones over.
    """
    small = reduced(pixels)
    light = luma(small)
    wanted = smoothstep(light, 0.6, 0.1) if region == "shadows" else smoothstep(light, 0.4, 0.92)
    return _rows_of(GuidedMask.fit(small, wanted, max(2, round(0.03 * max(small.shape[:2]))), 0.02), pixels)


def _across(width: int) -> NDArray[np.float32]:
    return np.asarray((np.arange(width, dtype=np.float32) + np.float32(0.5)) / np.float32(width))


def _ramp(values: NDArray[np.float32], low: float, high: float) -> Mask:
    return smoothstep(values, low, high)


def _upright(low: float, high: float) -> Callable[[int, int, int, int], Mask]:
    def rows(height: int, width: int, top: int, bottom: int) -> Mask:
        y = (np.arange(top, bottom, dtype=np.float32) + np.float32(0.5)) / np.float32(height)
        return np.asarray(np.repeat(_ramp(y, low, high)[:, None], width, axis=1), np.float32)

    return rows


def _sideways(low: float, high: float) -> Callable[[int, int, int, int], Mask]:
    def rows(height: int, width: int, top: int, bottom: int) -> Mask:
        return np.asarray(np.repeat(_ramp(_across(width), low, high)[None], bottom - top, axis=0), np.float32)

    return rows


def _centre(height: int, width: int, top: int, bottom: int) -> Mask:
    y = (np.arange(top, bottom, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / height) - 1
    x = _across(width) * 2 - 1
    return _ramp(np.asarray(np.hypot(x[None], y[:, None]), np.float32), 0.85, 0.4)


_PLACES: dict[str, Callable[[int, int, int, int], Mask]] = {
    "top": _upright(0.62, 0.38),
    "bottom": _upright(0.38, 0.62),
    "left": _sideways(0.62, 0.38),
    "right": _sideways(0.38, 0.62),
    "centre": _centre,
}


def given_mask(data: bytes, height: int, width: int) -> Weight:
    """The mask that came with a request, white where pixels may change. EditorFailed if it does not fit."""
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    if decoded is None:
        raise EditorFailed(
            f"the mask ({len(data)} bytes) is no readable picture; give a greyscale PNG", retryable=False
        )
    mask: NDArray[np.uint8] = np.asarray(decoded, np.uint8)
    if mask.shape != (height, width):
        raise EditorFailed(
            f"the mask is {mask.shape[1]}x{mask.shape[0]}, the picture {width}x{height}; give the same size",
            retryable=False,
        )
    return lambda top, bottom: mask[top:bottom].astype(np.float32) * np.float32(1 / 255)
