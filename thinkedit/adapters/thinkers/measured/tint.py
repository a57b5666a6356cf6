"""What wishes about all colours should become: warmth, tint, saturation, vibrance."""

from __future__ import annotations

import numpy as np

from thinkedit.adapters.thinkers.measured.colour import Weights, chroma
from thinkedit.adapters.thinkers.measured.looks import GREY, black_and_white
from thinkedit.adapters.thinkers.measured.measures import Map, mean, ratio_percent
from thinkedit.adapters.thinkers.measured.readings import Reading
from thinkedit.adapters.thinkers.measured.scene import Scene
from thinkedit.adapters.thinkers.measured.together import casts, under_light
from thinkedit.adapters.vocabulary import Clause

__all__ = ["nearly_neutral", "saturation", "tint", "vibrance", "warmth"]

PLAIN_CAST = 6.0
"""Shift of b* or a* that a plain "warmer" or "more magenta" should give a grey."""


def nearly_neutral(scene: Scene, weights: Weights) -> tuple[Weights, bool]:
    """The weights of pixels of little colour, on which a cast shows; (all, False) where there are few."""
    before = scene.pair.before
    lit = np.clip((before[..., 0] - 10) / 20, 0, 1) * np.clip((99 - before[..., 0]) / 5, 0, 1)
    neutral = weights * lit * np.exp(-((chroma(before) / np.float32(22)) ** 2))
    if float(neutral.sum()) > 0.08 * float(weights.sum()):
        return neutral.astype(np.float32), True
    return weights, False


def _along_light(scene: Scene, gains: tuple[float, float, float], axis: int, weights: Weights) -> float:
    """The change as a multiple of what a change of light by `gains` does, said as its shift of a grey.

    For pictures without neutral pixels: there a cast turns hues, each in its own direction.
    """
    grey = np.full((1, 1, 3), 140, np.uint8)
    plain = (1.0, 1.0, 1.0)
    unit = (under_light(grey, gains) - under_light(grey, plain))[0, 0, axis]
    expected = (under_light(scene.pair.source, gains) - under_light(scene.pair.source, plain))[..., 1:]
    # More or less colour of everything, as contrast and light bring it, is no cast: it is fitted beside it.
    colours = scene.pair.before[..., 1:]
    change = (scene.pair.after - scene.pair.before)[..., 1:]

    def product(one: Map, two: Map) -> float:
        return mean((one * two).sum(axis=2), weights)

    cross = product(expected, colours)
    square = [[product(expected, expected) + 1e-3, cross], [cross, product(colours, colours) + 1e-3]]
    known = [product(change, expected), product(change, colours)]
    return float(np.linalg.solve(np.array(square), np.array(known))[0] * unit)


COLOUR_MOVERS = ("saturation", "vibrance", "contrast", "exposure", "clarity")
"""Wishes that scale every colour, so that a cast has to be told from more or less of it."""


def _beside(scene: Scene, operation: str) -> bool:
    """Whether another wish changes colours in its own way."""
    others = {*COLOUR_MOVERS, "warmth", "tint"} - {operation}
    return scene.asked(*others)


def _cast(
    scene: Scene, clause: Clause, noun: str, axis: int, gains: tuple[float, float, float]
) -> list[Reading]:
    beside = _beside(scene, clause.operation)
    weights, neutral = nearly_neutral(scene, scene.inside(clause.region))
    goal = PLAIN_CAST * clause.amount
    if beside:
        found = casts(scene, weights)
        value = found.warm if axis == 2 else found.magenta
        # Where every colour is warm, more of it is taken for some warmth, so more is needed to be sure.
        low, high, note = (0.42 if neutral else 0.55) * goal, (1.7 if neutral else 2.2) * goal, ""
    elif neutral:
        value = mean(scene.pair.after[..., axis] - scene.pair.before[..., axis], weights)
        low, high, note = 0.42 * goal, 1.7 * goal, ""
    else:
        value = _along_light(scene, gains, axis, weights)
        low, high = 0.35 * goal, 2.2 * goal
        note = "judged by how hues turned, since there is nothing grey"
    value = value if clause.direction >= 0 else -value
    return [Reading(clause, noun, value, low, goal, high, "points", clause.direction >= 0, note=note)]


def warmth(scene: Scene, clause: Clause) -> list[Reading]:
    """Shift of b* on pixels of little colour."""
    return _cast(scene, clause, "warmth", 2, (1.12, 1.0, 1 / 1.12))


def tint(scene: Scene, clause: Clause) -> list[Reading]:
    """Shift of a* on pixels of little colour: magenta up, green down."""
    return _cast(scene, clause, "magenta", 1, (1.0, 1 / 1.12, 1.0))


def saturation(scene: Scene, clause: Clause) -> list[Reading]:
    """Mean chroma after against before, 100 ln."""
    weights = scene.inside(clause.region)
    before, after = mean(chroma(scene.pair.before), weights), mean(chroma(scene.pair.after), weights)
    if clause.direction < 0 and 0.3 * clause.amount >= 0.95:
        return black_and_white(scene, clause)
    if before < GREY:
        return [_no_colour(clause)]
    value = ratio_percent(after, before, 1.0)
    if scene.asked("warmth", "tint"):  # which take chroma from one hue and give it to another
        value = 100 * casts(scene, weights).more
    step = 0.3 * clause.amount
    if clause.direction >= 0:
        # Strong colours have little room before they clip.
        room = float(np.clip(1.35 - before / 70, 0.5, 1.0))
        goal = 100 * float(np.log1p(step)) * room
        low = (0.45 if room > 0.75 else 0.3) * goal
        return [Reading(clause, "saturation", value, low, goal, 2.0 * goal, "%")]
    goal = -100 * float(np.log(1 - step))
    return [Reading(clause, "saturation", -value, 0.45 * goal, goal, 1.8 * goal, "%", False)]


def _no_colour(clause: Clause) -> Reading:
    return Reading(
        clause, "colour", 0, 0, 0, 0, "%", adjustable=False, note="there is hardly any colour to change"
    )


def vibrance(scene: Scene, clause: Clause) -> list[Reading]:
    """Mean chroma of the pixels that were not strongly coloured before, 100 ln."""
    inside = scene.inside(clause.region)
    C = chroma(scene.pair.before)
    if mean(C, inside) < GREY:
        return [_no_colour(clause)]
    weights = inside * np.asarray(np.clip((60 - C) / 30, 0.02, 1), np.float32)
    value = ratio_percent(mean(chroma(scene.pair.after), weights), mean(C, weights), 1.0)
    if scene.asked("warmth", "tint"):
        value = 100 * casts(scene, np.asarray(weights, np.float32)).more
    value = value if clause.direction >= 0 else -value
    goal = 17.0 * clause.amount
    return [Reading(clause, "vibrance", value, 0.42 * goal, goal, 2.2 * goal, "%", clause.direction >= 0)]
