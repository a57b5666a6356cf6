"""Writing pictures where people look for them: by the file's ending, never over a file that is there."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import secrets
from pathlib import Path

from thinkedit.errors import ImageError, StoreError
from thinkedit.images.picture import Picture

__all__ = ["ENDINGS", "ending_for", "free_name", "save", "stem_for"]

ENDINGS = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
}
"""File endings that `save` writes, and what they mean."""


def ending_for(mime_type: str) -> str:
    """The ending to save under for a picture that came as `mime_type`.

    JPEG stands in for HEIC, and PNG for what cannot be written or not without loss (GIF, BMP).
    """
    if mime_type in ("image/heic", "image/heif"):
        return ".jpg"
    return next((ending for ending, mime in ENDINGS.items() if mime == mime_type), ".png")


def stem_for(name: str | None) -> str:
    """What a result is called after the picture that it was made of: at most 100 characters, all printable.

    A name comes from elsewhere, and may have lines and orders to a terminal in it.
    """
    stem = Path(name).stem.lstrip(".")[:100] if name else ""
    return "".join(c if c.isprintable() else "_" for c in stem) or "picture"


def free_name(path: str | os.PathLike[str]) -> Path:
    """`path` if nothing is there, else NAME-2.EXT, NAME-3.EXT and so on."""
    return next(name for name in _names(Path(path).expanduser()) if not os.path.lexists(name))


def save(
    picture: Picture,
    path: str | os.PathLike[str],
    *,
    quality: int = 92,
    overwrite: bool = False,
    rename: bool = False,
) -> Path:
    """Write `picture` in the format of the ending (see ENDINGS); returns the path written, absolute.

    quality: 1-100, for JPEG (colour at full resolution), WebP and AVIF. A picture that is in that format
    already is written as it is. JPEG has no alpha: it is laid on white.
    rename: where something is there, take the next free name; overwrite: replace it; neither: StoreError.
    Either the whole file appears or nothing does. ImageError for an ending or a size that cannot be
    written; StoreError where the folder cannot be.
    """
    target = Path(path).expanduser().absolute()
    mime_type = ENDINGS.get(target.suffix.lower())
    if mime_type is None:
        raise ImageError(f"{target.name} has no ending that can be written: use one of {', '.join(ENDINGS)}")
    if not overwrite and not rename and os.path.lexists(target):
        raise _exists(target)  # before the work of encoding; it is made sure of again below
    data = picture.data if picture.mime_type == mime_type else _encode(picture, mime_type, quality)
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.part")
    try:
        try:
            with open(temporary, "xb") as stream:
                stream.write(data)
            if overwrite:
                os.replace(temporary, target)
                return target
            for name in _names(target) if rename else (target,):
                with contextlib.suppress(FileExistsError):
                    _place(temporary, name)
                    return name
            raise _exists(target)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    except FileNotFoundError as error:
        raise StoreError(f"{target} cannot be written: there is no folder {target.parent}") from error
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror or error}") from error


def _names(path: Path) -> itertools.chain[Path]:
    numbered = (path.with_name(f"{path.stem}-{n}{path.suffix}") for n in itertools.count(2))
    return itertools.chain([path], numbered)


def _exists(path: Path) -> StoreError:
    return StoreError(f"{path} exists already: choose another name (nothing was overwritten)")


def _place(temporary: Path, name: Path) -> None:
    """Give the finished file its name; FileExistsError where the name is taken, also at the last moment."""
    try:
        os.link(temporary, name)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # a file system without hard links: hold the name, then fill it
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        try:
            os.replace(temporary, name)
        except OSError:
            name.unlink(missing_ok=True)
            raise


def _encode(picture: Picture, mime_type: str, quality: int) -> bytes:
    import numpy as np
    from PIL import Image

    if not 1 <= quality <= 100:
        raise ImageError(f"quality {quality} is out of range: give 1 to 100")
    pixels, alpha, metadata = picture.pixels(), picture.alpha(), picture.metadata
    if mime_type == "image/png":
        return Picture.from_pixels(pixels, like=picture).data
    image = Image.fromarray(pixels if alpha is None else np.dstack([pixels, alpha]))
    if alpha is not None and mime_type == "image/jpeg":
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=image.getchannel("A"))
        image = white
    options: dict[str, dict[str, object]] = {
        "image/jpeg": {"format": "JPEG", "quality": quality, "subsampling": "4:4:4"},
        "image/webp": {"format": "WEBP", "quality": quality, "method": 4},
        "image/avif": {"format": "AVIF", "quality": quality, "speed": 8},
        # libtiff, which compresses, cannot write the EXIF block that holds the capture date
        "image/tiff": {"format": "TIFF", "compression": "raw" if metadata.exif else "tiff_lzw"},
    }
    carried: dict[str, object] = {"icc_profile": metadata.icc} if metadata.icc else {}
    room = 65_000 if mime_type == "image/jpeg" else 10_000_000  # a JPEG segment holds 65,533 bytes
    if metadata.exif and len(metadata.exif) < room:
        carried["exif"] = b"Exif\0\0" + metadata.exif
    if metadata.xmp and len(metadata.xmp) < room and mime_type != "image/tiff":
        carried["xmp"] = metadata.xmp
    stream = io.BytesIO()
    try:
        image.save(stream, **options[mime_type], **carried)  # type: ignore[arg-type]  # options by format
    except Exception as error:  # encoders have their own limits of size, and their own errors
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(
            f"{picture.width} x {picture.height} pixels cannot be written as {mime_type} ({reason}): "
            "save as .png"
        ) from error
    return stream.getvalue()
