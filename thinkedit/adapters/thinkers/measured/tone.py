"""What wishes about light should become: exposure, contrast, midtones, shadows, highlights, clarity, auto.

Bands are what a person takes for the bare word on an ordinary photograph, found on a set of photographs
apart from those reported on (scripts/calibrate_measured.py), and scaled with the amount. They shrink where
the photograph has no room: a bright picture cannot be brightened by much.
"""

from __future__ import annotations

import numpy as np

from thinkedit.adapters.thinkers.measured.colour import Lab, Weights, chroma, linear
from thinkedit.adapters.thinkers.measured.measures import (
    Map,
    local_contrast,
    mean,
    quantile,
    ratio_percent,
    spread,
)
from thinkedit.adapters.thinkers.measured.readings import SEEN, Reading
from thinkedit.adapters.thinkers.measured.scene import Scene
from thinkedit.adapters.thinkers.measured.together import tone_fit
from thinkedit.adapters.vocabulary import Clause
from thinkedit.adapters.vocabulary.operations import STOPS
from thinkedit.errors import ThinkerFailed

__all__ = ["auto", "clarity", "contrast", "exposure", "gamma", "highlights", "shadows"]

LIGHTER = 7.0
"""L* by which a plain "brighter" should raise a picture that has room."""


def _lightness_rise(scene: Scene, weights: Weights) -> float:
    before, after = scene.pair.lightness
    return mean(after - before, weights)


def exposure(scene: Scene, clause: Clause) -> list[Reading]:
    """Mean rise of L*; where a number was given, the light itself in stops."""
    weights = scene.inside(clause.region)
    up = clause.direction >= 0
    sign = 1 if up else -1
    before = scene.pair.lightness[0]
    fit = tone_fit(scene, clause)
    if clause.given:
        goal = clause.amount * STOPS
        value = sign * (_stops(scene, weights) if fit is None else fit.stops)
        low, note = 0.68 * goal, ""
        if up:
            full = _without_room(scene, weights, goal)
            if full > 0.15 and value < low:
                low = max(0.4, 0.68 - 0.6 * full) * goal
                note = f"{100 * full:.0f} % of it is too bright already to take more"
        return [Reading(clause, "light", value, low, goal, 1.4 * goal, "stops", up, note=note)]
    for kept in scene.clauses:  # light is looked for where it was not to be held back
        if kept.operation == "protect" and kept.region in ("highlights", "shadows", "subject", "faces"):
            weights = _free_of(scene, weights, kept.region)
    level = mean(before, weights)
    room = 100 - level if up else level
    # The same gain of light is a larger step of lightness in a bright picture, and is expected to be.
    goal = LIGHTER * clause.amount * float(np.sqrt((level + 16) / 66))
    goal = min(goal, 0.3 * room)
    if fit is None:
        value = sign * _lightness_rise(scene, weights)
    else:
        value = sign * mean(fit.lightness(before, contrast=False) - before, weights)
    low = max(0.8, 0.5 * goal)
    return [
        Reading(clause, "lightness", value, low, max(goal, low), max(1.95 * goal, 2.5), "points (0-100)", up)
    ]


def _free_of(scene: Scene, weights: Weights, region: str) -> Weights:
    """The weights without a region that is to stay; all of them where that would leave hardly any."""
    try:
        free = weights * scene.outside([region])
    except ThinkerFailed:
        return weights  # nothing of the kind is in the picture
    return free if float(free.sum()) > 0.15 * float(weights.sum()) else weights


def _without_room(scene: Scene, weights: Weights, stops: float) -> float:
    """Share of the pixels with a channel that so much more light would burn out."""
    highest = linear(scene.pair.source).max(axis=2)
    return mean(np.asarray(highest * 2**stops > 0.95, np.float32), weights)


