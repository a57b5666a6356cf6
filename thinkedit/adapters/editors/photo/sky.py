"""Another sky, painted from noise and gradients, with the land relit to suit it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from thinkedit.adapters import masks
from thinkedit.adapters.editors.photo.filters import Floats, by_strips, from_linear, to_bytes, to_linear
from thinkedit.adapters.masks.guided import GuidedMask, Pixels, enlarge_rows, reduced, smoothstep
from thinkedit.errors import UnsupportedEdit

__all__ = ["SKIES", "sky_replace"]

WIDTH = 900
Stops = tuple[tuple[float, tuple[int, int, int]], ...]


@dataclass(frozen=True)
class Sky:
    """A painted sky.

    stops: sRGB colours from zenith (0) to horizon (1).
    cover: share of clouds, 0 to 1; lit, shade: sRGB colours of clouds towards and away from the light.
    light: factors on the land's linear red, green and blue, which say hour and weather.
    """

    stops: Stops
    cover: float
    lit: tuple[int, int, int]
    shade: tuple[int, int, int]
    light: tuple[float, float, float]
    seed: int


SKIES = {
    "clear": Sky(
        ((0.0, (44, 100, 178)), (0.45, (96, 152, 214)), (0.8, (164, 202, 234)), (1.0, (212, 228, 238))),
        0.12, (250, 250, 250), (222, 230, 240), (1.03, 1.01, 0.99), 9,
    ),
    "sunset": Sky(
        ((0.0, (58, 66, 118)), (0.35, (128, 96, 140)), (0.6, (222, 128, 108)), (0.82, (252, 178, 104)),
         (1.0, (255, 220, 156))),
        0.42, (255, 196, 140), (134, 92, 118), (0.98, 0.82, 0.68), 10,
    ),
    "overcast": Sky(
        ((0.0, (150, 156, 164)), (0.6, (186, 190, 195)), (1.0, (214, 216, 218))),
        1.0, (214, 217, 220), (158, 164, 172), (0.90, 0.92, 0.95), 11,
    ),
}  # fmt: skip


def _sky_of(pixels: Pixels) -> GuidedMask:
    found = masks.guided_sky(pixels)
    if found is None:
        raise UnsupportedEdit(masks.NO_SKY)
    return found


def sky_replace(
    pixels: Pixels, amount: float, options: Mapping[str, str], *, reference: Pixels | None = None
) -> Pixels:
    """Put another sky above the land and bring the land's light near it.

    options: `with`, a key of SKIES. amount: how far the land's light follows, 1 wholly.
    Raises UnsupportedEdit where no sky is found.
    """
    kind = options.get("with", "clear").strip().lower()
    if kind not in SKIES:
        raise UnsupportedEdit(f"a {kind!r} sky is not known; known are {', '.join(SKIES)}", (kind,))
    mask = _sky_of(pixels)
    width = pixels.shape[1]
    horizon = _horizon(mask, pixels)
    painted = _painted(SKIES[kind], width / horizon)
    tone = np.array(SKIES[kind].light, np.float32)
    tone = np.asarray(1 + (tone - 1) * min(1.0, max(0.0, amount)), np.float32)
    old = _old_sky(mask, pixels)
    grain = np.random.default_rng(1).uniform(-0.5, 0.5, (128, 128)).astype(np.float32) / 255

    def rows(top: int, bottom: int) -> Pixels:
        alpha = mask.rows(pixels, top, bottom)[..., None]
        land = to_linear(pixels[top:bottom])
        # Leaves and roofs against the sky hold its light: what is left of a pixel without it is the land's.
        cleaned = (land - alpha * enlarge_rows(old, pixels.shape[:2], top, bottom)) / np.maximum(
            1 - alpha, 0.1
        )
        land = np.where(alpha > 0.02, np.clip(cleaned, 0, land), land)
        land *= tone
        sky = _sky_rows(painted, horizon, width, top, bottom)
        sky *= 1 + grain[np.arange(top, bottom) % 128][:, np.arange(width) % 128][..., None]
        land += (sky - land) * alpha
        return from_linear(land)

    return by_strips(pixels, rows)


def _horizon(mask: GuidedMask, pixels: Pixels) -> int:
    """The row below the sky's lowest part."""
    small = reduced(pixels, 400)
    rows = np.flatnonzero(mask.full(small).mean(axis=1) > 0.03)
    lowest = float(rows.max() + 1) / small.shape[0] if rows.size else 1.0
    return max(2, int(lowest * pixels.shape[0] + 0.5))


