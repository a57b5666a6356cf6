"""Faces by the Viola-Jones cascade in OpenCV (frontal, `alt2`: `default` invents faces), as soft ellipses."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np

from thinkedit.adapters.masks.guided import GuidedMask, Pixels, reduced

__all__ = ["face_boxes", "find_faces"]

SIDE = 640
SMALLEST = 24


@cache
def _cascade() -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(str(Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_alt2.xml"))


def face_boxes(pixels: Pixels) -> list[tuple[float, float, float, float]]:
    """(left, top, width, height) of each face, in fractions of the picture. Not re-entrant."""
    small = reduced(pixels, SIDE)
    height, width = small.shape[:2]
    if min(height, width) < SMALLEST:
        return []
    grey = cv2.equalizeHist(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
    found = _cascade().detectMultiScale(grey, 1.1, 5, minSize=(SMALLEST, SMALLEST))
    return [(x / width, y / height, w / width, h / height) for x, y, w, h in np.asarray(found).tolist()]


def find_faces(pixels: Pixels) -> GuidedMask | None:
    """The faces as ellipses, chin and forehead included, or None where there is no frontal face."""
    boxes = face_boxes(pixels)
    if not boxes:
        return None
    small = reduced(pixels, SIDE)
    height, width = small.shape[:2]
    target = np.zeros((height, width), np.float32)
    for left, top, wide, high in boxes:
        centre = (round((left + wide / 2) * width), round((top + high * 0.52) * height))
        axes = (max(1, round(wide * width * 0.46)), max(1, round(high * height * 0.62)))
        cv2.ellipse(target, centre, axes, 0, 0, 360, 1.0, -1)
    # Faces fade out: nothing in the picture draws a line where a face ends and a neck begins.
    soft = cv2.GaussianBlur(target, (0, 0), max(1.0, 0.04 * max(box[2] for box in boxes) * width))
    return GuidedMask(np.zeros_like(target), np.asarray(soft, np.float32))
