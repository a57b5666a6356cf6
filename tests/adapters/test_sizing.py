"""Any picture goes through a model of few sizes and comes back at its own size, in place and unstretched."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from thinkedit.adapters.sizing import Laid, canvas_for, cut, flattened, lay, lay_mask, lift, within
from thinkedit.errors import SettingsError
from thinkedit.images import Picture
from thinkedit.images.metadata import Metadata

MEGAPIXEL = 1024 * 1024
OPENAI = [(1024, 1024), (1536, 1024), (1024, 1536)]
SIZES = [(300, 2000), (4000, 3000), (1, 1), (20000, 10), (10, 20000), (512, 512), (333, 217)]


def noise(size: tuple[int, int], channels: int = 3) -> NDArray[np.uint8]:
    made = np.random.default_rng(size[0]).integers(0, 256, (size[1], size[0], channels), dtype=np.uint8)
    return np.asarray(made)


def marked(size: tuple[int, int], mark: int) -> NDArray[np.uint8]:
    """Grey, with a red square of `mark` pixels at the top left and a blue one at the bottom right."""
    pixels: NDArray[np.uint8] = np.full((size[1], size[0], 3), 128, np.uint8)
    pixels[:mark, :mark] = (255, 0, 0)
    pixels[-mark:, -mark:] = (0, 0, 255)
    return pixels


def red_square(pixels: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    return extent(pixels[..., 0].astype(int) - pixels[..., 1] > 128)


def blue_square(pixels: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    return extent(pixels[..., 2].astype(int) - pixels[..., 1] > 128)


def extent(where: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of what is True."""
    rows, columns = np.nonzero(where.any(axis=1))[0], np.nonzero(where.any(axis=0))[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def assert_unstretched(laid: Laid, size: tuple[int, int]) -> None:
    left, top, width, height = laid.box
    assert laid.pixels.shape == (laid.canvas[1], laid.canvas[0], 3)
    assert left >= 0
    assert top >= 0
    assert left + width <= laid.canvas[0]
    assert top + height <= laid.canvas[1]
    scale = min(laid.canvas[0] / size[0], laid.canvas[1] / size[1])
    if 1 <= scale < 1.03:
        scale = 1
    assert abs(width - size[0] * scale) <= 1
    assert abs(height - size[1] * scale) <= 1
    assert abs(2 * left + width - laid.canvas[0]) <= 1
    assert abs(2 * top + height - laid.canvas[1]) <= 1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["megapixel", "own", "openai"])
def test_every_size_comes_back(size: tuple[int, int], kind: str) -> None:
    source = Picture.from_pixels(noise(size))
    canvas = {
        "megapixel": lambda: canvas_for(size, area=MEGAPIXEL, multiple=16, longest=2048),
        "own": lambda: canvas_for(size, area=None, multiple=16),
        "openai": lambda: canvas_for(size, area=None, multiple=1, allowed=OPENAI),
    }[kind]()
    laid = lay(source, canvas)
    assert_unstretched(laid, size)
    back, note = lift(laid.pixels, laid, source)
    assert back.size == size
    assert back.mime_type == "image/png"
    assert (note == "") == (canvas == size)


