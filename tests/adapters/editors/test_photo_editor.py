"""The photo editor as the loop sees it: requests in, pictures or refusals out."""

from __future__ import annotations

import threading
from pathlib import Path

import anyio
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from thinkedit.adapters.base import EditedImage, Editor, EditRequest
from thinkedit.adapters.editors.photo import PhotoEditor, table
from thinkedit.adapters.registry import create_editor
from thinkedit.adapters.vocabulary import OPERATIONS
from thinkedit.errors import EditError, EditorFailed, UnsupportedEdit
from thinkedit.images import Picture, load

pytestmark = pytest.mark.anyio

PHOTOS = Path(__file__).parents[3] / "examples" / "photos"


@pytest.fixture(scope="module")
def astronaut() -> Picture:
    return load(PHOTOS / "astronaut.png").picture


@pytest.fixture(scope="module")
def china() -> Picture:
    return load(PHOTOS / "china.jpg").picture


async def edited(source: Picture, prompt: str, **more: object) -> Picture:
    (result,) = await PhotoEditor().edit([EditRequest(source, prompt, **more)])  # type: ignore[arg-type]
    assert isinstance(result, EditedImage), result
    return result.picture


async def refused(source: Picture, prompt: str, **more: object) -> EditError:
    (result,) = await PhotoEditor().edit([EditRequest(source, prompt, **more)])  # type: ignore[arg-type]
    assert isinstance(result, EditError), result
    return result


