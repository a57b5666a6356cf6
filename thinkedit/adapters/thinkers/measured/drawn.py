"""What wishes for another picture should become: styles, another background or sky, and a caption.

These are judged by signs: a pencil sketch is grey, light and of lines where the photograph had edges. Signs
can be met by a poor drawing; what they do find is that nothing, or something else, was done.
"""

from __future__ import annotations

import cv2
import numpy as np

from thinkedit.adapters.thinkers.measured.colour import Weights, chroma, ciede2000, hue, hue_distance, to_lab
from thinkedit.adapters.thinkers.measured.measures import Map, flatness, mean, spread
from thinkedit.adapters.thinkers.measured.readings import SEEN, Reading
from thinkedit.adapters.thinkers.measured.scene import Scene
from thinkedit.adapters.thinkers.measured.shape import colour_of
from thinkedit.adapters.vocabulary import Clause

__all__ = [
    "background_replace", "caption", "cartoon", "colour_sketch", "oil", "pencil", "sky_replace",
    "watercolour",
]  # fmt: skip


def _sign(
    clause: Clause,
    noun: str,
    value: float,
    low: float,
    high: float,
    unit: str = "",
    *,
    adjustable: bool = False,
) -> Reading:
    """A state that should lie in a wide band."""
    goal = min(max(value, low + 0.15 * (high - low)), high - 0.15 * (high - low))
    return Reading(clause, noun, value, low, goal, high, unit, True, adjustable, "", True, True)


def _lines(scene: Scene) -> float:
    """Correlation of dark lines in the result with edges of the source, -1 to 1."""
    before, after = scene.pair.lightness
    weights = scene.pair.valid

    def edges(L: Map) -> Map:
        smooth = cv2.GaussianBlur(L, (0, 0), 1.0)
        return np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))

    one = np.minimum(edges(before), 60)
    wide = cv2.GaussianBlur(after, (0, 0), 4.0)
    two = np.maximum(wide - after, 0) + 0.15 * np.minimum(edges(after), 60)
    both = mean((one - mean(one, weights)) * (two - mean(two, weights)), weights)
    return both / max(spread(one, weights) * spread(two, weights), 1e-3)


def _changed(scene: Scene, clause: Clause, low: float) -> Reading:
    value = mean(scene.delta_e, scene.pair.valid)
    noun = "change by the style"
    return Reading(
        clause, noun, value, low, max(3 * low, value), 70, "", True, value < low, SEEN, ranged=True
    )


def pencil(scene: Scene, clause: Clause) -> list[Reading]:
    after, weights = scene.pair.after, scene.pair.valid
    return [
        _sign(clause, "colour left in the sketch", mean(chroma(after), weights), -3, 7, "points"),
        _sign(clause, "lightness of the paper", mean(after[..., 0], weights), 55, 99.5, "points (0-100)"),
        _sign(clause, "lines along the edges", 100 * _lines(scene), 22, 130, "%", adjustable=True),
    ]


def colour_sketch(scene: Scene, clause: Clause) -> list[Reading]:
    before, after, weights = scene.pair.before, scene.pair.after, scene.pair.valid
    left = 100 * mean(chroma(after), weights) / max(mean(chroma(before), weights), 3.0)
    lighter = mean(after[..., 0] - before[..., 0], weights)
    room = 100 - mean(before[..., 0], weights)
    return [
        _sign(clause, "colour kept", left, 20, 190, "%"),
        _sign(clause, "lightening towards paper", lighter, min(4.0, 0.1 * room), 75, "points (0-100)"),
        _sign(clause, "lines along the edges", 100 * _lines(scene), 18, 130, "%", adjustable=True),
    ]


def _painted(scene: Scene, clause: Clause, low: float, calmer: float) -> list[Reading]:
    """Painted: fine texture gone into areas and strokes, while the picture stays in colour."""
    before, after, weights = scene.pair.before, scene.pair.after, scene.pair.valid
    rise = 100 * (flatness(after, weights) - flatness(before, weights))
    left = 100 * mean(chroma(after), weights) / max(mean(chroma(before), weights), 3.0)
    readings = [_changed(scene, clause, low), _sign(clause, "colour kept", left, 40, 230, "%")]
    if calmer > -100:
        room = 100 * (1 - flatness(before, weights))
        needed = min(calmer, 0.12 * room)
        readings.append(_sign(clause, "growth of plain areas", rise, needed, 100, "%", adjustable=True))
    return readings


def watercolour(scene: Scene, clause: Clause) -> list[Reading]:
    lighter = mean(scene.pair.after[..., 0] - scene.pair.before[..., 0], scene.pair.valid)
    room = 100 - mean(scene.pair.before[..., 0], scene.pair.valid)
    signs = _painted(scene, clause, 2.5, -1000)
    return [
        *signs,
        _sign(clause, "lightening towards paper", lighter, min(2.5, 0.06 * room), 60, "points (0-100)"),
    ]


def oil(scene: Scene, clause: Clause) -> list[Reading]:
    return [*_painted(scene, clause, 1.5, -1000), _lost_grain(scene, clause)]


def cartoon(scene: Scene, clause: Clause) -> list[Reading]:
    return _painted(scene, clause, 2.0, 6.0)


