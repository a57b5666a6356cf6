"""Wishes that move each other's measures: what each did is told apart before it is judged.

More contrast darkens a dark picture, less light narrows the spread of lightness, more colour makes a warm
picture warmer. Light and contrast are told apart by the tone curve that best explains the result, a change
of light and more colour by a fit to every pixel's change of a* and b*. What is left is allowed for: a
reading is given a wider band where a wish beside it is known to move it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters.thinkers.measured.colour import Pixels, Weights, linear
from thinkedit.adapters.thinkers.measured.measures import Map, mean, ratio_percent
from thinkedit.adapters.thinkers.measured.readings import Reading
from thinkedit.adapters.thinkers.measured.scene import Scene
from thinkedit.adapters.vocabulary import Clause

__all__ = ["Casts", "ToneFit", "allowed_for", "casts", "tone_fit", "under_light"]

MOVES: dict[str, dict[str, tuple[float, float]]] = {
    "exposure": {
        "contrast": (0.2, 0.2), "gamma": (0.3, 0.8), "shadows": (0.2, 0.4), "highlights": (0.2, 0.3),
        "vignette": (0.3, 0.0), "auto": (0.5, 0.8), "vintage": (0.3, 0.5),
    },
    "gamma": {"contrast": (0.3, 0.5), "exposure": (0.3, 1.2), "shadows": (0.2, 0.5)},
    "contrast": {
        "exposure": (0.2, 0.2), "shadows": (0.3, 0.3), "highlights": (0.3, 0.3), "gamma": (0.4, 0.5),
        "vignette": (0.2, 0.3), "clarity": (0.1, 0.6), "auto": (0.5, 0.8), "vintage": (0.8, 0.5),
    },
    "clarity": {"contrast": (0.1, 1.0), "sharpen": (0.1, 1.2), "exposure": (0.3, 0.6)},
    "shadows": {
        "contrast": (0.3, 0.3), "exposure": (0.3, 0.6), "gamma": (0.2, 1.0), "highlights": (0.2, 0.2),
    },
    "highlights": {
        "contrast": (0.3, 0.4), "exposure": (0.4, 0.6), "gamma": (0.3, 0.6), "shadows": (0.2, 0.3),
    },
    "sharpen": {"contrast": (0.1, 0.8), "clarity": (0.1, 1.2), "denoise": (0.4, 0.2)},
    "warmth": {
        "saturation": (0.15, 0.3), "vibrance": (0.15, 0.3), "contrast": (0.15, 0.3), "exposure": (0.2, 0.1),
        "vintage": (0.5, 1.0), "auto": (0.6, 0.6),
    },
    "tint": {"saturation": (0.15, 0.3), "vibrance": (0.15, 0.3), "contrast": (0.15, 0.2), "auto": (0.6, 0.6)},
    "saturation": {
        "vibrance": (0.1, 0.8), "contrast": (0.1, 0.5), "warmth": (0.2, 0.2), "exposure": (0.2, 0.0),
        "tint": (0.2, 0.2), "clarity": (0.1, 0.2), "vintage": (0.8, 0.3),
    },
    "vibrance": {
        "saturation": (0.1, 1.6), "contrast": (0.1, 0.8), "warmth": (0.2, 0.2), "exposure": (0.2, 0.0),
        "tint": (0.2, 0.2), "clarity": (0.1, 0.3), "vintage": (0.8, 0.3),
    },
    "vignette": {"contrast": (0.15, 0.4), "exposure": (0.2, 0.3), "vintage": (0.1, 1.0)},
}  # fmt: skip
"""For each operation, which wishes move its measure: by how much of its aim its band grows down and up."""

SHAPING = ("shadows", "highlights")


@dataclass(frozen=True)
class ToneFit:
    """The change of tone as a slope about the middle, then a gain of light, that together explain it.

    stops: the gain of light. slope: 1 for the contrast of the source. middle: the code value, 0 to 1, that
    the slope leaves.
    """

    stops: float
    slope: float
    middle: float

    def lightness(self, L: Map, *, light: bool = True, contrast: bool = True) -> Map:
        """L* after the fitted change, or after one part of it."""
        levels = np.arange(0, 101, dtype=np.float64)
        stops, slope = (self.stops if light else 0.0), (self.slope if contrast else 1.0)
        curve = _curve(levels, np.array([stops]), np.array([slope]), self.middle)[0]
        return np.asarray(np.interp(L, levels, curve), np.float32)


def _code(L: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gamma-encoded value of a grey of lightness L* (a power of 2.2 stands for sRGB)."""
    f = (L + 16) / 116
    light = np.where(f > 6 / 29, f**3, (f - 4 / 29) * 3 * (6 / 29) ** 2)
    return np.asarray(np.clip(light, 0, 1) ** (1 / 2.2), np.float64)


