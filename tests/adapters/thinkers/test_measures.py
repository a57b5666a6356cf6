"""Each measure reacts to what it is for, in order of its amount, and not to what it is not for."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from thinkedit.adapters.thinkers.measured.colour import chroma, ciede2000, hue, hue_distance, linear, to_lab
from thinkedit.adapters.thinkers.measured.measures import (
    blockiness,
    burnt,
    crushed,
    flatness,
    laplacian,
    level_step,
    local_contrast,
    mean,
    noise,
    overshoot,
    quantile,
    ratio_percent,
    shift,
    spread,
    structure,
    tone_matched,
)

# Sharma, Wu and Dalal (2005), table 1: L a b, L a b, difference.
SHARMA = """
50 2.6772 -79.7751 50 0 -82.7485 2.0425
50 3.1571 -77.2803 50 0 -82.7485 2.8615
50 2.8361 -74.02 50 0 -82.7485 3.4412
50 -1.3802 -84.2814 50 0 -82.7485 1.0000
50 -1.1848 -84.8006 50 0 -82.7485 1.0000
50 -0.9009 -85.5211 50 0 -82.7485 1.0000
50 0 0 50 -1 2 2.3669
50 -1 2 50 0 0 2.3669
50 2.49 -0.001 50 -2.49 0.0009 7.1792
50 2.49 -0.001 50 -2.49 0.001 7.1792
50 2.49 -0.001 50 -2.49 0.0011 7.2195
50 2.49 -0.001 50 -2.49 0.0012 7.2195
50 -0.001 2.49 50 0.0009 -2.49 4.8045
50 -0.001 2.49 50 0.001 -2.49 4.8045
50 -0.001 2.49 50 0.0011 -2.49 4.7461
50 2.5 0 50 0 -2.5 4.3065
50 2.5 0 73 25 -18 27.1492
50 2.5 0 61 -5 29 22.8977
50 2.5 0 56 -27 -3 31.9030
50 2.5 0 58 24 15 19.4535
50 2.5 0 50 3.1736 0.5854 1.0000
50 2.5 0 50 3.2972 0 1.0000
50 2.5 0 50 1.8634 0.5757 1.0000
50 2.5 0 50 3.2592 0.335 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.248 -4.962 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.694 23.0331 14.973 -42.5619 2.0373
36.4612 47.858 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.441 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.135 0.9033 -0.0636 -0.5514 0.9082
"""

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module", params=["astronaut.png", "chelsea.png"])
def pixels(request: pytest.FixtureRequest, photos: Path) -> Pixels:
    read = cv2.imread(str(photos / request.param))
    assert read is not None
    return np.ascontiguousarray(read[..., ::-1])


def light(pixels: Pixels) -> NDArray[np.float32]:
    return to_lab(pixels)[..., 0]


def gain(pixels: Pixels, factor: float) -> Pixels:
    return np.asarray(np.clip(pixels * factor, 0, 255), np.uint8)


def grain(pixels: Pixels, deviation: float) -> Pixels:
    drawn = np.random.default_rng(1).normal(0, deviation, pixels.shape)
    return np.asarray(np.clip(pixels + drawn, 0, 255), np.uint8)


def test_ciede2000_gives_the_published_differences() -> None:
    table = np.array([[float(n) for n in line.split()] for line in SHARMA.strip().splitlines()])
    assert table.shape == (34, 7)
    np.testing.assert_allclose(ciede2000(table[:, :3], table[:, 3:6]), table[:, 6], atol=5e-5)


def test_ciede2000_is_symmetric_and_nothing_for_the_same(pixels: Pixels) -> None:
    one, two = to_lab(pixels), to_lab(gain(pixels, 0.8))
    np.testing.assert_allclose(ciede2000(one, two), ciede2000(two, one), atol=1e-3)
    assert float(ciede2000(one, one).max()) == 0
    assert ciede2000(one, two).dtype == np.float32


def test_lab_of_known_colours() -> None:
    shown = to_lab(np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 0, 255]]], np.uint8))[0]
    np.testing.assert_allclose(shown[0], [100, 0, 0], atol=0.1)
    np.testing.assert_allclose(shown[1], [0, 0, 0], atol=0.1)
    np.testing.assert_allclose(shown[2], [53.24, 80.09, 67.20], atol=0.2)
    assert hue(shown[None])[0, 2] == pytest.approx(40, abs=1)
    assert hue(shown[None])[0, 3] == pytest.approx(306, abs=1)
    assert chroma(shown[None])[0, 2] == pytest.approx(104.5, abs=0.5)
    assert linear(np.array([[[188, 188, 188]]], np.uint8))[0, 0, 0] == pytest.approx(0.503, abs=0.003)


def test_hue_distance_goes_around() -> None:
    assert hue_distance(np.array([350.0], np.float32), 10)[0] == pytest.approx(20)
    assert hue_distance(np.array([90.0], np.float32), 270)[0] == pytest.approx(180)


def test_structure_stays_under_tone_and_falls_under_damage(pixels: Pixels) -> None:
    before = light(pixels)
    for factor in (0.7, 1.2):
        assert structure(before, light(gain(pixels, factor))).mean() > 0.96
    assert structure(before, light(np.asarray(255 * (pixels / 255) ** 0.7, np.uint8))).mean() > 0.96
    blurred = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 3), np.uint8)
    assert structure(before, light(blurred)).mean() < 0.9
    assert structure(before, light(np.roll(pixels, 3, axis=1))).mean() < 0.8
    assert structure(before, light(grain(pixels, 20))).mean() < 0.93


def test_noise_rises_with_grain_and_not_with_light(pixels: Pixels) -> None:
    found = [noise(light(grain(pixels, deviation))) for deviation in (0.01, 4, 10, 20)]
    assert found == sorted(found)
    assert found[2] > found[0] + 1
    assert noise(light(gain(pixels, 1.2))) < found[0] + 0.5


def test_laplacian_falls_with_blur_and_rises_with_sharpening(pixels: Pixels) -> None:
    before = light(pixels)
    sharpness = [
        mean(laplacian(np.asarray(cv2.GaussianBlur(before, (0, 0), s)))) for s in (0.4, 0.8, 1.6, 3.2)
    ]
    assert sharpness == sorted(sharpness, reverse=True)
    sharper = before + 0.8 * (before - cv2.GaussianBlur(before, (0, 0), 1.2))
    assert mean(laplacian(np.asarray(sharper, np.float32))) > 1.2 * mean(laplacian(before))


@pytest.mark.parametrize(("dx", "dy"), [(3, 0), (0, -5), (2, 2)])
def test_shift_is_found_whatever_the_tone(pixels: Pixels, dx: int, dy: int) -> None:
    moved = gain(np.roll(pixels, (dy, dx), axis=(0, 1)), 0.7)
    distance, sure = shift(light(pixels), light(moved))
    assert distance == pytest.approx(np.hypot(dx, dy), abs=0.3)
    assert sure > 0.1
    assert shift(light(pixels), light(gain(pixels, 0.7)))[0] < 0.2


def test_blockiness_sees_the_grid_of_strong_jpeg_only(pixels: Pixels) -> None:
    def coded(quality: int) -> Pixels:
        data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)

    assert blockiness(light(coded(8))) > blockiness(light(pixels)) + 0.25
    assert blockiness(light(coded(92))) < blockiness(light(pixels)) + 0.1
    off_grid = light(coded(8))[:, 3:]
    assert blockiness(off_grid, left=3) > blockiness(off_grid, left=0)


def test_level_step_is_the_distance_of_bands(pixels: Pixels) -> None:
    assert level_step(pixels) < 1.3
    assert level_step(np.asarray(pixels // 16 * 16, np.uint8)) == pytest.approx(16, rel=0.15)
    assert level_step(pixels[:20, :20]) == 1


def test_overshoot_sees_halos_and_not_tone(pixels: Pixels) -> None:
    before = light(pixels)
    halo = before + 5 * (before - cv2.GaussianBlur(before, (0, 0), 3))
    assert overshoot(before, np.asarray(np.clip(halo, 0, 100), np.float32)) > 12
    assert overshoot(before, light(gain(pixels, 1.25))) < 5


def test_clipping_maps() -> None:
    row = np.array(
        [[[255, 10, 10], [254, 254, 254], [250, 250, 250], [0, 0, 0], [2, 1, 0], [3, 0, 0]]], np.uint8
    )
    assert burnt(row).tolist() == [[1, 1, 0, 0, 0, 0]]
    assert crushed(row).tolist() == [[0, 0, 0, 1, 1, 0]]


def test_flatness_of_a_poster(pixels: Pixels) -> None:
    poster = np.asarray(cv2.medianBlur(pixels, 15) // 32 * 32, np.uint8)
    assert flatness(to_lab(poster)) > flatness(to_lab(pixels)) + 0.2


def test_local_contrast_is_not_global_contrast() -> None:
    ramp = np.tile(np.linspace(0, 100, 256, dtype=np.float32), (256, 1))
    checks = 50 + 10 * (np.indices((256, 256)).sum(axis=0) % 2 * 2 - 1).astype(np.float32)
    assert local_contrast(ramp) < 1
    assert local_contrast(checks) == pytest.approx(10, abs=0.5)
    assert spread(ramp) > spread(checks)


def test_tone_matched_explains_any_curve(pixels: Pixels) -> None:
    before = light(pixels)
    after = np.asarray(100 * (before / 100) ** 0.6, np.float32)
    assert float(np.abs(tone_matched(before, after) - after).mean()) < 0.5


@given(st.floats(0.01, 1e3), st.floats(0.01, 1e3), st.floats(0.01, 5))
def test_more_and_less_are_alike(one: float, two: float, floor: float) -> None:
    assert ratio_percent(one, two, floor) == pytest.approx(-ratio_percent(two, one, floor), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_every_measure_is_finite_and_the_same_in_a_mirror(height: int, width: int, seed: int) -> None:
    drawn = np.random.default_rng(seed).integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    one, two = light(drawn[0]), light(drawn[1])
    mirrored = np.ascontiguousarray(one[:, ::-1]), np.ascontiguousarray(two[:, ::-1])
    for measure in (noise, local_contrast, mean, spread, blockiness):
        assert np.isfinite(measure(one))
    assert noise(mirrored[0]) == pytest.approx(noise(one), abs=0.02)
    assert local_contrast(mirrored[0]) == pytest.approx(local_contrast(one), rel=1e-3, abs=1e-3)
    for measure in (overshoot, structure, tone_matched):
        assert np.isfinite(measure(one, two)).all()
    assert structure(*mirrored).mean() == pytest.approx(structure(one, two).mean(), abs=1e-3)
    assert np.isfinite(shift(one, two)).all()
    assert np.isfinite(flatness(to_lab(drawn[0])))
    assert np.isfinite(ciede2000(to_lab(drawn[0]), to_lab(drawn[1]))).all()


def test_weights_choose_what_counts() -> None:
    values = np.array([[1.0, 9.0]], np.float32)
    left = np.array([[1.0, 0.0]], np.float32)
    assert mean(values, left) == 1
    assert spread(values, left) == 0
    assert quantile(values, 0.5, 1 - left) == 9
    assert mean(values, np.zeros_like(values)) == 0
    assert quantile(values, 0.5, np.zeros_like(values)) == 0
