"""The gallery's yardstick and its targets: that they tell right from wrong, on pictures made for it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from gallery.cases import CASES, SHARED, cases  # noqa: E402
from gallery.frames import Frame, Pair  # noqa: E402
from gallery.places import PLACES, place  # noqa: E402
from gallery.targets import WISHES, damage, distance, error, wish  # noqa: E402
from gallery.yardstick import MEASURES  # noqa: E402

Pixels = NDArray[np.uint8]


def scene(seed: int = 3) -> Pixels:
    """Soft blobs in dull colours with a little grain, 180 x 240: something of everything a measure needs."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:180, 0:240].astype(np.float32)
    picture = np.full((180, 240, 3), 0.42, np.float32) + (x / 240)[..., None] * 0.15
    for _ in range(40):
        centre, size = rng.uniform((0, 0), (180, 240)), rng.uniform(6, 30)
        inside = np.hypot(y - centre[0], x - centre[1]) < size
        picture[inside] = 0.25 + 0.45 * rng.uniform(0, 1, 3)
    picture += rng.normal(0, 0.01, picture.shape)
    return np.asarray(np.clip(picture, 0, 1) * 255, np.uint8)


def lit(pixels: Pixels, gains: tuple[float, float, float]) -> Pixels:
    """The same scene in other light: gains on linear red, green and blue."""
    light = Frame(pixels).light * np.array(gains, np.float32)
    code = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)
    return np.asarray(np.clip(code, 0, 1) * 255 + 0.5, np.uint8)


def pair(before: Pixels, after: Pixels) -> Pair:
    return Pair(Frame(before), Frame(after))


def read(name: str, before: Pixels, after: Pixels) -> float:
    return MEASURES[name](pair(before, after), np.ones(before.shape[:2], bool))


def test_a_stop_of_light_reads_as_a_stop() -> None:
    source = scene()
    assert read("light", source, lit(source, (2**0.5,) * 3)) == pytest.approx(0.5, abs=0.05)
    assert read("light", source, source) == 0


def test_red_to_blue_sees_colour_and_not_light() -> None:
    source = scene()
    assert read("red_to_blue", source, lit(source, (1.2, 1.0, 0.8))) == pytest.approx(np.log2(1.5), abs=0.05)
    assert read("red_to_blue", source, lit(source, (0.7,) * 3)) == pytest.approx(0, abs=0.02)


def test_turned_reads_the_angle_of_a_turn() -> None:
    cv2 = pytest.importorskip("cv2")
    source = scene()
    turn = cv2.getRotationMatrix2D((120, 90), -5, 1)  # OpenCV counts counterclockwise
    after = cv2.warpAffine(source, turn, (240, 180), borderMode=cv2.BORDER_REFLECT)
    assert read("turned", source, after) == pytest.approx(5, abs=0.4)
    assert read("turned", source, source) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(
    ("name", "right", "less", "more"),
    [
        ("brighter", (1.4,) * 3, (1.05,) * 3, (3.0,) * 3),
        ("warmer", (1.2, 1.0, 0.82), (1.02, 1.0, 0.99), (1.9, 1.0, 0.5)),
    ],
)
def test_a_wish_takes_the_right_amount_and_neither_less_nor_more(
    name: str, right: tuple[float, ...], less: tuple[float, ...], more: tuple[float, ...]
) -> None:
    source = scene()

    def off(gains: tuple[float, ...]) -> float:
        return error(pair(source, lit(source, (gains[0], gains[1], gains[2]))), "china", [wish(name)])

    assert off(right) == 0
    assert off(less) > 0.2
    assert off(more) > 0.2


def test_distance_tells_the_middle_of_a_band_from_its_end() -> None:
    source = scene()
    middle, end = (
        distance(pair(source, lit(source, (gain,) * 3)), "china", [wish("brighter")]) for gain in (1.54, 1.2)
    )
    assert middle < 0.1 < 0.9 < end


def test_what_should_stay_is_not_held_against_a_wish_that_moves_it() -> None:
    source = scene()
    both = pair(source, lit(source, (1.45 * 1.2, 1.45, 1.45 * 0.82)))
    assert error(both, "china", [wish("warmer")]) > 0
    assert error(both, "china", [wish("warmer"), wish("brighter")]) == 0


def test_burning_out_is_damage_except_in_a_drawing() -> None:
    source = scene()
    burnt = source.copy()
    burnt[:40] = 255
    assert damage(pair(source, burnt), [wish("brighter")]) > 0.9
    assert damage(pair(source, burnt), [wish("pencil")]) == 0


def test_slightly_and_much_move_the_ends_of_a_band_apart_from_a_plain_one() -> None:
    for name in ("brighter", "cooler"):
        slightly, plain, much = (wish(name, p).bands[0] for p in ("slightly", "plain", "much"))
        assert abs(slightly.low + slightly.high) < abs(plain.low + plain.high) < abs(much.low + much.high)


def test_every_case_can_be_measured_where_it_asks() -> None:
    for photo in CASES:
        assert len(cases(photo)) >= 12
        instructions = [case.instruction for case in cases(photo)]
        assert len(set(instructions)) == len(instructions)
        for case in cases(photo):
            for one in case.wishes:
                for band in one.bands:
                    assert band.measure in MEASURES
                    assert band.low < band.high or band.low == band.high == 300
                    assert place(photo, band.place, 300, 400).mean() > 0.001, (photo, band.place)
    assert any(len(case.wishes) == 3 for case in SHARED)


def test_places_that_exclude_each_other_do_not_overlap() -> None:
    for photo, named in PLACES.items():
        for one, other in (("subject", "background"), ("sky", "ground"), ("suit", "not the suit")):
            if one in named and other in named:
                both = place(photo, one, 400, 600) & place(photo, other, 400, 600)
                assert both.sum() <= 0.002 * both.size, (photo, one, other)


def test_every_wish_is_used() -> None:
    used = {one for some in (SHARED, *CASES.values()) for case in some for one in case.wishes}
    firsts = {one.bands[0].why + one.bands[0].measure + one.bands[0].place for one in used}
    unused = [
        n for n, w in WISHES.items() if w.bands[0].why + w.bands[0].measure + w.bands[0].place not in firsts
    ]
    assert unused == []