def _old_sky(mask: GuidedMask, pixels: Pixels) -> Floats:
    """The sky as it was, as a smooth layer in linear light that also reaches behind its edges."""
    small = reduced(pixels, 600)
    weight = mask.full(small) ** 3
    light = to_linear(small) * weight[..., None]
    sigma = max(1.5, 0.015 * max(small.shape[:2]))
    total = np.asarray(cv2.GaussianBlur(light, (0, 0), sigma), np.float32)
    weights = np.asarray(cv2.GaussianBlur(weight, (0, 0), sigma), np.float32) + np.float32(1e-4)
    return np.asarray(total / weights[..., None], np.float32)


def _sky_rows(painted: Floats, horizon: int, width: int, top: int, bottom: int) -> Floats:
    """Rows top..bottom of the painted sky, stretched down to the horizon, and its last row below that."""
    above = min(bottom, horizon)
    parts = []
    if top < above:
        parts.append(enlarge_rows(painted, (horizon, width), top, above).copy())
    if bottom > max(top, above):
        last = enlarge_rows(painted, (horizon, width), horizon - 1, horizon)
        parts.append(np.repeat(last, bottom - max(top, above), axis=0))
    return np.concatenate(parts)


def _painted(sky: Sky, ratio: float) -> Floats:
    """The sky in linear light, WIDTH wide at most; ratio: its width over its height."""
    wide = WIDTH if ratio >= 1 else max(2, round(WIDTH * ratio))
    high = max(2, round(wide / ratio))
    height = np.linspace(0, 1, high, dtype=np.float32)
    colours = np.stack(
        [np.interp(height, [at for at, _ in sky.stops], [rgb[i] for _, rgb in sky.stops]) for i in range(3)],
        axis=-1,
    )
    clear = np.repeat(colours[:, None], wide, axis=1).astype(np.float32)
    density, lit = _clouds(sky, wide, high)
    cloud = (
        np.array(sky.shade, np.float32)
        + (np.array(sky.lit, np.float32) - np.array(sky.shade, np.float32)) * lit
    )
    # Far clouds fade into the light at the horizon.
    density = density * (1 - 0.55 * height[:, None, None] ** 3)
    return to_linear(to_bytes(clear + (cloud - clear) * density))


def _clouds(sky: Sky, wide: int, high: int) -> tuple[Floats, Floats]:
    """(density, lit) of a flat layer of clouds seen from below, H x W x 1, 0 to 1: smaller far away."""
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    elevation = 0.3 + 0.7 * (1 - y / high)
    far = 1 / elevation
    across = (x - wide / 2) / wide * far
    first = _noise(across, far, sky.seed)
    # Lit from the side and from behind: where the layer thins towards the light it is bright.
    towards = _noise(across + np.float32(0.05), far + np.float32(0.07), sky.seed)
    low = float(np.quantile(first, 1 - min(0.98, sky.cover)))
    density = smoothstep(first, low - 0.25, low + 1.3)
    lit = np.clip(0.6 + 0.7 * (first - towards) - 0.3 * (first - low - 0.6) * sky.cover, 0, 1)
    return density[..., None], np.asarray(lit, np.float32)[..., None]


def _noise(across: Floats, along: Floats, seed: int) -> Floats:
    """Fractal noise of about unit variance on the cloud layer, warped by itself so that it billows."""
    size, fine = 1024, 4
    base = np.asarray(np.random.default_rng(seed).standard_normal((size, size)), np.float32)
    rounded = cv2.GaussianBlur(np.tile(base, (2, 2)), (0, 0), 1.5 * fine)
    tile = np.asarray(rounded[size // 2 : 3 * size // 2, size // 2 : 3 * size // 2], np.float32)
    tile /= float(tile.std())

    def octave(u: Floats, v: Floats, scale: float, shift: float) -> Floats:
        return np.asarray(
            cv2.remap(
                tile,
                np.asarray((u * scale + shift) * fine % size, np.float32),
                np.asarray((v * scale + 1.7 * shift) * fine % size, np.float32),
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_WRAP,
            ),
            np.float32,
        )

    warp = np.float32(0.12) * octave(across, along, 8, 31)
    u, v = across + warp, along + np.float32(0.6) * warp
    total = np.zeros(across.shape, np.float32)
    for step in range(6):
        total += np.float32(0.5**step) * octave(u, v, 5 * 2.07**step, 13.0 * step)
    return np.asarray(total / total.std(), np.float32)
