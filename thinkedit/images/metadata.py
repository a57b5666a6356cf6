"""What a picture carries beside its pixels: the ICC profile and the capture date, or all of its EXIF."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from thinkedit.images.formats import quiet

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["NOTHING", "Metadata", "is_profile", "orientation", "read"]

ORIENTATION, DATE_TIME, EXIF_IFD = 0x0112, 0x0132, 0x8769
CAPTURE_DATE = (0x9003, 0x9011, 0x9291)  # DateTimeOriginal, OffsetTimeOriginal, SubSecTimeOriginal
_LAYOUT = frozenset(  # TIFF 6.0, section 8: how pixels lie in a file, and other blocks
    {*range(0xFE, 0x10E), 0x111, *range(0x115, 0x11A), 0x11C, 0x124, 0x125, 0x13D, *range(0x140, 0x15C)}
    | {*range(0x200, 0x215), 0x2BC, 0x83BB, 0x8649, 0x8773}
)
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation="\d"|<tiff:Orientation>\d</tiff:Orientation>')
MAX_PROFILE = 4_000_000
"""Bytes: more than any RGB profile in use; a larger one is dropped."""


@dataclass(frozen=True)
class Metadata:
    """icc: a profile of RGB pixels; exif: a TIFF block without the "Exif" mark; xmp: an XML packet."""

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None


NOTHING = Metadata()


def is_profile(icc: bytes | None, space: bytes) -> bool:
    """Whether `icc` is a profile of the colour space `space`, such as b"RGB " (ICC.1:2022, section 7.2)."""
    return (
        icc is not None
        and 128 <= len(icc) <= MAX_PROFILE
        and icc[36:40] == b"acsp"
        and icc[16:20] == space
        and int.from_bytes(icc[:4], "big") <= len(icc)
    )


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1-8; 1 where there is none or where the EXIF block is damaged."""
    try:
        with quiet():
            value = image.getexif().get(ORIENTATION, 1)
    except Exception:  # a damaged EXIF block is no reason to refuse the picture
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def read(image: Image.Image, *, everything: bool = False) -> Metadata:
    """The metadata of an opened image; only the profile and the capture date unless `everything`.

    The orientation is always left out: pictures are turned upright when they are loaded.
    """
    icc = image.info.get("icc_profile")
    profile = icc if isinstance(icc, bytes) and is_profile(icc, b"RGB ") else None
    try:
        with quiet():
            exif = _all_exif(image) if everything else _capture_date(image)
    except Exception:  # as above
        exif = None
    xmp = image.info.get("xmp") if everything else None
    return Metadata(profile, exif, _XMP_ORIENTATION.sub(b"", xmp) if isinstance(xmp, bytes) else None)


def _capture_date(image: Image.Image) -> bytes | None:
    from PIL import Image as Pillow

    given = image.getexif()
    details = given.get_ifd(EXIF_IFD)
    kept = Pillow.Exif()
    if isinstance(date := given.get(DATE_TIME), str):
        kept[DATE_TIME] = date
    original = {tag: details[tag] for tag in CAPTURE_DATE if isinstance(details.get(tag), str)}
    if original:
        kept[EXIF_IFD] = original
    return _block(kept)


def _all_exif(image: Image.Image) -> bytes | None:
    exif = image.getexif()
    for tag in {ORIENTATION, *_LAYOUT} & set(exif):
        del exif[tag]
    return _block(exif)


def _block(exif: Image.Exif) -> bytes | None:
    return exif.tobytes().removeprefix(b"Exif\0\0") if len(exif) else None
