"""What wishes about geometry should become: crop, rotate, flip, resize, border."""

from __future__ import annotations

import numpy as np

from thinkedit.adapters.thinkers.measured.colour import Pixels, ciede2000, to_lab
from thinkedit.adapters.thinkers.measured.measures import mean
from thinkedit.adapters.thinkers.measured.placement import Placement, expected_turn, upright
from thinkedit.adapters.thinkers.measured.readings import SEEN, Reading
from thinkedit.adapters.thinkers.measured.scene import Scene
from thinkedit.adapters.vocabulary import Clause

__all__ = ["border", "crop", "flip", "resize", "rotate"]

STRETCHED = 4.0
"""Percent by which one side may come out longer against the other: less is not told from the matches."""


def _found(scene: Scene, clause: Clause) -> tuple[Placement | None, list[Reading]]:
    """Where the source lies, and what is wrong with that: it is not there, or it is stretched unasked."""
    placement = scene.placement
    if placement is None:
        note = "the source cannot be found again in the result"
        return None, [Reading(clause, "share found again", 0, 50, 100, 101, "%", True, False, note, True)]
    off = 100 * (placement.stretch - 1)
    if off < STRETCHED:
        return placement, []
    noun, note, least = "proportions kept", "the picture is stretched", 100 - STRETCHED
    return placement, [Reading(clause, noun, 100 - off, least, 100, 101, "%", True, False, note, True)]


def _shown(scene: Scene, placement: Placement) -> tuple[float, float, float, float]:
    """What of the source the result shows, cut to the source: left, top, right, bottom, as shares."""
    own = (scene.full.shape[1], scene.full.shape[0])
    window = placement.window(scene.size, own)
    left, top, right, bottom = (min(1.0, max(0.0, edge)) for edge in window)
    return left, top, right, bottom


def _gone(scene: Scene, placement: Placement, side: str) -> float:
    """The share cut off one side of the source, turned and mirrored as it is in the result.

    What an oblique turn takes off itself is left out.
    """
    corners = placement.corners(scene.size)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    width, height = upright(*scene.size, placement.degrees)
    height_had, width_had = (bottom - top) / placement.scale, (right - left) / placement.scale
    missing = {
        "left": -left, "right": right - scene.full.shape[1],
        "top": -top, "bottom": bottom - scene.full.shape[0],
    }  # fmt: skip
    kept, had = (width, width_had) if side in ("left", "right") else (height, height_had)
    return float(missing.get(side, 0.0) / placement.scale - (had - kept) / 2) / kept


def _exact(clause: Clause, noun: str, value: float, goal: float, slack: float, unit: str = "") -> Reading:
    """A state that should be `goal`, give or take `slack`."""
    return Reading(clause, noun, value, goal - slack, goal, goal + slack, unit, True, False, "", True)


def crop(scene: Scene, clause: Clause) -> list[Reading]:
    """The shape or size asked for, and how much of the source is left."""
    height, width = scene.full.shape[:2]
    ratio, size = clause.option("ratio"), clause.option("size")
    readings = []
    # Where a stretch was asked for as well, the shape is told by where the source lies.
    if ratio and not any(other.option("exact") for other in scene.clauses):
        across, down = (float(part) for part in ratio.split(":"))
        goal = across / down
        slack = goal * max(0.012, 1.5 / min(width, height))
        readings.append(_exact(clause, "width to height", width / height, goal, slack))
    if size:
        across, down = (float(part) for part in size.split("x"))
        readings.append(_exact(clause, "width", width, across, 1.5, "pixels"))
        readings.append(_exact(clause, "height", height, down, 1.5, "pixels"))
    placement, lost = _found(scene, clause)
    if placement is None:
        return [*readings, *lost]
    readings += lost
    left, top, right, bottom = _shown(scene, placement)
    if clause.option("off"):
        gone, goal = _gone(scene, placement, clause.region), _share(scene, clause)
        return [*readings, _exact(clause, "cut off", 100 * gone, 100 * goal, max(2.5, 25 * goal), "%")]
    if clause.option("closer"):
        cut = 100 * (1 - max(right - left, bottom - top))
        unit, _, number = (clause.given or "").partition(":")
        goal = 200 * float(number) / max(scene.size) if unit == "pixels" else min(60.0, 20.0 * clause.amount)
        if clause.region in ("subject", "faces"):
            readings.append(_subject_in(scene, clause))
            room = _room_around(scene, clause)
            if room < 8:
                note = f"the {clause.region} fills the picture already"
                return [
                    *readings,
                    Reading(clause, "cut off in all", cut, 0, 0, 30, "%", note=note, level=True),
                ]
            goal, low, high = min(goal, 0.5 * room), 0.0 if room < 18 else 2.0, 85.0
        else:
            low, high = 0.45 * goal, 2.0 * goal
        noun = "cut off in all"
        readings.append(Reading(clause, noun, cut, low, goal, high, "%", True, True, "", True))
    return readings


