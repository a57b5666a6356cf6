"""The verdicts on real photographs: what was done is known, and the thinker sees only the pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from thinkedit.adapters import masks
from thinkedit.adapters.base import (
    Comparer,
    CompareRequest,
    CritiqueRequest,
    Past,
    Planner,
    PlanRequest,
    Thinker,
)
from thinkedit.adapters.protocol import parse_answer
from thinkedit.adapters.thinkers.measured import MeasuredThinker
from thinkedit.adapters.thinkers.measured.targets import TARGETS
from thinkedit.adapters.vocabulary import OPERATIONS, parse
from thinkedit.errors import ThinkerFailed
from thinkedit.images import Picture, load
from thinkedit.types import Critique

pytestmark = pytest.mark.anyio

Pixels = NDArray[np.uint8]
Change = Callable[[NDArray[np.float32]], NDArray[np.float32]]
NAMES = ("astronaut.png", "chelsea.png", "coffee.png")


@pytest.fixture(scope="module")
def thinker() -> MeasuredThinker:
    return MeasuredThinker()


@pytest.fixture(scope="module")
def pictures(photos: Path) -> dict[str, Picture]:
    return {name: load(photos / name).picture for name in NAMES}


def changed(picture: Picture, change: Change, where: NDArray[np.float32] | None = None) -> Picture:
    before = picture.pixels().astype(np.float32) / 255
    after = np.clip(change(before), 0, 1)
    if where is not None:
        after = before + (after - before) * where[..., None]
    return Picture.from_pixels(np.asarray(after * 255 + 0.5, np.uint8))


def luma(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(x @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]


def stops(number: float) -> Change:
    """Light times 2 ** number, rolled off above three quarters."""

    def change(x: NDArray[np.float32]) -> NDArray[np.float32]:
        y = x**2.2 * 2**number
        rolled = 0.75 + 0.25 * np.tanh((y - 0.75) / 0.25)
        return np.asarray(np.where((y > 0.75) & (number > 0), rolled, y) ** (1 / 2.2), np.float32)

    return change


def curve(strength: float) -> Change:
    return lambda x: x - strength * np.sin(2 * np.pi * x) / (2 * np.pi)


def warm(gain: float) -> Change:
    def change(x: NDArray[np.float32]) -> NDArray[np.float32]:
        y = x * np.array([gain, 1, 1 / gain], np.float32)
        return np.asarray(y * luma(x) / np.maximum(luma(y), 1e-3))

    return change


def colour(factor: float) -> Change:
    return lambda x: luma(x) + (x - luma(x)) * factor


def sharp(amount: float) -> Change:
    return lambda x: x + amount * (luma(x) - cv2.GaussianBlur(luma(x), (0, 0), 1.2)[..., None])


def soft(share: float) -> Change:
    return lambda x: cv2.GaussianBlur(x, (0, 0), share * max(x.shape))


def background(picture: Picture) -> NDArray[np.float32]:
    subject = masks.subject(picture.pixels())
    assert subject is not None
    return 1 - subject


async def judged(
    thinker: MeasuredThinker, source: Picture, edited: Picture, instruction: str, prompt: str = ""
) -> Critique:
    return await thinker.critique(CritiqueRequest(source, edited, instruction, prompt or instruction))


WHOLE: dict[str, tuple[Change, Change, Change]] = {
    "make it brighter": (stops(0.1), stops(0.5), stops(2.5)),
    "make it darker": (stops(-0.1), stops(-0.6), stops(-4)),
    "increase the contrast": (curve(0.05), curve(0.32), curve(1.6)),
    "make it warmer": (warm(1.01), warm(1.07), warm(1.35)),
    "make it much cooler": (warm(0.98), warm(0.9), warm(0.6)),
    "increase the saturation": (colour(1.05), colour(1.32), colour(2.8)),
    "reduce the saturation": (colour(0.96), colour(0.7), colour(0.1)),
    "sharpen it": (sharp(0.03), sharp(0.6), sharp(7)),
}


@pytest.mark.parametrize("instruction", WHOLE)
@pytest.mark.parametrize("name", NAMES)
async def test_too_little_right_and_too_much(
    thinker: MeasuredThinker, pictures: dict[str, Picture], name: str, instruction: str
) -> None:
    source = pictures[name]
    under, right, over = [
        await judged(thinker, source, changed(source, change), instruction) for change in WHOLE[instruction]
    ]
    assert under.semantic is not None
    assert under.semantic < 8
    assert "too little" in under.reasoning or "hardly visible" in under.reasoning
    assert right.satisfied(8), right.reasoning
    assert right.next_prompt == instruction
    assert not over.satisfied(8)
    assert "too much" in over.reasoning or (over.quality is not None and over.quality < 8)
    asked, less = parse(under.next_prompt), parse(over.next_prompt)
    assert asked[0].amount > parse(instruction)[0].amount
    assert less[0].amount < parse(instruction)[0].amount or less[-1].operation == "protect"


BEHIND: dict[str, tuple[Change, Change]] = {
    "blur the background": (soft(0.002), soft(0.017)),
    "make the background darker": (stops(-0.08), stops(-0.6)),
    "make the background black and white": (colour(0.5), colour(0.0)),
}


@pytest.mark.parametrize("instruction", BEHIND)
@pytest.mark.parametrize("name", ["astronaut.png", "coffee.png"])
async def test_a_region_is_judged_inside_and_guarded_outside(
    thinker: MeasuredThinker, pictures: dict[str, Picture], name: str, instruction: str
) -> None:
    source = pictures[name]
    where = background(source)
    under, right = [
        await judged(thinker, source, changed(source, change, where), instruction)
        for change in BEHIND[instruction]
    ]
    leaked = await judged(thinker, source, changed(source, BEHIND[instruction][1]), instruction)
    assert not under.satisfied(8)
    assert right.satisfied(8), right.reasoning
    assert right.preservation is not None
    assert leaked.preservation is not None
    assert right.preservation.outside_delta_e is not None
    assert leaked.preservation.outside_delta_e is not None
    assert right.preservation.outside_delta_e < 0.5 < 1.3 < leaked.preservation.outside_delta_e
    assert leaked.quality is not None
    assert leaked.quality < 8
    assert "although only the background was to change" in leaked.reasoning
    assert [c.region for c in parse(leaked.next_prompt) if c.operation == "protect"] == ["subject"]


def noisy(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return x + np.random.default_rng(3).normal(0, 0.06, x.shape).astype(np.float32)


def jpeg(x: NDArray[np.float32]) -> NDArray[np.float32]:
    code = cv2.imencode(".png", np.asarray(np.clip(x, 0, 1) * 255, np.uint8))[1]
    coded = cv2.imencode(".jpg", cv2.imdecode(code, cv2.IMREAD_COLOR), [cv2.IMWRITE_JPEG_QUALITY, 8])[1]
    return cv2.imdecode(coded, cv2.IMREAD_COLOR).astype(np.float32) / 255


DAMAGE: dict[str, tuple[Change, str]] = {
    "noise": (noisy, "Noise rose"),
    "smear": (lambda x: cv2.GaussianBlur(x, (0, 0), 1.6), "of the sharpness is lost"),
    "shift": (lambda x: np.roll(x, (4, 4), axis=(0, 1)), "The picture moved"),
    "blocks": (jpeg, "Square blocks"),
    "bands": (lambda x: np.round(x * 12) / 12, "bands of"),
    "cast": (lambda x: x * np.array([1, 1.12, 1], np.float32), "A cast of"),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", NAMES)
async def test_damage_is_named_although_the_amount_is_right(
    thinker: MeasuredThinker, pictures: dict[str, Picture], name: str, damage: str
) -> None:
    source = pictures[name]
    harm, said = DAMAGE[damage]
    good = changed(source, stops(0.5))
    bad = await judged(thinker, source, changed(good, harm), "make it brighter")
    fine = await judged(thinker, source, good, "make it brighter")
    assert bad.quality is not None
    assert fine.quality is not None
    assert bad.quality < 8 <= fine.quality
    assert said in bad.reasoning
    assert said not in fine.reasoning


async def test_clipping_is_counted_and_the_highlights_are_protected_next(
    thinker: MeasuredThinker, pictures: dict[str, Picture]
) -> None:
    source = pictures["astronaut.png"]
    blown = changed(source, lambda x: np.where(x > 0.72, 1.0, x * 1.12))
    critique = await judged(thinker, source, blown, "make it brighter")
    assert critique.quality is not None
    assert critique.quality < 8
    assert "% of the picture is now" in critique.reasoning
    assert ("protect", "highlights") in [(c.operation, c.region) for c in parse(critique.next_prompt)]


@pytest.mark.parametrize("instruction", ["make it brighter", "blur the background", "turn it into a cartoon"])
async def test_nothing_done_is_never_satisfied(
    thinker: MeasuredThinker, pictures: dict[str, Picture], instruction: str
) -> None:
    source = pictures["coffee.png"]
    critique = await judged(thinker, source, source, instruction)
    assert critique.semantic is not None
    assert critique.semantic < 4
    assert not critique.satisfied(8)


async def test_the_opposite_is_worse_than_nothing(
    thinker: MeasuredThinker, pictures: dict[str, Picture]
) -> None:
    source = pictures["chelsea.png"]
    critique = await judged(thinker, source, changed(source, stops(-0.5)), "make it brighter")
    assert critique.semantic == 0
    assert "the opposite of what was asked" in critique.reasoning


async def test_each_of_several_wishes_counts(thinker: MeasuredThinker, pictures: dict[str, Picture]) -> None:
    source = pictures["chelsea.png"]
    both = changed(changed(source, stops(0.5)), warm(1.07))
    wish = "make it brighter and warmer"
    assert (await judged(thinker, source, both, wish)).satisfied(8)
    half = await judged(thinker, source, changed(source, stops(0.5)), wish)
    assert not half.satisfied(8)
    assert "Warmth" in half.reasoning
    brighter, warmer = parse(half.next_prompt)
    assert brighter.amount == 1
    assert warmer.amount > 1


async def test_a_number_is_held_to(thinker: MeasuredThinker, pictures: dict[str, Picture]) -> None:
    source = pictures["chelsea.png"]
    for given, wanted in ((0.5, False), (1.0, True), (1.7, False)):
        critique = await judged(thinker, source, changed(source, stops(given)), "brighten it by 1 stop")
        assert (critique.semantic is not None and critique.semantic >= 8) is wanted, critique.reasoning


async def test_protection_in_the_instruction_is_held_to(
    thinker: MeasuredThinker, pictures: dict[str, Picture]
) -> None:
    source = pictures["astronaut.png"]
    warmer = changed(source, warm(1.09))
    assert (await judged(thinker, source, warmer, "make it warmer")).satisfied(8)
    critique = await judged(thinker, source, warmer, "make it warmer but leave the subject alone")
    assert not critique.satisfied(8)
    assert "The subject changed visibly" in critique.reasoning
    assert "although it was to stay" in critique.reasoning


@pytest.mark.parametrize(
    "instruction", ["add a pendant around her neck", "make it warmer and remove the cup", ""]
)
async def test_what_is_outside_the_vocabulary_is_not_guessed(
    thinker: MeasuredThinker, pictures: dict[str, Picture], instruction: str
) -> None:
    source = pictures["coffee.png"]
    with pytest.raises(ThinkerFailed) as caught:
        await judged(thinker, source, source, instruction, "x")
    assert not caught.value.retryable
    assert "use a model as the thinker" in str(caught.value)


async def test_a_region_that_is_not_there_cannot_be_judged(thinker: MeasuredThinker) -> None:
    plain = Picture.from_pixels(np.full((80, 120, 3), 128, np.uint8))
    with pytest.raises(ThinkerFailed, match="no sky can be told") as caught:
        await judged(thinker, plain, plain, "darken the sky")
    assert not caught.value.retryable


async def test_the_same_pictures_give_the_same_answer(pictures: dict[str, Picture]) -> None:
    source = pictures["astronaut.png"]
    edited = changed(source, soft(0.01), background(source))
    request = CritiqueRequest(source, edited, "blur the background and rotate by 3 degrees", "x")
    first, second = MeasuredThinker(), MeasuredThinker()
    answers = [await first.critique(request), await first.critique(request), await second.critique(request)]
    assert answers[0] == answers[1] == answers[2]


async def test_the_raw_answer_follows_the_grammar(
    thinker: MeasuredThinker, pictures: dict[str, Picture]
) -> None:
    source = pictures["chelsea.png"]
    critique = await judged(thinker, source, changed(source, stops(0.1)), "make it brighter")
    read = parse_answer(critique.raw)
    assert (read.semantic, read.quality) == (critique.semantic, critique.quality)
    assert (read.reasoning, read.next_prompt) == (critique.reasoning, critique.next_prompt)


async def test_a_refused_prompt_is_said_otherwise(
    thinker: MeasuredThinker, pictures: dict[str, Picture]
) -> None:
    source = pictures["chelsea.png"]
    history = (Past(1, "make it warmer", 5.0, 9.0, "Warmth rose by 2.0 of the 6.0 b* wanted, too little."),)
    request = CritiqueRequest(
        source, source, "make it warmer", "glow warmly", history, error="not understood"
    )
    critique = await thinker.critique(request)
    assert critique.semantic is None
    assert not critique.satisfied(8)
    assert parse(critique.next_prompt) == parse("make it warmer")
    again = CritiqueRequest(
        source, source, "make it warmer", critique.next_prompt, history, error="not understood"
    )
    other = await thinker.critique(again)
    assert other.next_prompt != critique.next_prompt


async def test_another_size_is_said_and_another_shape_costs_quality(
    thinker: MeasuredThinker, pictures: dict[str, Picture]
) -> None:
    source = pictures["coffee.png"]
    good = changed(source, stops(0.5)).pixels()
    half = Picture.from_pixels(
        np.asarray(cv2.resize(good, (300, 200), interpolation=cv2.INTER_AREA), np.uint8)
    )
    critique = await judged(thinker, source, half, "make it brighter")
    assert "300 x 200 instead of 600 x 400" in critique.reasoning
    square = Picture.from_pixels(
        np.asarray(cv2.resize(good, (400, 400), interpolation=cv2.INTER_AREA), np.uint8)
    )
    critique = await judged(thinker, source, square, "make it brighter")
    assert critique.quality is not None
    assert critique.quality < 8
    assert "the shape of the picture changed by 50 %" in critique.reasoning.replace("The", "the")


def test_every_operation_of_the_vocabulary_has_a_target() -> None:
    assert set(TARGETS) == set(OPERATIONS) - {"protect"}


SENTENCES = (
    "make it brighter", "brighten by 1 stop", "reduce the contrast", "lift the shadows",
    "recover the highlights", "raise the midtones", "add clarity", "enhance it",
    "make the shadows warmer", "more magenta",
    "make it more vibrant", "make it black and white", "give it a sepia tone", "give it a vintage look",
    "make the red parts blue", "reduce the noise", "blur it by 5 pixels", "add a vignette", "pixelate it",
    "sharpen the centre", "replace the background with white", "replace the sky with a sunset",
    "turn it into a pencil sketch", "turn it into a colour sketch", "turn it into a watercolour",
    "turn it into an oil painting", "turn it into a cartoon", "crop to 1:1", "crop closer to the subject",
    "rotate by 5 degrees", "flip it vertically", "resize to 50 %", "add a 3 pixel white border",
    'add the text "Hi" at the top', "make it warmer but keep the skin",
)  # fmt: skip


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 9, 4), (3, 900, 3, 900), (40, 50, 40, 50)])
@pytest.mark.parametrize("grey", [False, True])
async def test_no_picture_breaks_it(
    thinker: MeasuredThinker, shape: tuple[int, int, int, int], grey: bool
) -> None:
    draw = np.random.default_rng(7)
    high, wide, tall, broad = shape
    source, edited = (
        draw.integers(0, 256, (h, w, 1 if grey else 3), dtype=np.uint8)
        for h, w in ((high, wide), (tall, broad))
    )
    if grey:
        source, edited = np.repeat(source, 3, axis=2), np.repeat(edited, 3, axis=2)
    one, two = Picture.from_pixels(source), Picture.from_pixels(edited)
    for sentence in SENTENCES:
        if any(word in sentence for word in ("subject", "background", "sky", "red")):
            continue  # those regions are not in noise
        critique = await judged(thinker, one, two, sentence)
        assert critique.semantic is not None
        assert critique.quality is not None
        assert parse(critique.next_prompt)


GEOMETRY: dict[str, Callable[[Pixels], Pixels]] = {
    "flip it horizontally": lambda p: p[:, ::-1],
    "flip it vertically": lambda p: p[::-1],
    "rotate 90 degrees clockwise": lambda p: np.rot90(p, -1),
    "crop 10 % off the left": lambda p: p[:, p.shape[1] // 10 :],
    "crop to 1:1": lambda p: p[:, (p.shape[1] - p.shape[0]) // 2 :][:, : p.shape[0]],
    "resize to 50 %": lambda p: cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "add a 20 pixel white border": lambda p: np.pad(p, ((20, 20), (20, 20), (0, 0)), constant_values=255),
    "add a 20 pixel black border": lambda p: np.pad(p, ((20, 20), (20, 20), (0, 0))),
}


@pytest.mark.parametrize("instruction", GEOMETRY)
async def test_geometry_is_found_in_the_result(
    thinker: MeasuredThinker, pictures: dict[str, Picture], instruction: str
) -> None:
    whole = pictures["coffee.png"].pixels()
    source = Picture.from_pixels(np.asarray(cv2.resize(whole, (300, 200), interpolation=cv2.INTER_AREA)))
    others = [*GEOMETRY, *GEOMETRY][list(GEOMETRY).index(instruction) :][:4]
    results = {
        name: Picture.from_pixels(np.ascontiguousarray(GEOMETRY[name](source.pixels()))) for name in others
    }
    right = await judged(thinker, source, results[instruction], instruction)
    assert right.satisfied(8), right.reasoning
    for name, result in results.items():
        if name != instruction:
            other = await judged(thinker, source, result, instruction)
            assert not other.satisfied(8), f"{name} taken for {instruction}: {other.reasoning}"


async def test_it_plans_what_suits_the_photograph(
    thinker: MeasuredThinker, pictures: dict[str, Picture]
) -> None:
    assert isinstance(thinker, Planner)
    source = pictures["coffee.png"]
    bright = changed(source, stops(1.6))
    for picture in (source, bright):
        assert parse(await thinker.plan(PlanRequest(picture, "make it brighter and more contrasty")))
    planned = parse(await thinker.plan(PlanRequest(bright, "make it brighter")))
    assert planned[0].amount < 1 or ("protect", "highlights") in [(c.operation, c.region) for c in planned]
    kept = "brighten it by 20 %"
    assert await thinker.plan(PlanRequest(source, kept)) == kept
    assert await thinker.plan(PlanRequest(source, "make it sepia")) == "make it sepia"


async def test_it_compares_two_results(thinker: MeasuredThinker, pictures: dict[str, Picture]) -> None:
    assert isinstance(thinker, Comparer)
    assert isinstance(thinker, Thinker)
    source = pictures["chelsea.png"]
    good, poor = changed(source, stops(0.5)), changed(source, stops(0.05))
    for first, second, better in ((good, poor, 1), (poor, good, 2), (good, good, 0)):
        found = await thinker.compare(CompareRequest(source, first, second, "make it brighter"))
        assert found.better == better
