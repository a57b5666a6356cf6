"""Wishes about the shape of the picture, alone and beside others: done by the real editor, and left out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import anyio
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from thinkedit import think_edit
from thinkedit.adapters.base import EditRequest
from thinkedit.adapters.editors.photo import PhotoEditor
from thinkedit.adapters.thinkers.measured import MeasuredThinker
from thinkedit.adapters.thinkers.measured.rim import find_rim, without_rim
from thinkedit.adapters.thinkers.measured.verdict import Verdict
from thinkedit.adapters.thinkers.measured.views import View
from thinkedit.adapters.vocabulary import parse
from thinkedit.images import Picture, load

Pixels = NDArray[np.uint8]
NAMES = ("astronaut.png", "chelsea.png", "china.jpg", "coffee.png", "rocket.jpg")
GOOD = 8.0


@pytest.fixture(scope="module")
def thinker() -> MeasuredThinker:
    return MeasuredThinker()


@pytest.fixture(scope="module")
def pictures(photos: Path) -> dict[str, Picture]:
    return {name: load(photos / name).picture for name in NAMES}


@functools.cache
def edited(source: Picture, prompt: str) -> Picture:
    async def one() -> Picture:
        made = (await PhotoEditor().edit([EditRequest(source, prompt)]))[0]
        if isinstance(made, Exception):
            raise made
        return made.picture

    return anyio.run(one)


def good(verdict: Verdict) -> bool:
    return verdict.semantic >= GOOD and verdict.quality >= GOOD


def squeezed(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    return np.asarray(
        cv2.resize(pixels, (round(0.88 * width), height), interpolation=cv2.INTER_AREA), np.uint8
    )


TOGETHER = (
    ("crop closer and add a white border", NAMES),
    ('crop closer, add a caption "Hello" at the bottom and a white border', ("rocket.jpg",)),
    ("resize it to 500x500", ("chelsea.png", "coffee.png")),
    ("stretch it to 500x500 and add a white border", ("coffee.png",)),
    ("crop to 4:5 and stretch it to 300x300", ("china.jpg",)),
    ("crop to 4:5 and resize it to 300x300", ("rocket.jpg",)),
    ("rotate it by 5 degrees to the right and crop 10 % off the top", ("china.jpg",)),
    ("rotate it by 5 degrees to the right and add a black border", ("coffee.png", "rocket.jpg")),
    ("rotate it by 5 degrees to the right and flip it horizontally", ("chelsea.png",)),
    ("rotate it left by 90 degrees and flip it vertically", ("china.jpg",)),
    ("flip it horizontally and crop 10 % off the left", ("coffee.png",)),
    ("flip it vertically and crop 10 % off the top", ("china.jpg",)),
    ("resize it to 50 % and add a red border", ("chelsea.png", "rocket.jpg")),
    ("resize it to 50 % and crop closer", ("coffee.png",)),
    ("crop 10 % off the left and add a vignette", ("chelsea.png",)),
    ("add a white border and make it brighter", ("astronaut.png", "chelsea.png")),
    ("crop 10 % off the left and blur the background", ("coffee.png",)),
    ('resize it to 50 % and add a caption "Hello" at the top', ("china.jpg",)),
)


@pytest.mark.parametrize(
    ("instruction", "name"), [(said, name) for said, names in TOGETHER for name in names]
)
def test_what_was_done_as_asked_is_good(
    thinker: MeasuredThinker, pictures: dict[str, Picture], instruction: str, name: str
) -> None:
    source = pictures[name]
    verdict = thinker.verdict(source, edited(source, instruction), instruction)
    assert good(verdict), (verdict.semantic, verdict.quality, verdict.readings, verdict.guards)


WRONG = (
    ("crop closer and add a white border", "add a white border", ("chelsea.png", "rocket.jpg")),
    ("crop closer and add a white border", "crop closer", ("chelsea.png",)),
    ("crop closer and add a white border", "crop closer and add a black border", ("rocket.jpg",)),
    ("add a thick white border", "add a white border by 1 %", ("coffee.png",)),
    ("crop to 4:5 and add a white border", "crop to 1:1 and add a white border", ("china.jpg",)),
    ("resize it to 500x500", "stretch it to 500x500", ("chelsea.png", "coffee.png")),
    ("stretch it to 500x500", "resize it to 500x500", ("chelsea.png",)),
    ("resize it to 50 % and add a white border", "add a white border", ("rocket.jpg",)),
    ("resize it to 50 % and crop closer", "crop closer", ("coffee.png",)),
    ("rotate it by 5 degrees to the right and add a white border", "add a white border", ("coffee.png",)),
    ("rotate it by 5 degrees to the right and crop closer", "rotate it by 5 degrees to the right",
     ("china.jpg",)),
    ("flip it horizontally and crop 10 % off the left", "flip it horizontally and crop 10 % off the right",
     ("coffee.png",)),
    ("rotate it by 9 degrees to the right and flip it horizontally",
     "rotate it by 9 degrees to the left and flip it horizontally", ("chelsea.png",)),
    ("add a white border and make it brighter", "add a white border", ("chelsea.png",)),
)  # fmt: skip


@pytest.mark.parametrize(
    ("instruction", "done", "name"), [(said, done, name) for said, done, names in WRONG for name in names]
)
def test_what_was_left_out_or_done_otherwise_is_seen(
    thinker: MeasuredThinker, pictures: dict[str, Picture], instruction: str, done: str, name: str
) -> None:
    source = pictures[name]
    verdict = thinker.verdict(source, edited(source, done), instruction)
    assert verdict.semantic < GOOD, verdict.readings


@pytest.mark.parametrize("instruction", ["crop closer", "flip it horizontally", "resize it to 50 %"])
def test_a_picture_squeezed_beside_what_was_asked_is_seen(
    thinker: MeasuredThinker, pictures: dict[str, Picture], instruction: str
) -> None:
    source = pictures["chelsea.png"]
    done = Picture.from_pixels(squeezed(edited(source, instruction).pixels()))
    assert thinker.verdict(source, done, instruction).semantic < GOOD


def test_a_border_on_two_sides_is_none(thinker: MeasuredThinker, pictures: dict[str, Picture]) -> None:
    source = pictures["coffee.png"]
    boxed = np.pad(source.pixels(), ((30, 30), (0, 0), (0, 0)), constant_values=255)
    verdict = thinker.verdict(source, Picture.from_pixels(boxed), "add a white border")
    assert verdict.semantic < GOOD


def framed(pixels: Pixels, thick: int) -> Pixels:
    return np.pad(pixels, ((thick, thick), (thick, thick), (0, 0)), constant_values=255)


@pytest.mark.parametrize(
    ("change", "thick"),
    [(lambda p: framed(p, 12), 12), (lambda p: p, 0), (lambda p: framed(p[::-1], 3), 3)],
)
def test_the_rim_of_a_picture_that_has_one_itself_is_what_was_added(
    change: Callable[[Pixels], Pixels], thick: int, pictures: dict[str, Picture]
) -> None:
    own = framed(pictures["coffee.png"].pixels(), 20)
    result = change(own)
    rim = find_rim(View.of(own), result, parse("add a white border"))
    assert rim.thick == thick
    inner = without_rim(result, rim)
    assert inner.shape == own.shape
    assert rim.colour == (255, 255, 255)


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["chelsea.png"])
async def test_the_loop_ends_satisfied_at_its_first_turn(photos: Path, name: str) -> None:
    instruction = 'crop closer, add a caption "Chelsea" at the bottom and a white border'
    result = await think_edit(photos / name, instruction)
    assert (result.stop_reason, len(result.turns)) == ("satisfied", 1)
