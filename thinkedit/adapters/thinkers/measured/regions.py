"""Where a wish applies: what surely lies inside a region, and what surely lies outside it.

Between the two is a margin that counts for neither: editors feather their edges, and two masks of one
thing differ by a few pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from thinkedit.adapters import masks
from thinkedit.adapters.thinkers.measured.colour import Pixels, Weights
from thinkedit.adapters.thinkers.measured.views import View

__all__ = ["Region", "find_region", "region_name"]

MARGIN = 0.012
"""Margin beside a mask's edge, as a share of the longer side."""


@dataclass(frozen=True)
class Region:
    """inside, outside: H x W weights, 0 to 1. soft: the mask between them, for what lies on the edge.

    certainty: 0 to 1, how far the ways of finding it agreed.
    """

    inside: Weights
    outside: Weights
    soft: Weights
    certainty: float = 1.0


def region_name(region: str) -> str:
    """The region as it stands in a sentence: "the sky", "the red parts", "the picture"."""
    if region == "whole":
        return "the picture"
    if region.startswith("colour:"):
        return f"the {region.partition(':')[2]} parts"
    if region in ("top", "bottom", "left", "right"):
        return f"the {region} part"
    return f"the {region}"


def _from_mask(mask: Weights) -> Region:
    reach = max(1, round(MARGIN * max(mask.shape)))
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    sure = np.asarray(mask > 0.9, np.float32)
    core = np.asarray(cv2.erode(sure, np.ones((3, 3), np.uint8)), np.float32)
    if core.sum() < 0.5 * sure.sum():
        core = sure
    if core.sum() < 0.25 * mask.sum():
        core = np.asarray(mask > 0.5, np.float32)
    clear = np.asarray(mask < 0.06, np.float32)
    far = np.asarray(cv2.erode(clear, kernel), np.float32)
    if far.sum() < 0.3 * clear.sum():  # what lies outside is thin: a stem, a tower
        far = np.asarray(cv2.erode(clear, np.ones((3, 3), np.uint8)), np.float32)
    return Region(core, far, mask.astype(np.float32))


def _ramp(position: Weights, inner: float, outer: float) -> Region:
    """From a map that grows from the region's heart outwards."""
    soft = np.clip((outer - position) / (outer - inner), 0, 1).astype(np.float32)
    return Region(np.asarray(position <= inner, np.float32), np.asarray(position >= outer, np.float32), soft)


def find_region(name: str, pixels: Pixels, view: View) -> Region | None:
    """The region of this picture in the frame of its view, or None where there is no such thing in it.

    pixels: the picture at its own size, where small things are found and masks are remembered.
    """
    height, width = view.small.shape[:2]
    if name == "whole":
        ones = np.ones((height, width), np.float32)
        return Region(ones, np.zeros_like(ones), ones)
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None] + np.zeros((1, width), np.float32)
    x = ((np.arange(width, dtype=np.float32) + 0.5) / width)[None, :] + np.zeros((height, 1), np.float32)
    if name in ("top", "bottom", "left", "right"):
        along = {"top": y, "bottom": 1 - y, "left": x, "right": 1 - x}[name]
        return _ramp(along, 0.3, 0.7)
    if name == "centre":
        return _ramp(np.hypot((x - 0.5) / 0.5, (y - 0.5) / 0.5).astype(np.float32), 0.4, 1.05)
    if name in ("shadows", "highlights"):
        smooth = cv2.GaussianBlur(view.lab[..., 0], (0, 0), max(1.0, 0.01 * max(height, width)))
        return _ramp(np.asarray(smooth if name == "shadows" else 100 - smooth, np.float32), 30.0, 65.0)
    found = _found(name, pixels)
    if found is None:
        return None
    mask = found.full(view.small)
    region = _from_mask(1 - mask if name == "background" else mask)
    return replace(region, certainty=found.certainty)


def _found(name: str, pixels: Pixels) -> masks.GuidedMask | None:
    if name in ("subject", "background"):
        return masks.guided_subject(pixels)
    if name == "sky":
        return masks.guided_sky(pixels)
    if name == "faces":
        return masks.guided_faces(pixels)
    if name.startswith("colour:"):
        colour = name.partition(":")[2]
        return masks.guided_colour(pixels, colour) if masks.canonical_colour(colour) else None
    return None
