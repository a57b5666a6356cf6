from pathlib import Path

import numpy as np
import pytest

from tests.adapters.measure import detail, difference, photo, shrunk
from thinkedit.adapters import masks
from thinkedit.adapters.editors.photo.background import background_blur, background_replace
from thinkedit.errors import UnsupportedEdit


@pytest.mark.parametrize("name", ["astronaut.png", "coffee.png", "china.jpg"])
def test_blur_leaves_the_subject_sharp_and_the_background_soft(photos: Path, name: str) -> None:
    picture = photo(photos / name)
    subject = masks.subject(picture)
    assert subject is not None
    blurred = background_blur(picture, 1.0, {})
    inside, outside = shrunk(subject, 4), shrunk(1 - subject, 8)
    assert detail(blurred, inside) / detail(picture, inside) > 0.95
    assert detail(blurred, outside) / detail(picture, outside) < 0.5
    assert difference(blurred, picture)[shrunk(subject, 8)].mean() < 0.2


def test_what_the_rocket_stands_on_stays_in_focus(photos: Path) -> None:
    picture = photo(photos / "rocket.jpg")
    blurred = background_blur(picture, 1.0, {})
    pad, towers = np.zeros((2, *picture.shape[:2]), bool)
    pad[412:, 285:360] = True
    towers[150:350, 180:215] = True
    assert detail(blurred, pad) > 0.6 * detail(picture, pad)
    assert detail(blurred, towers) < 0.2 * detail(picture, towers)


def test_the_ground_is_blurred_where_the_frame_cuts_the_subject(photos: Path) -> None:
    picture = photo(photos / "astronaut.png")
    blurred = background_blur(picture, 1.0, {})
    flag = np.zeros(picture.shape[:2], bool)
    flag[100:200, :40] = True
    assert detail(blurred, flag) < 0.3 * detail(picture, flag)


def test_blur_grows_with_the_amount(photos: Path) -> None:
    picture = photo(photos / "coffee.png")
    subject = masks.subject(picture)
    assert subject is not None
    outside = shrunk(1 - subject, 8)
    left = [detail(background_blur(picture, amount, {}), outside) for amount in (0.1, 0.4, 1.0)]
    assert left[0] > 1.5 * left[1] > 1.5 * left[2]


def test_blur_makes_no_halo() -> None:
    """A bright disc on black: were the disc blurred too, it would glow into the dark around it."""
    picture = np.zeros((300, 300, 3), np.uint8)
    y, x = np.mgrid[:300, :300]
    away = np.hypot(x - 150, y - 150)
    picture[away < 70] = (250, 120, 40)
    assert masks.subject(picture) is not None
    blurred = background_blur(picture, 1.5, {})
    assert blurred[(away > 80)].max() <= 6
    assert np.abs(blurred[away < 60].astype(int) - picture[away < 60]).max() <= 1


def test_blur_is_refused_without_a_subject() -> None:
    with pytest.raises(UnsupportedEdit, match="no subject stands out"):
        background_blur(np.full((80, 80, 3), 90, np.uint8), 1.0, {})


def test_replace_by_a_colour(photos: Path) -> None:
    picture = photo(photos / "coffee.png")
    subject = masks.subject(picture)
    assert subject is not None
    done = background_replace(picture, 1.0, {"with": "colour", "colour": "#3060c0"})
    away = np.abs(done[shrunk(1 - subject, 6)].astype(int) - (0x30, 0x60, 0xC0)).max(axis=1)
    assert np.quantile(away, 0.999) <= 1
    assert away.max() < 25  # three pixels of the saucer's foot at the lower edge
    assert difference(done, picture)[shrunk(subject, 6)].mean() < 0.3


def test_white_is_white(photos: Path) -> None:
    done = background_replace(photo(photos / "coffee.png"), 1.0, {"colour": "white"})
    assert (done[:5] == 255).all()
    assert (done[:, :40] == 255).all()


def test_replace_cleans_the_edges_of_the_old_background() -> None:
    """A grey disc on green, its rim mixed as a lens mixes it, put on white: no green may be left."""
    size = 400
    y, x = np.mgrid[:size, :size]
    share = np.clip((110 - np.hypot(x - 200, y - 200)) / 4 + 0.5, 0, 1)[..., None]
    picture = (share * (120, 120, 120) + (1 - share) * (0, 160, 0)).astype(np.uint8)
    done = background_replace(picture, 1.0, {"colour": "white"}).astype(int)
    green = done[..., 1] - (done[..., 0] + done[..., 2]) // 2
    before = picture[..., 1].astype(int) - (picture[..., 0].astype(int) + picture[..., 2]) // 2
    rim = np.abs(np.hypot(x - 200, y - 200) - 110) < 8
    assert before[rim].max() > 100
    assert green[rim].max() < 20
    assert green[rim].mean() < 1.5


def test_replace_by_a_gradient_runs_from_top_to_bottom(photos: Path) -> None:
    picture = photo(photos / "coffee.png")
    done = background_replace(picture, 1.0, {"with": "gradient", "colour": "#000000", "colour2": "#ffffff"})
    edge = done[:, 2].mean(axis=1)
    assert edge[0] < 6
    assert edge[-1] > 249
    assert np.abs(edge - np.linspace(0, 255, 400)).max() < 6


def test_replace_by_a_picture_covers_without_stretching(photos: Path) -> None:
    picture, other = photo(photos / "coffee.png"), np.zeros((100, 300, 3), np.uint8)
    other[:, 149:] = (255, 0, 0)
    done = background_replace(picture, 1.0, {"with": "reference"}, reference=other)
    assert tuple(done[5, 5]) == (0, 0, 0)
    assert tuple(done[5, 595]) == (255, 0, 0)
    turn = int(np.flatnonzero(done[2, :, 0] > 128)[0])
    assert turn == pytest.approx(296, abs=4)


def test_replace_wants_to_be_told_with_what(photos: Path) -> None:
    with pytest.raises(UnsupportedEdit, match="say what to put behind"):
        background_replace(photo(photos / "coffee.png"), 1.0, {})
    with pytest.raises(UnsupportedEdit, match="colour 'bluish' is not known"):
        background_replace(photo(photos / "coffee.png"), 1.0, {"colour": "bluish"})
