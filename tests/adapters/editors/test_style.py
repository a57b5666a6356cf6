from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.adapters.measure import detail, difference, lab, photo
from thinkedit.adapters.editors.photo.style import cartoon, colour_sketch, oil, pencil, watercolour

STYLES = [pencil, colour_sketch, watercolour, oil, cartoon]
Style = Callable[..., np.ndarray]


@pytest.fixture
def cat(photos: Path) -> np.ndarray:
    return photo(photos / "chelsea.png")


def everywhere(pixels: np.ndarray) -> np.ndarray:
    return np.ones(pixels.shape[:2], bool)


def alike(first: np.ndarray, second: np.ndarray) -> float:
    """Correlation of lightness at a tenth of the size: whether it is still the same picture."""
    small = [
        cv2.resize(lab(p)[..., 0], (45, 30), interpolation=cv2.INTER_AREA).ravel() for p in (first, second)
    ]
    return float(np.corrcoef(*small)[0, 1])


def test_pencil_is_grey_on_white_paper(cat: np.ndarray) -> None:
    drawn = pencil(cat, 1.0, {})
    assert (np.ptp(drawn, axis=2) == 0).all()
    assert np.median(drawn) > 200
    assert np.quantile(drawn, 0.02) < 110


def test_colour_sketch_is_paler_with_the_same_hues(cat: np.ndarray) -> None:
    drawn = colour_sketch(cat, 1.0, {})
    before, after = lab(cat).reshape(-1, 3).mean(axis=0), lab(drawn).reshape(-1, 3).mean(axis=0)
    assert after[0] > before[0] + 10
    assert np.degrees(np.arctan2(after[2], after[1])) == pytest.approx(
        np.degrees(np.arctan2(before[2], before[1])), abs=10
    )


def test_watercolour_takes_detail_away_and_keeps_the_picture(cat: np.ndarray) -> None:
    painted = watercolour(cat, 1.0, {})
    fine = cv2.GaussianBlur(painted, (0, 0), 0.8)  # without the paper's grain
    assert detail(fine, everywhere(cat)) < 0.75 * detail(cv2.GaussianBlur(cat, (0, 0), 0.8), everywhere(cat))
    assert alike(painted, cat) > 0.93


def test_oil_has_even_strokes(photos: Path) -> None:
    """Inside strokes there is nothing, between them there are steps: most slopes fall, the largest stay."""
    picture = photo(photos / "coffee.png")
    painted = oil(picture, 1.0, {})

    def slopes(pixels: np.ndarray) -> np.ndarray:
        return np.abs(np.diff(lab(pixels)[..., 0], axis=1))[250:390, :100]

    assert np.median(slopes(painted)) < 0.6 * np.median(slopes(picture))
    assert alike(painted, picture) > 0.95


def test_styles_leave_an_even_sky_even(photos: Path) -> None:
    """No clouds of pigment in a watercolour's sky; the paper shows in a drawn one."""
    picture = photo(photos / "rocket.jpg")
    sky = np.s_[20:150, 330:420]

    def mottle(pixels: np.ndarray) -> float:
        light = lab(cv2.GaussianBlur(pixels, (0, 0), 3))[..., 0]
        return float((light - cv2.GaussianBlur(light, (0, 0), 25))[sky].std())

    assert mottle(watercolour(picture, 1.0, {})) < 0.8
    drawn = colour_sketch(picture, 1.0, {})
    assert mottle(drawn) < 1.0
    assert np.median(lab(drawn)[sky][..., 0]) > 58


def test_oil_shows_bristles_where_the_photograph_is_even(photos: Path) -> None:
    picture = photo(photos / "china.jpg")
    sky = np.zeros(picture.shape[:2], bool)
    sky[20:120, 330:600] = True
    assert detail(oil(picture, 1.0, {}), sky) > 1.5 * detail(picture, sky)


def test_cartoon_has_dark_lines_and_stepped_tones(cat: np.ndarray) -> None:
    drawn = cartoon(cat, 1.0, {})
    assert (lab(drawn)[..., 0] < 10).mean() > 2 * (lab(cat)[..., 0] < 10).mean() + 0.005
    assert alike(drawn, cat) > 0.85


@pytest.mark.parametrize("style", STYLES, ids=lambda s: s.__name__)
def test_half_the_style_lies_between(cat: np.ndarray, style: Style) -> None:
    whole = difference(style(cat, 1.0, {}), cat).mean()
    half = difference(style(cat, 0.5, {}), cat).mean()
    assert whole > 5
    assert half / whole == pytest.approx(0.5, abs=0.1)
    np.testing.assert_array_equal(style(cat, 0.0, {}), cat)


@pytest.mark.parametrize("style", STYLES, ids=lambda s: s.__name__)
def test_strokes_grow_with_the_picture(cat: np.ndarray, style: Style) -> None:
    large = cv2.resize(cat, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    back = cv2.resize(style(large, 1.0, {}), (cat.shape[1], cat.shape[0]), interpolation=cv2.INTER_AREA)
    one, three = style(cat, 1.0, {}), back
    assert difference(three, cat).mean() / difference(one, cat).mean() == pytest.approx(1, abs=0.15)
    assert alike(three, one) > 0.95


@pytest.mark.parametrize("style", STYLES, ids=lambda s: s.__name__)
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (4000, 3), (3, 4000)])
def test_any_shape_works(style: Style, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    pixels.flags.writeable = False
    done = style(pixels, 1.3, {})
    assert done.shape == pixels.shape
    assert done.dtype == np.uint8
