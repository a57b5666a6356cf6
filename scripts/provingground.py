"""Makes the pictures of docs/provingground.md and prints its tables: what the simulated world looks like.

    python scripts/provingground.py

The first sheet has a source of each task type with what the three editors make of its instruction, and the
judge's scores; the second has sessions, turn by turn, with an expert of skill 1. The same code gives the same
files. Everything on them is a simulation.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from thinkedit.adapters.base import CritiqueRequest, Past
from thinkedit.images import Picture
from thinkedit.provingground import NOTICE, TASKS, WorldSample, samples
from thinkedit.provingground.editor import ProvingGroundEditor
from thinkedit.provingground.expert import ProvingGroundExpert
from thinkedit.provingground.judge import verdict
from thinkedit.provingground.rates import EDITORS
from thinkedit.provingground.scoring import Verdict

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
PAPER, INK, SOFT, GOOD, BAD = (250, 250, 248), (32, 33, 36), (112, 114, 120), (22, 128, 86), (182, 84, 20)
THUMB, GAP, EDGE = 200, 12, 20
GOOD_FROM = 8.0
SKILLS = ("0.4", "0.7", "1.0")
TURNS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Shot:
    """One picture of a sheet, and what stands under it: the prompt, and what the expert says."""

    picture: Picture
    title: str
    found: Verdict | None = None
    prompt: str = ""
    reason: str = ""


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def sheet(rows: Sequence[tuple[str, Sequence[Shot]]], across: int, lines: int) -> Image.Image:
    """Rows of pictures under their headings, `across` rows beside each other; `lines` of text under each."""
    columns = max(len(shots) for _, shots in rows)
    width = columns * (THUMB + GAP) + EDGE
    height = 34 + THUMB + 24 + lines * 17 + GAP
    down = -(-len(rows) // across)
    image = Image.new("RGB", (across * width + EDGE, down * height + 2 * EDGE + 16), PAPER)
    draw = ImageDraw.Draw(image)
    for number, (heading, shots) in enumerate(rows):
        left, top = EDGE + number % across * width, EDGE + number // across * height
        draw.text((left, top), heading, INK, font(18))
        for place, shot in enumerate(shots):
            _put(image, draw, (left + place * (THUMB + GAP), top + 30), shot)
    draw.text((EDGE, image.height - 26), NOTICE.partition(";")[0] + ".", SOFT, font(14))
    return image


def _put(image: Image.Image, draw: ImageDraw.ImageDraw, at: tuple[int, int], shot: Shot) -> None:
    pixels = Image.fromarray(shot.picture.pixels())
    image.paste(pixels.resize((THUMB, THUMB), Image.Resampling.NEAREST), at)
    left, under = at[0], at[1] + THUMB + 4
    draw.text((left, under), shot.title, INK, font(15))
    if shot.found is not None:
        good = shot.found.semantic >= GOOD_FROM and shot.found.quality >= GOOD_FROM
        told = f"{shot.found.semantic:.1f} / {shot.found.quality:.1f}"
        draw.text(
            (left + THUMB - draw.textlength(told, font(15)), under), told, GOOD if good else BAD, font(15)
        )
    texts = [(text, INK) for text in textwrap.wrap(shot.prompt, 29)]
    texts += [(text, SOFT) for text in textwrap.wrap(shot.reason, 29)]
    for line, (text, colour) in enumerate(texts):
        draw.text((left, under + 20 + 17 * line), text, colour, font(13))


def by_editors(found: Iterable[WorldSample]) -> list[tuple[str, list[Shot]]]:
    rows = []
    for sample in found:
        shots = [Shot(sample.picture, "source")]
        for model in EDITORS:
            edited = ProvingGroundEditor(model).make(sample.picture, sample.instruction, 0)
            shots.append(Shot(edited, model, verdict(sample.picture, edited, sample.instruction)))
        rows.append((f"{sample.task}: {sample.instruction}", shots))
    return rows


def session(sample: WorldSample, model: str, skill: str, turns: int) -> list[Shot]:
    """Turn by turn, with what the expert says of each."""
    editor, expert = ProvingGroundEditor(model), ProvingGroundExpert(skill)
    prompt, history, shots = sample.instruction, list[Past](), list[Shot]()
    for turn in range(1, turns + 1):
        seed = sum(past.prompt == prompt for past in history)
        edited = editor.make(sample.picture, prompt, seed)
        request = CritiqueRequest(sample.picture, edited, sample.instruction, prompt, tuple(history))
        said = expert.think(request)
        found = verdict(sample.picture, edited, sample.instruction)
        shots.append(Shot(edited, f"turn {turn}", found, f"“{prompt}”", said.reasoning))
        if said.stop:
            break
        history.append(Past(turn, prompt))
        prompt = said.next_prompt
    return shots


def by_turns(found: Iterable[WorldSample], model: str, count: int) -> list[tuple[str, list[Shot]]]:
    """The first `count` sessions that took three to five turns."""
    rows = []
    for sample in found:
        shots = session(sample, model, "1.0", 6)
        if 3 <= len(shots) <= 5 and len(rows) < count:
            rows.append((sample.instruction, [Shot(sample.picture, "source"), *shots]))
    return rows


def table(world: str, count: int) -> Iterable[str]:
    """Mean overall score of the last image after so many turns, for each editor and skill."""
    yield f"{world} world, {count} samples of the split dev, overall score after 1, 2, 4 and 8 turns:"
    yield "| editor | expert's skill | " + " | ".join(map(str, TURNS)) + " |"
    yield "|---|---|" + "---:|" * len(TURNS)
    for model in EDITORS:
        for skill in SKILLS:
            totals = dict.fromkeys(TURNS, 0.0)
            for sample in samples("dev", count, world=world):  # type: ignore[arg-type]
                shots = session(sample, model, skill, max(TURNS))
                for turns in TURNS:
                    found = shots[min(turns, len(shots)) - 1].found
                    totals[turns] += 0.0 if found is None else (found.semantic * found.quality) ** 0.5
            means = " | ".join(f"{totals[turns] / count:.1f}" for turns in TURNS)
            yield f"| {model} | {skill} | {means} |"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--samples", type=int, default=200, help="of each world, for the tables")
    count: int = arguments.parse_args().samples
    IMAGES.mkdir(parents=True, exist_ok=True)
    editors = [*samples("dev", len(TASKS["full"]), 3), *samples("dev", len(TASKS["small"]), 3, "small")]
    turns = [
        *by_turns(samples("dev", 60, 5), "weak", 3),
        *by_turns(samples("dev", 60, 5, "small"), "weak", 1),
    ]
    for name, image in (
        ("provingground.png", sheet(by_editors(editors), 2, 0)),
        ("provingground-turns.png", sheet(turns, 1, 7)),
    ):
        image.quantize(192, dither=Image.Dither.NONE).save(IMAGES / name, optimize=True)
        print(f"docs/images/{name}: {(IMAGES / name).stat().st_size // 1000} kB")
    print(NOTICE)
    for world in ("full", "small"):
        print("\n".join(table(world, count)))


if __name__ == "__main__":
    main()
