from __future__ import annotations

from dataclasses import replace

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.provingground.scenes import full
from tests.provingground.strategies import scenes, tried
from thinkedit.adapters.base import Judge, JudgeRequest, PlanRequest
from thinkedit.adapters.judges import create_judge
from thinkedit.errors import ThinkerFailed
from thinkedit.images import Picture
from thinkedit.provingground import render, samples
from thinkedit.provingground.applying import apply
from thinkedit.provingground.decoding import decode
from thinkedit.provingground.drawing import draw
from thinkedit.provingground.editing import attempt, damaged
from thinkedit.provingground.expert import ProvingGroundExpert
from thinkedit.provingground.faults import faults
from thinkedit.provingground.judge import verdict
from thinkedit.provingground.meaning import meaning
from thinkedit.provingground.rates import Rates
from thinkedit.provingground.reading import read
from thinkedit.provingground.scene import Background, Scene, Thing
from thinkedit.provingground.telling import explained

CIRCLE, STAR, SQUARE = Thing("circle", "red", 2), Thing("star", "green", 4), Thing("square", "red", 0)
SCENE = full(r1c1=CIRCLE, r2c3=STAR, r4c4=SQUARE)
BLUE = "make the red circle blue"
EXPERT = ProvingGroundExpert()
NEVER = Rates(0, 0, 0, 0, 0, 0)
POOL = {world: list(samples("dev", 40, 8, world)) for world in ("full", "small")}  # type: ignore[arg-type]


def scores(instruction: str, edited: Scene) -> tuple[float, float]:
    found = verdict(render(SCENE), render(edited), instruction)
    return found.semantic, found.quality


@pytest.mark.parametrize("world", ["full", "small"])
def test_whatever_is_done_rightly_has_full_marks_and_what_is_not_done_none(world: str) -> None:
    for sample in samples("train", 70, 5, world):  # type: ignore[arg-type]
        scene = decode(sample.picture)
        for outcome in meaning(scene, sample.instruction):
            for pick in (0, 1):
                edited = scene
                for change in outcome:
                    edited = apply(edited, change, pick=pick)
                found = verdict(sample.picture, render(edited), sample.instruction)
                assert (found.semantic, found.quality) == (10, 10), sample.instruction
        assert verdict(sample.picture, sample.picture, sample.instruction).semantic == 0


@pytest.mark.parametrize("world", ["full", "small"])
def test_whatever_is_done_too_weakly_has_half_marks_at_most(world: str) -> None:
    for sample in samples("dev", 60, 5, world):  # type: ignore[arg-type]
        scene = decode(sample.picture)
        edited = scene
        for change in meaning(scene, sample.instruction)[0]:
            edited = apply(edited, change, weak=True)
        assert 0 < verdict(sample.picture, render(edited), sample.instruction).semantic <= 5


@pytest.mark.parametrize(
    ("instruction", "edited", "expected"),
    [
        (BLUE, SCENE, (0, 10)),
        (BLUE, SCENE.put(0, replace(CIRCLE, colour="blue")), (10, 10)),
        (BLUE, SCENE.put(0, replace(CIRCLE, colour="blue", was="red")), (5, 10)),
        (BLUE, SCENE.put(0, replace(CIRCLE, colour="pink")), (0, 10)),
        # Another thing as well: a colour counts 0.6, of which half is taken off.
        (BLUE, SCENE.put(0, replace(CIRCLE, colour="blue")).put(15, replace(SQUARE, colour="blue")), (7, 10)),
        # The thing itself became a square as well.
        (BLUE, SCENE.put(0, Thing("square", "blue", 2)), (6, 10)),
        (BLUE, replace(SCENE, background=Background("mint")).put(0, replace(CIRCLE, colour="blue")), (7, 10)),
        (BLUE, replace(SCENE, style="night").put(0, replace(CIRCLE, colour="blue")), (6, 10)),
        ("remove the star", SCENE.put(6, replace(STAR, faint=True)), (5, 8.5)),
        ("remove the star", SCENE.put(6, None).put(0, None), (5, 10)),
        ("remove the star", SCENE.put(0, None), (0, 10)),
        # A thing that was moved along counts once.
        ("remove the star", SCENE.put(6, None).put(0, None).put(9, CIRCLE), (6, 10)),
        ("move the star to the bottom left corner", SCENE.put(6, None).put(12, STAR), (10, 10)),
        ("move the star to the bottom left corner", SCENE.put(6, None).put(1, STAR), (3, 10)),
        ("move the star to the bottom left corner", SCENE.put(12, STAR), (4, 10)),
        ("add a large pink star", SCENE.put(9, Thing("star", "pink", 4)), (10, 10)),
        ("add a large pink star", SCENE.put(9, Thing("star", "pink", 2)), (7.5, 10)),
        ("add a star in the top right corner", SCENE.put(3, Thing("star", "white", 0, "dotted")), (10, 10)),
        ("add a star in the top right corner", SCENE.put(2, Thing("star", "white", 0)), (3, 10)),
        ("replace the star with a blue circle", SCENE.put(6, Thing("circle", "blue", 0)), (10, 10)),
        ("replace the star with a blue circle", SCENE.put(6, Thing("circle", "green", 4)), (6.67, 10)),
        ("make the star smaller", SCENE.put(6, replace(STAR, size=2)), (10, 10)),
        ("make the star smaller", SCENE.put(6, replace(STAR, size=3)), (5, 10)),
        ("make the star small", SCENE.put(6, replace(STAR, size=2)), (5, 10)),
        ("make the background mint", replace(SCENE, background=Background("mint", "striped")), (10, 10)),
        ("make the background mint", replace(SCENE, background=Background("mint")), (10, 10)),
        ("make the background dotted mint", replace(SCENE, background=Background("mint")), (7, 10)),
        ("make the background mint", replace(SCENE, background=Background("mint", "plain", "grey")), (5, 10)),
        ("turn it into a negative", replace(SCENE, style="negative"), (10, 10)),
        ("turn it into a negative", replace(SCENE, style="negative", half=True), (5, 10)),
        ("remove the star and the circle", SCENE.put(6, None), (5, 10)),
    ],
)
def test_scores_by_hand(instruction: str, edited: Scene, expected: tuple[float, float]) -> None:
    assert scores(instruction, edited) == expected


