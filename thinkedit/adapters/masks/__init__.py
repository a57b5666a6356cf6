"""Where things are in a photograph: the subject, faces, the sky and named colours, as soft masks.

Every mask is float32, of the picture's own height and width, 0 to 1; None means that the thing was not
found, which is an answer and not a fault. Pictures are H x W x 3 uint8, RGB. Masks are remembered by the
picture's content, so asking again is cheap; all functions may be called from several threads.
"""

from __future__ import annotations

from functools import partial

from thinkedit.adapters.masks.cache import MaskCache
from thinkedit.adapters.masks.cascade import find_faces
from thinkedit.adapters.masks.colours import COLOUR_NAMES, canonical_colour, colour_shares, find_colour
from thinkedit.adapters.masks.guided import GuidedMask, Mask, Pixels
from thinkedit.adapters.masks.salience import find_subject
from thinkedit.adapters.masks.skyline import NO_SKY, find_sky

__all__ = [
    "COLOUR_NAMES",
    "NO_SKY",
    "GuidedMask",
    "Mask",
    "Pixels",
    "canonical_colour",
    "certainty",
    "colour_shares",
    "faces",
    "guided_colour",
    "guided_faces",
    "guided_sky",
    "guided_subject",
    "named_colour",
    "sky",
    "subject",
]

_cache = MaskCache()


def _full(pixels: Pixels, mask: GuidedMask | None) -> Mask | None:
    return None if mask is None else mask.full(pixels)


def guided_subject(pixels: Pixels) -> GuidedMask | None:
    """`subject` in the form that is applied strip by strip, for large pictures."""
    return _cache.get(pixels, "subject", find_subject)


def subject(pixels: Pixels) -> Mask | None:
    """The person, animal or thing that stands out (U-2-Net), or None where nothing clearly does."""
    return _full(pixels, guided_subject(pixels))


def certainty(pixels: Pixels) -> float | None:
    """How sure the subject's outline is, 0 to 1, or None where there is no subject.

    It compares what the network saw with what the colours say: above 0.85 they agree but for the edge;
    below 0.75 a part of the subject may be missing, or a part of the background may be taken for it.
    """
    mask = guided_subject(pixels)
    return None if mask is None else mask.certainty


def guided_faces(pixels: Pixels) -> GuidedMask | None:
    """`faces` in the form that is applied strip by strip."""
    return _cache.get(pixels, "faces", find_faces)


def faces(pixels: Pixels) -> Mask | None:
    """Frontal faces as soft ellipses, or None where there are none."""
    return _full(pixels, guided_faces(pixels))


def guided_sky(pixels: Pixels) -> GuidedMask | None:
    """`sky` in the form that is applied strip by strip."""
    return _cache.get(pixels, "sky", find_sky)


def sky(pixels: Pixels) -> Mask | None:
    """The sky, or None where there is none or it cannot be told for certain from a wall or from water."""
    return _full(pixels, guided_sky(pixels))


def guided_colour(pixels: Pixels, colour: str) -> GuidedMask | None:
    """`named_colour` in the form that is applied strip by strip."""
    name = canonical_colour(colour)
    if name is None:
        raise ValueError(f"{colour!r} is not a colour known here; known are {', '.join(COLOUR_NAMES)}")
    return _cache.get(pixels, f"colour:{name}", partial(find_colour, colour=name))


def named_colour(pixels: Pixels, colour: str) -> Mask | None:
    """The pixels of a named colour, wherever they are, or None where there is next to none of it.

    Raises ValueError for a word that is no colour; `canonical_colour` tells beforehand.
    """
    return _full(pixels, guided_colour(pixels, colour))
