"""Any decoded picture as upright 8-bit RGB or RGBA pixels.

Samples of more than 8 bits are scaled, not clipped. CMYK, Lab and greyscale go through their ICC profile to
sRGB where they have a proper one (ICC.1:2022), else by Pillow's plain formulas. RGB is left in its own space:
its profile travels with the picture.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from thinkedit.errors import ImageError
from thinkedit.images.metadata import is_profile, orientation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["rgb_to_srgb", "to_pixels", "turned", "without_opaque_alpha"]

_PROFILE_SPACE = {"CMYK": b"CMYK", "L": b"GRAY", "LA": b"GRAY", "LAB": b"Lab "}


def to_pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Height x width x 3 (RGB) or 4 (RGBA), a fresh array. Alpha that is opaque everywhere is dropped."""
    import numpy as np

    image.load()
    turn = orientation(image)  # only now: Pillow turns a TIFF itself while it loads it
    rgb = _to_rgb(image)
    pixels = np.array(rgb, np.uint8)
    return turned(without_opaque_alpha(pixels), turn)


def without_opaque_alpha(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB where the alpha of RGBA is 255 everywhere, else unchanged."""
    import numpy as np

    if pixels.shape[2] == 4 and int(pixels[:, :, 3].min()) == 255:
        return np.ascontiguousarray(pixels[:, :, :3])
    return pixels


def turned(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Pixels stored in EXIF `orientation` (1-8; EXIF 3.0, section 4.6.5) set upright."""
    import cv2
    import numpy as np

    match orientation:
        case 2:
            upright = cv2.flip(pixels, 1)
        case 3:
            upright = cv2.rotate(pixels, cv2.ROTATE_180)
        case 4:
            upright = cv2.flip(pixels, 0)
        case 5:
            upright = cv2.transpose(pixels)
        case 6:
            upright = cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE)
        case 7:
            upright = cv2.rotate(cv2.transpose(pixels), cv2.ROTATE_180)
        case 8:
            upright = cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE)
        case _:
            return pixels
    return np.asarray(upright, np.uint8)


def rgb_to_srgb(pixels: NDArray[np.uint8], icc: bytes) -> NDArray[np.uint8]:
    """Height x width x 3 in the space of the profile `icc` as sRGB; unchanged where it cannot be used."""
    import numpy as np
    from PIL import Image

    converted = _through_profile(Image.fromarray(pixels), icc)
    return pixels if converted is None else np.asarray(converted, np.uint8)


def _to_rgb(image: Image.Image) -> Image.Image:
    mode = image.mode
    if mode in ("RGB", "RGBA") and "transparency" not in image.info:
        return image
    if mode == "F" or mode.startswith("I"):
        return _scaled(image).convert("RGB")
    if mode == "1":
        return image.convert("L").convert("RGB")
    has_alpha = "transparency" in image.info or mode in ("LA", "La", "PA", "RGBA", "RGBa")
    icc = image.info.get("icc_profile")
    if mode in _PROFILE_SPACE and is_profile(icc, _PROFILE_SPACE[mode]):
        opaque = image.getchannel("L") if mode == "LA" else image
        converted = _through_profile(opaque, icc)
        if converted is not None:
            if has_alpha:
                converted.putalpha(image.convert("RGBA").getchannel("A"))
            return converted
    if mode == "LAB":
        converted = _through_profile(image, None)
        if converted is None:
            raise ImageError("its Lab colours cannot be converted: save it as RGB")
        return converted
    return image.convert("RGBA" if has_alpha else "RGB")


def _through_profile(image: Image.Image, icc: bytes | None) -> Image.Image | None:
    """`image` as sRGB, or None where the profile is damaged or does not fit. Without one: D50 Lab."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc)) if icc else ImageCms.createProfile("LAB")
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _scaled(image: Image.Image) -> Image.Image:
    """Greyscale of 16 or 32 bits or floating point as 8 bits.

    Integers run from 0 to 65535, or to 2^32 - 1 where a value is above; floating point from 0 to 1, or to
    255 or 65535 where a value is above.
    """
    import numpy as np
    from PIL import Image as Pillow

    values = np.asarray(image)
    if values.dtype.kind == "f":
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    high = float(values.max())
    steps = (1.0, 255.0, 65535.0) if values.dtype.kind == "f" else (65535.0, 4294967295.0)
    top = next((step for step in steps if high <= step), high)
    scaled = np.clip(values * (255.0 / top) + 0.5, 0, 255).astype(np.uint8)
    return Pillow.fromarray(scaled)