def test_damage_costs_quality_and_nothing_else() -> None:
    pixels = draw(SCENE.put(0, replace(CIRCLE, colour="blue")))
    pixels[50:60, 10:20] = (1, 2, 3)
    found = verdict(render(SCENE), Picture.from_pixels(pixels), BLUE)
    assert (found.semantic, found.quality) == (10, 8)  # a hundredth of the pixels: 10 - 20 * 0.1


def test_the_judge_gives_scores_and_says_why() -> None:
    judge = create_judge("provingground")
    assert isinstance(judge, Judge)
    edited = render(SCENE.put(0, replace(CIRCLE, colour="blue", was="red")))
    told = anyio.run(judge.judge, JudgeRequest(render(SCENE), edited, BLUE))
    assert (told.semantic, told.quality) == (5, 10)
    assert told.reasoning == "recolour: done too weakly; no damage."


def test_the_judge_refuses_what_is_not_of_its_world() -> None:
    judge, source = create_judge("provingground"), render(SCENE)
    other = Picture.from_pixels(np.zeros((100, 100, 3), np.uint8))
    for request, message in [
        (JudgeRequest(other, source, BLUE), "the source is no picture of the proving ground"),
        (JudgeRequest(source, other, BLUE), "the edited picture is no picture of the proving ground"),
        (JudgeRequest(source, source, "make it warmer"), "no instruction of the proving ground.*warmer"),
    ]:
        with pytest.raises(ThinkerFailed, match=message) as caught:
            anyio.run(judge.judge, request)
        assert not caught.value.retryable


@tried
@given(edited=scenes(), number=st.integers(0, 39), blocks=st.integers(0, 3))
def test_any_picture_of_the_world_has_scores_in_range(edited: Scene, number: int, blocks: int) -> None:
    world = edited.world.name
    sample = POOL[world][number]
    picture = Picture.from_pixels(damaged(edited, blocks, number))
    found = verdict(sample.picture, picture, sample.instruction)
    assert 0 <= found.semantic <= 10
    assert 0 <= found.quality <= 10
    for fault in faults(decode(sample.picture), edited, found, read(sample.instruction).asks, 8):
        assert explained(decode(sample.picture), fault).endswith(".")


@pytest.mark.parametrize("world", ["full", "small"])
def test_editor_and_judge_read_alike_where_nothing_fails_and_nothing_is_to_be_compared(world: str) -> None:
    seen = 0
    for sample in samples("train", 100, 11, world):  # type: ignore[arg-type]
        scene = decode(sample.picture)
        resolved = any(ask.reasoned for ask in read(sample.instruction).asks)
        prompt = anyio.run(EXPERT.plan, PlanRequest(sample.picture, sample.instruction))
        for text in (prompt, sample.instruction)[: 1 if resolved else 2]:
            done = attempt(scene, text, 0, "e", NEVER)
            if len({change.place for change in meaning(scene, sample.instruction)[0]}) < 2 or text == prompt:
                assert verdict(sample.picture, render(done.scene), sample.instruction).semantic == 10, text
                seen += 1
    assert seen > 120
