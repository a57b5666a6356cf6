"""Two wishes in one sentence: each is judged by what it did, whatever the other does to the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from thinkedit.adapters.thinkers.measured import MeasuredThinker
from thinkedit.adapters.thinkers.measured.readings import State
from thinkedit.adapters.thinkers.measured.together import allowed_for, tone_fit
from thinkedit.adapters.thinkers.measured.tone import exposure
from thinkedit.adapters.thinkers.measured.verdict import Verdict
from thinkedit.images import Picture, load

Codes = NDArray[np.float32]
Change = Callable[[Codes], Codes]
NAMES = ("astronaut.png", "coffee.png", "china.jpg", "rocket.jpg")
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@pytest.fixture(scope="module")
def thinker() -> MeasuredThinker:
    return MeasuredThinker()


@pytest.fixture(scope="module")
def codes(photos: Path) -> dict[str, Codes]:
    """The example photographs, made small, gamma-encoded 0 to 1."""
    found = {}
    for name in NAMES:
        pixels = load(photos / name).picture.pixels()
        size = (240, round(240 * pixels.shape[0] / pixels.shape[1]))
        found[name] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return found


def picture(codes: Codes) -> Picture:
    return Picture.from_pixels(np.asarray(np.clip(codes, 0, 1) * 255 + 0.5, np.uint8))


def darker(x: Codes) -> Codes:
    return np.asarray((x**2.2 * 2**-0.6) ** (1 / 2.2), np.float32)


def steeper(x: Codes) -> Codes:
    return np.asarray(x - 0.4 * np.sin(2 * np.pi * x) / (2 * np.pi), np.float32)


def warmer(x: Codes) -> Codes:
    y = x * np.array([1.055, 1, 1 / 1.055], np.float32)
    return np.asarray(y * (x @ LUMA / np.maximum(y @ LUMA, 1e-3))[..., None], np.float32)


def fuller(x: Codes) -> Codes:
    grey = (x @ LUMA)[..., None]
    return np.asarray(np.clip(grey + (x - grey) * 1.28, 0, 1), np.float32)


def vignetted(x: Codes) -> Codes:
    y = np.linspace(-1, 1, x.shape[0], dtype=np.float32)[:, None]
    across = np.linspace(-1, 1, x.shape[1], dtype=np.float32)[None, :]
    fall = 1 - 0.3 * np.clip((np.hypot(across, y) - 0.7) / 0.7, 0, 1)
    return np.asarray(x * fall[..., None], np.float32)


def shadowed(x: Codes) -> Codes:
    """Light into the dark parts, less and less up to the middle."""
    grey = x @ LUMA
    return np.asarray(x * (1 + 0.6 * np.clip(1 - grey / 0.45, 0, 1))[..., None], np.float32)


PAIRS: dict[str, tuple[Change, Change]] = {
    "make it darker and increase the contrast": (darker, steeper),
    "increase the contrast and add a vignette": (steeper, vignetted),
    "make it warmer and increase the contrast": (warmer, steeper),
    "make it warmer and more saturated": (warmer, fuller),
}


def states(verdict: Verdict) -> list[State]:
    """The state of each wish, in the order of the instruction."""
    return list({reading.clause: reading.state for reading in reversed(verdict.readings)}.values())[::-1]


# Not the rocket: its sky is so dark that a steeper curve by itself makes all of it darker.
@pytest.mark.parametrize("instruction", PAIRS)
@pytest.mark.parametrize("name", NAMES[:3])
def test_both_done_is_right_and_one_left_out_is_seen(
    thinker: MeasuredThinker, codes: dict[str, Codes], name: str, instruction: str
) -> None:
    first, second = PAIRS[instruction]
    source = picture(codes[name])
    both = thinker.verdict(source, picture(second(first(codes[name]))), instruction)
    assert states(both) == [State.RIGHT, State.RIGHT], both.readings
    only_first = states(thinker.verdict(source, picture(first(codes[name])), instruction))
    assert only_first[1] in (State.MISSING, State.UNDER, State.WRONG), only_first
    only_second = states(thinker.verdict(source, picture(second(codes[name])), instruction))
    assert only_second[0] in (State.MISSING, State.UNDER, State.WRONG), only_second


@pytest.mark.parametrize("name", NAMES)
def test_shadows_lifted_do_not_hide_that_contrast_rose(
    thinker: MeasuredThinker, codes: dict[str, Codes], name: str
) -> None:
    instruction = "lift the shadows and increase the contrast"
    source = picture(codes[name])
    found = thinker.verdict(source, picture(steeper(shadowed(codes[name]))), instruction)
    assert State.WRONG not in states(found), found.readings


def test_the_fit_finds_the_gain_and_the_slope_that_were_made(
    thinker: MeasuredThinker, codes: dict[str, Codes]
) -> None:
    instruction = "make it darker by 0.6 stops and increase the contrast"
    for name in ("coffee.png", "astronaut.png"):
        source = picture(codes[name])
        light = thinker.verdict(source, picture(darker(steeper(codes[name]))), instruction).readings[0]
        assert light.value == pytest.approx(0.6, abs=0.15), name


def test_alone_nothing_is_fitted_and_no_band_is_widened() -> None:
    from thinkedit.adapters.thinkers.measured.look import look
    from thinkedit.adapters.thinkers.measured.sources import Sources
    from thinkedit.adapters.vocabulary import parse

    ramp = np.tile(np.linspace(20, 220, 120, dtype=np.uint8)[None, :, None], (80, 1, 3))
    wishes = parse("make it brighter")
    scene, _ = look(Sources().get(Picture.from_pixels(ramp), wishes), ramp, wishes)
    assert tone_fit(scene, wishes[0]) is None
    readings = exposure(scene, wishes[0])
    assert allowed_for(readings, wishes) == readings
    beside = allowed_for(readings, parse("make it brighter and increase the contrast"))
    assert beside[0].low < readings[0].low
    assert beside[0].high > readings[0].high