def _share(scene: Scene, clause: Clause) -> float:
    """The share of the side that a quantity stands for."""
    unit, _, number = (clause.given or "").partition(":")
    if unit == "pixels":
        across = clause.region in ("left", "right")
        return float(number) / scene.size[0 if across else 1]
    return 0.2 * clause.amount


def _room_around(scene: Scene, clause: Clause) -> float:
    """How much of both sides could be cut off around the region, in percent."""
    inside = scene.region(clause.region).soft > 0.5
    height, width = inside.shape
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        return 100.0
    across, down = (columns[-1] + 1 - columns[0]) / width, (rows[-1] + 1 - rows[0]) / height
    return float(100 * (1 - max(across, down)))


def _subject_in(scene: Scene, clause: Clause) -> Reading:
    """How much of the region named is still in the picture."""
    inside = scene.region(clause.region).inside
    left = scene.place(inside)
    # The frame's own scale changes the number of pixels; shares of the mask's area are compared.
    assert scene.placement is not None
    grown = abs(float(np.linalg.det(scene.placement.matrix[:, :2])))
    per_pixel = grown * (max(left.shape) / max(scene.full.shape[:2])) ** 2
    per_pixel /= (max(inside.shape) / max(scene.size)) ** 2
    kept = 100 * float(left.sum()) / max(float(inside.sum()) * per_pixel, 1e-6)
    noun = f"part of the {clause.region} still shown"
    return Reading(clause, noun, min(kept, 100.0), 75, 100, 101, "%", True, False, "", True)


def rotate(scene: Scene, clause: Clause) -> list[Reading]:
    """The turn in degrees, clockwise."""
    placement, lost = _found(scene, clause)
    if placement is None:
        return lost
    unit, _, number = (clause.given or "degrees:90").partition(":")
    goal = float(number) if unit == "degrees" else 90.0 * clause.amount
    expected, sign = expected_turn(scene.clauses, mirrored=placement.mirrored)
    off = (placement.degrees - expected + 180) % 360 - 180
    turned = goal + off * sign * (1 if clause.direction >= 0 else -1)
    slack = max(0.8, 0.08 * min(goal, 45))
    return [*lost, _exact(clause, "turn", turned, goal, slack, "degrees"), _filled(scene, clause)]


def _filled(scene: Scene, clause: Clause) -> Reading:
    """How much of the result shows the source: corners should not be left empty."""
    filled = 100 * mean(scene.pair.valid)
    # The lay-over loses a few pixels at its rim.
    rim = 100 * 8.0 / min(scene.pair.valid.shape)
    full = min(100.0, filled + rim)
    return Reading(
        clause, "picture without empty corners", full, 97.5, 100, 101, "%", True, False, "", True, True
    )


def flip(scene: Scene, clause: Clause) -> list[Reading]:
    placement, lost = _found(scene, clause)
    if placement is None:
        return lost
    axis = clause.option("axis") or "horizontal"
    expected, _ = expected_turn(scene.clauses, mirrored=True)
    away = abs((placement.degrees - expected + 180) % 360 - 180)
    right = placement.mirrored and (away < 3 or scene.asked("rotate"))
    noun = f"mirrored {axis}ly"
    return [*lost, Reading(clause, noun, 100.0 if right else 0.0, 99, 100, 101, "%", True, False, "", True)]


def resize(scene: Scene, clause: Clause) -> list[Reading]:
    """The size asked for, in the picture's own proportions unless a stretch to it was asked for.

    With a border the size may be the picture's inside it or that of all.
    """
    height, width = scene.full.shape[:2]
    edge = 2 * scene.rim.thick if scene.rim is not None else 0
    tries = [_sized(scene, clause, width, height)]
    if edge:
        tries.append(_sized(scene, clause, width + edge, height + edge))
    return max(tries, key=lambda readings: min(reading.score for reading in readings))