def _lost_grain(scene: Scene, clause: Clause) -> Reading:
    """Fine texture painted over: what of the finest detail of the source is not in the result, percent."""
    before, after = scene.pair.lightness
    weights = scene.pair.valid
    fine = before - cv2.GaussianBlur(before, (0, 0), 1.2)
    left = after - cv2.GaussianBlur(after, (0, 0), 1.2)
    both = mean(fine * left, weights) / max(spread(fine, weights) * spread(left, weights), 1e-3)
    return _sign(clause, "fine texture painted over", 100 * (1 - both), 12, 110, "%", adjustable=True)


def background_replace(scene: Scene, clause: Clause) -> list[Reading]:
    """Share of the background that is new, and whether it is what was asked for."""
    weights = scene.inside("background")
    kind = clause.option("with")
    after = scene.pair.after
    readings = []
    if kind == "colour":
        wanted = colour_of(clause.option("colour") or "")
        if wanted is not None:
            away = ciede2000(after, to_lab(np.array([[wanted]], np.uint8)))
            near = 100 * mean(np.asarray(away < 24, np.float32), weights)
            readings.append(_sign(clause, "share in the colour asked for", near, 82, 103, "%"))
        even = 100 * mean(np.asarray(_even(after[..., 0]) < 2.5, np.float32), weights)
        readings.append(_sign(clause, "share that is plain", even, 80, 105, "%"))
        return readings
    new = 100 * mean(np.asarray(scene.delta_e > 4, np.float32), weights)
    readings.append(_sign(clause, "share of the background that is new", new, 65, 106, "%"))
    if kind == "gradient":
        even = 100 * mean(np.asarray(_even(after[..., 0]) < 3.5, np.float32), weights)
        readings.append(_sign(clause, "share that is smooth", even, 75, 105, "%"))
    return readings


def _even(L: Map) -> Map:
    """Distance of each pixel from its surroundings."""
    return np.asarray(np.abs(L - cv2.GaussianBlur(L, (0, 0), 2.0)), np.float32)


def sky_replace(scene: Scene, clause: Clause) -> list[Reading]:
    """Share of the sky that is new, and whether it has the colours of the sky asked for."""
    weights = scene.inside("sky")
    after = scene.pair.after
    kind = clause.option("with")
    new = mean(scene.delta_e, weights)
    C, angle = chroma(after), hue(after)
    fits: Weights
    if kind == "clear":
        fits = np.asarray((hue_distance(angle, 265) < 45) & (C > 6), np.float32)
        share = 100 * mean(fits, weights)
        sign = _sign(clause, "share of the sky that is blue", share, 55, 108, "%")
    elif kind == "sunset":
        warm = (hue_distance(angle, 60) < 45) & (C > 10)
        share = 100 * mean(np.asarray(warm, np.float32), weights)
        sign = _sign(clause, "share of the sky in warm colours", share, 22, 108, "%")
    else:
        share = 100 * mean(np.asarray(C < 12, np.float32), weights)
        sign = _sign(clause, "share of the sky that is grey", share, 65, 106, "%")
    # A sky that is what was asked for already may stay nearly as it is.
    low = 1.0 if sign.value >= sign.low else 3.0
    change = Reading(
        clause,
        "change of the sky",
        new,
        low,
        max(8.0, min(new, 50)),
        75,
        adjustable=False,
        note=SEEN,
        ranged=True,
    )
    return [sign, change]


def caption(scene: Scene, clause: Clause) -> list[Reading]:
    """Something with sharp edges was written where asked, and it is large enough to read.

    The letters themselves are not read.
    """
    height, width = scene.pair.valid.shape
    fresh = np.asarray(scene.delta_e > 6, np.uint8) * np.asarray(scene.pair.valid > 0.5, np.uint8)
    count, _, boxes, _ = cv2.connectedComponentsWithStats(fresh, connectivity=8)
    kept = [boxes[i] for i in range(1, count) if boxes[i][4] >= 3 and boxes[i][3] <= 0.4 * height]
    area = sum(int(box[4]) for box in kept)
    position = clause.option("position") or "bottom"
    note = "the letters themselves were not read"
    amount = 100 * area / max(fresh.size, 1)
    readings = [
        Reading(clause, "area of the writing", amount, 0.04, 1.5, 22, "%", True, False, note, True, True)
    ]
    if kept:
        centre_y = sum((box[1] + box[3] / 2) * box[4] for box in kept) / area / height
        centre_x = sum((box[0] + box[2] / 2) * box[4] for box in kept) / area / width
        placed = _at(position, centre_x, centre_y)
        noun = f"writing at the {position}"
        share = 100.0 if placed else 20.0
        readings.append(Reading(clause, noun, share, 99, 100, 101, "%", True, False, "", True))
    return readings


def _at(position: str, x: float, y: float) -> bool:
    """Whether a centre, in shares of the picture, is at a named position such as "top left"."""
    words = position.replace("-", " ").split()
    checks = {
        "top": y < 0.42, "bottom": y > 0.58, "left": x < 0.5, "right": x > 0.5,
        "centre": 0.25 < y < 0.75 if len(words) == 1 else 0.2 < x < 0.8, "middle": 0.25 < y < 0.75,
    }  # fmt: skip
    return all(checks.get(word, True) for word in words)
