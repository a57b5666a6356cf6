"""What lies behind the subject: out of focus, or replaced, with the subject left as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters import masks
from thinkedit.adapters.editors.photo.filters import Floats, by_strips, from_linear, to_bytes, to_linear
from thinkedit.adapters.editors.photo.palette import rgb_of
from thinkedit.adapters.masks.guided import (
    GuidedMask,
    Mask,
    Pixels,
    enlarge_at,
    enlarge_rows,
    reduced,
    smoothstep,
)
from thinkedit.errors import UnsupportedEdit

__all__ = ["background_blur", "background_replace"]

SURE = 0.996
"""Above it a pixel is the subject's alone, and stays as it is."""
BLUR = 0.02
"""Standard deviation of the normal background blur, as a share of the longer side."""


def subject_of(pixels: Pixels) -> GuidedMask:
    """The subject's mask; UnsupportedEdit where no subject stands out from its background."""
    found = masks.guided_subject(pixels)
    if found is None:
        raise UnsupportedEdit(
            "no subject stands out from the background of this picture; name a region instead, "
            "such as the top, the centre or a colour"
        )
    return found


def background_blur(
    pixels: Pixels, amount: float, options: Mapping[str, str], *, reference: Pixels | None = None
) -> Pixels:
    """Throw the background out of focus, as a wide aperture would.

    Only background light is blurred, normalised by the background's own weight, so that the subject does
    not glow into it. Works in linear light, where bright points grow as they do in a lens. What the
    subject stands on is as far away as its foot, and comes into focus there.
    """
    mask = subject_of(pixels)
    share = BLUR * max(0.0, amount)
    layer = _blurred_background(pixels, mask, share)
    ground = _ground(pixels, mask)
    nearer = layer if ground is None else _blurred_background(pixels, mask, 0.3 * share)
    shape = (pixels.shape[0], pixels.shape[1])

    def rows(top: int, bottom: int) -> Pixels:
        inside = mask.rows(pixels, top, bottom)
        sharp = to_linear(pixels[top:bottom])
        soft = enlarge_rows(layer, shape, top, bottom)
        focus = None if ground is None else enlarge_rows(ground, shape, top, bottom)[..., None]
        if focus is not None and focus.any():
            slight = enlarge_rows(nearer, shape, top, bottom)
            slight = slight + (sharp - slight) * np.clip(2 * focus - 1, 0, 1)
            soft = soft + (slight - soft) * np.clip(2 * focus, 0, 1)
        soft += (sharp - soft) * inside[..., None]
        return np.where(inside[..., None] > SURE, pixels[top:bottom], from_linear(soft))

    return by_strips(pixels, rows)


def _ground(pixels: Pixels, mask: GuidedMask) -> Mask | None:
    """How far the ground is in focus, 0 to 1, at reduced size; None where the frame cuts the subject's foot.

    From a little above the lowest part of the subject downwards, fading to both sides.
    """
    small = reduced(pixels, 400)
    body = mask.full(small) > 0.5
    height, width = body.shape
    lines = np.flatnonzero(body.any(axis=1))
    if not lines.size or lines[-1] >= height - 1 - height // 100:
        return None
    foot, tall = int(lines[-1]), int(lines[-1] - lines[0] + 1)
    stands = np.flatnonzero(body[foot - tall // 20 : foot + 1].any(axis=0))
    middle, half = (stands[0] + stands[-1]) / 2, (stands[-1] - stands[0] + 1) / 2
    reach = 0.05 * max(height, width)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    down = smoothstep(y, foot - 0.6 * reach, foot + 1.0)
    beside = smoothstep(np.abs(x - np.float32(middle)), half + 2.4 * reach, half + 0.6 * reach)
    return np.asarray(down * beside, np.float32)


def _blurred_background(pixels: Pixels, mask: GuidedMask, share: float) -> Floats:
    """The background alone as a smooth layer in linear light, at the size that its blur allows."""
    longest = max(pixels.shape[:2])
    side = int(min(1600, max(240, 5 / max(share, 1e-4))))
    small = reduced(pixels, side)
    sigma = max(0.3, share * min(longest, side))
    weight = 1 - mask.full(small)
    # Pixels beside the edge hold some of the subject's colour; a step away from it they do not.
    weight = np.asarray(cv2.erode(weight, np.ones((5, 5), np.uint8)), np.float32) + np.float32(1e-4)
    light = to_linear(small) * weight[..., None]
    disc = _disc(sigma)
    light = np.asarray(cv2.filter2D(light, -1, disc, borderType=cv2.BORDER_REFLECT), np.float32)
    weight = np.asarray(cv2.filter2D(weight, -1, disc, borderType=cv2.BORDER_REFLECT), np.float32)
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), max(0.3, 0.5 * sigma)), np.float32)
    weight = np.asarray(cv2.GaussianBlur(weight, (0, 0), max(0.3, 0.5 * sigma)), np.float32)
    return np.asarray(light / weight[..., None], np.float32)


