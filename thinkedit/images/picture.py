"""`Picture`: one encoded picture, passed on as bytes and decoded only where pixels are needed."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Self

from thinkedit.errors import ImageError
from thinkedit.images import jpeg, png
from thinkedit.images.metadata import Metadata

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Picture"]

_MIME_BY_START = ((png.SIGNATURE, "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"RIFF", "image/webp"))


class Picture:
    """An encoded PNG, JPEG or WebP; immutable, equal by content, safe to share between threads.

    data: the encoded bytes. mime_type: of `data`. width, height: pixels, upright.
    """

    __slots__ = (
        "_alpha",
        "_bare",
        "_data",
        "_height",
        "_lock",
        "_metadata",
        "_mime",
        "_pixels",
        "_sha",
        "_width",
    )

    def __init__(self, data: bytes, mime_type: str, width: int, height: int) -> None:
        self._data = data
        self._mime = mime_type
        self._width = width
        self._height = height
        self._sha: str | None = None
        self._bare: bool | None = None
        self._pixels: NDArray[np.uint8] | None = None
        self._alpha: NDArray[np.uint8] | None = None
        self._metadata: Metadata | None = None
        self._lock = threading.Lock()

    @classmethod
    def from_bytes(cls, data: bytes, mime_type: str | None = None, *, sha256: str | None = None) -> Self:
        """Take an encoded PNG, JPEG or WebP as it is; only its header is read.

        mime_type: what the sender called it; the bytes decide. sha256: of `data`, where the caller has just
        computed it. ImageError where the bytes are none of these.
        """
        data = bytes(data)
        found = next((mime for start, mime in _MIME_BY_START if data.startswith(start)), None)
        if found is None or (found == "image/webp" and data[8:12] != b"WEBP"):
            called = f" (sent as {mime_type})" if mime_type else ""
            raise ImageError(f"{len(data)} bytes{called} are no PNG, JPEG or WebP picture")
        form = png if found == "image/png" else jpeg if found == "image/jpeg" and jpeg.is_bare(data) else None
        width, height = _upright_size(data) if form is None else form.size(data)
        picture = cls(data, found, width, height)
        picture._sha = sha256
        return picture

    @classmethod
    def from_pixels(cls, pixels: NDArray[np.uint8], *, like: Picture | None = None) -> Self:
        """Encode height x width x 3 (RGB) or 4 (RGBA) 8-bit pixels as PNG; the array is copied.

        like: the picture that these pixels were made from. Its ICC profile and capture date are carried
        over, and its alpha where the size is the same and `pixels` has three channels.
        """
        import numpy as np

        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4) or not pixels.size:
            raise ImageError(
                f"pixels of shape {pixels.shape} and type {pixels.dtype}: give height x width x 3 or 4, uint8"
            )
        height, width = pixels.shape[:2]
        if pixels.shape[2] == 3 and like is not None and like.size == (width, height):
            alpha = like.alpha()
            pixels = pixels if alpha is None else np.dstack([pixels, alpha])
        return cls.encoded(np.array(pixels, order="C"), like.metadata if like is not None else Metadata())

    @classmethod
    def encoded(cls, pixels: NDArray[np.uint8], metadata: Metadata) -> Self:
        """As `from_pixels`, but the array is the picture's from now on, and checked by the caller."""
        height, width = pixels.shape[:2]
        picture = cls(png.encode(pixels, metadata), "image/png", width, height)
        picture._metadata = metadata
        picture._keep(pixels)
        return picture

    @classmethod
    def decoded(cls, data: bytes, pixels: NDArray[np.uint8]) -> Self:
        """An encoded JPEG and what it decodes to; the array is the picture's from now on."""
        height, width = pixels.shape[:2]
        picture = cls(data, "image/jpeg", width, height)
        picture._keep(pixels)
        return picture

    @property
    def data(self) -> bytes:
        return self._data

    @property
    def mime_type(self) -> str:
        return self._mime

    @property
    def width(self) -> int:
        return self._width

    @property
    def height(self) -> int:
        return self._height

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self._width, self._height

    @property
    def sha256(self) -> str:
        """Of `data`, as 64 hexadecimal digits; computed once."""
        if self._sha is None:
            self._sha = hashlib.sha256(self._data).hexdigest()
        return self._sha

    @property
    def bare(self) -> bool:
        """Whether it is an RGB PNG or JPEG without alpha and metadata, to be passed on as it is."""
        if self._bare is None:
            form = {"image/png": png, "image/jpeg": jpeg}.get(self._mime)
            self._bare = form is not None and form.is_bare(self._data)
        return self._bare

    @property
    def metadata(self) -> Metadata:
        """What `from_pixels` and `save` carry on: of a PNG all that it holds, else profile and date."""
        if self._metadata is None:
            self._metadata = (
                png.read_metadata(self._data) if self._mime == "image/png" else _read_metadata(self._data)
            )
        return self._metadata

    def pixels(self) -> NDArray[np.uint8]:
        """Height x width x 3, RGB, 8 bits, read-only; decoded once and kept. ImageError if damaged."""
        return self._decoded()[0]

    def alpha(self) -> NDArray[np.uint8] | None:
        """Height x width, 0 transparent to 255 opaque, read-only; None where the picture has none."""
        return self._decoded()[1]

    def forget(self) -> None:
        """Drop the decoded copy; the next call that needs it decodes again."""
        with self._lock:
            self._pixels = self._alpha = None

    def preview(self, max_bytes: int = 256_000, max_side: int = 1024) -> Picture:
        """A smaller picture of at most `max_bytes`: JPEG, or WebP where there is alpha; sRGB, no metadata."""
        from thinkedit.images.preview import encode_preview

        made = encode_preview(self.pixels(), self.alpha(), self.metadata.icc, max_bytes, max_side)
        data, mime_type, size = made
        return Picture(data, mime_type, *size)

    def __eq__(self, other: object) -> bool:
        return self.sha256 == other.sha256 if isinstance(other, Picture) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __repr__(self) -> str:
        return f"<Picture {self._width}x{self._height} {self._mime} {len(self._data)} bytes>"

    def __reduce__(self) -> tuple[object, ...]:
        return Picture, (self._data, self._mime, self._width, self._height)

    def _decoded(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        with self._lock:
            if self._pixels is None:
                self._keep(png.decode(self._data) if png.is_plain(self._data) else _decode(self._data))
            assert self._pixels is not None
            return self._pixels, self._alpha

    def _keep(self, pixels: NDArray[np.uint8]) -> None:
        alpha = None
        if pixels.shape[2] == 4:
            pixels, alpha = pixels[:, :, :3].copy(), pixels[:, :, 3].copy()
            alpha.flags.writeable = False
        pixels.flags.writeable = False
        self._pixels, self._alpha = pixels, alpha


def _upright_size(data: bytes) -> tuple[int, int]:
    from thinkedit.images import formats, metadata

    with formats.opened(data) as image:
        width, height = image.size
        return (height, width) if metadata.orientation(image) >= 5 else (width, height)


def _read_metadata(data: bytes) -> Metadata:
    from thinkedit.images import formats, metadata

    with formats.opened(data) as image:
        return metadata.read(image)


def _decode(data: bytes) -> NDArray[np.uint8]:
    from thinkedit.images import formats, normalise

    with formats.opened(data) as image:
        return normalise.to_pixels(image)
