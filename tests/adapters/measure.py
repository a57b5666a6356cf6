"""Numbers that the tests take from pictures, worked out apart from the code that they check."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image


def photo(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB"))


def lab(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
    """CIE 1976 difference of each pixel."""
    return np.linalg.norm(lab(first) - lab(second), axis=-1)


def detail(pixels: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    """Spread of the Laplacian of the grey picture over some pixels."""
    grey = np.asarray(Image.fromarray(pixels).convert("L"), np.float64)
    wide = np.pad(grey, 1, mode="edge")
    laplacian = wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:] - 4 * grey
    return float(laplacian[where].std())


def hue_of(pixels: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    """Hue in degrees of the mean colour of some pixels."""
    _, a, b = lab(pixels)[where].mean(axis=0)
    return float(np.degrees(np.arctan2(b, a)) % 360)


def shrunk(mask: NDArray[np.float32], by: int) -> NDArray[np.bool_]:
    """Pixels at least `by` inside the mask."""
    return cv2.erode((mask > 0.5).astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8)) > 0
