"""Which pictures are read, and opening one by its header alone.

The plugins are called directly: `PIL.Image.open` tries every format it knows and warns by a process-wide
limit; here the first bytes choose one of nine formats and `max_pixels` is checked before any decoding.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from thinkedit.errors import ImageError, MissingExtra, ThinkEditError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

__all__ = ["MIME_TYPES", "check_pixels", "decoding", "opened", "quiet", "recognise"]

MIME_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WebP": "image/webp",
    "AVIF": "image/avif",
    "HEIC": "image/heic",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
    "BMP": "image/bmp",
}
_QUIET = threading.Lock()  # the filters of the warnings module belong to the whole process
_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
)
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


def recognise(head: bytes) -> str | None:
    """The format by its first bytes (64 are enough), a key of MIME_TYPES; None for anything else."""
    for start, name in _STARTS:
        if head.startswith(start):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":  # ISO/IEC 14496-12, section 4.3: size, "ftyp", brand, version, brands
        end = min(int.from_bytes(head[:4], "big"), 64)
        brands = {head[8:12], *(head[at : at + 4] for at in range(16, end, 4))}
        if brands & {b"avif", b"avis"}:
            return "AVIF"
        if brands & _HEIF_BRANDS:
            return "HEIC"
    return None


@contextmanager
def decoding(called: str) -> Iterator[None]:
    """Turn whatever a decoder raises inside the block into an ImageError that begins with `called`."""
    try:
        yield
    except ThinkEditError:
        raise
    except MemoryError as error:
        raise ImageError(f"{called} cannot be decoded: there is not enough memory") from error
    except Exception as error:  # plugins raise whatever a damaged file makes them stumble over
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise ImageError(f"{called} is damaged or cut off ({reason})") from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Pillow's warnings about odd headers and EXIF blocks to itself; not for decoding, it locks."""
    with _QUIET, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        yield


@contextmanager
def opened(data: bytes, *, max_pixels: int | None = None) -> Iterator[ImageFile]:
    """The encoded picture as a Pillow image, not yet decoded, at its first frame.

    ImageError where it is no picture, damaged or larger than `max_pixels`, also when that shows only
    while it is decoded inside the `with` block; MissingExtra for HEIC without its package.
    """
    name = recognise(data[:64])
    if name is None:
        raise ImageError(f"no picture of a kind that is read here ({', '.join(MIME_TYPES)})")
    with decoding(f"the {name}"):  # also what the caller does with it
        if name == "WebP":  # its decoder allocates the whole canvas when it is opened
            check_pixels(_webp_size(data), max_pixels)
        try:
            with quiet():
                image = _plugin(name, data)
        except (SyntaxError, NotImplementedError) as error:  # what a plugin says of a header that it rejects
            raise ImageError(f"the {name} is damaged or of a kind that cannot be read ({error})") from error
        with image:
            check_pixels(image.size, max_pixels)
            yield image


def _plugin(name: str, data: bytes) -> ImageFile:
    stream = io.BytesIO(data)
    if name == "PNG":
        from PIL.PngImagePlugin import PngImageFile

        return PngImageFile(stream)
    if name == "JPEG":
        from PIL.JpegImagePlugin import JpegImageFile

        return JpegImageFile(stream)
    if name == "WebP":
        from PIL.WebPImagePlugin import WebPImageFile

        return WebPImageFile(stream)
    if name == "AVIF":
        from PIL.AvifImagePlugin import AvifImageFile

        return AvifImageFile(stream)
    if name == "TIFF":
        from PIL.TiffImagePlugin import TiffImageFile

        return TiffImageFile(stream)
    if name == "GIF":
        from PIL.GifImagePlugin import GifImageFile

        return GifImageFile(stream)
    if name == "BMP":
        from PIL.BmpImagePlugin import BmpImageFile

        return BmpImageFile(stream)
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise MissingExtra("reading HEIC pictures", "heif") from error
    image: ImageFile = HeifImageFile(stream)
    return image


def check_pixels(size: tuple[int, int], max_pixels: int | None) -> None:
    """ImageError where width times height is more than `max_pixels`."""
    width, height = size
    if max_pixels is not None and width * height > max_pixels:
        raise ImageError(
            f"{width} x {height} pixels ({width * height / 1e6:,.1f} megapixels) are more than the limit of "
            f"{max_pixels / 1e6:,.1f} megapixels: make it smaller, or raise limits.image_pixels"
        )


def _webp_size(data: bytes) -> tuple[int, int]:
    """RFC 9649, sections 2.5 to 2.7 and RFC 6386, section 9.1."""
    kind, body = data[12:16], data[20:30]
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    raise ImageError("the WebP has no picture in it")
