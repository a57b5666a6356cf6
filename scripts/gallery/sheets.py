"""Contact sheets: one card for each instruction, with the source, every turn and the scores over turns."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from gallery.sessions import Entry, Shot

__all__ = ["PAPER", "contact_sheet", "font", "plot", "write_jpeg"]

PAPER, CARD, INK, SOFT = (244, 244, 241), (255, 255, 255), (32, 33, 36), (112, 114, 120)
GOOD, BAD, LINE = (22, 128, 86), (182, 84, 20), (222, 222, 218)
UNITS = 6
"""Pictures across a sheet; a card takes one for the source and one for each turn."""
THUMB = (236, 178)
GAP, PAD = 14, 12
LARGEST = 590_000
"""Bytes of a sheet."""
THRESHOLD = 8.0


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def write_jpeg(image: Image.Image, path: Path) -> None:
    """The best quality, 90 downwards, that keeps a sheet within LARGEST bytes."""
    for quality in range(90, 40, -4):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
        if buffer.tell() <= LARGEST:
            break
    path.write_bytes(buffer.getvalue())


def plot(
    draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], scores: Sequence[float | None], chosen: int
) -> None:
    """Overall scores over turns, 0 to 10, the threshold as a line, the selected turn (from 0) filled."""
    left, top, right, bottom = box
    level = bottom - (bottom - top) * THRESHOLD / 10
    for x in range(left, right, 6):
        draw.line((x, level, min(x + 2, right), level), fill=SOFT)
    draw.line((left, bottom, right, bottom), fill=LINE)
    step = (right - left - 10) / max(len(scores) - 1, 1)
    points = [
        (left + 5 + i * step, bottom - (bottom - top) * score / 10)
        for i, score in enumerate(scores)
        if score is not None
    ]
    if len(points) > 1:
        draw.line(points, fill=INK, width=2)
    for index, (x, y) in enumerate(points):
        fill = GOOD if index == chosen else CARD
        draw.ellipse(
            (x - 4, y - 4, x + 4, y + 4), fill=fill, outline=GOOD if index == chosen else INK, width=2
        )


def _thumb(pixels: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(pixels)
    scale = min(THUMB[0] / image.width, THUMB[1] / image.height, 1.0)
    return image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.LANCZOS
    )


def _wrapped(text: str, width: int, size: int, lines: int) -> list[str]:
    """Text cut into lines of at most `width` pixels, the last with an ellipsis where there is more."""
    letters = max(8, int(width / (size * 0.53)))
    found = textwrap.wrap(text, letters) or [""]
    if len(found) > lines:
        found = [
            *found[: lines - 1],
            textwrap.shorten(" ".join(found[lines - 1 :]), letters, placeholder=" …"),
        ]
    return found


def _span(entry: Entry) -> int:
    return 2 if entry.refused else min(UNITS, 1 + len(entry.shots))


def _verdict(entry: Entry) -> tuple[str, tuple[int, int, int]]:
    if entry.refused:
        return "refused before any pixel was touched", SOFT
    reason = entry.stop_reason.value.replace("_", " ") if entry.stop_reason else ""
    overall = entry.chosen.overall
    text = f"{reason} · turn {entry.selected} selected" + ("" if overall is None else f" · {overall:.1f}")
    return text, GOOD if reason == "satisfied" else BAD


def _tallest(entry: Entry) -> int:
    """Pixels that the pictures of a card take in height; a refusal needs room for its words."""
    pictures = [entry.source, *(shot.pixels for shot in entry.shots)]
    tallest = max(_thumb(pixels).height for pixels in pictures if pixels is not None)
    return max(tallest, 171 if entry.refused else 0)


def _card(entry: Entry) -> Image.Image:
    span = _span(entry)
    width = span * THUMB[0] + (span - 1) * GAP + 2 * PAD
    several = len(entry.shots) > 1
    room = width - 2 * PAD - (130 if several else 0)
    title = _wrapped(entry.case.instruction, room, 18, 2)
    top = PAD + 76
    foot = top + _tallest(entry)
    height = foot + 26 + (54 if several else 0) + PAD
    card = Image.new("RGB", (width, height), CARD)
    draw = ImageDraw.Draw(card)
    for index, line in enumerate(title):
        draw.text((PAD, PAD + index * 23), line, INK, font(18))
    text, colour = _verdict(entry)
    draw.text((PAD, PAD + 48), text, colour, font(15))
    if several:
        scores = [shot.overall for shot in entry.shots]
        chosen = next(i for i, shot in enumerate(entry.shots) if shot.turn == entry.selected)
        plot(draw, (width - PAD - 116, PAD + 6, width - PAD, PAD + 58), scores, chosen)
    _picture(card, draw, (PAD, top), foot, entry.source, "source", None)
    if entry.refused:
        for index, line in enumerate(_wrapped(entry.refused, THUMB[0], 14, 9)):
            draw.text((PAD + THUMB[0] + GAP, top + index * 19), line, SOFT, font(14))
    for index, shot in enumerate(entry.shots[: UNITS - 1]):
        corner = (PAD + (index + 1) * (THUMB[0] + GAP), top)
        frame = GOOD if shot.turn == entry.selected else None
        _picture(card, draw, corner, foot, shot.pixels, _caption(shot), frame)
        if shot.turn > 1:
            for row, line in enumerate(_wrapped(f"“{shot.prompt}”", THUMB[0], 13, 3)):
                draw.text((corner[0], foot + 26 + row * 17), line, SOFT, font(13))
    return card


def _caption(shot: Shot) -> str:
    if shot.overall is None or shot.semantic is None or shot.quality is None:
        return f"turn {shot.turn}: not scored"
    return f"turn {shot.turn}: {shot.overall:.1f}  (wish {shot.semantic:.1f}, quality {shot.quality:.1f})"


def _picture(
    card: Image.Image, draw: ImageDraw.ImageDraw, corner: tuple[int, int], foot: int,
    pixels: NDArray[np.uint8] | None, caption: str, frame: tuple[int, int, int] | None,
) -> None:  # fmt: skip
    x, y = corner
    if pixels is not None:
        thumb = _thumb(pixels)
        card.paste(thumb, (x, y))
        if frame:
            draw.rectangle((x - 4, y - 4, x + thumb.width + 3, y + thumb.height + 3), outline=frame, width=3)
    draw.text((x, foot + 5), caption, frame or INK, font(14))


def _lines(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Cards in lines of UNITS pictures; a card goes into the first line that still has room for it."""
    lines: list[list[Entry]] = []
    for entry in entries:
        fitting = (line for line in lines if sum(map(_span, line)) + _span(entry) <= UNITS)
        line = next(fitting, None)
        if line is None:
            lines.append([entry])
        else:
            line.append(entry)
    return lines


def contact_sheet(entries: Sequence[Entry]) -> Image.Image:
    """All cards of a photograph, those with several turns first to be found."""
    ordered = sorted(entries, key=lambda entry: (bool(entry.refused), -_span(entry)))
    lines = [[_card(entry) for entry in line] for line in _lines(ordered)]
    width = max(sum(card.width for card in line) + GAP * (len(line) + 1) for line in lines)
    height = sum(max(card.height for card in line) + GAP for line in lines) + GAP
    sheet = Image.new("RGB", (width, height), PAPER)
    y = GAP
    for line in lines:
        x = GAP
        for card in line:
            sheet.paste(card, (x, y))
            x += card.width + GAP
        y += max(card.height for card in line) + GAP
    return sheet
