"""The masks against boxes and points read off the photographs by eye."""

import itertools
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.adapters.measure import photo
from thinkedit.adapters import masks
from thinkedit.adapters.masks import cache as cache_module
from thinkedit.adapters.masks.cache import MaskCache, digest
from thinkedit.adapters.masks.guided import GuidedMask, enlarge_at, enlarge_rows, reduced


def flat(height: int, width: int, colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def test_subject_covers_the_cup_and_not_the_table(photos: Path) -> None:
    mask = masks.subject(photo(photos / "coffee.png"))
    assert mask is not None
    assert mask.dtype == np.float32
    assert mask.shape == (400, 600)
    rows, columns = np.nonzero(mask > 0.5)
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == pytest.approx((78, 18, 479, 388), abs=8)
    assert mask[60:380, 200:400].mean() > 0.97
    assert mask[:, :60].max() < 0.05
    assert mask[:, 520:].max() < 0.05


def test_subject_is_the_person_with_the_helmet(photos: Path) -> None:
    mask = masks.subject(photo(photos / "astronaut.png"))
    assert mask is not None
    assert mask[80:160, 195:250].min() > 0.9  # the face
    assert mask[330:470, 330:420].mean() > 0.9  # the helmet
    assert mask[20:130, 310:340].max() < 0.1  # the backdrop
    assert mask[240:300, :25].mean() < 0.15  # the flag beside the arm


def test_subject_has_the_cat_s_breast_and_shoulder_and_not_the_blanket(photos: Path) -> None:
    """The network takes what lies left below the chin for background; fur runs on there without a line."""
    mask = masks.subject(photo(photos / "chelsea.png"))
    assert mask is not None
    assert mask[200:250, 5:60].mean() > 0.95  # shoulder
    assert mask[250:300, 60:150].mean() > 0.95  # breast, through the whiskers
    assert mask[100:300, 380:].max() < 0.05
    assert mask[20:100, :15].mean() < 0.1


def test_a_tree_in_front_is_not_the_pagoda_s(photos: Path) -> None:
    mask = masks.subject(photo(photos / "china.jpg"))
    assert mask is not None
    assert mask[405:].mean() < 0.01
    assert mask[100:300, 150:270].mean() > 0.9


def test_certainty_is_lower_where_the_outline_is_a_guess(photos: Path) -> None:
    sure = {name: masks.certainty(photo(photos / name)) for name in ("coffee.png", "chelsea.png")}
    assert sure["coffee.png"] is not None
    assert sure["chelsea.png"] is not None
    assert 0.9 < sure["coffee.png"] <= 1
    assert sure["chelsea.png"] < 0.8
    assert masks.certainty(flat(60, 60, (90, 20, 20))) is None


@pytest.mark.parametrize(
    "pixels",
    [
        flat(300, 300, (127, 127, 127)),
        np.random.default_rng(0).integers(0, 256, (300, 400, 3)).astype(np.uint8),
        np.repeat(np.linspace(0, 255, 400).astype(np.uint8)[None, :, None], 300, axis=0).repeat(3, axis=2),
        flat(1, 1, (0, 0, 0)),
        flat(10, 20000, (200, 10, 10)),
    ],
    ids=["flat", "noise", "ramp", "one pixel", "thread"],
)
def test_nothing_is_found_where_nothing_is(pixels: np.ndarray) -> None:
    assert masks.subject(pixels) is None
    assert masks.faces(pixels) is None
    assert masks.sky(pixels) is None


def test_faces_finds_the_one_face(photos: Path) -> None:
    mask = masks.faces(photo(photos / "astronaut.png"))
    assert mask is not None
    assert mask[115, 222] > 0.95
    assert mask[:40].max() < 0.05
    assert mask[220:].max() < 0.05
    assert 0.02 < mask.mean() < 0.06


@pytest.mark.parametrize("name", ["coffee.png", "chelsea.png", "china.jpg", "rocket.jpg"])
def test_faces_invents_none(photos: Path, name: str) -> None:
    assert masks.faces(photo(photos / name)) is None


def test_sky_of_china_ends_at_the_far_shore(photos: Path) -> None:
    mask = masks.sky(photo(photos / "china.jpg"))
    assert mask is not None
    assert mask[:150, 400:].mean() > 0.97
    assert mask[:20].mean() > 0.97
    assert mask[230:].max() < 0.15  # lake, trees
    assert mask[120:200, 130:280].mean() < 0.03  # the pagoda
    assert 0.3 < mask.mean() < 0.42


@pytest.mark.parametrize("name", ["astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg"])
def test_sky_is_refused_where_unsure(photos: Path, name: str) -> None:
    assert masks.sky(photo(photos / name)) is None


@pytest.mark.parametrize(
    ("name", "top", "left"), [("rocket.jpg", 106, 320), ("coffee.png", 200, 0), ("astronaut.png", 128, 0)]
)
def test_half_decided_answers_are_no_subject(photos: Path, name: str, top: int, left: int) -> None:
    """A quarter of a photograph: the network's maximum is above 0.97 and what it marks is no thing."""
    picture = photo(photos / name)
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    assert masks.subject(picture[top : top + height, left : left + width]) is None


def test_a_sky_behind_a_lattice_is_refused_and_the_open_one_found() -> None:
    picture = np.empty((300, 450, 3), np.uint8)
    picture[:] = (90, 110, 60)
    picture[:220] = np.linspace((70, 120, 200), (190, 210, 235), 220)[:, None].astype(np.uint8)
    mask = masks.sky(picture)
    assert mask is not None
    assert mask[:210].min() > 0.95
    assert mask[230:].max() < 0.05
    for k in range(9):
        left, right = 60 * k % 450, (60 * k + 120) % 450
        cv2.line(picture, (left, 10), (right, 220), (40, 40, 40), 8, cv2.LINE_AA)
        cv2.line(picture, (right, 10), (left, 220), (40, 40, 40), 8, cv2.LINE_AA)
    assert masks.sky(picture) is None


def test_the_sea_is_not_the_sky() -> None:
    picture = np.empty((300, 450, 3), np.uint8)
    picture[:120] = np.linspace((120, 165, 220), (185, 205, 230), 120)[:, None].astype(np.uint8)
    picture[120:210] = (60, 110, 170)
    picture[210:] = (190, 170, 110)
    # Haze at one end hides the horizon there, so that colour and flatness alone run on into the sea.
    picture[120:190, 400:] = np.linspace((185, 205, 230), (60, 110, 170), 70)[:, None].astype(np.uint8)
    mask = masks.sky(picture)
    assert mask is not None
    assert mask[:112].min() > 0.95
    assert mask[135:, :380].max() < 0.05


def test_a_brightened_lattice_is_still_no_sky(photos: Path) -> None:
    brighter = np.clip(photo(photos / "rocket.jpg").astype(np.float32) * 2.5, 0, 255).astype(np.uint8)
    assert masks.sky(brighter) is None


@pytest.mark.parametrize(
    ("colour", "rgb"),
    [
        ("red", (210, 30, 40)),
        ("orange", (240, 130, 20)),
        ("yellow", (245, 215, 30)),
        ("green", (40, 150, 60)),
        ("turquoise", (50, 190, 190)),
        ("blue", (40, 90, 200)),
        ("purple", (120, 50, 160)),
        ("pink", (240, 120, 190)),
        ("brown", (110, 68, 40)),
        ("white", (250, 250, 250)),
        ("grey", (128, 128, 128)),
        ("black", (10, 10, 10)),
    ],
)
def test_named_colour_finds_its_patch_and_no_other(colour: str, rgb: tuple[int, int, int]) -> None:
    other = (40, 150, 60) if colour != "green" else (210, 30, 40)
    picture = flat(100, 200, other)
    picture[:, 120:] = rgb
    mask = masks.named_colour(picture, colour)
    assert mask is not None
    assert mask[:, 130:].min() > 0.9
    assert mask[:, :110].max() < 0.1


def test_named_colour_knows_shades_and_refuses_other_words(photos: Path) -> None:
    picture = photo(photos / "coffee.png")
    assert masks.named_colour(picture, "blue") is None
    np.testing.assert_array_equal(masks.named_colour(picture, "dark red"), masks.named_colour(picture, "red"))
    with pytest.raises(ValueError, match="'sweet' is not a colour"):
        masks.named_colour(picture, "sweet")


class Crowded(MaskCache):
    """A cache that knows when four callers have looked and found nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.all_looked = threading.Event()
        self._looks = itertools.count(1)

    def _find(self, key: tuple[bytes, str]) -> tuple[bool, GuidedMask | None]:
        found = super()._find(key)
        if next(self._looks) == 4:
            self.all_looked.set()
        return found


def test_the_network_runs_once_for_a_picture(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Crowded()
    monkeypatch.setattr(masks, "_cache", cache)
    calls: list[int] = []

    def find(pixels: np.ndarray) -> None:
        calls.append(1)
        assert cache.all_looked.wait(timeout=20)

    monkeypatch.setattr(masks, "find_subject", find)
    picture = photo(photos / "chelsea.png")
    threads = [threading.Thread(target=masks.subject, args=(picture.copy(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    masks.subject(picture)
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    changed = picture.copy()
    changed[150, 200, 1] ^= 1
    masks.subject(changed)
    assert len(calls) == 2


def test_the_cache_keeps_to_its_limit_and_forgets_the_oldest() -> None:
    kept = MaskCache(limit=3 * 800)
    pictures = [flat(10, 10, (shade, 0, 0)) for shade in range(5)]
    made: list[bytes] = []

    def make(pixels: np.ndarray) -> GuidedMask:
        made.append(digest(pixels))
        return GuidedMask(np.zeros((10, 10), np.float32), np.zeros((10, 10), np.float32))

    for picture in [*pictures, pictures[4], pictures[0]]:
        kept.get(picture, "x", make)
    assert made == [digest(p) for p in [*pictures, pictures[0]]]
    assert cache_module.digest(flat(5, 20, (0, 0, 0))) != digest(flat(20, 5, (0, 0, 0)))


def test_a_large_picture_gets_the_small_one_s_mask_with_sharp_edges(photos: Path) -> None:
    small = photo(photos / "coffee.png")
    large = cv2.resize(small, (2400, 1600), interpolation=cv2.INTER_CUBIC)
    mask, large_mask = masks.subject(small), masks.subject(large)
    assert mask is not None
    assert large_mask is not None
    back = cv2.resize(large_mask, (600, 400), interpolation=cv2.INTER_AREA)
    assert np.abs(back - mask).mean() < 0.01
    across = large_mask[1000]  # through the saucer's left edge
    edge = np.flatnonzero((across[:1000] > 0.1) & (across[:1000] < 0.9))
    assert 0 < edge.size < 40


def test_enlarged_rows_equal_rows_of_the_enlarged() -> None:
    small = np.random.default_rng(1).random((37, 23)).astype(np.float32)
    whole = cv2.resize(small, (230, 370), interpolation=cv2.INTER_LINEAR)
    strips = [enlarge_rows(small, (370, 230), top, min(370, top + 41)) for top in range(0, 370, 41)]
    np.testing.assert_allclose(np.concatenate(strips), whole, atol=2e-3)
    y, x = np.array([0, 7, 200, 369]), np.array([229, 0, 111, 229])
    np.testing.assert_allclose(enlarge_at(small, (370, 230), y, x), whole[y, x], atol=2e-3)


def test_reduced_never_loses_a_side() -> None:
    assert reduced(flat(20000, 10, (1, 2, 3)), 400).shape == (400, 1, 3)
    assert reduced(flat(10, 12, (1, 2, 3)), 400).shape == (10, 12, 3)
