"""Taking a picture in: from a path, a URI, bytes or a Pillow image to one normalised picture.

An ordinary upright JPEG stays the JPEG it is, less its metadata: as a PNG it would be five times the bytes
to keep and to send, and no better. Everything else becomes a PNG.

Everything is checked in the order of what it costs: the kind of file and its size before it is read, its
first bytes and its dimensions before it is decoded, and its pixels only then.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, Union

from thinkedit.errors import ImageError, InputError
from thinkedit.images import formats, jpeg, metadata, normalise, png, sources
from thinkedit.images.metadata import Metadata
from thinkedit.images.picture import Picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["ImageInput", "ImageLimits", "Loaded", "load"]

ImageInput: TypeAlias = Union[str, "os.PathLike[str]", bytes, "Image.Image"]
"""A path, a `file:` or `data:` URI, an encoded picture, or a Pillow image."""


@dataclass(frozen=True)
class ImageLimits:
    """max_bytes: of the encoded picture. max_pixels: width times height, checked before decoding."""

    max_bytes: int = 25_000_000
    max_pixels: int = 50_000_000


DEFAULT_LIMITS = ImageLimits()


@dataclass(frozen=True)
class Loaded:
    """A picture that was taken in.

    picture: PNG or JPEG, upright, 8-bit RGB or RGBA. name, path: of the file, if it was one (path absolute).
    mime_type: of the original; `image/png` for a Pillow image that was never a file.
    """

    picture: Picture
    name: str | None
    path: str | None
    mime_type: str


def load(image: ImageInput, limits: ImageLimits = DEFAULT_LIMITS, *, keep_metadata: bool = False) -> Loaded:
    """Check, decode and normalise a picture.

    keep_metadata: keep all EXIF and XMP, GPS included, and not only ICC profile and capture date.
    ImageError names the picture and what is wrong with it; InputError for a URL; MissingExtra for HEIC
    without its package.
    """
    if isinstance(image, bytes | bytearray | memoryview):
        data = bytes(image)
        return _from_bytes(data, f"picture of {len(data):,} bytes", None, limits, keep_metadata)
    if isinstance(image, str) and image[:5].lower() == "data:":
        data = sources.from_data_uri(image, limits.max_bytes)
        return _from_bytes(data, sources.shortened(image), None, limits, keep_metadata)
    if isinstance(image, str | os.PathLike):
        path = sources.to_path(image)
        return _from_bytes(sources.read(path, limits.max_bytes), str(path), path, limits, keep_metadata)
    if hasattr(image, "getexif"):
        return _from_pillow(image, limits, keep_metadata)
    raise InputError(
        f"an image of type {type(image).__name__} cannot be used: "
        "give a path, bytes, a data: URI or a PIL image"
    )


def _from_bytes(
    data: bytes, called: str, path: Path | None, limits: ImageLimits, keep_metadata: bool
) -> Loaded:
    if len(data) > limits.max_bytes:
        raise ImageError(sources.too_large(called, len(data), limits.max_bytes))
    if not data:
        raise ImageError(f"{called} is empty")
    try:
        pixels, kept, passed_on = _decoded(data, limits.max_pixels, keep_metadata)
    except ImageError as error:
        raise ImageError(f"{called}: {error}") from error
    mime_type = formats.MIME_TYPES[formats.recognise(data[:64]) or "PNG"]
    name, full = (path.name, str(path)) if path is not None else (None, None)
    picture = Picture.encoded(pixels, kept) if passed_on is None else Picture.decoded(passed_on, pixels)
    return Loaded(picture, name, full, mime_type)


def _decoded(
    data: bytes, max_pixels: int, everything: bool
) -> tuple[NDArray[np.uint8], Metadata, bytes | None]:
    """Pixels, metadata, and the bytes that can be passed on as they are, None where there are none."""
    # a function of its own, so that Pillow's copy of the pixels is gone before they are encoded
    if png.is_bare(data):  # nothing to turn and nothing to read: Pillow would decode it to find that out
        formats.check_pixels(png.size(data), max_pixels)
        return png.decode(data), metadata.NOTHING, None
    with formats.opened(data, max_pixels=max_pixels) as image:
        if png.is_plain(data):  # OpenCV decodes these a little faster
            pixels = normalise.turned(png.decode(data), metadata.orientation(image))
            pixels = normalise.without_opaque_alpha(pixels)
        else:
            pixels = normalise.to_pixels(image)
        kept = metadata.read(image, everything=everything)
        upright = image.format == "JPEG" and image.mode == "RGB" and metadata.orientation(image) == 1
        # Of a JPEG only profile and date are read later (`Picture.metadata`): all of it lasts in a PNG alone.
        return pixels, kept, jpeg.stripped(data, kept) if upright and not everything else None


def _from_pillow(image: Image.Image, limits: ImageLimits, keep_metadata: bool) -> Loaded:
    from PIL import Image as Pillow

    called = f"PIL image of mode {image.mode} and {image.width} x {image.height} pixels"
    if image.width == 0 or image.height == 0:
        raise ImageError(f"{called} is empty")
    formats.check_pixels(image.size, limits.max_pixels)
    with formats.decoding(called):
        copy = image.copy()  # loads a lazily opened file; the caller's image stays as it is
        copy.info = dict(image.info)
        pixels = normalise.to_pixels(copy)
        kept = metadata.read(image, everything=keep_metadata)
    mime_type = Pillow.MIME.get(image.format or "PNG", "image/png")
    filename = getattr(image, "filename", "")
    name = os.path.basename(os.fsdecode(filename)) if isinstance(filename, str | bytes) else ""
    return Loaded(Picture.encoded(pixels, kept), name or None, None, mime_type)
