"""Pictures as a provider takes them: the encoded bytes as they are, or a smaller copy."""

from __future__ import annotations

import base64
import threading
from collections import OrderedDict
from dataclasses import dataclass

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
        text = base64.b64encode(shown.data).decode("ascii")
        return Shown(text, shown.mime_type, *shown.size, as_it_was=fits)

    def _reduced(self, picture: Picture, most: int) -> Picture:
        width, height = picture.size
        scale = min(1.0, (self._max_pixels / (width * height)) ** 0.5)
        side = max(1, min(self._provider.image_side, int(max(width, height) * scale)))
        small = picture.preview(max_bytes=max(most, 1024), max_side=side)
        if small.mime_type in self._provider.types:
            return small
        # Alpha is kept as WebP, which not every server reads: then without it, on white.
        return _opaque(small).preview(max_bytes=max(most, 1024), max_side=side)


def _opaque(picture: Picture) -> Picture:
    import numpy as np

    alpha = picture.alpha()
    if alpha is None:
        return Picture.from_pixels(picture.pixels())
    share = alpha[:, :, None].astype(np.float32) / 255
    pixels = picture.pixels() * share + 255 * (1 - share)
    return Picture.from_pixels(np.rint(pixels).astype(np.uint8))