@pytest.mark.parametrize(("size", "mark"), [((300, 2000), 40), ((4000, 3000), 200), ((512, 512), 64)])
@pytest.mark.parametrize("answer", [1.0, 0.5, 2.0])
def test_corners_stay_in_their_corners(size: tuple[int, int], mark: int, answer: float) -> None:
    source = Picture.from_pixels(marked(size, mark))
    laid = lay(source, canvas_for(size, area=None, multiple=1, allowed=OPENAI))
    answered = np.repeat(np.repeat(laid.pixels, 2, axis=0), 2, axis=1) if answer == 2 else laid.pixels
    if answer == 0.5:
        halves = laid.pixels.reshape(laid.canvas[1] // 2, 2, laid.canvas[0] // 2, 2, 3)
        answered = halves.mean(axis=(1, 3)).astype(np.uint8)
    back, _ = lift(answered, laid, source)
    near = 2 if answer >= 1 else 2 + size[0] / laid.box[2]
    assert red_square(back.pixels()) == pytest.approx((0, 0, mark, mark), abs=near)
    wanted = (size[0] - mark, size[1] - mark, *size)
    assert blue_square(back.pixels()) == pytest.approx(wanted, abs=near)


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 400), st.integers(1, 400)),
    area=st.none() | st.integers(256, 200_000),
    multiple=st.sampled_from([1, 8, 16, 32]),
    longest=st.none() | st.integers(64, 600),
)
def test_any_size_is_laid_and_lifted(
    size: tuple[int, int], area: int | None, multiple: int, longest: int | None
) -> None:
    if longest is None and area is not None:
        longest = 4096  # a line of one pixel would be drawn out to area pixels
    canvas = canvas_for(size, area=area, multiple=multiple, longest=longest)
    assert canvas[0] % multiple == canvas[1] % multiple == 0
    assert min(canvas) >= multiple
    assert longest is None or max(canvas) <= longest
    source = Picture.from_pixels(noise(size))
    laid = lay(source, canvas)
    assert_unstretched(laid, size)
    back, _ = lift(laid.pixels, laid, source)
    assert back.size == size
    if area is None and laid.box[2:] == size:
        assert back.pixels() is not None
        assert np.array_equal(back.pixels(), source.pixels())


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 200), st.integers(1, 200)),
    answer=st.tuples(st.integers(1, 200), st.integers(1, 200)),
)
def test_whatever_the_model_answers_has_the_sources_size(
    size: tuple[int, int], answer: tuple[int, int]
) -> None:
    source = Picture.from_pixels(noise(size))
    laid = lay(source, canvas_for(size, area=None, multiple=16))
    back, _ = lift(noise(answer), laid, source)
    assert back.size == size


@pytest.mark.parametrize(
    ("size", "canvas"),
    [
        ((4000, 3000), (1536, 1024)),
        ((300, 2000), (1024, 1536)),
        ((1, 1), (1024, 1024)),
        ((20000, 10), (1536, 1024)),
        ((1100, 1000), (1024, 1024)),
    ],
)
def test_the_nearest_of_the_sizes_that_a_server_takes(size: tuple[int, int], canvas: tuple[int, int]) -> None:
    assert canvas_for(size, area=None, multiple=1, allowed=OPENAI) == canvas


@pytest.mark.parametrize(("size", "side"), [((200, 200), 256), ((300, 300), 512), ((3000, 3000), 1024)])
def test_of_one_aspect_the_smallest_that_loses_nothing(size: tuple[int, int], side: int) -> None:
    squares = [(256, 256), (512, 512), (1024, 1024)]
    assert canvas_for(size, area=None, multiple=1, allowed=squares) == (side, side)
    assert canvas_for(size, area=250_000, multiple=1, allowed=squares) == (512, 512)


def test_a_canvas_of_the_models_area_has_the_pictures_aspect() -> None:
    for size in [(4000, 3000), (1920, 1080), (640, 427), (1000, 1500)]:
        width, height = canvas_for(size, area=MEGAPIXEL, multiple=16)
        assert width / height == pytest.approx(size[0] / size[1], rel=0.012)
        assert width * height == pytest.approx(MEGAPIXEL, rel=0.06)


def test_a_long_picture_gets_a_canvas_that_the_model_takes() -> None:
    for size, aspect in [((300, 2000), 1 / 3), ((20000, 10), 3), ((4000, 3000), 4 / 3)]:
        width, height = canvas_for(size, area=1536 * 1024, multiple=32, widest=3)
        assert width / height == pytest.approx(aspect, rel=0.03)
        assert width * height == pytest.approx(1536 * 1024, rel=0.06)


@pytest.mark.parametrize(("answer", "told"), [((1184, 896), False), ((1024, 1024), True)])
def test_an_answer_that_was_rounded_to_other_multiples_is_the_whole_canvas(
    answer: tuple[int, int], told: bool
) -> None:
    source = Picture.from_pixels(marked((400, 300), 40))
    laid = lay(source, (1184, 880))
    _, note = lift(noise(answer), laid, source)
    assert ("filled with its edges" in note) is told


def test_filling_is_cut_from_a_picture_that_keeps_the_models_size() -> None:
    source = Picture.from_pixels(marked((100, 200), 20))
    laid = lay(source, (200, 200))
    own = cut(np.repeat(np.repeat(laid.pixels, 2, axis=0), 2, axis=1), laid)
    assert own.shape == (400, 200, 3)
    assert red_square(own) == (0, 0, 40, 40)
    assert cut(noise((50, 90)), laid).shape == (90, 50, 3)