def _disc(sigma: float) -> NDArray[np.float32]:
    """An aperture's disc: most of a blur's spread `sigma` (a disc of radius r spreads r / 2)."""
    radius = max(0.5, 1.7 * sigma)
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return np.asarray(disc / disc.sum(), np.float32)


def background_replace(
    pixels: Pixels, amount: float, options: Mapping[str, str], *, reference: Pixels | None = None
) -> Pixels:
    """Put the subject before something else.

    options: `with` = colour and `colour`; `with` = gradient and `colour`, `colour2` from top to bottom;
        without a colour `reference` is used, scaled to cover.
    Edge pixels show the old background through hair and fur: their own colour is estimated first.
    Raises UnsupportedEdit where no subject is found, or it is not said what to put there.
    """
    behind = _behind(pixels, options, reference)
    mask = subject_of(pixels)
    front, back = _edge_colours(pixels, mask)
    shape = (pixels.shape[0], pixels.shape[1])

    def rows(top: int, bottom: int) -> Pixels:
        inside = mask.rows(pixels, top, bottom)
        result = np.where(inside[..., None] > SURE, pixels[top:bottom], to_bytes(behind(top, bottom)))
        y, x = np.nonzero((inside > 1 - SURE) & (inside <= SURE))
        alpha = inside[y, x][:, None]
        own = enlarge_at(front, shape, y + top, x)
        old = enlarge_at(back, shape, y + top, x)
        seen = pixels[top:bottom][y, x].astype(np.float32)
        own = np.clip(own + alpha * (seen - alpha * own - (1 - alpha) * old), 0, 255)
        result[y, x] = to_bytes(alpha * own + (1 - alpha) * result[y, x])
        return result

    return by_strips(pixels, rows)


def _behind(
    pixels: Pixels, options: Mapping[str, str], reference: Pixels | None
) -> Callable[[int, int], Floats]:
    """Rows top..bottom of the new background, 0 to 255."""
    height, width = pixels.shape[:2]
    kind = options.get("with", "").strip().lower()
    first, second = options.get("colour", ""), options.get("colour2", "")
    if second or kind == "gradient":
        return _gradient(height, width, first or "lightgrey", second or "white")
    if first:
        plain = np.array(rgb_of(first), np.float32)
        return lambda top, bottom: np.broadcast_to(plain, (bottom - top, width, 3))
    if reference is None:
        raise UnsupportedEdit(
            "say what to put behind the subject: name a colour or a gradient, or give a second picture"
        )
    scale = max(height / reference.shape[0], width / reference.shape[1])
    size = (max(width, round(reference.shape[1] * scale)), max(height, round(reference.shape[0] * scale)))
    covering = cv2.resize(reference, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    x, y = (size[0] - width) // 2, (size[1] - height) // 2
    return lambda top, bottom: covering[y + top : y + bottom, x : x + width].astype(np.float32)


def _gradient(height: int, width: int, first: str, second: str) -> Callable[[int, int], Floats]:
    """From the first colour above to the second below, dithered against bands."""
    upper = np.array(rgb_of(first), np.float32)
    lower = np.array(rgb_of(second), np.float32)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (64, 64, 1)).astype(np.float32)

    def rows(top: int, bottom: int) -> Floats:
        share = ((np.arange(top, bottom, dtype=np.float32) + 0.5) / height)[:, None, None]
        grain = noise[np.arange(top, bottom) % 64][:, np.arange(width) % 64]
        return np.asarray(upper + (lower - upper) * share + grain, np.float32)

    return rows


def _edge_colours(pixels: Pixels, mask: GuidedMask) -> tuple[Floats, Floats]:
    """Smooth estimates of subject and background colour, 0 to 255, at reduced size.

    Blur fusion: Forte, "Approximate Fast Foreground Colour Estimation" (2021), one pass.
    """
    copy = reduced(pixels, 600)
    small, alpha = copy.astype(np.float32), mask.full(copy)
    sigma = max(1.5, 0.006 * max(small.shape[:2]))
    front = _weighted_mean(small, np.asarray(alpha**3, np.float32), sigma)
    back = _weighted_mean(small, np.asarray((1 - alpha) ** 3, np.float32), sigma)
    return front, back


def _weighted_mean(values: Floats, weight: Mask, sigma: float) -> Floats:
    """The mean around each pixel of the values that count, falling back on a wider mean where none do."""
    wide = 4 * sigma
    total = np.zeros(values.shape, np.float32)
    weights = np.full(weight.shape, np.float32(1e-6))
    for reach, share in ((sigma, 1.0), (wide, 0.01)):
        total += np.float32(share) * np.asarray(cv2.GaussianBlur(values * weight[..., None], (0, 0), reach))
        weights += np.float32(share) * np.asarray(cv2.GaussianBlur(weight, (0, 0), reach))
    return np.asarray(total / weights[..., None], np.float32)