def _stops(scene: Scene, weights: Weights) -> float:
    """Median gain of luminance in stops where neither picture is near black or white."""
    luma = np.array([0.2126, 0.7152, 0.0722], np.float32)
    before, after = linear(scene.pair.source) @ luma, linear(scene.pair.result) @ luma
    usable = (weights >= 0.5) & (before > 0.01) & (before < 0.6) & (after > 0.004) & (after < 0.92)
    if int(usable.sum()) < 50:
        usable = weights >= 0.5
    if not usable.any():
        return 0.0
    return float(np.median(np.log2((after[usable] + 1e-4) / (before[usable] + 1e-4))))


def _bump(L: Map, centre: float, width: float) -> Map:
    bump: Map = np.exp(-(((L - np.float32(centre)) / np.float32(width)) ** 2))
    return bump


def contrast(scene: Scene, clause: Clause) -> list[Reading]:
    """Spread of L* after against before, 100 ln."""
    weights = scene.inside(clause.region)
    before, after = scene.pair.lightness
    fit = tone_fit(scene, clause)
    reached = after if fit is None else fit.lightness(before, light=False)
    value, note = ratio_percent(spread(reached, weights), spread(before, weights), 1.0), ""
    if fit is None and scene.asked("shadows", "highlights"):
        # Where all of the picture is shadow, lifting shadows narrows the spread whatever contrast does.
        value = ratio_percent(local_contrast(after, weights), local_contrast(before, weights), 0.8)
        note = "judged by the contrast of each place with what is near it"
    if clause.direction < 0:
        value = -value
    if clause.given:
        slope = 0.25 * clause.amount
        goal = 100 * np.log1p(slope) if clause.direction >= 0 else -100 * np.log(max(1 - slope, 0.05))
        goal *= 0.8  # an S-curve has its full slope in the middle only
        low, high = 0.4 * goal, 1.5 * goal
    else:
        room = float(np.clip(1.55 - spread(before, weights) / 40, 0.55, 1.0)) if clause.direction > 0 else 1.0
        goal = (12.0 if clause.direction >= 0 else 17.0) * clause.amount * room
        low, high = 0.4 * goal, 2.1 * goal
    readings = [Reading(clause, "contrast", value, low, goal, high, "%", clause.direction >= 0, note=note)]
    if clause.direction < 0:  # spread can stay while the midtones become one grey
        flat = 100 * (1 - _slope(before, after, weights * _bump(before, 53, 12)))
        most = min(88.0, 48.0 * max(1.0, clause.amount))
        if flat > most:
            readings.append(Reading(clause, "flattening of the midtones", flat, 0, 25, most, "%"))
    return readings


def _slope(before: Map, after: Map, weights: Weights) -> float:
    """Slope of the line that best gives the L* after from that before."""
    from_mean = before - mean(before, weights)
    size = mean(from_mean**2, weights)
    return mean(from_mean * (after - mean(after, weights)), weights) / size if size > 1 else 1.0


def gamma(scene: Scene, clause: Clause) -> list[Reading]:
    """Mean rise of L* in the midtones."""
    weights = scene.inside(clause.region) * _bump(scene.pair.lightness[0], 50, 22)
    value = _lightness_rise(scene, weights) * (1 if clause.direction >= 0 else -1)
    goal = 7.0 * clause.amount
    return [
        Reading(
            clause, "midtones", value, 0.45 * goal, goal, 1.75 * goal, "points (0-100)", clause.direction >= 0
        )
    ]


