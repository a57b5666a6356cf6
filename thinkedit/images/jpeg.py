"""JPEG files that can be passed on as they are, with nothing in them but the picture.

Segments are taken over whole and coefficients are never touched, so no quality is lost. Source: ITU-T T.81,
sections B.1 and B.2; ICC.1:2022, annex B.4; JFIF 1.02; the Adobe segment after Adobe Technical Note 5116.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from thinkedit.errors import ImageError
from thinkedit.images.metadata import NOTHING, Metadata

__all__ = ["is_bare", "size", "stripped"]

_START, _END = b"\xff\xd8", b"\xff\xd9"
_HUFFMAN_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended and progressive: what every reader has
_CODING = _HUFFMAN_FRAMES | {0xC4, 0xDA, 0xDB, 0xDD}  # and tables, scans and the restart interval
_JFIF, _ADOBE, _EXIF, _ICC = 0xE0, 0xEE, 0xE1, 0xE2
_AFTER_SCAN = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)
"""The next marker that is neither a stuffed zero nor a restart (section B.1.1.5)."""
_ROOM = 65_533
"""Bytes of content at most in one segment."""


def stripped(data: bytes, metadata: Metadata = NOTHING) -> bytes | None:
    """The same picture with `metadata` (profile and EXIF) and no other; what follows its end is cut off.

    None where it cannot be passed on so: no three components of 8 bits, arithmetic or lossless coding,
    several frames, segments that do not fit, or metadata that has no room. Damage in the scans is not seen.
    """
    jfif, adobe = b"", b""
    kept: list[bytes] = []
    frames = 0
    for marker, segment in _segments(data):
        if marker in _CODING:
            if marker in _HUFFMAN_FRAMES:
                frames += 1
                if segment[4] != 8 or segment[9] != 3:
                    return None
            kept.append(segment)
        elif marker == _JFIF and segment[4:9] == b"JFIF\0" and len(segment) >= 18:
            jfif = b"\xff\xe0\0\x10" + segment[4:16] + b"\0\0"  # without a thumbnail
        elif marker == _ADOBE and segment[4:9] == b"Adobe":
            adobe = segment
        elif marker == 0xD9:
            kept.append(segment)
        elif not (0xE0 <= marker <= 0xEF or marker == 0xFE):  # other applications' and comments are left out
            return None
    if frames != 1 or not kept or kept[-1] != _END or metadata.xmp is not None:
        return None
    exif = b"Exif\0\0" + metadata.exif if metadata.exif else b""
    if len(exif) > _ROOM:
        return None
    own = [jfif, _segment(_EXIF, exif) if exif else b"", *_profile(metadata.icc or b""), adobe]
    return b"".join([_START, *own, *kept])


def is_bare(data: bytes) -> bool:
    """Whether it holds an upright picture of three components and no metadata, as `stripped` gives."""
    frames = 0
    for marker, segment in _segments(data, to_scan=True):
        if marker in _HUFFMAN_FRAMES:
            frames += 1
            if segment[4] != 8 or segment[9] != 3:
                return False
        elif marker not in _CODING and marker not in (_JFIF, _ADOBE):
            return False
    return frames == 1


def size(data: bytes) -> tuple[int, int]:
    """(width, height) from the header of the frame; ImageError where there is no proper one."""
    for marker, segment in _segments(data, to_scan=True):
        if marker in _HUFFMAN_FRAMES:
            height, width = int.from_bytes(segment[5:7], "big"), int.from_bytes(segment[7:9], "big")
            if width and height:
                return width, height
    raise ImageError("the JPEG's header says no size")


def _segments(data: bytes, *, to_scan: bool = False) -> Iterator[tuple[int, bytes]]:
    """(marker, bytes with marker and length) in order; a scan with its coded data. Ends at what does not fit.

    to_scan: end before the first scan.
    """
    if not data.startswith(_START):
        return
    at = 2
    while at + 4 <= len(data) or data[at : at + 2] == _END:
        if data[at] != 0xFF:
            return
        marker = data[at + 1]
        if marker == 0xFF:  # fill
            at += 1
            continue
        if marker == 0xD9:
            yield marker, _END
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end < at + 4 or end > len(data):
            return
        if marker == 0xDA:
            if to_scan:
                return
            after = _AFTER_SCAN.search(data, end)
            if after is None:
                return
            end = after.end() - 2
        segment = data[at:end]
        if marker in _HUFFMAN_FRAMES and len(segment) < 10:
            return
        yield marker, segment
        at = end


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def _profile(icc: bytes) -> Iterator[bytes]:
    room = _ROOM - 14
    parts = [icc[at : at + room] for at in range(0, len(icc), room)]
    for number, part in enumerate(parts, start=1):
        yield _segment(_ICC, b"ICC_PROFILE\0" + bytes((number, len(parts))) + part)
