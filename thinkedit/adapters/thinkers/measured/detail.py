"""What wishes about detail should become: sharper, cleaner, blurred, vignetted, pixelated."""

from __future__ import annotations

import cv2
import numpy as np

from thinkedit.adapters.thinkers.measured.colour import Pixels, Weights
from thinkedit.adapters.thinkers.measured.looks import corner_fall
from thinkedit.adapters.thinkers.measured.measures import Map, laplacian, mean, noise, ratio_percent
from thinkedit.adapters.thinkers.measured.readings import Reading
from thinkedit.adapters.thinkers.measured.scene import Scene
from thinkedit.adapters.vocabulary import Clause

__all__ = ["blur", "denoise", "pixelate", "sharpen", "vignette"]

CLEAN = 0.45
"""Noise in L* below which a person sees none."""


def _sharpness(L: Map, weights: Weights) -> float:
    return mean(laplacian(L), weights)


def sharpen(scene: Scene, clause: Clause) -> list[Reading]:
    """Mean Laplacian at full size after against before, 100 ln, on the sample where it rose most."""
    found = scene.over_details(_sharpness, scene.inside(clause.region))
    weight = sum(share * before for before, _, share in found)
    value = sum(ratio_percent(after, before, 0.2) * share * before for before, after, share in found)
    value = value / weight if weight > 0 else 0.0
    goal = 35.0 * clause.amount
    return [Reading(clause, "sharpness", value, 0.35 * goal, goal, 2.1 * goal, "%")]


def denoise(scene: Scene, clause: Clause) -> list[Reading]:
    """Share of the noise taken away, in percent; nothing is wanted where there is none to see."""
    found = scene.over_details(noise, scene.inside(clause.region))
    before = max(before for before, _, _ in found)
    after = max(after for _, after, _ in found)
    value = 100 * (1 - after / before) if before > 0 else 0.0
    if before < CLEAN:
        return [
            Reading(
                clause,
                "noise",
                max(0.0, value),
                0,
                min(50, max(0.0, value)),
                101,
                "%",
                False,
                False,
                "there was hardly any noise to take away",
            )
        ]
    goal = min(90.0, 60.0 * clause.amount)
    return [Reading(clause, "noise", value, 0.4 * goal, goal, 101, "%", False)]


STEPS = (0.0012, 0.0024, 0.004, 0.006, 0.009, 0.013, 0.019, 0.028, 0.042, 0.06, 0.085)


def blur_share(scene: Scene, weights: Weights) -> tuple[float, float]:
    """(blur, room): the blur of the result as a share of the longer side, and how much could show.

    The source is blurred by known widths; the one whose remaining gradients equal those of the result is
    its blur. Only pixels in the weights enter, so what lies outside does not leak in. room: gradient of the
    source, L* a pixel; below about 0.3 there is nothing that a blur would change.
    """
    before, after = scene.pair.lightness
    longest = max(before.shape)
    core = np.asarray(cv2.erode(weights, np.ones((3, 3), np.uint8)), np.float32)
    if core.sum() < 0.3 * weights.sum():
        core = weights

    def gradient(L: Map) -> float:
        size = np.hypot(cv2.Sobel(L, cv2.CV_32F, 1, 0), cv2.Sobel(L, cv2.CV_32F, 0, 1)) / 8
        return mean(np.minimum(size, 12), core)

    shares, left, seen = [0.0], [gradient(before)], gradient(after)
    total, weight, done = np.asarray(before * weights, np.float32), weights, 0.0
    for share in STEPS:
        if left[-1] <= seen:
            break
        sigma = share * longest
        if sigma > 0.35:
            more = float(np.sqrt(sigma**2 - done**2))  # blurs add up by their squares
            total = np.asarray(cv2.GaussianBlur(total, (0, 0), more), np.float32)
            weight = np.asarray(cv2.GaussianBlur(weight, (0, 0), more), np.float32)
            shares.append(share)
            left.append(min(left[-1], gradient(np.asarray(total / (weight + 1e-3), np.float32))))
            done = sigma
    return float(np.interp(-seen, [-value for value in left], shares)), left[0]


def blur(scene: Scene, clause: Clause) -> list[Reading]:
    """Width of the blur in percent of the longer side."""
    value, room = blur_share(scene, scene.inside(clause.region))
    value *= 100
    behind = clause.region == "background"
    if room < 0.35:
        return [
            Reading(
                clause,
                "blur",
                value,
                0,
                min(value, 1.0),
                9,
                "% of the width",
                adjustable=False,
                level=True,
                note="there was hardly any detail to blur",
            )
        ]
    plain, low, high = (1.9, 0.7, 4.3) if behind else (1.0, 0.35, 3.2)
    if clause.given and clause.given.startswith("pixels:"):
        share = 100 * float(clause.given.partition(":")[2]) / max(scene.size)
        plain, low, high = 0.6 * share, 0.25 * share, 1.6 * share
        amount = 1.0
    else:
        amount = clause.amount
    high = min(high * max(amount, 0.5), 9.0)
    return [
        Reading(
            clause, "blur", value, low * amount, min(plain * amount, high), high, "% of the width", level=True
        )
    ]


def vignette(scene: Scene, clause: Clause) -> list[Reading]:
    """How much darker the corners grew than the middle, in L*."""
    value, level = corner_fall(scene)
    goal = min(11.0 * clause.amount, 0.55 * level)
    low = max(1.0, 0.4 * goal)
    noun = "darkening of the corners"
    return [Reading(clause, noun, value, low, max(goal, low), max(1.8 * goal, 3.0), "points (0-100)")]


def _block(pixels: Pixels, inside: Weights) -> float:
    """Width of the blocks in pixels: the usual distance between steps in a row; 1 for none."""
    height, width = pixels.shape[:2]
    mask = np.asarray(cv2.resize(inside, (width, height), interpolation=cv2.INTER_NEAREST)) > 0.5
    runs = []
    for row in np.linspace(0, height - 1, min(height, 96)).astype(int):
        line, within = pixels[row].astype(np.int16), mask[row]
        steps = np.flatnonzero((np.abs(np.diff(line, axis=0)).max(axis=1) > 1) & within[1:])
        if steps.size > 1:
            lengths = np.diff(steps)
            runs.append(np.repeat(lengths, lengths))  # weighted by the pixels that they cover
    if not runs:
        return 1.0
    return float(np.median(np.concatenate(runs)))


def pixelate(scene: Scene, clause: Clause) -> list[Reading]:
    """Width of the blocks in percent of the longer side of the result."""
    full = scene.full
    block = _block(full, scene.inside(clause.region))
    longest = max(full.shape[:2])
    value = 100 * block / longest if block >= 2 else 0.0
    if clause.given and clause.given.startswith("pixels:"):
        goal = 100 * float(clause.given.partition(":")[2]) / max(scene.size)
        return [
            Reading(
                clause,
                "size of the blocks",
                value,
                0.6 * goal,
                goal,
                1.6 * goal,
                "% of the width",
                level=True,
            )
        ]
    goal = 1.6 * clause.amount
    return [
        Reading(
            clause, "size of the blocks", value, 0.4 * goal, goal, 3.0 * goal, "% of the width", level=True
        )
    ]
