"""Each operation of the vocabulary with its place in the order of work and its function.

Order. What finds its place by the photograph's own colours comes first (denoise, recolour, sky,
background), then tone, colour, detail, style; then what must stay is put back; then the geometry and
what is laid over and around the picture. The order of a sentence's clauses decides only between equals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from thinkedit.adapters.editors.photo import (
    background,
    colour,
    detail,
    geometry,
    recolour,
    sky,
    style,
    text,
    tone,
)
from thinkedit.adapters.editors.photo.bands import Rows
from thinkedit.adapters.masks.guided import Pixels
from thinkedit.adapters.vocabulary import Clause

__all__ = ["FRAMED", "STEPS", "VERSION", "Banded", "Framing", "Painting", "Step", "step_for"]

VERSION = "4"
"""Goes up whenever the same words give other pixels: it is part of the editor's identity."""

FRAMED = 30
"""The rank from which steps change the picture's shape, or are done on it in its new one."""

Banded = Callable[[Pixels, Clause], Rows]
Framing = Callable[[Pixels, Clause], Pixels]


class Painting(Protocol):
    """A whole picture from a whole picture; it finds its own place in it."""

    def __call__(
        self, pixels: Pixels, amount: float, options: Mapping[str, str], *, reference: Pixels | None = None
    ) -> Pixels: ...


@dataclass(frozen=True)
class Step:
    """rank: its turn in the order of work. Exactly one function is set.

    banded: by bands of rows, inside any region; painting: the whole picture at once, place and all;
    framing: size or shape, alpha with it; written: laid over the framed picture, colours only.
    """

    rank: int
    banded: Banded | None = None
    painting: Painting | None = None
    framing: Framing | None = None
    written: Framing | None = None


STEPS: dict[str, Step] = {
    "denoise": Step(0, banded=detail.denoise),
    "recolour": Step(1, painting=recolour.recolour),
    "sky_replace": Step(2, painting=sky.sky_replace),
    "background_replace": Step(3, painting=background.background_replace),
    "auto": Step(5, banded=tone.auto),
    "exposure": Step(6, banded=tone.exposure),
    "gamma": Step(7, banded=tone.gamma),
    "shadows": Step(8, banded=tone.shadows_highlights),
    "highlights": Step(8, banded=tone.shadows_highlights),
    "contrast": Step(9, banded=tone.contrast),
    "clarity": Step(10, banded=tone.clarity),
    "warmth": Step(11, banded=colour.warmth),
    "tint": Step(11, banded=colour.tint),
    "vibrance": Step(12, banded=colour.vibrance),
    "saturation": Step(13, banded=colour.saturation),
    "black_and_white": Step(14, banded=colour.black_and_white),
    "blur": Step(15, banded=detail.blur),
    "sharpen": Step(16, banded=detail.sharpen),
    "pencil": Step(17, painting=style.pencil),
    "colour_sketch": Step(17, painting=style.colour_sketch),
    "watercolour": Step(17, painting=style.watercolour),
    "oil": Step(17, painting=style.oil),
    "cartoon": Step(17, painting=style.cartoon),
    "sepia": Step(18, banded=colour.sepia),
    "pixelate": Step(19, banded=detail.pixelate),
    "rotate": Step(30, framing=geometry.rotate),
    "flip": Step(30, framing=geometry.flip),  # the same rank: what is turned first matters
    "crop": Step(32, framing=geometry.crop),
    "resize": Step(33, framing=geometry.resize),
    "vintage": Step(34, banded=colour.vintage),
    "vignette": Step(35, banded=detail.vignette),
    "caption": Step(36, written=text.caption),
    "border": Step(37, framing=geometry.border),
}

_BACKGROUND_BLUR = Step(4, painting=background.background_blur)
_DARKER_SKY = Step(6, banded=colour.darker_sky)


def step_for(clause: Clause) -> Step:
    """The step of a clause. A blurred background is a lens's, not a Gaussian laid over the edge; a darker
    sky keeps its colour."""
    if clause.operation == "blur" and clause.region == "background" and "pixels" not in (clause.given or ""):
        return _BACKGROUND_BLUR
    if clause.operation == "exposure" and clause.region == "sky" and clause.direction < 0:
        return _DARKER_SKY
    return STEPS[clause.operation]
