"""Where things are in a photograph: the subject, faces, the sky and named colours, as soft masks.

Every mask is float32, of the picture's own height and width, 0 to 1; None means that the thing was not
found, which is an answer and not a fault. Pictures are H x W x 3 uint8, RGB. Masks are remembered by the
picture's content, so asking again is cheap; all functions may be called from several threads.
"""

from __future__ import annotations

from thinkedit.adapters.masks.cache import MaskCache
from thinkedit.adapters.masks.faces import find_faces
from thinkedit.adapters.masks.guided import GuidedMask, Mask, Pixels
from thinkedit.adapters.masks.subject import find_subject

__all__ = ["GuidedMask", "Mask", "Pixels", "faces", "guided_subject", "subject"]

_cache = MaskCache()


def _full(pixels: Pixels, mask: GuidedMask | None) -> Mask | None:
    return None if mask is None else mask.full(pixels)


def guided_subject(pixels: Pixels) -> GuidedMask | None:
    """`subject` in the form that is applied strip by strip, for large pictures."""
    return _cache.get(pixels, "subject", find_subject)


def subject(pixels: Pixels) -> Mask | None:
    """The person, animal or thing that stands out (U-2-Net), or None where nothing clearly does."""
    return _full(pixels, guided_subject(pixels))


def faces(pixels: Pixels) -> Mask | None:
    """Frontal faces as soft ellipses, or None where there are none."""
    return _full(pixels, _cache.get(pixels, "faces", find_faces))
