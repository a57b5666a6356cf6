"""What wishes about colour should become: warmth, tint, saturation, vibrance, black and white, sepia,
vintage, and a named colour made another.
"""

from __future__ import annotations

import numpy as np

from thinkedit.adapters.thinkers.measured.colour import Weights, chroma, hue, hue_distance
from thinkedit.adapters.thinkers.measured.measures import mean, quantile, ratio_percent, spread
from thinkedit.adapters.thinkers.measured.readings import Reading
from thinkedit.adapters.thinkers.measured.scene import Scene
from thinkedit.adapters.vocabulary import Clause

__all__ = ["black_and_white", "recolour", "saturation", "sepia", "tint", "vibrance", "vintage", "warmth"]

GREY = 2.5
"""Mean chroma below which a picture has no colour to a person."""


def _nearly_neutral(scene: Scene, weights: Weights) -> tuple[Weights, bool]:
    """The weights of pixels of little colour, on which a cast shows; (all, False) where there are few."""
    neutral = weights * np.exp(-((chroma(scene.pair.before) / np.float32(22)) ** 2))
    if float(neutral.sum()) > 0.08 * float(weights.sum()):
        return neutral.astype(np.float32), True
    return weights, False


def _cast(scene: Scene, clause: Clause, noun: str, axis: int, plain: float) -> list[Reading]:
    weights, neutral = _nearly_neutral(scene, scene.inside(clause.region))
    value = mean(scene.pair.after[..., axis] - scene.pair.before[..., axis], weights)
    value = value if clause.direction >= 0 else -value
    goal = plain * clause.amount
    # Where every pixel is strongly coloured, the same cast moves it less and shows less.
    low, high = (0.42 * goal, 1.7 * goal) if neutral else (0.2 * goal, 2.2 * goal)
    note = "" if neutral else "measured on strongly coloured areas, since there are no others"
    unit = "b*" if axis == 2 else "a*"
    return [Reading(clause, noun, value, low, goal, high, unit, clause.direction >= 0, note=note)]


def warmth(scene: Scene, clause: Clause) -> list[Reading]:
    """Shift of b* on pixels of little colour."""
    return _cast(scene, clause, "warmth", 2, 5.5)


def tint(scene: Scene, clause: Clause) -> list[Reading]:
    """Shift of a* on pixels of little colour: magenta up, green down."""
    return _cast(scene, clause, "magenta", 1, 5.5)


def saturation(scene: Scene, clause: Clause) -> list[Reading]:
    """Mean chroma after against before, 100 ln."""
    weights = scene.inside(clause.region)
    before, after = mean(chroma(scene.pair.before), weights), mean(chroma(scene.pair.after), weights)
    if clause.direction < 0 and 0.3 * clause.amount >= 0.95:
        return black_and_white(scene, clause)
    if before < GREY:
        return [_no_colour(clause)]
    value = ratio_percent(after, before, 1.0)
    step = 0.3 * clause.amount
    if clause.direction >= 0:
        # Strong colours have little room before they clip.
        room = float(np.clip(1.35 - before / 70, 0.5, 1.0))
        goal = 100 * float(np.log1p(step)) * room
        return [Reading(clause, "saturation", value, 0.45 * goal, goal, 2.0 * goal, "%")]
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
    value = value if clause.direction >= 0 else -value
    goal = 17.0 * clause.amount
    return [Reading(clause, "vibrance", value, 0.42 * goal, goal, 2.2 * goal, "%", clause.direction >= 0)]


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


def sepia(scene: Scene, clause: Clause) -> list[Reading]:
    """Brown all over: the share of pixels in the hue of sepia, and how strong it is."""
    weights = scene.inside(clause.region)
    after = scene.pair.after
    C = chroma(after)
    lit = weights * np.asarray((after[..., 0] > 12) & (after[..., 0] < 96), np.float32)
    brown = np.asarray((hue_distance(hue(after), 72) < 26) & (C > 4), np.float32)
    share = 100 * mean(brown, lit)
    strength = mean(C, lit)
    full = clause.amount >= 0.75
    low = 82.0 if full else 50.0
    even = spread(C, lit) / max(strength, 1.0)
    readings = [
        Reading(clause, "share in brown", share, low, 98, 100.5, "%", adjustable=not full, level=True)
    ]
    goal = 19.0 * min(max(clause.amount, 0.5), 1.5)
    high = 36.0 if full else 45.0
    readings.append(
        Reading(
            clause,
            "strength of the brown",
            strength,
            7.0 * min(clause.amount, 1.0),
            goal,
            high,
            "chroma",
            level=True,
            note="other colours shine through" if full and even > 0.75 else "",
        )
    )
    return readings


