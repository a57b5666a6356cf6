"""Whether two pictures are one: resized, recompressed, cropped a little, brightened, or not at all changed.

Two checks, which fail in different ways:

1. pHash (imagehash, 64 bits) of the whole of one picture against the whole and the 19 crops of the other,
   and the other way round: at most `DISTANCE` bits may differ. One hash alone does not survive a crop.
2. Likeness: the correlation of the same two views as 32 x 32 grey pixels, after each has lost its mean and
   its even slope, must reach `LIKENESS`. It tells apart what pHash cannot: skies, gradients, dark pictures.

A picture that is flat without its slope (`FLAT`) has no pattern to compare; it matches only one of the very
same colours. `benchmarks/leakage.py` measures how far copies and strangers lie apart; docs/data.md has the
figures. Mirrored, rotated and heavily cropped copies are not found.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from thinkedit.adapters.require import require

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from thinkedit.images import Picture

__all__ = [
    "DISTANCE",
    "FLAT",
    "LIKENESS",
    "VIEWS",
    "Fingerprint",
    "colour_difference",
    "fingerprint",
    "likeness",
]

DISTANCE = 10
"""Bits of 64 in which the hashes of one picture's copies may differ."""
LIKENESS = 0.8
"""The least correlation of a copy, -1 to 1."""
FLAT = 2.5
"""Standard deviation, of 255, up to which a picture without its mean and slope is flat."""
SAME_COLOUR = 2.0
"""Of two flat pictures: the mean difference, of 255, up to which they are one."""

_EVEN = 1e-6
_SIDE = 32
_COLOURS = 16
_WORKING = 256


def _crops() -> tuple[tuple[float, float, float, float], ...]:
    """(left, top, right, bottom), 0 to 1: the whole first."""
    boxes = [(0.0, 0.0, 1.0, 1.0)]
    boxes += [(m, m, 1 - m, 1 - m) for m in (0.025, 0.05, 0.075)]
    for m in (0.05, 0.1):
        boxes += [(m, 0, 1, 1), (0, m, 1, 1), (0, 0, 1 - m, 1), (0, 0, 1, 1 - m)]
        boxes += [(m, m, 1, 1), (0, m, 1 - m, 1), (0, 0, 1 - m, 1 - m), (m, 0, 1, 1 - m)]
    return tuple(boxes)


VIEWS = _crops()


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """hashes: one a view, uint64. tones: views x 1024, uint8. colours: 16 x 16 x 3, uint8. flat: see FLAT."""

    hashes: NDArray[np.uint64]
    tones: NDArray[np.uint8]
    colours: NDArray[np.uint8]
    flat: bool


def fingerprint(picture: Picture) -> Fingerprint:
    """Of a picture as it looks on white. MissingExtra without imagehash, ImageError if it is damaged."""
    require("the search for pictures that stand in a benchmark", "imagehash")
    import imagehash
    import numpy as np
    from PIL import Image

    small = _small(picture)
    grey = small.convert("L")
    width, height = grey.size
    views = [
        grey.resize(
            (_SIDE, _SIDE),
            Image.Resampling.LANCZOS,
            box=(left * width, top * height, right * width, bottom * height),
        )
        for left, top, right, bottom in VIEWS
    ]
    bits = np.array([imagehash.phash(view).hash.ravel() for view in views])
    tones = np.array([np.asarray(view, np.uint8).ravel() for view in views])
    colours = np.asarray(small.resize((_COLOURS, _COLOURS), Image.Resampling.BOX), np.uint8)
    hashes = np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64)
    flat = float(_levelled(tones[:1]).std()) <= FLAT
    return Fingerprint(hashes, tones, colours, flat)


def likeness(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The correlation of two views, -1 to 1, without mean and slope; 0 where one of them is even."""
    import numpy as np

    pair = _levelled(np.stack([one, other]))
    lengths = np.linalg.norm(pair, axis=1)
    return float(pair[0] @ pair[1] / np.prod(lengths)) if lengths.min() > _EVEN else 0.0


def colour_difference(one: Fingerprint, other: Fingerprint) -> float:
    """Mean over pixels and channels, of 255."""
    import numpy as np

    return float(np.abs(one.colours.astype(np.int16) - other.colours).mean())


def _small(picture: Picture) -> Image.Image:
    """RGB, at most 256 pixels a side: all further work is on this."""
    import numpy as np
    from PIL import Image

    pixels, alpha = picture.pixels(), picture.alpha()
    if alpha is not None:
        share = alpha[:, :, None].astype(np.float32) / 255
        pixels = (pixels * share + 255 * (1 - share)).round().astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    scale = _WORKING / max(image.size)
    if scale < 1:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.BOX)
    return image


def _levelled(tones: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Views less the plane that fits each best."""
    import numpy as np

    values = tones.astype(np.float64)
    plane = _plane()
    levelled: NDArray[np.float64] = values - (values @ plane) @ plane.T
    return levelled


@cache
def _plane() -> NDArray[np.float64]:
    """An orthonormal base of the planes over 32 x 32 pixels, 1024 x 3."""
    import numpy as np

    down, along = np.mgrid[0:_SIDE, 0:_SIDE] - (_SIDE - 1) / 2
    base = np.stack([np.ones(_SIDE * _SIDE), along.ravel(), down.ravel()], axis=1)
    return np.linalg.qr(base)[0]
