"""A caption, drawn with Pillow's own typeface."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from thinkedit.adapters.editors.photo.palette import rgb_of
from thinkedit.adapters.masks.guided import Pixels
from thinkedit.adapters.vocabulary import Clause
from thinkedit.errors import UnsupportedEdit

__all__ = ["caption"]

SIZES = {"small": 0.035, "medium": 0.06, "large": 0.1}
"""Height of the letters as a share of the picture's shorter side."""
MARGIN = 0.04


def caption(pixels: Pixels, clause: Clause) -> Pixels:
    """Write the text at its position, smaller where it would not fit, with an edge that keeps it legible.

    Raises UnsupportedEdit for letters that the typeface has not, and where the picture is too small.
    """
    options = clause.as_mapping()
    text = options["text"].strip()
    _check_letters(text)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    short, margin = min(image.size), max(1, round(MARGIN * min(image.size)))
    height = SIZES[options.get("size", "medium")] * short
    room = (image.width - 2 * margin, image.height - 2 * margin)
    while True:
        font = ImageFont.load_default(size=max(1.0, height))
        stroke = max(1, round(height / 16))
        left, top, right, bottom = draw.multiline_textbbox(
            (0, 0), text, font=font, stroke_width=stroke, align="center"
        )
        if right - left <= room[0] and bottom - top <= room[1]:
            break
        height *= 0.9
        if height < 6:
            raise UnsupportedEdit(
                f"the text {text[:40]!r} does not fit on a picture of {image.width}x{image.height}", (text,)
            )
    colour = rgb_of(options.get("colour", "white"))
    x, y = _place(options.get("position", "bottom"), image.size, (right - left, bottom - top), margin)
    edge = (0, 0, 0) if sum(colour) > 380 else (255, 255, 255)
    draw.multiline_text(
        (x - left, y - top), text, fill=colour, font=font, stroke_width=stroke, stroke_fill=edge,
        align="center",
    )  # fmt: skip
    return np.asarray(image, np.uint8)


def _place(
    position: str, picture: tuple[int, int], box: tuple[float, float], margin: int
) -> tuple[float, float]:
    """Left and top of a box of the caption's size."""
    places = []
    for extent, size, first, last in (
        (picture[0], box[0], "left", "right"),
        (picture[1], box[1], "top", "bottom"),
    ):
        after = extent - margin - size
        places.append(margin if first in position else after if last in position else (extent - size) / 2)
    return places[0], places[1]


def _check_letters(text: str) -> None:
    font = ImageFont.load_default(size=20)
    if not isinstance(font, ImageFont.FreeTypeFont):
        return
    missing = bytes(font.getmask("\U0010fffe"))
    strange = sorted({c for c in text if not c.isspace() and bytes(font.getmask(c)) == missing})
    if strange:
        raise UnsupportedEdit(
            f"the caption's typeface has no letters for {' '.join(strange[:8])}", tuple(strange)
        )
