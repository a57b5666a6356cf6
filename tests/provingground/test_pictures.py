from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.provingground.strategies import scenes, tried
from thinkedit.errors import ImageError
from thinkedit.images import Picture
from thinkedit.provingground import decode, render
from thinkedit.provingground.decoding import LEAST, examine
from thinkedit.provingground.drawing import draw, masks
from thinkedit.provingground.editing import damaged
from thinkedit.provingground.palette import STYLES, codes
from thinkedit.provingground.scene import FULL, SMALL, Background, Scene, Thing


@tried
@given(scene=scenes())
def test_decoding_is_the_exact_inverse_of_rendering(scene: Scene) -> None:
    picture = render(scene)
    found = examine(Picture.from_bytes(picture.data))
    assert found.scene == scene
    assert found.damage == 0
    assert render(found.scene).data == picture.data


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("half", [False, True])
def test_no_two_meanings_share_a_colour(style: str, half: bool) -> None:
    known, meaning = codes(style, half)
    assert len(np.unique(known)) == len(known) == len(meaning)


@pytest.mark.parametrize("world", [FULL, SMALL])
def test_every_shape_in_every_size_is_drawn_in_its_own_way(world: object) -> None:
    drawn = masks(world).reshape(-1, world.place**2)  # type: ignore[arg-type, attr-defined]
    assert len(np.unique(drawn, axis=0)) == len(drawn)
    assert drawn.sum(axis=1).min() >= LEAST
    assert not masks(world)[..., [0, -1], :].any()  # type: ignore[arg-type]


@tried
@given(scene=scenes(), blocks=st.integers(1, 4), seed=st.integers(0, 1000))
def test_a_damaged_picture_is_still_read_and_its_damage_seen(scene: Scene, blocks: int, seed: int) -> None:
    found = examine(Picture.from_pixels(damaged(scene, blocks, seed)))
    assert 0 < found.damage < 0.15
    wrong = sum(a != b for a, b in zip(found.scene.things, scene.things, strict=True))
    assert wrong <= 2 * blocks
    assert found.scene.background == scene.background
    assert (found.scene.style, found.scene.half) == (scene.style, scene.half)


def test_a_block_over_a_thing_does_not_change_what_it_is() -> None:
    things: list[Thing | None] = [None] * 16
    things[5] = Thing("star", "pink", 4, "dotted")
    scene = Scene(FULL, tuple(things), Background("mint", "striped"))
    pixels = draw(scene)
    pixels[36:41, 36:41] = (1, 2, 3)
    found = examine(Picture.from_pixels(pixels))
    assert found.scene == scene
    assert found.damage == pytest.approx(25 / 100**2)


def test_foreign_pictures_are_named_as_such(photos: object) -> None:
    rng = np.random.default_rng(0)
    noise = Picture.from_pixels(rng.integers(0, 255, (FULL.side, FULL.side, 3), np.uint8))
    with pytest.raises(ImageError, match="no picture of the proving ground: its margin"):
        decode(noise)
    with pytest.raises(
        ImageError, match="no picture of the proving ground: it is 30 x 20, and those are 100"
    ):
        decode(Picture.from_pixels(np.zeros((20, 30, 3), np.uint8)))