def test_transparency_that_the_model_made_is_kept() -> None:
    source = Picture.from_pixels(noise((40, 40)))
    laid = lay(source, (64, 64))
    answer = np.dstack([laid.pixels, np.zeros((64, 64), np.uint8)])
    back, _ = lift(answer, laid, source)
    alpha = back.alpha()
    assert alpha is not None
    assert alpha.max() == 0


def test_nothing_outside_a_mask_changes() -> None:
    source, made = Picture.from_pixels(noise((30, 20))), Picture.from_pixels(noise((31, 20))[:, :30])
    mask: NDArray[np.uint8] = np.zeros((20, 30, 3), np.uint8)
    mask[:, 15:] = 255
    mixed = within(made, Picture.from_pixels(mask).data, source).pixels()
    assert np.array_equal(mixed[:, :15], source.pixels()[:, :15])
    assert np.array_equal(mixed[:, 15:], made.pixels()[:, 15:])


def test_a_picture_that_fits_is_taken_pixel_by_pixel() -> None:
    source = Picture.from_pixels(noise((1000, 750)))
    laid = lay(source, canvas_for(source.size, area=None, multiple=16))
    assert laid.canvas == (1008, 752)
    assert laid.filled
    assert np.array_equal(laid.pixels[1:751, 4:1004], source.pixels())
    assert np.array_equal(laid.pixels[1:751, 0], source.pixels()[:, 0])  # filled with its own edge


def test_alpha_is_seen_on_white_and_comes_back() -> None:
    pixels = noise((60, 40), 4)
    pixels[:, :30, 3] = 0
    pixels[:, 30:, 3] = 255
    source = Picture.from_pixels(pixels)
    laid = lay(source, (120, 80))
    assert (laid.pixels[:, :50] >= 250).all()
    assert np.array_equal(flattened(source)[:, 30:], pixels[:, 30:, :3])
    back, _ = lift(laid.pixels, laid, source)
    alpha = back.alpha()
    assert alpha is not None
    assert np.array_equal(alpha, pixels[..., 3])


def test_grey_stays_grey_and_a_profile_is_carried() -> None:
    grey = np.repeat(noise((50, 30), 1), 3, axis=2)
    source = Picture.encoded(grey, Metadata(icc=b"not a profile, but carried"))
    laid = lay(source, (64, 64))
    back, _ = lift(laid.pixels, laid, source)
    assert np.ptp(back.pixels().astype(int), axis=2).max() == 0
    assert back.metadata.icc == b"not a profile, but carried"


def test_an_answer_of_another_aspect_is_kept_whole_and_told() -> None:
    source = Picture.from_pixels(noise((300, 200)))
    laid = lay(source, (304, 208))
    back, note = lift(marked((100, 100), 20), laid, source)
    assert back.size == (300, 200)
    assert "100x100" in note
    assert "304x208" in note
    assert red_square(back.pixels()) == pytest.approx((0, 0, 90, 40), abs=1)  # its edge is drawn out
    assert blue_square(back.pixels()) == pytest.approx((210, 160, 300, 200), abs=1)


def test_a_mask_is_laid_as_its_source_is() -> None:
    grey: NDArray[np.uint8] = np.zeros((200, 100, 3), np.uint8)
    grey[50:150] = 255
    source = Picture.from_pixels(noise((100, 200)))
    laid = lay(source, (200, 200))
    mask = lay_mask(Picture.from_pixels(grey).data, laid)
    assert mask.shape == (200, 200)
    assert (mask[:50, 50:150] == 0).all()
    assert (mask[50:150, 50:150] == 255).all()
    assert (mask[:, :50] == 255).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"area": 0, "multiple": 16}, "of area 0"),
        ({"area": None, "multiple": 0}, "multiples of 0"),
        ({"area": None, "multiple": 16, "longest": 8}, "longest side is 8: give 16"),
        ({"area": None, "multiple": 16, "allowed": []}, "is empty"),
    ],
)
def test_sizes_that_cannot_be(given: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        canvas_for((100, 100), **given)  # type: ignore[arg-type]
