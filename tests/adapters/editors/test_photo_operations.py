"""Each operation does what its words say on real photographs, by numbers that it does not use itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import anyio
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.adapters.measure import detail, difference, lab
from thinkedit.adapters import masks
from thinkedit.adapters.base import EditedImage, EditRequest
from thinkedit.adapters.editors.photo import PhotoEditor
from thinkedit.errors import EditError, UnsupportedEdit
from thinkedit.images import Picture, load

PHOTOS = Path(__file__).parents[3] / "examples" / "photos"
NAMES = ("astronaut.png", "chelsea.png", "china.jpg", "coffee.png", "rocket.jpg")
Pixels = NDArray[np.uint8]
Number = Callable[[Pixels], float]


@cache
def source(name: str) -> Picture:
    return load(PHOTOS / name).picture


def attempt(picture: Picture, prompt: str) -> EditedImage | EditError:
    (result,) = anyio.run(PhotoEditor().edit, [EditRequest(picture, prompt)])
    return result


@cache
def made(name: str, prompt: str) -> Pixels:
    result = attempt(source(name), prompt)
    assert isinstance(result, EditedImage), result
    return result.picture.pixels()


def grey(pixels: Pixels) -> NDArray[np.float64]:
    return np.asarray(Image.fromarray(pixels).convert("L"), np.float64)


def brightness(pixels: Pixels) -> float:
    return float(grey(pixels).mean())


def spread(pixels: Pixels) -> float:
    return float(grey(pixels).std())


def chroma(pixels: Pixels) -> float:
    return float(np.hypot(lab(pixels)[..., 1], lab(pixels)[..., 2]).mean())


def yellow(pixels: Pixels) -> float:
    return float(lab(pixels)[..., 2].mean())


def magenta(pixels: Pixels) -> float:
    return float(lab(pixels)[..., 1].mean())


def fine(pixels: Pixels) -> float:
    return detail(pixels, np.ones(pixels.shape[:2], bool))


def quartile(low: float, high: float) -> Number:
    """Mean grey of those pixels that lie between two quantiles of the source; set by `moves`."""

    def number(pixels: Pixels) -> float:
        ordered = np.sort(grey(pixels), axis=None)
        return float(ordered[int(low * ordered.size) : int(high * ordered.size)].mean())

    return number


DARK, MIDDLE, BRIGHT = quartile(0.05, 0.3), quartile(0.35, 0.65), quartile(0.985, 0.999)

MOVES: list[tuple[str, Number, int]] = [
    ("make it brighter", brightness, 1),
    ("make it darker", brightness, -1),
    ("increase the contrast", spread, 1),
    ("reduce the contrast", spread, -1),
    ("raise the midtones", MIDDLE, 1),
    ("lower the midtones", MIDDLE, -1),
    ("lift the shadows", DARK, 1),
    ("deepen the shadows", DARK, -1),
    ("brighten the highlights", BRIGHT, 1),
    ("recover the highlights", BRIGHT, -1),
    ("add clarity", spread, 1),
    ("reduce the clarity", spread, -1),
    ("make it warmer", yellow, 1),
    ("make it cooler", yellow, -1),
    ("make it more magenta", magenta, 1),
    ("make it greener", magenta, -1),
    ("increase the saturation", chroma, 1),
    ("reduce the saturation", chroma, -1),
    ("make it more vibrant", chroma, 1),
    ("make it less vibrant", chroma, -1),
    ("sharpen it", fine, 1),
    ("blur it", fine, -1),
    ("reduce the noise", fine, -1),
]


@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png", "china.jpg"])
@pytest.mark.parametrize(("prompt", "number", "sign"), MOVES)
def test_it_moves_in_the_direction_of_the_word(name: str, prompt: str, number: Number, sign: int) -> None:
    before, after = number(source(name).pixels()), number(made(name, prompt))
    assert (after - before) * sign > 0


@pytest.mark.parametrize(
    ("plain", "number"),
    [
        ("make it {} brighter", brightness), ("make it {} warmer", yellow), ("{} more contrast", spread),
        ("{} more saturated", chroma), ("make it {} cooler", yellow), ("make it {} darker", brightness),
    ],
)  # fmt: skip
def test_more_words_go_further(plain: str, number: Number) -> None:
    start = number(source("chelsea.png").pixels())
    steps = [
        abs(number(made("chelsea.png", " ".join(plain.format(word).split()))) - start)
        for word in ("very slightly", "slightly", "", "much", "extremely")
    ]
    assert steps == sorted(steps)
    assert steps[0] > 0
    assert steps[-1] > 2 * steps[1]


def test_a_stop_is_a_factor_of_two_in_light_below_the_shoulder() -> None:
    def light(pixels: Pixels) -> NDArray[np.float64]:
        code = pixels / 255
        return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)

    before = light(source("rocket.jpg").pixels())
    inside = (before.max(axis=2) < 0.3) & (before.min(axis=2) > 0.02)
    for prompt, factor in (("+1 EV", 2.0), ("darker by 1 stop", 0.5), ("50 % brighter", 1.5)):
        after = light(made("rocket.jpg", prompt))
        assert np.median(after[inside] / before[inside]) == pytest.approx(factor, rel=0.03)


def test_percentages_of_chroma_and_contrast_are_what_they_say() -> None:
    pixels = source("chelsea.png").pixels()
    for percent in (-50, -20, 20):
        ratio = chroma(made("chelsea.png", f"saturation {percent:+d} %")) / chroma(pixels)
        assert ratio == pytest.approx(1 + percent / 100, abs=0.03)
    ratio = spread(made("chelsea.png", "reduce the contrast by 40 %")) / spread(pixels)
    assert ratio == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize("name", NAMES)
def test_no_colour_is_left_in_black_and_white_and_one_in_sepia(name: str) -> None:
    pixels = made(name, "black and white")
    assert (pixels == pixels[..., :1]).all()
    sepia = made(name, "sepia").astype(int)
    assert (sepia[..., 0] >= sepia[..., 1]).all()
    assert (sepia[..., 1] >= sepia[..., 2]).all()
    assert 0 < chroma(made(name, "slightly black and white")) < chroma(source(name).pixels())


def test_warmth_keeps_greys_bright_and_whites_white() -> None:
    ramp = np.repeat(np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2), 8, axis=0)
    result = attempt(Picture.from_pixels(ramp), "make it much warmer")
    assert isinstance(result, EditedImage)
    after = result.picture.pixels()
    assert np.abs(lab(after)[..., 0] - lab(ramp)[..., 0]).max() < 1.5
    assert after[0, 255].tolist() == [255, 255, 255]
    assert int(after[0, 128, 0]) - int(after[0, 128, 2]) > 20


def test_highlights_that_are_lifted_do_not_clip() -> None:
    pixels = source("china.jpg").pixels()
    clipped = [(p.max(axis=2) >= 254).mean() for p in (pixels, made("china.jpg", "make it much brighter"))]
    assert clipped[1] - clipped[0] < 0.12
    assert pixels.std() * 0.6 < made("china.jpg", "make it much brighter").std()


def test_enhance_leaves_a_flat_picture_and_opens_a_dull_one() -> None:
    flat = Picture.from_pixels(np.full((40, 60, 3), 90, np.uint8))
    result = attempt(flat, "enhance the photo")
    assert isinstance(result, EditedImage)
    assert np.array_equal(result.picture.pixels(), flat.pixels())
    dull = (source("astronaut.png").pixels() * 0.35 + 70).astype(np.uint8)
    result = attempt(Picture.from_pixels(dull), "enhance the photo")
    assert isinstance(result, EditedImage)
    assert spread(result.picture.pixels()) > 1.15 * spread(dull)


def test_a_vignette_darkens_the_corners_and_leaves_the_middle() -> None:
    before, after = source("china.jpg").pixels().astype(int), made("china.jpg", "add a vignette").astype(int)
    height, width = before.shape[:2]
    middle = np.s_[height * 2 // 5 : height * 3 // 5, width * 2 // 5 : width * 3 // 5]
    assert np.abs(after[middle] - before[middle]).max() <= 1
    for corner in (np.s_[-20:, :20], np.s_[-20:, -20:]):
        assert after[corner].mean() < 0.62 * before[corner].mean()
    for corner in (np.s_[:20, :20], np.s_[:20, -20:]):  # the sky: shaded, not soiled
        assert 0.65 * before[corner].mean() < after[corner].mean() < 0.85 * before[corner].mean()


@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"])
def test_contrast_deepens_colours_less_than_tones(name: str) -> None:
    """By the channels alone, colours would gain as much as the tones: 10 to 25 %."""
    before, after = source(name).pixels(), made(name, "increase the contrast")
    assert spread(after) > 1.07 * spread(before)
    assert chroma(before) < chroma(after) < 1.13 * chroma(before)


@pytest.mark.parametrize("name", ["astronaut.png", "chelsea.png", "china.jpg", "coffee.png"])
def test_a_plain_warmer_is_six_or_seven_on_neutrals(name: str) -> None:
    before, after = lab(source(name).pixels()), lab(made(name, "make it warmer"))
    light = before[..., 0]
    neutral = (np.hypot(before[..., 1], before[..., 2]) < 12) & (light > 30) & (light < 95)
    assert 5.5 < (after - before)[neutral][:, 2].mean() < 8


def test_a_darker_sky_keeps_its_colour_and_its_bright_horizon() -> None:
    before, after = lab(source("china.jpg").pixels()), lab(made("china.jpg", "darken the sky"))
    upper, horizon = np.s_[:60, :90], np.s_[185:195, 340:480]
    fall = before - after
    assert fall[upper][..., 0].mean() > 10
    assert 3 < fall[horizon][..., 0].mean() < 0.7 * fall[upper][..., 0].mean()
    colour = [np.hypot(part[upper][..., 1], part[upper][..., 2]).mean() for part in (before, after)]
    assert colour[1] > 1.15 * colour[0]


def test_recovered_highlights_keep_colour_and_steps_of_a_sky() -> None:
    before, after = lab(source("china.jpg").pixels()), lab(made("china.jpg", "recover the highlights"))
    sky = np.s_[:150, :]
    bright = before[sky][..., 0] > 85
    assert 3 < (before - after)[sky][..., 0][bright].mean() < 9
    chromas = [np.hypot(part[sky][..., 1], part[sky][..., 2])[bright].mean() for part in (before, after)]
    assert chromas[1] > chromas[0]


def test_pixelate_makes_blocks_of_the_size_asked_for() -> None:
    pixels = made("coffee.png", "pixelate it by 20 pixels")
    assert (pixels[:20, :20] == pixels[0, 0]).all()
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) <= (pixels.shape[0] // 20) * (pixels.shape[1] // 20)


WHERE = ("top", "bottom", "left", "right")
PLACES = {
    "top": np.s_[: 100, :], "bottom": np.s_[-100:, :], "left": np.s_[:, :150], "right": np.s_[:, -150:],
}  # fmt: skip


@pytest.mark.parametrize("place", WHERE)
@pytest.mark.parametrize(
    "what", ["make the {} darker", "make the {} warmer", "blur the {}", "make the {} black and white"]
)
def test_a_half_changes_and_the_other_does_not(place: str, what: str) -> None:
    changed = difference(source("china.jpg").pixels(), made("china.jpg", what.format(place)))
    other = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}[place]
    assert changed[PLACES[other]].max() == 0
    assert changed[PLACES[place]].mean() > 0.8


@pytest.mark.parametrize(
    ("name", "region", "words"),
    [
        ("china.jpg", "sky", "the sky"), ("astronaut.png", "subject", "the subject"),
        ("astronaut.png", "faces", "the face"), ("coffee.png", "colour:red", "the red parts"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("what", ["make {} much darker", "make {} much less saturated"])
def test_a_thing_changes_and_the_rest_does_not(name: str, region: str, words: str, what: str) -> None:
    pixels = source(name).pixels()
    if region.startswith("colour:"):
        where = masks.named_colour(pixels, region[7:])
    else:
        where = {"sky": masks.sky, "subject": masks.subject, "faces": masks.faces}[region](pixels)
    assert where is not None
    changed = difference(pixels, made(name, what.format(words)))
    assert changed[where == 0].max() == 0
    assert changed[where > 0.95].mean() > 3


def test_dark_and_bright_areas_change_alone() -> None:
    pixels = source("rocket.jpg").pixels()
    light = grey(pixels)
    bright = difference(pixels, made("rocket.jpg", "make the highlights much cooler"))
    assert bright[light > 235].mean() > 5 * bright[light < 60].mean()
    dark = difference(pixels, made("rocket.jpg", "make the shadows much warmer"))
    assert dark[light < 30].mean() > 5 * max(dark[light > 200].mean(), 0.01)


# ---- geometry


def marked(width: int = 60, height: int = 40) -> Picture:
    """Red top left, green top right, blue bottom left, white bottom right."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = (255, 0, 0)
    pixels[: height // 2, width // 2 :] = (0, 255, 0)
    pixels[height // 2 :, : width // 2] = (0, 0, 255)
    pixels[height // 2 :, width // 2 :] = 255
    return Picture.from_pixels(pixels)


def corners(pixels: Pixels) -> str:
    names = {(255, 0, 0): "r", (0, 255, 0): "g", (0, 0, 255): "b", (255, 255, 255): "w"}
    return "".join(names.get(tuple(pixels[y, x].tolist()), "?") for y in (2, -3) for x in (2, -3))


@pytest.mark.parametrize(
    ("prompt", "seen", "size"),
    [
        ("rotate right", "brwg", (40, 60)),
        ("rotate it 90 degrees to the left", "gwrb", (40, 60)),
        ("upside down", "wbgr", (60, 40)),
        ("rotate by 270 degrees", "gwrb", (40, 60)),
        ("flip it horizontally", "grwb", (60, 40)),
        ("mirror it", "grwb", (60, 40)),
        ("flip it vertically", "bwrg", (60, 40)),
        ("crop to a square", "rgbw", (40, 40)),
        ("crop to 20x10", None, (20, 10)),
        ("crop to 16:9", "rgbw", (60, 34)),
        ("crop 50 % off the left", "ggww", (30, 40)),
        ("crop 20 pixels off the bottom", "rgrg", (60, 20)),
        ("crop to 1:1 at the left", "r?b?", (40, 40)),
        ("crop closer", "rgbw", (48, 32)),
        ("resize to 50 %", "rgbw", (30, 20)),
        ("resize to 30 pixels wide", "rgbw", (30, 20)),
        ("resize to 120x40", "rgbw", (60, 40)),
        ("resize to 90x90", "rgbw", (90, 60)),
        ("resize to exactly 120x40", "rgbw", (120, 40)),
        ("stretch it to 90x90", "rgbw", (90, 90)),
        ("resize to 300x201", "rgbw", (300, 201)),
        ("make it twice the size", "rgbw", (120, 80)),
        ("resize the longest side to 90 pixels", "rgbw", (90, 60)),
        ("add a 10 pixel border", None, (80, 60)),
        ("add a border", None, (64, 44)),
    ],
)
def test_geometry(prompt: str, seen: str | None, size: tuple[int, int]) -> None:
    result = attempt(marked(), prompt)
    assert isinstance(result, EditedImage), result
    assert result.picture.size == size
    if seen is not None:
        for want, got in zip(seen, corners(result.picture.pixels()), strict=True):
            assert want in ("?", got)


@pytest.mark.parametrize("degrees", [1, 7.5, 30, 45, 60, 89, 100, 200])
def test_a_turned_picture_has_no_empty_corners(degrees: float) -> None:
    white = Picture.from_pixels(np.full((200, 300, 3), 255, np.uint8))
    framed = np.zeros((202, 302, 3), np.uint8)
    framed[1:-1, 1:-1] = white.pixels()
    result = attempt(Picture.from_pixels(framed), f"rotate by {degrees} degrees")
    assert isinstance(result, EditedImage)
    pixels = result.picture.pixels()
    assert (pixels[3:-3, 3:-3] == 255).all()
    assert pixels.shape[0] * pixels.shape[1] > 0.3 * 200 * 300


def test_a_turn_is_clockwise_unless_said_otherwise() -> None:
    def where_is_the_spot(prompt: str) -> float:
        pixels = np.zeros((201, 201, 3), np.uint8)
        pixels[90:111, 150:171] = 255
        result = attempt(Picture.from_pixels(pixels), prompt)
        assert isinstance(result, EditedImage)
        rows = np.nonzero(result.picture.pixels()[..., 0] > 128)[0]
        return float(rows.mean() / result.picture.height)

    assert where_is_the_spot("rotate by 20 degrees") > 0.55
    assert where_is_the_spot("rotate 20 degrees to the left") < 0.45


def test_a_crop_keeps_the_face() -> None:
    face = masks.faces(source("astronaut.png").pixels())
    assert face is not None
    for prompt in ("crop to 16:9", "crop closer", "crop to 3:1", "crop to the face"):
        cropped = made("astronaut.png", prompt)
        again = masks.faces(np.ascontiguousarray(cropped))
        assert again is not None, prompt
        assert (again > 0.5).sum() > 0.9 * (face > 0.5).sum(), prompt


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("crop to 4000x3000", "4000x3000"), ("crop 500 pixels off the left", "500"),
        ("resize to 30000 pixels wide", "50 megapixels"), ("add a 20000 pixel border", "50 megapixels"),
        ("brighten the sky", "no sky"), ("brighten the face", "no face"), ("crop to the face", "no face"),
    ],
)  # fmt: skip
def test_what_this_picture_does_not_allow_is_refused(prompt: str, words: str) -> None:
    result = attempt(source("coffee.png") if "face" in prompt or "sky" in prompt else marked(), prompt)
    assert isinstance(result, UnsupportedEdit)
    assert words in str(result)
    assert "\n" not in str(result)


# ---- text


@pytest.mark.parametrize(
    ("position", "rows", "columns"),
    [
        ("top", (0, 0.3), (0.3, 0.7)), ("bottom", (0.7, 1), (0.3, 0.7)), ("top left", (0, 0.3), (0, 0.4)),
        ("bottom right", (0.7, 1), (0.6, 1)), ("centre", (0.4, 0.6), (0.3, 0.7)),
    ],
)  # fmt: skip
def test_a_caption_stands_where_it_was_asked_for(
    position: str, rows: tuple[float, float], columns: tuple[float, float]
) -> None:
    plain = Picture.from_pixels(np.full((300, 400, 3), 128, np.uint8))
    result = attempt(plain, f'add the red text "Hello" at the {position}')
    assert isinstance(result, EditedImage)
    y, x = np.nonzero((result.picture.pixels() != 128).any(axis=2))
    assert rows[0] <= y.min() / 300
    assert y.max() / 300 <= rows[1]
    assert columns[0] <= x.min() / 400
    assert x.max() / 400 <= columns[1]
    red = result.picture.pixels()[y, x].astype(int)
    assert ((red[:, 0] - red[:, 1]) > 80).mean() > 0.2


def test_caption_sizes_and_lines_that_do_not_fit() -> None:
    plain = Picture.from_pixels(np.full((300, 400, 3), 128, np.uint8))

    def height(prompt: str) -> int:
        result = attempt(plain, prompt)
        assert isinstance(result, EditedImage), result
        return int(np.ptp(np.nonzero((result.picture.pixels() != 128).any(axis=2))[0]))

    small, medium, large = (height(f'add the {size} text "Hello"') for size in ("small", "medium", "large"))
    assert small < medium < large
    assert height('add the small text "H"') >= 0.045 * 300
    long = "A line that is far too long for large letters and that is broken into lines"
    assert height(f'add the large text "{long}"') > 2 * small
    result = attempt(plain, f'add the text "{"long " * 900}"')
    assert isinstance(result, UnsupportedEdit)
    assert "does not fit" in str(result)
    result = attempt(plain, 'add the text "漢字"')
    assert isinstance(result, UnsupportedEdit)
    assert "no letters for" in str(result)


def test_a_caption_stands_inside_the_border() -> None:
    result = attempt(source("chelsea.png"), 'add a white border and the caption "Chelsea" at the bottom')
    assert isinstance(result, EditedImage), result
    framed, cat = result.picture.pixels(), source("chelsea.png").pixels()
    thick = (framed.shape[0] - cat.shape[0]) // 2
    assert thick > 10
    edge = np.ones(framed.shape[:2], bool)
    edge[thick:-thick, thick:-thick] = False
    assert (framed[edge] == 255).all()
    changed = np.nonzero((framed[thick:-thick, thick:-thick] != cat).any(axis=2))[0]
    assert 0.8 * cat.shape[0] < changed.min() < changed.max() < 0.97 * cat.shape[0]


def test_what_is_kept_stays_out_of_a_vignette_on_the_cropped_picture() -> None:
    crop = "crop 15 % off the right"
    plain = made("astronaut.png", crop).astype(int)
    face = masks.faces(source("astronaut.png").pixels())
    assert face is not None
    inside = face[:, : plain.shape[1]] > 0.999
    for effect in ("add an extreme vignette", "give it a vintage look"):
        kept = made("astronaut.png", f"{crop}, {effect} but keep the face").astype(int)
        assert np.abs(kept - plain)[inside].max() <= 1, effect
        assert np.abs(kept - plain)[:40, :40].mean() > 10, effect
