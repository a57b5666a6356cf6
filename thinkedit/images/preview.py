"""A small copy of a picture, for a reader that cannot take megabytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from thinkedit.images.normalise import rgb_to_srgb

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["encode_preview"]

QUALITIES = (88, 80, 70, 60, 45)


def encode_preview(
    pixels: NDArray[np.uint8],
    alpha: NDArray[np.uint8] | None,
    icc: bytes | None,
    max_bytes: int,
    max_side: int,
) -> tuple[bytes, str, tuple[int, int]]:
    """(encoded, MIME type, (width, height)) of H x W x 3 RGB pixels with an H x W alpha or none.

    At most `max_side` pixels on the longer side and `max_bytes` encoded, never enlarged. JPEG, or WebP
    where there is alpha; in sRGB, without metadata. First the quality gives way, then the size.
    ValueError for limits that nothing could meet.
    """
    import cv2
    import numpy as np

    if max_bytes < 1024 or max_side < 1:
        raise ValueError(f"a preview of {max_bytes} bytes and {max_side} pixels: give at least 1024 and 1")
    height, width = pixels.shape[:2]
    side = min(max_side, max(width, height))
    while True:
        scale = side / max(width, height)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = pixels if size == (width, height) else cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        small = np.asarray(small, np.uint8)
        if icc:
            small = rgb_to_srgb(small, icc)
        layer = None
        if alpha is not None:
            layer = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.uint8)
        for quality in QUALITIES:
            data = _jpeg(small, quality) if layer is None else _webp(small, layer, quality)
            if len(data) <= max_bytes:
                return data, "image/jpeg" if layer is None else "image/webp", size
        # bytes go roughly with the area
        side = max(1, int(side * min(0.85, (max_bytes / len(data)) ** 0.5)))


def _jpeg(pixels: NDArray[np.uint8], quality: int) -> bytes:
    import cv2

    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def _webp(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8], quality: int) -> bytes:
    import numpy as np
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.dstack([pixels, alpha])).save(stream, "WEBP", quality=quality, method=3)
    return stream.getvalue()
