"""What lies behind the subject: blurred, darkened, greyed or replaced, with the subject left as it is."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters import masks
from thinkedit.adapters.editors.photo.filters import Floats, by_strips, from_linear, to_linear
from thinkedit.adapters.masks.guided import GuidedMask, Pixels, enlarge_rows, reduced
from thinkedit.errors import UnsupportedEdit

__all__ = ["background_blur", "background_darken", "background_grey"]

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
    not glow into it. Works in linear light, where bright points grow as they do in a lens.
    """
    mask = subject_of(pixels)
    layer = _blurred_background(pixels, mask, BLUR * max(0.0, amount))
    shape = (pixels.shape[0], pixels.shape[1])

    def rows(top: int, bottom: int) -> Pixels:
        inside = mask.rows(pixels, top, bottom)
        sharp = to_linear(pixels[top:bottom])
        soft = enlarge_rows(layer, shape, top, bottom)
        soft += (sharp - soft) * inside[..., None]
        return np.where(inside[..., None] > 0.996, pixels[top:bottom], from_linear(soft))

    return by_strips(pixels, rows)


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


def background_darken(
    pixels: Pixels, amount: float, options: Mapping[str, str], *, reference: Pixels | None = None
) -> Pixels:
    """Darken the background by 1.2 stops at the normal amount."""
    mask = subject_of(pixels)
    gain = np.float32(2.0 ** (-1.2 * amount))

    def rows(top: int, bottom: int) -> Pixels:
        outside = 1 - mask.rows(pixels, top, bottom)
        light = to_linear(pixels[top:bottom])
        light *= (1 + (gain - 1) * outside)[..., None]
        return np.where(outside[..., None] < 0.004, pixels[top:bottom], from_linear(light))

    return by_strips(pixels, rows)


def background_grey(
    pixels: Pixels, amount: float, options: Mapping[str, str], *, reference: Pixels | None = None
) -> Pixels:
    """Take the colour out of the background (all of it at the normal amount) and leave its light."""
    mask = subject_of(pixels)
    share = np.float32(min(1.0, max(0.0, amount)))
    weights = np.array([0.2126, 0.7152, 0.0722], np.float32)

    def rows(top: int, bottom: int) -> Pixels:
        outside = (1 - mask.rows(pixels, top, bottom)) * share
        light = to_linear(pixels[top:bottom])
        grey = (light @ weights)[..., None]
        light += (grey - light) * outside[..., None]
        return np.where(outside[..., None] < 0.004, pixels[top:bottom], from_linear(light))

    return by_strips(pixels, rows)
