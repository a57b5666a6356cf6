"""A caption, drawn with Pillow's own typeface."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from thinkedit.adapters.editors.photo.palette import rgb_of
from thinkedit.adapters.masks.guided import Pixels
from thinkedit.adapters.vocabulary import Clause
from thinkedit.errors import UnsupportedEdit

__all__ = ["caption"]

SIZES = {"small": 0.045, "medium": 0.06, "large": 0.1}
"""Height of capitals as a share of the picture's shorter side."""
LEGIBLE = SIZES["small"]
"""A text too long for one line is broken into several before its capitals become smaller than this."""
CAPITAL = 0.71
"""Height of a capital as a share of the typeface's size."""
MARGIN = 0.04
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def caption(pixels: Pixels, clause: Clause) -> Pixels:
    """Write the text at its position, smaller or in more lines where it would not fit, with an edge that
    keeps it legible.

    Raises UnsupportedEdit for letters that the typeface has not, and where the picture is too small.
    """
    options = clause.as_mapping()
    text = options["text"].strip()
    _check_letters(text)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    short, margin = min(image.size), max(1, round(MARGIN * min(image.size)))
    least = LEGIBLE / CAPITAL * short
    size = SIZES[options.get("size", "medium")] / CAPITAL * short
    room = (image.width - 2 * margin, image.height - 2 * margin)
    while True:
        font = ImageFont.load_default(size=max(1.0, size))
        stroke = max(1, round(size / 16))
        lines = _broken(text, font, room[0] - 2 * stroke) if size <= least else text
        left, top, right, bottom = draw.multiline_textbbox(
            (0, 0), lines, font=font, stroke_width=stroke, align="center"
        )
        if right - left <= room[0] and bottom - top <= room[1]:
            break
        if size < 6:
            raise UnsupportedEdit(
                f"the text {text[:40]!r} does not fit on a picture of {image.width}x{image.height}", (text,)
            )
        size = max(0.9 * size, least) if size > least else 0.9 * size
    colour = rgb_of(options.get("colour", "white"))
    x, y = _place(options.get("position", "bottom"), image.size, (right - left, bottom - top), margin)
    edge = (0, 0, 0) if sum(colour) > 380 else (255, 255, 255)
    draw.multiline_text(
        (x - left, y - top), lines, fill=colour, font=font, stroke_width=stroke, stroke_fill=edge,
        align="center",
    )  # fmt: skip
    return np.asarray(image, np.uint8)


def _broken(text: str, font: Font, room: float) -> str:
    """The text with more line breaks, so that no line is wider than `room`; a long word stays whole."""
    lines: list[str] = []
    space = font.getlength(" ")
    for line in text.split("\n"):
        said, length = list[str](), 0.0
        for word in line.split(" "):
            width = font.getlength(word)
            if said and length + space + width > room:
                lines.append(" ".join(said))
                said, length = [], 0.0
            length += width + (space if said else 0.0)
            said.append(word)
        lines.append(" ".join(said))
    return "\n".join(lines)


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
