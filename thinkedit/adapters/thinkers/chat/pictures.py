"""Pictures as a provider takes them: the encoded bytes as they are, or a smaller copy."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import pybase64

from thinkedit.adapters.thinkers.chat.providers import Provider
from thinkedit.images import Picture

__all__ = ["Shower", "Shown"]

KEPT = 8
"""Copies that are kept: the source is shown in every turn."""


@dataclass(frozen=True)
class Shown:
    """A picture in base64, and whether it is the very bytes of the original."""

    base64: str
    mime_type: str
    width: int
    height: int
    as_it_was: bool

    def block(self) -> dict[str, str]:
        """LangChain's standard content block, which each integration turns into its provider's own."""
        return {"type": "image", "base64": self.base64, "mime_type": self.mime_type}


class Shower:
    """Makes pictures ready for one provider; blocking, safe to share between threads.

    max_pixels: a picture of more is reduced. One within it, and within the provider's limits of bytes,
    sides and kinds, is passed on undecoded.
    """

    def __init__(self, provider: Provider, max_pixels: int) -> None:
        self._provider = provider
        self._max_pixels = max_pixels
        self._kept: OrderedDict[tuple[str, int], Shown] = OrderedDict()
        self._lock = threading.Lock()

    def show(self, pictures: list[Picture]) -> list[Shown]:
        """Each picture, with the bytes of a whole request shared out among them."""
        most = min(self._provider.image_bytes, self._provider.request_bytes // max(1, len(pictures)))
        return [self._one(picture, most) for picture in pictures]

    def _one(self, picture: Picture, most: int) -> Shown:
        key = picture.sha256, most
        with self._lock:
            if (known := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return known
        made = self._made(picture, most)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made

    def _made(self, picture: Picture, most: int) -> Shown:
        width, height = picture.size
        fits = (
            len(picture.data) <= most
            and width * height <= self._max_pixels
            and max(width, height) <= self._provider.image_side
            and picture.mime_type in self._provider.types
        )
        shown = picture if fits else self._reduced(picture, most)
        text = pybase64.b64encode(shown.data).decode("ascii")
        return Shown(text, shown.mime_type, *shown.size, as_it_was=fits)

    def _reduced(self, picture: Picture, most: int) -> Picture:
        """A JPEG so fine that the model judges the picture and not the copy; WebP where there is alpha."""
        side, size = self._smaller(picture)
        if picture.alpha() is None:
            for quality in (95, 90, 85):
                data = _jpeg(picture, size, quality)
                if len(data) <= most:
                    return Picture(data, "image/jpeg", *size)
        small = picture.preview(max_bytes=max(most, 1024), max_side=side)
        if small.mime_type in self._provider.types:
            return small
        # Not every server reads WebP: then without alpha, on white.
        return _opaque(small).preview(max_bytes=max(most, 1024), max_side=side)

    def _smaller(self, picture: Picture) -> tuple[int, tuple[int, int]]:
        """The longer side, and both, within the limits of pixels."""
        longest = max(picture.size)
        side = min(longest, self._provider.image_side)
        side = min(side, int(longest * (self._max_pixels / (picture.width * picture.height)) ** 0.5))
        while True:
            side = max(1, side)
            width, height = (max(1, round(length * (side / longest))) for length in picture.size)
            if width * height <= self._max_pixels or side == 1:
                return side, (width, height)
            side -= 1  # rounding up the shorter side can be one row too many


def _jpeg(picture: Picture, size: tuple[int, int], quality: int) -> bytes:
    """In sRGB, with colour at full resolution."""
    import cv2
    import numpy as np

    from thinkedit.images.normalise import rgb_to_srgb

    pixels = np.asarray(picture.pixels(), np.uint8)
    if size != picture.size:
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    if picture.metadata.icc:
        pixels = rgb_to_srgb(pixels, picture.metadata.icc)
    options = [
        *(cv2.IMWRITE_JPEG_QUALITY, quality),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    ]
    return bytes(cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)[1])


def _opaque(picture: Picture) -> Picture:
    import numpy as np

    alpha = picture.alpha()
    if alpha is None:
        return Picture.from_pixels(picture.pixels())
    share = alpha[:, :, None].astype(np.float32) / 255
    pixels = picture.pixels() * share + 255 * (1 - share)
    return Picture.from_pixels(np.rint(pixels).astype(np.uint8))
