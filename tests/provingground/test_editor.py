from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import anyio
import numpy as np
import pytest

from tests.provingground.scenes import full, small
from thinkedit.adapters.base import EditRequest
from thinkedit.adapters.registry import create_editor
from thinkedit.errors import EditorFailed, SettingsError, UnsupportedEdit
from thinkedit.images import Picture
from thinkedit.provingground import decode, render, samples
from thinkedit.provingground.editing import attempt
from thinkedit.provingground.editor import ProvingGroundEditor
from thinkedit.provingground.rates import EDITORS, GENERAL, REMEDIED, Rates
from thinkedit.provingground.scene import Scene, Thing

NEVER = Rates(0, 0, 0, 0, 0, 0)
SEEDS = 800

SCENE = full(
    r1c1=Thing("circle", "red", 4),
    r1c3=Thing("square", "red", 2),
    r2c2=Thing("circle", "blue", 2),
    r3c4=Thing("star", "green", 0),
)


def share(rates: Rates, prompt: str, failure: str, scene: Scene = SCENE) -> float:
    """How often a failure strikes, over seeds."""
    return sum(failure in attempt(scene, prompt, seed, "e", rates).failures for seed in range(SEEDS)) / SEEDS


NAMED = "make the red circle in row 1, column 1 blue"
TWO = "make the green star white and remove the square"


@pytest.mark.parametrize(
    ("failure", "prompt", "remedied", "left"),
    [
        ("wrong", "make the red circle blue", NAMED, REMEDIED),
        ("wrong", "make the red circle blue", "make the large red circle blue", REMEDIED),
        ("weak", NAMED, "make the red circle in row 1, column 1 completely blue", REMEDIED),
        ("spill", NAMED, NAMED + ". Keep everything else unchanged", GENERAL),
        (
            "spill",
            NAMED,
            NAMED + ". Keep the background, the square, the blue circle and the star unchanged",
            REMEDIED,
        ),
        ("lost", TWO, "1. Make the green star white. 2. Remove the square.", REMEDIED),
    ],
)
def test_each_failure_strikes_as_often_as_it_should_and_its_remedy_helps(
    failure: str, prompt: str, remedied: str, left: float
) -> None:
    rates = replace(NEVER, **{failure: 0.5})
    assert share(rates, prompt, failure) == pytest.approx(0.5, abs=0.05)
    assert share(rates, remedied, failure) == pytest.approx(0.5 * left, abs=0.04)


def test_a_remedy_for_another_failure_does_not_help() -> None:
    assert share(replace(NEVER, wrong=0.5), "make the red circle completely blue", "wrong") > 0.4
    assert share(replace(NEVER, weak=0.5), NAMED, "weak") > 0.4


def test_a_failure_comes_again_until_its_remedy_is_in_the_prompt() -> None:
    rates = replace(NEVER, wrong=0.5)
    for seed in range(40):
        first = attempt(SCENE, "make the red circle blue", seed, "e", rates)
        again = attempt(SCENE, "please paint the red circle blue", seed, "e", rates)
        assert first.failures == again.failures
        assert first.scene == again.scene


def test_what_fails_by_chance_is_helped_by_any_other_prompt_or_seed() -> None:
    rates = replace(NEVER, nothing=0.5)
    prompts = ["remove the star", "delete the star"]
    for seeds, texts in [((0,), prompts), ((0, 1), prompts[:1])]:
        results = {
            name: [
                "nothing" in attempt(SCENE, text, seed, name, rates).failures
                for seed in seeds
                for text in texts
            ]
            for name in map(str, range(200))
        }
        assert 60 < sum(a != b for a, b in results.values()) < 140


def test_without_failures_the_plain_words_are_done() -> None:
    done = attempt(SCENE, "make the red circle blue and remove the star", 0, "e", NEVER)
    assert done.scene == SCENE.put(0, Thing("circle", "blue", 4)).put(11, None)
    assert done.failures == ()


@pytest.mark.parametrize(
    "prompt",
    [
        "remove the largest of the red ones",
        "remove the left-most red shape",
        "remove all of the most common colour",
    ],
)
def test_no_editor_compares_or_counts(prompt: str) -> None:
    gone = {
        place
        for seed in range(60)
        for place, _ in SCENE
        if attempt(SCENE, prompt, seed, "e", NEVER).scene.things[place] is None
    }
    assert gone >= {0, 2}, "it took no notice of the comparison, so any that fits the rest may go"


def test_a_colour_that_has_to_be_looked_up_is_guessed() -> None:
    colours = {
        thing.colour
        for seed in range(60)
        for thing in [
            attempt(SCENE, "make the star the colour of the square", seed, "e", NEVER).scene.things[11]
        ]
        if thing
    }
    assert colours == {"red", "blue", "green"}


