"""PNG in both directions by OpenCV, with the chunks that OpenCV does not write.

Level 1, and for photographs the average filter in every row with run-length deflate: at 1 and 12 megapixels
this took 25 and 285 ms where Pillow's level 1 took 84 and 979, in fewer bytes (benchmarks/coding.py). Text
and drawings repeat themselves, which run lengths do not see: they get full deflate, a sixth of the bytes.
The same pixels and metadata give the same bytes.
Source: PNG specification, third edition (W3C, 2025), sections 5 and 11.3.
"""

from __future__ import annotations

import importlib
import itertools
import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from thinkedit.errors import ImageError
from thinkedit.images.metadata import MAX_PROFILE, NOTHING, Metadata, is_profile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["SIGNATURE", "check", "decode", "encode", "is_bare", "is_plain", "read_metadata", "size"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
try:  # twice as fast, where there is a wheel of it
    _inflating: Any = importlib.import_module("isal.isal_zlib")
except ImportError:
    _inflating = zlib
_END = b"\0\0\0\0IEND\xaeB`\x82"
_HEADER_END = 33  # signature (8) + IHDR (4 length, 4 type, 13 data, 4 check)
_XMP_KEY = b"XML:com.adobe.xmp\0\0\0\0\0"


def encode(pixels: NDArray[np.uint8], metadata: Metadata = NOTHING) -> bytes:
    """Height x width x 3 (RGB) or 4 (RGBA) 8-bit pixels as a PNG."""
    import cv2

    code = cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR
    drawn = _is_drawn(pixels)
    options = [
        *(cv2.IMWRITE_PNG_COMPRESSION, 1),
        *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP if drawn else cv2.IMWRITE_PNG_FILTER_AVG),
        *(
            cv2.IMWRITE_PNG_STRATEGY,
            cv2.IMWRITE_PNG_STRATEGY_DEFAULT if drawn else cv2.IMWRITE_PNG_STRATEGY_RLE,
        ),
    ]
    _, encoded = cv2.imencode(".png", cv2.cvtColor(pixels, code), options)
    data = memoryview(encoded.data).cast("B")
    return b"".join([data[:_HEADER_END], *_extra_chunks(metadata), data[_HEADER_END:]])


def _is_drawn(pixels: NDArray[np.uint8]) -> bool:
    """Whether most pixels equal their left neighbour, looking at some 64 rows."""
    rows = pixels[:: max(1, pixels.shape[0] // 64)]
    return bool((rows[:, 1:] == rows[:, :-1]).all(axis=2).mean() > 0.5) if pixels.shape[1] > 1 else False


def is_plain(data: bytes) -> bool:
    """Whether this is a PNG that `decode` takes: 8 bits, RGB or RGBA, no transparent colour."""
    return (
        data.startswith(SIGNATURE)
        and data[24:26] in (b"\x08\x02", b"\x08\x06")
        and all(kind not in (b"tRNS", b"acTL") for kind, _, _ in _until_pixels(data))
    )


def is_bare(data: bytes) -> bool:
    """Whether it is an 8-bit RGB PNG with nothing but its pixels, as `encode` writes one."""
    if not (data.startswith(SIGNATURE) and data[24:26] == b"\x08\x02" and data.endswith(_END)):
        return False
    return {kind for kind, _, _ in _chunks(data)} == {b"IHDR", b"IDAT", b"IEND"}


def check(data: bytes) -> None:
    """See that a bare PNG (`is_bare`) is whole and undamaged, in a quarter of the time of decoding it.

    The deflated stream is unpacked, with its check sum (Adler-32), to the length that the header says, and
    the filter of each row is one that there is: sections 9.2 and 10. ImageError where it is not so.
    """
    width, height = size(data)
    if data[28]:  # interlaced: its rows are of many lengths
        decode(data)
        return
    row, unpacker = width * 3 + 1, _inflating.decompressobj()
    view = memoryview(data)
    packed = b"".join(view[start + 8 : end - 4] for kind, start, end in _chunks(data) if kind == b"IDAT")
    try:
        rows = unpacker.decompress(packed, row * height + 1)
    except _inflating.error as error:
        raise ImageError("the PNG is damaged: its pixels cannot be unpacked") from error
    if not unpacker.eof or len(rows) != row * height or max(rows[::row]) > 4:
        raise ImageError("the PNG is cut off or damaged: its pixels end early")


def decode(data: bytes) -> NDArray[np.uint8]:
    """Pixels of a plain PNG, height x width x 3 (RGB) or 4 (RGBA). ImageError: damaged or cut off."""
    import cv2
    import numpy as np

    # Only header, pixels and end are passed on, and those whole: OpenCV allocates what a damaged length
    # says, and libpng writes lines to standard error about a file that ends early or an odd profile.
    runs = [(start, end) for kind, start, end in _chunks(data) if kind == b"IDAT"]
    if not runs or _END not in data[runs[-1][1] :]:
        raise ImageError("the PNG is cut off or damaged: its pixels end early")
    bare = b"".join([data[:_HEADER_END], *(memoryview(data)[a:b] for a, b in runs), _END])
    try:
        decoded = cv2.imdecode(np.frombuffer(bare, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ImageError("the PNG cannot be decoded") from error
    if decoded is None or decoded.dtype != np.uint8 or decoded.ndim != 3:
        raise ImageError("the PNG is damaged")
    code = cv2.COLOR_BGRA2RGBA if decoded.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(decoded, code), np.uint8)


def size(data: bytes) -> tuple[int, int]:
    """(width, height) from the header; ImageError where there is no proper one."""
    if len(data) < _HEADER_END or data[12:16] != b"IHDR":
        raise ImageError("the PNG has no header")
    width, height = struct.unpack(">II", data[16:24])
    if width == 0 or height == 0:
        raise ImageError(f"the PNG's header says {width} x {height} pixels")
    return width, height


def read_metadata(data: bytes) -> Metadata:
    """Profile, EXIF and XMP from the chunks before the pixels; what is damaged is left out."""
    icc = exif = xmp = None
    for kind, start, end in _until_pixels(data):
        body = data[start + 8 : end - 4]
        if kind == b"iCCP":
            _, _, packed = body.partition(b"\0")
            try:
                unpacked = zlib.decompressobj().decompress(packed[1:], MAX_PROFILE)
            except zlib.error:
                continue
            icc = unpacked if is_profile(unpacked, b"RGB ") else None
        elif kind == b"eXIf":
            exif = body
        elif kind == b"iTXt" and body.startswith(_XMP_KEY):
            xmp = body[len(_XMP_KEY) :]
    return Metadata(icc, exif, xmp)


def _extra_chunks(metadata: Metadata) -> Iterator[bytes]:
    if metadata.icc:
        yield _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc, 6))
    if metadata.exif:
        yield _chunk(b"eXIf", metadata.exif)
    if metadata.xmp:
        yield _chunk(b"iTXt", _XMP_KEY + metadata.xmp)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def _until_pixels(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    return itertools.takewhile(lambda chunk: chunk[0] != b"IDAT", _chunks(data))


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(type, start, end) of each whole chunk, in order; start and end include length and check."""
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            return
        yield data[at + 4 : at + 8], at, end
        at = end
