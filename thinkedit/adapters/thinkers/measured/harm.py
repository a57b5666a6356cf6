"""Damage to what a photograph is made of: structure, highlights and shadows, edges, grain, smooth areas."""

from __future__ import annotations

import cv2
import numpy as np

from thinkedit.adapters.thinkers.measured.colour import Weights
from thinkedit.adapters.thinkers.measured.measures import (
    Map,
    blockiness,
    burnt,
    crushed,
    laplacian,
    level_step,
    mean,
    noise,
    overshoot,
    ratio_percent,
    shift,
    tone_matched,
)
from thinkedit.adapters.thinkers.measured.readings import Guard
from thinkedit.adapters.thinkers.measured.scene import SOFTENING, Scene

__all__ = ["clipping", "structural", "texture"]


def structural(scene: Scene, weights: Weights, lost: float, *, moved: bool) -> list[Guard]:
    """lost: 1 minus the mean structure term. moved: whether a shift is looked for."""
    limit = 0.09 if scene.asked("denoise", "sharpen", "clarity") else 0.055
    if not moved:
        limit = 0.2  # the source was resampled to lie over the result
    said = f"{100 * lost:.0f} % of the fine structure is gone or different"
    guards = [Guard("structure", lost, limit, 0.35, said, "less")]
    if moved:
        distance, sure = shift(*scene.pair.lightness, weights)
        if sure > 0.1:
            said = f"the picture moved by {100 * distance / max(weights.shape):.1f} % of its width"
            guards.append(Guard("shift", distance, 0.8, 4.0, said))
    return guards


def clipping(scene: Scene, weights: Weights) -> list[Guard]:
    """Pixels newly at the ends of the scale, in percent. A strong wish excuses a little more of it."""
    source, result = scene.pair.source, scene.pair.result
    lost = 100 * mean(np.maximum(burnt(result) - burnt(source), 0), weights)
    if scene.asked("warmth", "tint"):
        # A pale wall under another light has its strongest channel full and still shows its detail in two.
        both = np.sort(result, axis=2)[..., 1] >= 252
        lost = 0.4 * lost + 60 * mean(np.asarray(both & (burnt(source) < 1), np.float32), weights)
    white = (result.min(axis=2) >= 252) & (source.min(axis=2) < 252)
    blank = 100 * mean(white.astype(np.float32), weights)
    black = 100 * mean(np.maximum(crushed(result) - crushed(source), 0), weights)
    strongest = max([1.0, *(clause.amount for clause in scene.clauses)])
    ease = min(1.6, strongest**0.5)
    rows = (
        ("highlights", lost, 15.0, 40.0, "is now clipped", "protect:highlights"),
        ("white", blank, 5.0, 16.0, "is now blank white", "protect:highlights"),
        ("shadows", black, 8.0, 30.0, "is now plain black", "protect:shadows"),
    )
    return [
        Guard(name, share, limit * ease, worst * ease, f"{share:.0f} % of the picture {what}", cure)
        for name, share, limit, worst, what, cure in rows
    ]


def texture(scene: Scene, weights: Weights, *, sampled: bool) -> list[Guard]:
    """Halos at edges, grain, lost sharpness, JPEG blocks, bands. sampled: whether full-size samples exist."""
    sharper = scene.asked("sharpen", "clarity", "contrast", "auto")
    over = overshoot(*scene.pair.lightness, weights)
    said = f"edges have halos of {over:.0f} points of lightness"
    guards = [Guard("halos", over, 16.0 if sharper else 10.0, 40.0, said, "less")]
    if not sampled:
        return guards
    grain = max(after - 1.5 * before for before, after, _ in scene.over_details(noise, weights))
    guards.append(
        Guard(
            "noise",
            max(0.0, grain),
            0.9,
            4.0,
            f"noise rose by {max(grain, 0):.1f} points of lightness",
            "less",
        )
    )
    if not scene.asked(*SOFTENING):
        lost = _softened(scene, weights)
        said = f"{100 * (1 - np.exp(-lost / 100)):.0f} % of the sharpness is lost"
        guards.append(Guard("sharpness", lost, 32.0, 120.0, said))
    said = "square blocks of strong compression show"
    guards.append(Guard("blocks", _blocks(scene, weights), 0.22, 1.2, said))
    steps = level_step(scene.full) - max(1.0, 1.6 * scene.step)
    said = f"smooth areas show bands of {steps + 1:.0f} levels"
    guards.append(Guard("banding", max(0.0, steps), 2.2, 8.0, said, "less"))
    return guards


def _blocks(scene: Scene, weights: Weights) -> float:
    """Rise of the steps across the grid of JPEG, on the sample where it shows most."""
    worst = 0.0
    for detail in scene.pair.details:
        cut = scene.detail_weights(detail, weights)
        if cut.mean() > 0.2:
            after = np.where(cut > 0.5, detail.after, detail.before).astype(np.float32)
            had = blockiness(detail.before, detail.left, detail.top)
            worst = max(worst, blockiness(after, detail.left, detail.top) - had)
    return worst


def _expected_detail(before: Map, after: Map, weights: Weights) -> float:
    """The mean Laplacian that a change of tone would leave: by its curve, or by its gain in each place."""
    by_curve = mean(laplacian(tone_matched(before, after, weights)), weights)
    sigma = max(2.0, 0.02 * max(before.shape))
    here, there = (np.asarray(cv2.GaussianBlur(L, (0, 0), sigma), np.float32) for L in (before, after))
    by_gain = mean(laplacian(before) * np.clip((there + 16) / (here + 16), 0, 2), weights)
    return min(by_curve, by_gain)


def _softened(scene: Scene, weights: Weights) -> float:
    """Fall of the Laplacian that the change of tone does not explain, 100 ln; the worst sample."""
    before, after = scene.pair.lightness
    expected = _expected_detail(before, after, weights)
    worst = -ratio_percent(mean(laplacian(after), weights), expected, 0.25)
    for detail in scene.pair.details:
        cut = scene.detail_weights(detail, weights)
        if cut.mean() > 0.2:
            expected = _expected_detail(detail.before, detail.after, cut)
            worst = max(worst, -ratio_percent(mean(laplacian(detail.after), cut), expected, 0.3))
    return max(0.0, worst)
