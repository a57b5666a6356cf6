"""Source and result, seen in the ways that the second yardstick needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Frame", "Pair", "Where"]

Floats = NDArray[np.float32]
Where = NDArray[np.bool_]
REC709 = np.array([0.2126, 0.7152, 0.0722], np.float32)
_TO_LMS = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]], np.float32,
)  # fmt: skip
_TO_OKLAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]], np.float32,
)  # fmt: skip
"""Linear sRGB to Oklab: B. Ottosson, "A perceptual color space for image processing" (2020)."""


class Frame:
    """One picture, seen in the ways that the measures need."""

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self.pixels = pixels
        self.height, self.width = pixels.shape[:2]

    @cached_property
    def encoded(self) -> Floats:
        return np.asarray(self.pixels, np.float32) / np.float32(255)

    @cached_property
    def light(self) -> Floats:
        x = self.encoded
        return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4).astype(np.float32)

    @cached_property
    def luma(self) -> Floats:
        """Rec. 709 luma of the encoded values, 0 to 1."""
        return np.asarray(self.encoded @ REC709, np.float32)

    @cached_property
    def stops(self) -> Floats:
        """Base-2 logarithm of luminance; what is darker than 8 stops below white counts as that."""
        return np.asarray(np.log2(np.maximum(self.light @ REC709, 1 / 256)), np.float32)

    @cached_property
    def oklab(self) -> Floats:
        return np.asarray(np.cbrt(self.light @ _TO_LMS.T) @ _TO_OKLAB.T, np.float32)

    @cached_property
    def colourfulness(self) -> Floats:
        """Oklab chroma."""
        return np.asarray(np.hypot(self.oklab[..., 1], self.oklab[..., 2]), np.float32)

    @cached_property
    def gradient(self) -> tuple[Floats, Floats]:
        """Sobel derivatives of luma after a slight blur, so that single pixels have no say."""
        soft = cv2.GaussianBlur(self.luma, (0, 0), 1.0)
        return (
            np.asarray(cv2.Sobel(soft, cv2.CV_32F, 1, 0), np.float32),
            np.asarray(cv2.Sobel(soft, cv2.CV_32F, 0, 1), np.float32),
        )

    @cached_property
    def edge(self) -> Floats:
        return np.asarray(np.hypot(*self.gradient), np.float32)


@dataclass(frozen=True)
class Pair:
    """Source and result. Measures of tone and colour need both at the same size."""

    before: Frame
    after: Frame

    @property
    def same_size(self) -> bool:
        return self.before.pixels.shape == self.after.pixels.shape