def vintage(scene: Scene, clause: Clause) -> list[Reading]:
    """A faded print: how many of its signs show, and how far the picture moved."""
    weights = scene.inside(clause.region)
    before, after = scene.pair.before, scene.pair.after
    neutral, _ = _nearly_neutral(scene, weights)
    signs = {
        "lifted blacks": quantile(after[..., 0], 0.02, weights) - quantile(before[..., 0], 0.02, weights)
        > 2.5,
        "paler colour": ratio_percent(mean(chroma(after), weights), mean(chroma(before), weights), 1.0) < -7,
        "a warm cast": mean(after[..., 2] - before[..., 2], neutral) > 1.2,
        "softer contrast": ratio_percent(spread(after[..., 0], weights), spread(before[..., 0], weights), 1)
        < -6,
        "darker corners": _corner_fall(scene) > 3,
    }
    seen = [sign for sign, shows in signs.items() if shows]
    note = f"it shows {', '.join(seen)}" if seen else ""
    change = mean(scene.delta_e, weights)
    goal = 8.0 * clause.amount
    return [
        Reading(
            clause,
            "signs of age",
            float(len(seen)),
            2,
            3,
            5,
            "signs",
            adjustable=len(seen) < 2,
            level=True,
            note=note,
        ),
        Reading(clause, "change by the vintage look", change, 0.4 * goal, goal, 2.2 * goal, "delta E"),
    ]


def _corner_fall(scene: Scene) -> float:
    before, after = scene.pair.lightness
    height, width = before.shape
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    radius = np.hypot(x, y) / np.float32(np.sqrt(2))
    change = after - before
    corners, middle = (radius > 0.8).astype(np.float32), (radius < 0.4).astype(np.float32)
    return mean(change, middle) - mean(change, corners)


NAMED = {
    "red": 35.0, "orange": 62.0, "yellow": 98.0, "green": 140.0, "cyan": 200.0, "blue": 280.0,
    "purple": 315.0, "magenta": 335.0, "pink": 5.0, "brown": 60.0, "beige": 85.0, "gold": 85.0,
    "navy": 290.0, "maroon": 30.0, "skyblue": 250.0, "darkgreen": 140.0, "lightgreen": 138.0,
    "darkred": 35.0,
}  # fmt: skip
"""Hue angle in CIELAB of the colours that have one, in degrees."""
NEUTRAL = {
    "white": 92.0, "black": 10.0, "grey": 50.0, "silver": 75.0, "lightgrey": 80.0, "darkgrey": 35.0
}  # fmt: skip
"""L* of those that have none."""


def recolour(scene: Scene, clause: Clause) -> list[Reading]:
    """Share of the named part that took the new colour, in percent."""
    target = dict(clause.options).get("colour", "")
    weights = scene.inside(clause.region)
    before, after = scene.pair.before, scene.pair.after
    C = chroma(after)
    noun = f"share turned {target}"
    if target in NEUTRAL:
        hit = C < 11
        if target in ("white", "black"):
            moved = mean(after[..., 0] - before[..., 0], weights) * (1 if target == "white" else -1)
            readings = [Reading(clause, f"turn to {target}", moved, 4, 15, 75, "L*", adjustable=False)]
        else:
            readings = []
    else:
        wide = 32.0 if target in ("blue", "green") else 27.0
        hit = (hue_distance(hue(after), NAMED.get(target, 0.0)) < wide) & (C > 7)
        if target not in NAMED:
            hit = scene.delta_e > 8
            noun = "share recoloured"
        readings = []
    share = 100 * mean(np.asarray(hit, np.float32), weights)
    readings.insert(0, Reading(clause, noun, share, 70, 95, 100.5, "%", adjustable=False, level=True))
    return readings