def test_it_goes_by_the_position_that_the_prompt_names_even_if_the_rest_is_wrong() -> None:
    done = attempt(SCENE, "remove the purple diamond in row 3, column 4", 0, "e", NEVER)
    assert done.scene == SCENE.put(11, None)


WRECKED: list[tuple[str, Callable[[Scene], bool]]] = [
    ("make the red circle blue", lambda s: s.things[0] != SCENE.things[0] and s.things[0].was == "red"),  # type: ignore[union-attr]
    ("remove the star", lambda s: s.things[11] is not None and s.things[11].faint),
    ("add a white star in the top right corner", lambda s: s.things[3] is not None and s.things[3].faint),
    ("make the large circle small", lambda s: s.things[0] is not None and s.things[0].size == 2),
    ("turn it into a night scene", lambda s: s.half),
    ("make the background mint", lambda s: s.background.was == "grey"),
]


@pytest.mark.parametrize(("prompt", "seen"), WRECKED)
def test_what_is_applied_too_weakly_can_be_seen(prompt: str, seen: Callable[[Scene], bool]) -> None:
    assert seen(attempt(SCENE, prompt, 0, "e", replace(NEVER, weak=1)).scene)


def test_the_editors_are_ordered() -> None:
    weak, middle, strong = (EDITORS[name] for name in ("weak", "middle", "strong"))
    for name in vars(weak):
        assert getattr(weak, name) > getattr(middle, name) > getattr(strong, name) > 0


@pytest.mark.parametrize("world", ["full", "small"])
def test_the_same_request_gives_the_same_bytes_and_another_seed_or_editor_may_not(world: str) -> None:
    [*found] = samples("dev", 12, 0, world)  # type: ignore[arg-type]
    for sample in found:
        request = EditRequest(sample.picture, sample.instruction, seed=3)
        first, second = (anyio.run(create_editor("provingground:weak").edit, [request])[0] for _ in "ab")
        assert not isinstance(first, Exception)
        assert not isinstance(second, Exception)
        assert first.picture.data == second.picture.data
        assert first.picture.size == sample.picture.size
    ways = {
        (model, seed): [
            create_editor(f"provingground:{model}").make(s.picture, s.instruction, seed).sha256 for s in found
        ]  # type: ignore[attr-defined]
        for model in EDITORS
        for seed in (0, 1)
    }
    assert len({tuple(made) for made in ways.values()}) == len(ways)


def test_a_source_that_was_encoded_anew_gives_the_same_picture() -> None:
    import io

    from PIL import Image

    sample = next(samples("dev", 1))
    stream = io.BytesIO()
    Image.fromarray(sample.picture.pixels()).save(stream, "PNG", compress_level=9)
    again = Picture.from_bytes(stream.getvalue())
    editor = ProvingGroundEditor("weak")
    for seed in range(20):
        assert editor.make(again, "remove it all", seed) == editor.make(sample.picture, "remove it all", seed)


@pytest.mark.parametrize("prompt", ["make it pop", "die Farbe bitte ändern", "?!", "7", "make the"])
def test_a_prompt_that_it_does_not_understand_changes_nothing(prompt: str) -> None:
    done = attempt(SCENE, prompt, 0, "e", NEVER)
    assert done.scene == SCENE


def test_an_empty_prompt_and_a_foreign_picture_are_that_items_error_alone() -> None:
    foreign = Picture.from_pixels(np.zeros((100, 100, 3), np.uint8))
    source = render(SCENE)
    requests = [EditRequest(source, " "), EditRequest(foreign, "x"), EditRequest(source, "remove the star")]
    empty, alien, done = anyio.run(ProvingGroundEditor().edit, requests)
    assert isinstance(empty, UnsupportedEdit)
    assert isinstance(alien, EditorFailed)
    assert not alien.retryable
    assert "the source is no picture of the proving ground" in str(alien)
    assert not isinstance(done, Exception)
    assert decode(done.picture).world is SCENE.world


def test_an_unknown_editor_is_told() -> None:
    with pytest.raises(
        SettingsError, match="no editor 'huge' in the proving ground: known: weak, middle, strong"
    ):
        create_editor("provingground:huge")


def test_the_small_world_has_positions_by_name() -> None:
    scene = small(r1c1=Thing("circle", "red"), r3c3=Thing("circle", "red"))
    done = attempt(scene, "remove the red circle at the bottom right", 0, "e", NEVER)
    assert done.scene == scene.put(8, None)
