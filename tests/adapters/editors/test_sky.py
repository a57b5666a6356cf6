from pathlib import Path

import numpy as np
import pytest

from tests.adapters.measure import difference, lab, photo
from thinkedit.adapters import masks
from thinkedit.adapters.editors.photo.sky import SKIES, sky_replace
from thinkedit.errors import UnsupportedEdit

SKY = np.s_[:120, 300:640]
LAND = np.s_[300:420, 200:400]


@pytest.fixture
def china(photos: Path) -> np.ndarray:
    return photo(photos / "china.jpg")


def colour(pixels: np.ndarray, box: tuple[slice, slice]) -> np.ndarray:
    return lab(pixels)[box].reshape(-1, 3).mean(axis=0)


def test_a_clear_sky_is_blue_and_paler_towards_the_horizon(china: np.ndarray) -> None:
    done = sky_replace(china, 1.0, {"with": "clear"})
    high, low = colour(done, np.s_[:30, 300:600]), colour(done, np.s_[150:180, 400:500])
    assert high[2] < -30
    assert low[0] > high[0] + 15
    assert low[2] > high[2] + 15


def test_a_sunset_is_warm_below_and_reddens_the_land(china: np.ndarray) -> None:
    done = sky_replace(china, 1.0, {"with": "sunset"})
    assert colour(done, np.s_[140:170, 400:500])[2] > 25
    before, after = colour(china, LAND), colour(done, LAND)
    assert after[2] > before[2] + 3
    assert before[0] - 12 < after[0] < before[0]


def test_an_overcast_sky_is_grey_and_the_land_duller(china: np.ndarray) -> None:
    done = sky_replace(china, 1.0, {"with": "overcast"})
    lightness, a, b = colour(done, SKY)
    assert 55 < lightness < 85
    assert np.hypot(a, b) < 6
    assert colour(done, LAND)[0] < colour(china, LAND)[0]


@pytest.mark.parametrize("kind", sorted(SKIES))
def test_the_land_keeps_its_picture(china: np.ndarray, kind: str) -> None:
    done = sky_replace(china, 1.0, {"with": kind})
    before, after = lab(china)[LAND][..., 0].ravel(), lab(done)[LAND][..., 0].ravel()
    assert np.corrcoef(before, after)[0, 1] > 0.99
    assert difference(done, china)[SKY].mean() > 8


def test_no_bright_rim_of_the_old_sky_is_left_on_the_roof(china: np.ndarray) -> None:
    """Half-covered pixels of roof and leaves were half white sky: under a sunset they are not."""
    mask = masks.sky(china)
    assert mask is not None
    rim = (mask > 0.1) & (mask < 0.9)
    rim[150:] = rim[:, 350:] = False
    done = sky_replace(china, 1.0, {"with": "sunset"})
    assert lab(china)[rim][:, 0].mean() > 62
    assert lab(done)[rim][:, 0].mean() < 55


def test_the_same_words_give_the_same_sky(china: np.ndarray) -> None:
    np.testing.assert_array_equal(
        sky_replace(china, 1.0, {"with": "sunset"}), sky_replace(china, 1.0, {"with": "sunset"})
    )


@pytest.mark.parametrize("name", ["astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg"])
def test_refused_where_there_is_no_sure_sky(photos: Path, name: str) -> None:
    with pytest.raises(UnsupportedEdit, match=r"no sky could be told apart for certain .*dusk"):
        sky_replace(photo(photos / name), 1.0, {"with": "sunset"})


def test_an_unknown_sky_is_refused(china: np.ndarray) -> None:
    with pytest.raises(
        UnsupportedEdit, match="a 'green' sky is not known; known are clear, sunset, overcast"
    ):
        sky_replace(china, 1.0, {"with": "green"})
