"""The README's picture: a photograph, the first try, what was wrong with it, and the try selected."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from gallery.sessions import Entry, Shot
from gallery.sheets import BAD, GOOD, INK, SOFT, THRESHOLD, font

__all__ = ["SHOWN", "readme_picture"]

SHOWN = ("china", "brighten it by 1 stop and make it more vibrant")
"""Photograph and instruction; `make demo` runs the same."""

WIDTH, EDGE, GAP = 1600, 40, 34
"""Twice the size at which pages show it, so that letters stay sharp."""
GROUND, RIM = (250, 250, 247), (224, 224, 218)
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


def readme_picture(entry: Entry, path: Path) -> None:
    """Write the picture as a PNG of 256 dithered colours: sharp letters, and a third of the bytes.

    Raises ValueError where the first try was the one selected: there would be nothing to see.
    """
    if entry.selected == 1:
        raise ValueError(f"{entry.case.instruction!r} was right at once; name another one in SHOWN")
    side = (WIDTH - 2 * EDGE - 2 * GAP) // 3
    shots = [entry.first, entry.chosen]
    height = round(side * entry.source.shape[0] / entry.source.shape[1])
    top, below = 116, 196
    canvas = Image.new("RGB", (WIDTH, top + height + below), GROUND)
    draw = ImageDraw.Draw(canvas)
    draw.text((EDGE, 34), "“" + entry.case.instruction + "”", INK, font(42), stroke_width=0.4)
    columns = [EDGE + index * (side + GAP) for index in range(3)]
    for x, pixels in zip(columns, [entry.source, *(shot.pixels for shot in shots)], strict=True):
        if pixels is not None:
            canvas.paste(_rounded(pixels, (side, height)), (x, top))
    y = top + height + 20
    draw.text((columns[0], y), "the photograph", INK, font(32), stroke_width=0.4)
    for x, shot in zip(columns[1:], shots, strict=True):
        _judged(draw, (x, y), side, shot)
    canvas = _framed(canvas)
    palette = canvas.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=4)
    canvas.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)


def _judged(draw: ImageDraw.ImageDraw, corner: tuple[int, int], width: int, shot: Shot) -> None:
    x, y = corner
    good = min(shot.semantic or 0, shot.quality or 0) >= THRESHOLD
    colour = GOOD if good else BAD
    draw.text((x, y), f"{ORDINALS[shot.turn - 1]} try", INK, font(32), stroke_width=0.4)
    score = f"{shot.overall:.1f} of 10" if shot.overall is not None else "not scored"
    length = draw.textlength(score, font(28))
    draw.rounded_rectangle((x + width - length - 32, y - 2, x + width, y + 42), 22, fill=colour)
    draw.text((x + width - length - 16, y + 3), score, (255, 255, 255), font(28))
    text = _wrong(shot.reasoning) if not good else f"told: “{shot.prompt}”"
    for row, line in enumerate(textwrap.wrap(text, int(width / 13.2))[:4]):
        draw.text((x, y + 54 + row * 33), line, colour if not good else SOFT, font(26))


def _wrong(reasoning: str) -> str:
    """The sentences of a critique that find fault."""
    sentences = [part.strip().rstrip(".") + "." for part in reasoning.split(". ") if part.strip()]
    faults = [
        s for s in sentences if "as asked" not in s and "was asked" not in s and not s.startswith("No damage")
    ]
    return " ".join(faults or sentences)


def _rounded(pixels: NDArray[np.uint8], size: tuple[int, int]) -> Image.Image:
    picture = Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)
    return _cut(picture, 14, GROUND)


def _cut(picture: Image.Image, radius: int, ground: tuple[int, int, int]) -> Image.Image:
    mask = Image.new("L", (picture.width * 2, picture.height * 2), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), radius * 2, fill=255)
    return Image.composite(picture, Image.new("RGB", picture.size, ground), mask.resize(picture.size))


def _framed(canvas: Image.Image) -> Image.Image:
    """A thin rim, so that the light card has an edge on a white page and on a dark one."""
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((0, 0, canvas.width - 1, canvas.height - 1), outline=RIM, width=2)
    return canvas