def _sized(scene: Scene, clause: Clause, width: int, height: int) -> list[Reading]:
    """Width and height of a result, and what they should be."""
    options = clause.as_mapping()
    turned = any(c.operation == "rotate" and round(c.amount) % 2 for c in scene.clauses)
    had = scene.size[::-1] if turned else scene.size
    cut = scene.asked("crop") or any(c.operation == "rotate" and c.amount % 1 for c in scene.clauses)
    if cut:
        # How large the picture was before is not known from words; its proportions are those of the result,
        # and whether they are the source's is seen where the source lies in it.
        had = (width, height)
        if "scale" in options:
            scale = 1.0 if scene.placement is None else scene.placement.scale
            return [_exact(clause, "size", 100 * scale, 100 * float(options["scale"]), 2.0, "%")]
    factor = 1.0
    if "size" in options:
        across, down = (float(part) for part in options["size"].split("x"))
        if "exact" in options or 0.99 < (across * had[1]) / (down * had[0]) < 1.01:
            return _both(clause, (width, height), (across, down))
        factor = min(across / had[0], down / had[1])
    elif "scale" in options:
        factor = float(options["scale"])
    else:
        sides = {"width": had[0], "height": had[1], "longest": max(had)}
        key = next((key for key in sides if key in options), "longest")
        factor = float(options.get(key, sides[key])) / sides[key]
    return _both(clause, (width, height), (factor * had[0], factor * had[1]))


def _both(clause: Clause, has: tuple[int, int], wanted: tuple[float, float]) -> list[Reading]:
    return [
        _exact(clause, noun, value, max(1.0, round(goal)), max(1.5, 0.004 * goal), "pixels")
        for noun, value, goal in zip(("width", "height"), has, wanted, strict=True)
    ]


COLOURS = {
    "white": (255, 255, 255), "black": (0, 0, 0), "grey": (128, 128, 128), "red": (210, 30, 35),
    "orange": (255, 140, 0), "yellow": (250, 215, 30), "green": (40, 140, 60), "cyan": (0, 170, 180),
    "blue": (35, 80, 200), "purple": (120, 50, 160), "magenta": (215, 30, 140), "pink": (250, 150, 180),
    "brown": (120, 75, 40), "beige": (235, 220, 190), "gold": (212, 175, 55), "silver": (192, 192, 192),
    "navy": (15, 30, 90), "maroon": (110, 20, 35), "skyblue": (150, 200, 240), "lightgrey": (210, 210, 210),
    "darkgrey": (75, 75, 75), "darkgreen": (15, 80, 35), "lightgreen": (150, 220, 150),
    "darkred": (130, 10, 20),
}  # fmt: skip
"""What a person pictures by a colour's name, sRGB; compared with a wide tolerance."""


def colour_of(name: str) -> tuple[int, int, int] | None:
    """sRGB of a colour name or #rrggbb, or None where the name is not known."""
    if name.startswith("#"):
        digits = name[1:] if len(name) == 7 else "".join(2 * digit for digit in name[1:])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)
    return COLOURS.get(name)


def border(scene: Scene, clause: Clause) -> list[Reading]:
    """Width of an even rim, in percent of the longer side of the picture inside it, and its colour."""
    rim, longest = scene.rim, max(scene.full.shape[:2])
    thick = 0 if rim is None else rim.thick
    unit, _, number = (clause.given or "").partition(":")
    goal = 100 * float(number) / longest if unit == "pixels" else 4.0 * clause.amount
    low, high = (0.9 * goal, 1.12 * goal + 0.1) if clause.given else (0.35 * goal, 2.2 * goal)
    noun, value = "width of the border", 100 * thick / longest
    readings = [Reading(clause, noun, value, low, goal, high, "% of the side", True, False, "", True)]
    _, lost = _found(scene, clause)
    readings += lost
    name = clause.option("colour") or "white"
    wanted = colour_of(name)
    if wanted is not None and rim is not None and thick:
        away = float(ciede2000(to_lab(_dot(rim.colour)), to_lab(_dot(wanted))).mean())
        # Paper and ink are known to a hair; of red there are many.
        most = 7 if name in ("white", "black") or name.startswith("#") else 22
        noun = "distance of the border's colour from the one asked for"
        readings.append(Reading(clause, noun, away, 0, 2.3, most, "", True, False, SEEN, True, ranged=True))
    return readings


def _dot(colour: tuple[int, int, int]) -> Pixels:
    return np.array([[colour]], np.uint8)
