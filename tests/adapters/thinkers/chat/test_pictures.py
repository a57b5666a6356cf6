"""Pictures as a provider takes them."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from thinkedit.adapters.thinkers.chat.pictures import Shower
from thinkedit.adapters.thinkers.chat.providers import PROVIDERS, Provider
from thinkedit.images import Picture

SMALL = Provider("x", "x", image_bytes=30_000, request_bytes=40_000, image_side=200)


def noise(width: int, height: int, channels: int = 3) -> Picture:
    pixels = np.random.default_rng(5).integers(0, 255, (height, width, channels), dtype=np.uint8)
    return Picture.from_pixels(pixels)


def test_what_fits_is_passed_on_undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = noise(60, 40)
    monkeypatch.setattr(Picture, "pixels", lambda self: pytest.fail("decoded"))
    monkeypatch.setattr(Picture, "preview", lambda self, **limits: pytest.fail("encoded again"))
    [shown] = Shower(SMALL, 10_000).show([picture])
    assert shown.as_it_was
    assert base64.b64decode(shown.base64) == picture.data


@pytest.mark.parametrize(
    ("picture", "max_pixels"),
    [(noise(150, 150), 10_000), (noise(150, 150), 10**6), (noise(900, 3), 10**6)],
    ids=["pixels", "bytes", "side"],
)
def test_what_does_not_fit_is_reduced_to_every_limit(picture: Picture, max_pixels: int) -> None:
    [shown] = Shower(SMALL, max_pixels).show([picture])
    assert not shown.as_it_was
    made = Picture.from_bytes(base64.b64decode(shown.base64))
    assert made.mime_type == shown.mime_type == "image/jpeg"
    assert len(made.data) <= SMALL.image_bytes
    assert made.width * made.height <= max_pixels
    assert max(made.size) <= SMALL.image_side


@pytest.mark.parametrize("size", [(333, 100), (101, 99), (1999, 7), (640, 427)])
def test_pixels_are_held_whatever_rounding_does(size: tuple[int, int]) -> None:
    for limit in (997, 5_000, 4_999):
        [shown] = Shower(SMALL, limit).show([noise(*size)])
        assert shown.width * shown.height <= limit


def test_a_reduced_copy_is_fine_enough_to_be_judged() -> None:
    """Colour too is at full resolution: thin red lines on grey stay red."""
    pixels = np.full((160, 160, 3), 128, np.uint8)
    pixels[:, ::8] = (220, 20, 20)
    [shown] = Shower(Provider("x", "x", types=frozenset({"image/jpeg"})), 10**6).show(
        [Picture.from_pixels(pixels)]
    )
    made = Picture.from_bytes(base64.b64decode(shown.base64)).pixels()
    assert not shown.as_it_was
    assert np.abs(made.astype(int) - pixels).mean() < 3
    assert made[:, 8].mean(axis=0)[0] > 200


def test_the_bytes_of_a_request_are_shared_out() -> None:
    pictures = [noise(95, 95), noise(95, 94), noise(94, 95)]
    assert 13_400 < len(pictures[0].data) < SMALL.image_bytes
    shown = Shower(SMALL, 10**6).show(pictures)
    assert sum(len(base64.b64decode(one.base64)) for one in shown) <= SMALL.request_bytes


def test_a_copy_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shower, picture = Shower(SMALL, 1_000), noise(100, 100)
    [first] = shower.show([picture])
    monkeypatch.setattr(Picture, "preview", lambda self, **limits: pytest.fail("made again"))
    assert shower.show([Picture.from_bytes(picture.data)]) == [first]


def test_alpha_stays_where_it_is_taken() -> None:
    [shown] = Shower(SMALL, 1_000).show([noise(100, 100, 4)])
    assert shown.mime_type == "image/webp"


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=lambda provider: provider.name)
def test_the_limits_hold_in_base64(provider: Provider) -> None:
    """Providers count what they are sent."""
    documented = {"openai": 20e6, "anthropic": 5 * 2**20, "google_genai": 20e6, "ollama": 100e6}
    requests = {"openai": 50e6, "anthropic": 32e6, "google_genai": 20e6, "ollama": 100e6}
    assert provider.image_bytes * 4 / 3 <= documented[provider.name]
    assert provider.request_bytes * 4 / 3 + 300_000 <= requests[provider.name]
