"""Changes that nobody asked for: of light, colour and hue, of what is shown, and beside the subject."""

from __future__ import annotations

import cv2
import numpy as np

from thinkedit.adapters.thinkers.measured.colour import Weights, chroma, hue
from thinkedit.adapters.thinkers.measured.measures import Map, mean, ratio_percent, spread
from thinkedit.adapters.thinkers.measured.readings import Guard
from thinkedit.adapters.thinkers.measured.scene import REPLACING, SOFTENING, Scene, place_of

__all__ = ["bleeding", "hues", "recognisable", "side_effects"]

TONAL = (
    "exposure", "contrast", "gamma", "shadows", "highlights", "clarity", "auto", "vintage", "vignette",
    "black_and_white", "sepia", "recolour",
)  # fmt: skip
COLOURFUL = (
    "warmth", "tint", "saturation", "vibrance", "black_and_white", "sepia", "vintage", "auto", "recolour",
)  # fmt: skip


def recognisable(scene: Scene) -> Guard:
    """A painting of the picture is still a picture of the same thing: coarse lightness agrees."""
    before, after = scene.pair.lightness
    sigma = max(1.0, 0.012 * max(before.shape))
    one, two = (np.asarray(cv2.GaussianBlur(L, (0, 0), sigma), np.float32) for L in (before, after))
    weights = scene.pair.valid
    both = mean((one - mean(one, weights)) * (two - mean(two, weights)), weights)
    alike = both / max(spread(one, weights) * spread(two, weights), 0.5)
    said = f"the picture is hard to recognise: its light and shade agree by {100 * alike:.0f} % only"
    return Guard("recognisable", max(0.0, 1 - alike), 0.55, 1.0, said)


def hues(scene: Scene) -> Guard:
    """How far hues turned where there is colour, in degrees."""
    before, after = scene.pair.before, scene.pair.after
    both = np.minimum(chroma(before), chroma(after))
    weights = scene.pair.valid * np.clip((both - 8) / 12, 0, 1)
    turned = np.abs((hue(after) - hue(before) + 180) % 360 - 180)
    value = mean(turned, weights.astype(np.float32))
    said = f"hues turned by {value:.0f} degrees although they were to stay"
    return Guard("hues", value, 9.0, 40.0, said, "protect:colours")


def side_effects(scene: Scene, outside: Weights | None) -> list[Guard]:
    """Changes of light and colour that no wish names, where a change was allowed."""
    weights = scene.pair.valid if outside is None else np.clip(scene.pair.valid - outside, 0, 1)
    for clause in scene.clauses:
        if clause.operation in REPLACING:
            if place_of(clause) == "whole":
                return []
            weights = weights * scene.place(scene.region(place_of(clause)).outside)
    if float(weights.mean()) < 0.01:
        return []
    found = [] if scene.asked(*TONAL) else _light(scene, weights)
    return found if scene.asked(*COLOURFUL) else [*found, *_colour(scene, weights)]


def _light(scene: Scene, weights: Weights) -> list[Guard]:
    before, after = scene.pair.lightness
    value = abs(mean(after - before, weights))
    said = f"lightness changed by {value:.0f} of 100 points without being asked for"
    guards = [Guard("lightness", value, 6.0, 20.0, said)]
    if not scene.asked(*SOFTENING):
        value = abs(ratio_percent(spread(after, weights), spread(before, weights), 1.0))
        said = f"contrast changed by {value:.0f} % without being asked for"
        guards.append(Guard("contrast", value, 25.0, 90.0, said))
    return guards


def _colour(scene: Scene, weights: Weights) -> list[Guard]:
    before, after = scene.pair.before, scene.pair.after
    one, two = mean(chroma(before), weights), mean(chroma(after), weights)
    value = abs(ratio_percent(two, one, 3.0))
    said = f"colour changed by {value:.0f} % without being asked for"
    guards = [Guard("colour", value, 38.0, 120.0, said)]
    # A change of tone scales colours with it; only what such a scaling does not explain is a cast.
    scaled = np.float32(np.clip((two + 3) / (one + 3), 0.5, 2.0))
    red, yellow = (mean(after[..., axis] - scaled * before[..., axis], weights) for axis in (1, 2))
    value = float(np.hypot(red, yellow))
    said = f"a cast of {value:.0f} points came in without being asked for"
    return [*guards, Guard("cast", value, 5.0, 16.0, said)]


def bleeding(scene: Scene) -> list[Guard]:
    """Colour of the subject in the background beside it, where the background was blurred or replaced."""
    behind = [c for c in scene.clauses if c.operation in ("blur", "background_replace")]
    if not any(place_of(clause) == "background" for clause in behind):
        return []
    value = _bleed(scene)
    said = f"a halo of {100 * value:.0f} % of the subject's colour lies around it"
    return [Guard("bleeding", value, 0.16, 0.6, said)]


def _bleed(scene: Scene) -> float:
    """How far the ring around the subject went towards the subject's colour, 0 to 1.

    Compared with the background's own colour nearby, averaged without the subject.
    """
    pair = scene.pair
    subject = scene.place(scene.region("subject").soft)
    longest = max(subject.shape)
    sigma = 0.03 * longest
    hard = np.asarray(subject > 0.06, np.uint8)

    def grown(share: float) -> Weights:
        side = 2 * max(2, round(share * longest)) + 1
        return np.asarray(cv2.dilate(hard, np.ones((side, side), np.uint8)), np.float32)

    def around(weights: Weights, of: Map) -> Map:
        total = cv2.GaussianBlur(of * weights[..., None], (0, 0), sigma)
        return np.asarray(total / (cv2.GaussianBlur(weights, (0, 0), sigma)[..., None] + 1e-3), np.float32)

    inner, outer = grown(0.012), grown(0.035)
    ring = (outer - inner) * pair.valid
    far, core = (1 - outer) * pair.valid, np.asarray(subject > 0.9, np.float32)

    def towards_subject(picture: Map) -> tuple[Map, Map]:
        behind = around(far, picture)
        way = around(core, picture) - behind
        length = (way**2).sum(axis=2)
        return ((picture - behind) * way).sum(axis=2) / np.maximum(length, 15.0**2), length

    share_before, _ = towards_subject(pair.before)
    share_after, length = towards_subject(pair.after)
    clear = ring * np.asarray(length > 15.0**2, np.float32)
    if float(clear.sum()) < 50:
        return 0.0
    return max(0.0, mean(share_after - np.maximum(share_before, 0), clear))