def _end_of_scale(scene: Scene, clause: Clause, noun: str, part: Map, plain: float) -> list[Reading]:
    """Change of L* in the shadows or the highlights, over that of the opposite end."""
    inside = scene.inside(clause.region)
    weights = inside * part
    sign = 1 if clause.direction >= 0 else -1
    share = mean(part, inside)
    goal = plain * clause.amount
    if share < 0.01:
        return [
            Reading(
                clause,
                noun,
                0.0,
                0.0,
                0.0,
                0.0,
                "points (0-100)",
                sign > 0,
                False,
                f"there are hardly any {noun}",
            )
        ]
    fit = tone_fit(scene, clause)
    before, after = scene.pair.lightness
    # What light and contrast beside it are bound to do here is not this wish's.
    left = after - before if fit is None else after - fit.lightness(before)
    value = sign * mean(left, weights)
    low, high = 0.4 * goal, 2.0 * goal
    readings = [Reading(clause, noun, value, low, goal, high, "points (0-100)", sign > 0)]
    rest = inside * np.clip(1 - 3 * part, 0, 1)
    if mean(np.clip(1 - 3 * part, 0, 1), inside) > 0.05 and not scene.asked(
        "exposure", "gamma", "auto", "contrast"
    ):
        spill = sign * _lightness_rise(scene, rest)
        if value > low and spill > 0.75 * value:
            readings.append(
                Reading(
                    clause,
                    f"lead of the {noun} over the rest",
                    value - spill,
                    0.25 * value,
                    value,
                    value,
                    "points (0-100)",
                    True,
                    False,
                    f"the rest of the picture changed nearly as much as the {noun}",
                )
            )
    return readings


def shadows(scene: Scene, clause: Clause) -> list[Reading]:
    part = np.clip((45 - scene.pair.lightness[0]) / 25, 0, 1).astype(np.float32)
    level = mean(scene.pair.lightness[0], scene.inside(clause.region) * part)
    room = 1.0 if clause.direction >= 0 else float(np.clip(level / 25, 0.2, 1))
    return _end_of_scale(scene, clause, "shadows", part, 6.0 * room)


def highlights(scene: Scene, clause: Clause) -> list[Reading]:
    part = np.clip((scene.pair.lightness[0] - 60) / 25, 0, 1).astype(np.float32)
    level = mean(scene.pair.lightness[0], scene.inside(clause.region) * part)
    room = (100 - level) / 20 if clause.direction >= 0 else (level - 55) / 28
    return _end_of_scale(scene, clause, "highlights", part, 4.5 * float(np.clip(room, 0.3, 1)))


def clarity(scene: Scene, clause: Clause) -> list[Reading]:
    """Contrast of each place with its surroundings, 100 ln."""
    weights = scene.inside(clause.region)
    before, after = scene.pair.lightness
    value = ratio_percent(local_contrast(after, weights), local_contrast(before, weights), 0.8)
    value = value if clause.direction >= 0 else -value
    goal = 15.0 * clause.amount
    return [
        Reading(clause, "local contrast", value, 0.3 * goal, goal, 1.95 * goal, "%", clause.direction >= 0)
    ]


def _faults(lab: Lab, weights: Weights) -> float:
    """How far a picture is from well exposed: range not used, middle too dark or bright, a cast."""
    L = lab[..., 0]
    unused = max(0.0, 88 - (quantile(L, 0.99, weights) - quantile(L, 0.01, weights)))
    middle = max(0.0, abs(quantile(L, 0.5, weights) - 50) - 12)
    neutral = weights * np.asarray(chroma(lab) < 22, np.float32)
    cast = 0.0
    if neutral.mean() > 0.05:
        cast = float(np.hypot(mean(lab[..., 1], neutral), mean(lab[..., 2], neutral)))
    return 0.4 * unused + 0.5 * middle + 0.7 * max(0.0, cast - 3)


def auto(scene: Scene, clause: Clause) -> list[Reading]:
    """Faults of exposure and cast taken away, without a change that a person would call another picture."""
    weights = scene.inside(clause.region)
    before, after = _faults(scene.pair.before, weights), _faults(scene.pair.after, weights)
    change = mean(scene.delta_e, weights)
    wanted = 0.5 if before > 3 else 0.15
    room = 9.0 * max(1.0, clause.amount) + 0.5 * before
    readings = [
        Reading(clause, "change by enhancing", change, wanted, min(3.0, room), room, note=SEEN, ranged=True)
    ]
    goal = 0.6 * before if before > 3 else 0.0
    low = 0.15 * before if before > 3 else -1.5
    readings.append(
        Reading(
            clause,
            "faults of exposure",
            before - after,
            low,
            goal,
            max(before, goal) + 10,
            "",
            False,
            note="" if before > 3 else "the photograph was well exposed already",
        )
    )
    return readings