def _lightness(light: NDArray[np.float64]) -> NDArray[np.float64]:
    f = np.where(light > (6 / 29) ** 3, np.cbrt(light), light / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.asarray(116 * f - 16, np.float64)


def _curve(
    L: NDArray[np.float64], stops: NDArray[np.float64], slope: NDArray[np.float64], middle: float
) -> NDArray[np.float64]:
    """len(stops) x len(L): L* after an S of each slope in the logit of the code, and each gain of light."""
    code = np.clip(_code(L), 1e-4, 1 - 1e-4)
    logit = np.log(code / (1 - code))
    centre = np.log(middle / (1 - middle))
    bent = 1 / (1 + np.exp(-(centre + slope[:, None] * (logit - centre))))
    light = bent**2.2 * 2.0 ** stops[:, None]
    rolled = np.where(light > 0.75, 0.75 + 0.25 * np.tanh((light - 0.75) / 0.25), light)
    return _lightness(np.where(stops[:, None] > 0, rolled, light))


def tone_fit(scene: Scene, clause: Clause) -> ToneFit | None:
    """The fit in the wish's region, or None where no other wish changes the tone there.

    Where shadows, highlights or corners were wished for as well, they are left out of the fit.
    """
    others = [c for c in scene.clauses if c.operation in MOVES and c != clause]
    fitted = {c.operation for c in others} & {"exposure", "contrast", "vignette", *SHAPING}
    if not fitted or scene.asked("gamma", "auto", "vintage"):
        return None
    inside = scene.inside(clause.region)
    before, after = scene.pair.lightness
    weights = inside
    for other in others:
        if other.operation in ("exposure", "contrast", *SHAPING) and other.region not in (
            "whole",
            clause.region,
        ):
            weights = weights * scene.place(scene.region(other.region).outside)
    if "vignette" in fitted:
        weights = weights * _centre(before.shape)
    if {"shadows"} & {clause.operation, *fitted}:
        weights = weights * np.clip((before - 38) / 12, 0, 1)
    if {"highlights"} & {clause.operation, *fitted}:
        weights = weights * np.clip((72 - before) / 12, 0, 1)
    if float(weights.sum()) < 0.08 * float(inside.sum()) or float(weights.sum()) < 50:
        return None
    return _fit(before, after, np.asarray(weights, np.float32), inside)


def _centre(shape: tuple[int, ...]) -> Weights:
    y = np.abs(np.linspace(-1, 1, shape[0], dtype=np.float32))[:, None]
    x = np.abs(np.linspace(-1, 1, shape[1], dtype=np.float32))[None, :]
    centre: Weights = np.clip((0.75 - np.hypot(x, y)) / 0.25, 0, 1).astype(np.float32)
    return centre


def _fit(before: Map, after: Map, weights: Weights, inside: Weights) -> ToneFit:
    codes = _code(np.asarray(before, np.float64))
    middle = float(np.clip(mean(codes, inside), 0.3, 0.65))
    levels = np.clip(np.rint(before), 0, 100).astype(np.int32).ravel()
    count = np.bincount(levels, weights=weights.ravel(), minlength=101)
    total = np.bincount(levels, weights=(weights * after).ravel(), minlength=101)
    known = count > 1e-3 * count.sum()
    L = np.flatnonzero(known).astype(np.float64)
    reached = total[known] / count[known]
    # Levels near the ends say little: whatever was done, they stay there. Rare levels say little too.
    heavy = np.sqrt(count[known]) * np.where((L > 96) | (reached > 97) | (reached < 1), 0.25, 1.0)
    stops, slope = np.meshgrid(np.linspace(-3, 3, 61), np.exp(np.linspace(-1.2, 1.2, 49)))
    found, gentle = (0.0, 1.0), 0.0
    for width in (0.0, 0.1):
        if width:
            stops, slope = np.meshgrid(
                found[0] + np.linspace(-0.1, 0.1, 11), found[1] * np.exp(np.linspace(-0.05, 0.05, 11))
            )
        off = np.abs(_curve(L, stops.ravel(), slope.ravel(), middle) - reached) @ heavy / heavy.sum()
        gentle = 0.05 * np.abs(stops.ravel()) + 0.05 * np.abs(np.log(slope.ravel()))
        best = int(np.argmin(off + gentle))
        found = float(stops.ravel()[best]), float(slope.ravel()[best])
    return ToneFit(found[0], found[1], middle)


def under_light(pixels: Pixels, gains: tuple[float, float, float]) -> NDArray[np.float32]:
    """CIELAB of the picture under another light: gains of linear red, green and blue, luminance kept."""
    luma = np.array([0.2126, 0.7152, 0.0722], np.float32)
    light = linear(pixels)
    changed = light * np.array(gains, np.float32)
    changed *= ((light @ luma + 1e-4) / (changed @ luma + 1e-4))[..., None]
    return np.asarray(
        cv2.cvtColor(np.clip(changed, 0, 1) ** np.float32(1 / 2.2), cv2.COLOR_RGB2Lab), np.float32
    )


@dataclass(frozen=True)
class Casts:
    """warm, magenta: shift of b* and of a* that the change of light gives a grey. more: ln of the chroma's
    growth beside it."""

    warm: float
    magenta: float
    more: float


WARMER = (1.12, 1.0, 1 / 1.12)
PINKER = (1.0, 1 / 1.12, 1.0)


def casts(scene: Scene, weights: Weights) -> Casts:
    """Change of light and growth of colour told apart: least squares over every pixel's a* and b*.

    More or less colour of everything, as saturation, contrast and light bring it, is no cast.
    """
    source = scene.pair.source
    plain = under_light(source, (1.0, 1.0, 1.0))
    grey = np.full((1, 1, 3), 140, np.uint8)
    parts, units = [], []
    for gains, axis in ((WARMER, 2), (PINKER, 1)):
        parts.append((under_light(source, gains) - plain)[..., 1:])
        units.append(float((under_light(grey, gains) - under_light(grey, (1.0, 1.0, 1.0)))[0, 0, axis]))
    colours, lightness = scene.pair.before[..., 1:], scene.pair.before[..., :1]
    # Contrast deepens colours in the middle and pales them in the lights: growth may differ by lightness.
    parts += [colours, colours * ((lightness - 50) / 50), colours * ((lightness - 50) / 50) ** 2]
    change = (scene.pair.after - scene.pair.before)[..., 1:]
    square = np.array([[mean((one * two).sum(axis=2), weights) for one in parts] for two in parts])
    known = np.array([mean((change * one).sum(axis=2), weights) for one in parts])
    ridge = 1e-2 * np.diag(np.diag(square)) + 1e-3 * np.eye(len(parts))
    warm, magenta, *_ = np.linalg.solve(square + ridge, known)
    left = scene.pair.after[..., 1:] - np.float32(warm) * parts[0] - np.float32(magenta) * parts[1]
    growth = ratio_percent(
        mean(np.hypot(left[..., 0], left[..., 1]), weights),
        mean(np.hypot(colours[..., 0], colours[..., 1]), weights),
        1.0,
    )
    return Casts(float(warm * units[0]), float(magenta * units[1]), growth / 100)


def allowed_for(readings: Sequence[Reading], clauses: Sequence[Clause]) -> list[Reading]:
    """The readings with wider bands where a wish beside theirs moves what was measured."""
    return [_widened(reading, clauses) if reading.adjustable else reading for reading in readings]


def _widened(reading: Reading, clauses: Sequence[Clause]) -> Reading:
    moved = MOVES.get(reading.clause.operation, {})
    down = up = 0.0
    for clause in clauses:
        if clause == reading.clause or clause.operation not in moved:
            continue
        if "whole" not in (clause.region, reading.clause.region) and clause.region != reading.clause.region:
            continue
        strength = min(max(clause.amount / max(reading.clause.amount, 0.25), 0.5), 2.0)
        less, more = moved[clause.operation]
        down, up = down + less * strength, up + more * strength
    if not (down or up) or reading.goal <= 0:
        return reading
    low = max(reading.low - down * reading.low, min(reading.low, 0.2 * reading.goal))
    return replace(reading, low=low, high=reading.high + up * reading.goal)
