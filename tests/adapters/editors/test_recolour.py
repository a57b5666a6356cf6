from pathlib import Path

import numpy as np
import pytest

from tests.adapters.measure import detail, difference, hue_of, lab, photo
from thinkedit.adapters.editors.photo.palette import PALETTE, lab_of, rgb_of
from thinkedit.adapters.editors.photo.recolour import recolour
from thinkedit.errors import UnsupportedEdit

SAUCER = np.s_[180:300, 90:180]
COFFEE = np.s_[120:180, 230:340]
RED = {"region": "colour:red"}


@pytest.fixture
def coffee(photos: Path) -> np.ndarray:
    return photo(photos / "coffee.png")


def inside(shape: tuple[int, ...], box: tuple[slice, slice]) -> np.ndarray:
    where = np.zeros(shape[:2], bool)
    where[box] = True
    return where


def test_the_red_cup_becomes_blue_and_nothing_else_does(coffee: np.ndarray) -> None:
    done = recolour(coffee, 1.0, {**RED, "colour": "blue"})
    saucer = inside(coffee.shape, SAUCER)
    assert hue_of(coffee, saucer) == pytest.approx(42, abs=6)
    assert hue_of(done, saucer) == pytest.approx(293, abs=15)
    outside = difference(done, coffee)
    outside[10:395, 70:490] = 0
    assert outside.max() == 0.0
    assert difference(done, coffee)[COFFEE].mean() < 1.0  # the coffee stays brown


def test_shading_and_highlights_stay(coffee: np.ndarray) -> None:
    done = recolour(coffee, 1.0, {**RED, "colour": "green"})
    before, after = lab(coffee)[SAUCER][..., 0].ravel(), lab(done)[SAUCER][..., 0].ravel()
    assert np.corrcoef(before, after)[0, 1] > 0.97
    saucer = inside(coffee.shape, SAUCER)
    assert 0.6 < detail(done, saucer) / detail(coffee, saucer) < 1.7


@pytest.mark.parametrize(
    ("colour", "lightness", "chroma"),
    [
        ("white", (72, 100), (0, 6)),
        ("black", (0, 22), (0, 8)),
        ("grey", (35, 60), (0, 8)),
        ("beige", (60, 95), (5, 30)),
    ],
)
def test_neutral_colours_move_lightness_too(
    coffee: np.ndarray, colour: str, lightness: tuple[float, float], chroma: tuple[float, float]
) -> None:
    done = lab(recolour(coffee, 1.0, {**RED, "colour": colour}))[SAUCER].reshape(-1, 3)
    middle = np.median(done, axis=0)
    assert lightness[0] < middle[0] < lightness[1]
    assert chroma[0] <= np.hypot(middle[1], middle[2]) < chroma[1]


def test_no_orange_rim_is_left_on_a_white_saucer(coffee: np.ndarray) -> None:
    done = lab(recolour(coffee, 1.0, {**RED, "colour": "white"}))
    chroma = np.hypot(done[..., 1], done[..., 2])
    assert (chroma[200:300, 85:180] > 30).mean() < 0.002  # the saucer's left part with its rim
    assert (chroma[300:375, 180:420] > 30).mean() < 0.01


def test_half_the_amount_goes_half_the_way(coffee: np.ndarray) -> None:
    whole = difference(recolour(coffee, 1.0, {**RED, "colour": "blue"}), coffee)[SAUCER].mean()
    half = difference(recolour(coffee, 0.5, {**RED, "colour": "blue"}), coffee)[SAUCER].mean()
    assert half / whole == pytest.approx(0.5, abs=0.08)


def test_the_subject_s_main_colour_is_taken_where_none_is_named(coffee: np.ndarray) -> None:
    named = recolour(coffee, 1.0, {**RED, "colour": "green"})
    meant = recolour(coffee, 1.0, {"region": "subject", "colour": "green"})
    np.testing.assert_array_equal(meant, named)


def test_a_face_keeps_its_colour(photos: Path) -> None:
    picture = photo(photos / "astronaut.png")
    done = recolour(picture, 1.0, {"region": "colour:orange", "colour": "blue"})
    changed = difference(done, picture)
    assert changed[80:160, 195:250].mean() < 0.5  # face
    assert changed[250:320, 40:100].mean() > 60  # suit


@pytest.mark.parametrize(
    ("name", "region", "why"),
    [
        (
            "coffee.png",
            "colour:blue",
            r"there is no blue to recolour; the picture has orange \d+ %, red \d+ %",
        ),
        ("china.jpg", "subject", r"the subject has several colours \(black \d+ %"),
        ("astronaut.png", "colour:brown", "the brown here is hair as well"),
        ("coffee.png", "colour:sweet", "'sweet' is not a colour"),
    ],
)
def test_refusals_say_what_is_there(photos: Path, name: str, region: str, why: str) -> None:
    with pytest.raises(UnsupportedEdit, match=why):
        recolour(photo(photos / name), 1.0, {"region": region, "colour": "green"})


def test_no_subject_and_no_colour_named_is_refused() -> None:
    with pytest.raises(UnsupportedEdit, match="no subject stands out"):
        recolour(np.full((60, 60, 3), (200, 30, 30), np.uint8), 1.0, {"region": "subject", "colour": "green"})


def test_colour_names() -> None:
    assert rgb_of("#0F8") == (0, 255, 136)
    assert rgb_of("Sky-Blue") == PALETTE["sky blue"]
    dark, light = lab_of(rgb_of("dark red"))[0], lab_of(rgb_of("lightred"))[0]
    assert dark < lab_of(rgb_of("red"))[0] < light
    with pytest.raises(UnsupportedEdit, match="colour 'fff' is not known"):
        rgb_of("fff")
