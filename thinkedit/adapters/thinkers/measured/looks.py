"""What wishes for a look should become: black and white, sepia, vintage, and a named colour made another."""

from __future__ import annotations

import numpy as np

from thinkedit.adapters.thinkers.measured.colour import Lab, Weights, chroma, hue, hue_distance
from thinkedit.adapters.thinkers.measured.measures import Map, mean, quantile, ratio_percent, spread
from thinkedit.adapters.thinkers.measured.readings import SEEN, Reading
from thinkedit.adapters.thinkers.measured.scene import Scene
from thinkedit.adapters.vocabulary import Clause

__all__ = ["GREY", "black_and_white", "corner_fall", "recolour", "sepia", "vintage"]

GREY = 2.5
"""Mean chroma below which a picture has no colour to a person."""


def black_and_white(scene: Scene, clause: Clause) -> list[Reading]:
    """Share of the colour taken out, in percent."""
    weights = scene.inside(clause.region)
    before, after = mean(chroma(scene.pair.before), weights), mean(chroma(scene.pair.after), weights)
    wanted = 100 * min(1.0, clause.amount)
    if wanted > 95:
        allowed = max(GREY, 0.06 * before)
        value = 100.0 if after <= 0.3 * allowed else 100 * (1 - after / max(before, 2 * GREY))
        low = 100 * (1 - allowed / max(before, 2 * GREY))
        return [Reading(clause, "colour", value, min(low, 96), 100, 101, "%", False)]
    value = 100 * (1 - after / max(before, GREY))
    return [Reading(clause, "colour", value, 0.7 * wanted, wanted, min(1.35 * wanted, 97), "%", False)]


def _one_tone(after: Lab, weights: Weights) -> Map:
    """How far each pixel's colour is from the usual colour of its lightness: 0 in a toned monochrome."""
    levels = np.clip(after[..., 0] / 5, 0, 19).astype(np.int32)
    heavy = weights.ravel().astype(np.float64)
    count = np.bincount(levels.ravel(), weights=heavy, minlength=20)
    away = np.zeros(levels.shape, np.float32)
    for axis in (1, 2):
        total = np.bincount(levels.ravel(), weights=heavy * after[..., axis].ravel(), minlength=20)
        usual = (total / np.maximum(count, 1e-6)).astype(np.float32)
        away += (after[..., axis] - usual[levels]) ** 2
    return np.sqrt(away)


def sepia(scene: Scene, clause: Clause) -> list[Reading]:
    """One brown all over: the share of pixels in it, and how strong it is."""
    weights = scene.inside(clause.region)
    after = scene.pair.after
    C = chroma(after)
    lit = weights * np.asarray((after[..., 0] > 12) & (after[..., 0] < 96), np.float32)
    full = clause.amount >= 0.75
    brown = (hue_distance(hue(after), 68) < 36) & (C > 4)
    if full:
        brown &= _one_tone(after, lit) < np.maximum(4, 0.25 * C)
    share = 100 * mean(brown.astype(np.float32), lit)
    low = 80.0 if full else 50.0
    readings = [
        Reading(
            clause, "share in brown", share, low, 98, 100.5, "%", adjustable=False, level=True, ranged=True
        )
    ]
    strength = mean(C, lit)
    if share >= low:  # before that, the strength is that of other colours
        goal = 19.0 * min(max(clause.amount, 0.5), 1.5)
        weak = 7.0 * min(clause.amount, 1.0)
        noun = "strength of the brown"
        readings.append(Reading(clause, noun, strength, weak, goal, 38.0, "points", level=True, ranged=True))
    return readings


def corner_fall(scene: Scene) -> tuple[float, float]:
    """(fall, level): how much darker the corners grew than the middle, and how light they were, in L*."""
    before, after = scene.pair.lightness
    height, width = before.shape
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    radius = np.hypot(x, y) / np.float32(np.sqrt(2))
    corners = np.asarray(radius > 0.8, np.float32) * scene.pair.valid
    middle = np.asarray(radius < 0.4, np.float32) * scene.pair.valid
    change = after - before
    return mean(change, middle) - mean(change, corners), mean(before, corners)


def vintage(scene: Scene, clause: Clause) -> list[Reading]:
    """A faded print: how many of its signs show, and how far the picture moved."""
    weights = scene.inside(clause.region)
    before, after = scene.pair.before, scene.pair.after
    blacks = quantile(after[..., 0], 0.02, weights) - quantile(before[..., 0], 0.02, weights)
    colour = ratio_percent(mean(chroma(after), weights), mean(chroma(before), weights), 1.0)
    contrast = ratio_percent(spread(after[..., 0], weights), spread(before[..., 0], weights), 1.0)
    pale = weights * np.exp(-((chroma(before) / np.float32(30)) ** 2))
    signs = {
        "lifted blacks": blacks > 2.5,
        "paler colour": colour < -7,
        "a warm cast": mean(after[..., 2] - before[..., 2], pale.astype(np.float32)) > 1.2,
        "softer contrast": contrast < -6,
        "darker corners": corner_fall(scene)[0] > 3,
    }
    seen = [sign for sign, shows in signs.items() if shows]
    note = f"it shows {', '.join(seen)}" if seen else ""
    change, goal = mean(scene.delta_e, weights), 8.0 * clause.amount
    count = float(len(seen))
    return [
        Reading(
            clause,
            "number of signs of age",
            count,
            2,
            3,
            5,
            adjustable=False,
            note=note,
            level=True,
            ranged=True,
        ),
        Reading(
            clause, "change by the vintage look", change, 0.4 * goal, goal, 2.2 * goal, note=SEEN, ranged=True
        ),
    ]


NAMED = {
    "red": 35.0, "orange": 62.0, "yellow": 98.0, "green": 140.0, "cyan": 200.0, "blue": 280.0,
    "purple": 315.0, "magenta": 335.0, "pink": 5.0, "brown": 60.0, "beige": 85.0, "gold": 85.0,
    "navy": 290.0, "maroon": 30.0, "skyblue": 250.0, "darkgreen": 140.0, "lightgreen": 138.0,
    "darkred": 35.0,
}  # fmt: skip
"""Hue angle in CIELAB of the colours that have one, in degrees."""
NEUTRAL = frozenset({"white", "black", "grey", "silver", "lightgrey", "darkgrey"})
HUE_REACH = 30.0
"""Degrees from its angle within which a person still calls a colour by its name."""


def recolour(scene: Scene, clause: Clause) -> list[Reading]:
    """Share of the named part that took the new colour, in percent."""
    target = clause.option("colour") or ""
    weights = scene.inside(clause.region)
    after = scene.pair.after
    C = chroma(after)
    readings = []
    noun = f"share turned {target}"
    if target in NEUTRAL:
        hit = C < 12
        if target in ("white", "black"):
            sign = 1 if target == "white" else -1
            moved = sign * mean(after[..., 0] - scene.pair.before[..., 0], weights)
            noun_moved = f"turn to {target}"
            readings.append(
                Reading(clause, noun_moved, moved, 4, 15, 80, "points (0-100)", adjustable=False, ranged=True)
            )
    elif target in NAMED:
        hit = (hue_distance(hue(after), NAMED[target]) < HUE_REACH) & (C > 6)
    else:
        hit, noun = scene.delta_e > 8, "share recoloured"
    share = 100 * mean(hit.astype(np.float32), weights)
    return [
        Reading(clause, noun, share, 68, 95, 100.5, "%", adjustable=False, level=True, ranged=True),
        *readings,
    ]