def png(mask: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", mask)[1].tobytes()


def apart(first: Picture, second: Picture) -> NDArray[np.int16]:
    """Largest difference of the channels at each pixel."""
    difference = first.pixels().astype(np.int16) - second.pixels()
    return np.abs(difference).max(axis=2)


async def test_it_is_the_default_editor_and_says_who_it_is() -> None:
    editor = create_editor("photo")
    assert isinstance(editor, PhotoEditor)
    assert isinstance(editor, Editor)
    assert editor.identity == "photo/4"
    assert editor.seeded is False


def test_every_operation_of_the_vocabulary_has_a_step() -> None:
    assert set(table.STEPS) == set(OPERATIONS) - {"protect"}
    for name, step in table.STEPS.items():
        functions = [step.banded, step.painting, step.framing, step.written]
        assert sum(function is not None for function in functions) == 1, name


async def test_the_source_stays_and_the_result_has_its_size(china: Picture) -> None:
    before = china.sha256
    copy = china.pixels().copy()
    result = await edited(china, "make it warmer and add a vignette")
    assert result.size == china.size
    assert china.sha256 == before
    assert np.array_equal(china.pixels(), copy)
    assert result != china


async def test_the_same_words_give_the_same_image_whatever_the_seed(china: Picture) -> None:
    first = await edited(china, "lift the shadows and sharpen", seed=1)
    second = await edited(china, "lift the shadows and sharpen", seed=99)
    assert first == second


async def test_the_order_of_the_clauses_does_not_matter(china: Picture) -> None:
    first = await edited(china, "crop 20 % off the left, then sharpen it, then make it brighter")
    second = await edited(china, "make it brighter, then sharpen it, then crop 20 % off the left")
    assert first == second


async def test_flips_and_turns_are_done_in_the_order_of_the_sentence(china: Picture) -> None:
    turned = np.rot90(china.pixels(), -1)
    first = await edited(china, "rotate it by 90 degrees to the right, then flip it horizontally")
    second = await edited(china, "flip it horizontally, then rotate it by 90 degrees to the right")
    assert np.array_equal(first.pixels(), turned[:, ::-1])
    assert np.array_equal(second.pixels(), turned[::-1])


async def test_notes_say_what_was_done_in_the_order_in_which_it_was(china: Picture) -> None:
    (result,) = await PhotoEditor().edit([EditRequest(china, "add a vignette and make it a bit warmer")])
    assert isinstance(result, EditedImage)
    assert result.notes == "make it slightly warmer; add a vignette"


async def test_one_refused_item_does_not_sink_the_others(china: Picture) -> None:
    prompts = ["brighter", "add a dog", "darker", "brighten the face"]
    results = await PhotoEditor().edit([EditRequest(china, prompt) for prompt in prompts])
    assert [type(result) for result in results] == [
        EditedImage,
        UnsupportedEdit,
        EditedImage,
        UnsupportedEdit,
    ]
    first, second = results[0], results[2]
    assert isinstance(first, EditedImage)
    assert isinstance(second, EditedImage)
    assert first.picture.pixels().mean() > china.pixels().mean() > second.picture.pixels().mean()


async def test_a_refusal_names_the_words_and_touches_no_pixel(
    china: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def touched(*_: object) -> None:
        raise AssertionError("pixels were touched")

    monkeypatch.setattr(Picture, "pixels", touched)
    error = await refused(china, "make it warmer and add a dog")
    assert isinstance(error, UnsupportedEdit)
    assert error.words == ("add a dog",)
    assert "diffus" in str(error)


async def test_a_place_that_is_not_there_is_refused_before_any_work(china: Picture) -> None:
    messages: list[str] = []

    async def progress(done: float, total: float, message: str) -> None:
        messages.append(message)

    request = EditRequest(china, "denoise it and then brighten the face")
    (result,) = await PhotoEditor().edit([request], progress)
    assert isinstance(result, UnsupportedEdit)
    assert "no face" in str(result)
    assert messages == []


async def test_what_to_keep_without_what_to_change_is_refused(china: Picture) -> None:
    assert "not what to change" in str(await refused(china, "keep the sky"))


async def test_progress_is_told_for_each_clause(china: Picture) -> None:
    told: list[tuple[float, float, str]] = []

    async def progress(done: float, total: float, message: str) -> None:
        told.append((done, total, message))

    await PhotoEditor().edit([EditRequest(china, "brighter, warmer and sharper")], progress)
    assert [done for done, _, _ in told] == [0, 1, 2, 4]
    assert {total for _, total, _ in told} == {4}
    assert told[0][2] == "make it brighter"
    assert told[-1][2] == "done"


async def test_a_cancelled_edit_stops_between_bands(china: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = anyio.Event()
    go_on = threading.Event()
    bands: list[int] = []

    def slow(pixels: NDArray[np.uint8], clause: object) -> object:
        def rows(top: int, bottom: int) -> NDArray[np.uint8]:
            bands.append(top)
            anyio.from_thread.run_sync(begun.set)
            go_on.wait(5)
            return pixels[top:bottom]

        return rows

    monkeypatch.setattr("thinkedit.adapters.editors.photo.bands.BAND_PIXELS", 10_000)
    monkeypatch.setitem(table.STEPS, "exposure", table.Step(6, banded=slow))  # type: ignore[arg-type]
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(PhotoEditor().edit, [EditRequest(china, "brighter")])
            await begun.wait()
            group.cancel_scope.cancel()
            go_on.set()
    assert len(bands) <= 2


async def test_alpha_stays_and_follows_the_geometry(china: Picture) -> None:
    pixels = china.pixels()
    alpha = np.zeros(pixels.shape[:2], np.uint8)
    alpha[:, : pixels.shape[1] // 2] = 255
    source = Picture.from_pixels(np.dstack([pixels, alpha]))
    kept = (await edited(source, "make it warmer")).alpha()
    assert kept is not None
    assert np.array_equal(kept, alpha)
    flipped = (await edited(source, "flip it horizontally")).alpha()
    assert flipped is not None
    assert np.array_equal(flipped, alpha[:, ::-1])
    cropped = (await edited(source, "crop 10 % off the left")).alpha()
    assert cropped is not None
    assert cropped.shape[1] == pixels.shape[1] - round(pixels.shape[1] * 0.1)
    framed = (await edited(source, "add a 5 pixel black border")).alpha()
    assert framed is not None
    assert (framed[:5] == 255).all()


async def test_a_mask_limits_what_changes(china: Picture) -> None:
    mask = np.zeros(china.pixels().shape[:2], np.uint8)
    mask[100:200, 100:300] = 255
    result = await edited(china, 'darken it, add a vignette and add the text "x" at the top', mask=png(mask))
    difference = apart(china, result)
    assert (difference[mask == 0] == 0).all()
    assert difference[mask == 255].mean() > 10


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (b"no picture", "no readable picture"),
        (b"", "no readable picture"),
        (png(np.zeros((5, 7), np.uint8)), "7x5"),
    ],
)
async def test_a_mask_that_does_not_fit_is_an_error(china: Picture, mask: bytes, words: str) -> None:
    error = await refused(china, "brighter", mask=mask)
    assert isinstance(error, EditorFailed)
    assert not error.retryable
    assert words in str(error)


async def test_a_mask_and_a_crop_do_not_go_together(china: Picture) -> None:
    mask = png(np.full(china.pixels().shape[:2], 255, np.uint8))
    error = await refused(china, "brighter and crop to 1:1", mask=mask)
    assert isinstance(error, UnsupportedEdit)
    assert "mask" in str(error)


async def test_the_other_picture_comes_from_the_references(astronaut: Picture, china: Picture) -> None:
    prompt = "replace the background with the other picture"
    assert "no other picture" in str(await refused(astronaut, prompt))
    result = await edited(astronaut, prompt, references=(china,))
    assert apart(astronaut, result)[250:300, 200:300].mean() < 3  # the suit
    corner = result.pixels()[:40, :200].astype(float).mean(axis=(0, 1))
    assert corner[2] > corner[0] + 10  # the sky over the lake, not a red and blue flag


async def test_what_is_protected_stays(china: Picture, astronaut: Picture) -> None:
    from thinkedit.adapters import masks

    result = await edited(china, "make it much warmer but keep the sky")
    sky = masks.sky(china.pixels())
    assert sky is not None
    assert apart(china, result)[sky > 0.999].max() == 0
    assert apart(china, result)[sky < 0.001].mean() > 5
    result = await edited(astronaut, "make it black and white but keep the skin")
    faces = masks.faces(astronaut.pixels())
    assert faces is not None
    assert apart(astronaut, result)[faces > 0.999].max() == 0


async def test_protected_colours_change_in_lightness_only(china: Picture) -> None:
    result = await edited(china, "increase the contrast but keep the colours")

    def lab(picture: Picture) -> NDArray[np.float32]:
        return cv2.cvtColor(picture.pixels().astype(np.float32) / 255, cv2.COLOR_RGB2LAB)

    before, after = lab(china), lab(result)
    inside = ((china.pixels() > 12) & (china.pixels() < 244)).all(axis=2)
    inside &= ((result.pixels() > 2) & (result.pixels() < 253)).all(axis=2)
    assert np.abs(before - after)[inside][:, 1:].mean() < 0.6
    assert np.abs(before - after)[inside][:, 0].mean() > 2


async def test_many_at_once_do_not_disturb_each_other(china: Picture) -> None:
    editor = PhotoEditor()
    prompts = ["warmer", "cooler", "more contrast", "less contrast", "sharpen", "blur"] * 2
    results = await editor.edit([EditRequest(china, prompt) for prompt in prompts])
    pictures = [result.picture for result in results if isinstance(result, EditedImage)]
    assert len(pictures) == len(prompts)
    assert pictures[:6] == pictures[6:]
    assert len(set(pictures)) == 6


async def test_kept_highlights_hold_back_light_more_than_colour(astronaut: Picture) -> None:
    """Held back as much, the warmth would leave the wall in two colours."""
    plain = await edited(astronaut, "brighten it by 1 stop and make it warmer")
    kept = await edited(astronaut, "brighten it by 1 stop, make it warmer, leave the highlights alone")
    wall = np.s_[40:200, 300:400]
    before, after = astronaut.pixels()[wall].astype(float), kept.pixels()[wall].astype(float)
    light = (after.mean() - before.mean()) / (plain.pixels()[wall].mean() - before.mean())
    assert light < 0.45

    def warm(pixels: NDArray[np.floating]) -> float:
        return float(np.log2(pixels[..., 0].mean() / pixels[..., 2].mean()))

    assert warm(after) > warm(before) + 0.05
