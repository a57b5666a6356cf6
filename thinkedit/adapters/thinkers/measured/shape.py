"""What wishes about geometry should become: crop, rotate, flip, resize, border."""

from __future__ import annotations

import numpy as np

from thinkedit.adapters.thinkers.measured.colour import ciede2000, to_lab
from thinkedit.adapters.thinkers.measured.measures import mean
from thinkedit.adapters.thinkers.measured.placement import Placement
from thinkedit.adapters.thinkers.measured.readings import Reading
from thinkedit.adapters.thinkers.measured.scene import Scene
from thinkedit.adapters.vocabulary import Clause

__all__ = ["border", "crop", "flip", "resize", "rotate"]


def _found(scene: Scene, clause: Clause) -> tuple[Placement | None, list[Reading]]:
    if scene.placement is not None:
        return scene.placement, []
    note = "the source cannot be found again in the result"
    lost = Reading(clause, "share found again", 0, 50, 100, 101, "%", True, False, note, True)
    return None, [lost]


def _shown(scene: Scene, placement: Placement) -> tuple[float, float, float, float]:
    """What of the source the result shows, cut to the source: left, top, right, bottom, as shares."""
    own = (scene.full.shape[1], scene.full.shape[0])
    window = placement.window(scene.size, own)
    left, top, right, bottom = (min(1.0, max(0.0, edge)) for edge in window)
    return left, top, right, bottom


def _exact(clause: Clause, noun: str, value: float, goal: float, slack: float, unit: str = "") -> Reading:
    """A state that should be `goal`, give or take `slack`."""
    return Reading(clause, noun, value, goal - slack, goal, goal + slack, unit, True, False, "", True)


def crop(scene: Scene, clause: Clause) -> list[Reading]:
    """The shape or size asked for, and how much of the source is left."""
    height, width = scene.full.shape[:2]
    ratio, size = clause.option("ratio"), clause.option("size")
    readings = []
    if ratio:
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
    left, top, right, bottom = _shown(scene, placement)
    if clause.option("off"):
        gone = {"left": left, "right": 1 - right, "top": top, "bottom": 1 - bottom}.get(clause.region, 0.0)
        goal = _share(scene, clause)
        return [*readings, _exact(clause, "cut off", 100 * gone, 100 * goal, max(2.5, 25 * goal), "%")]
    if clause.option("closer"):
        cut = 100 * (1 - max(right - left, bottom - top))
        goal = min(60.0, 20.0 * clause.amount)
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
    per_pixel = (scene.placement.scale * max(left.shape) / max(scene.full.shape[:2])) ** 2
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
    turned = placement.degrees * (1 if clause.direction >= 0 else -1)
    turned = (turned - goal + 180) % 360 - 180 + goal  # of the equal angles the one nearest to the goal
    slack = max(0.8, 0.08 * min(goal, 45))
    readings = [_exact(clause, "turn", turned, goal, slack, "degrees")]
    if not scene.asked("border"):
        readings.append(_filled(scene, clause))
    return readings


def _filled(scene: Scene, clause: Clause) -> Reading:
    """How much of the result shows the source: corners should not be left empty."""
    filled = 100 * mean(scene.pair.valid)
    # The lay-over loses a few pixels at its rim.
    rim = 100 * 8.0 / min(scene.pair.valid.shape)
    full = min(100.0, filled + rim)
    return Reading(clause, "picture without empty corners", full, 97.5, 100, 101, "%", True, False, "", True)


def flip(scene: Scene, clause: Clause) -> list[Reading]:
    placement, lost = _found(scene, clause)
    if placement is None:
        return lost
    axis = clause.option("axis") or "horizontal"
    expected = 0.0 if axis == "horizontal" else 180.0
    away = abs((placement.degrees - expected + 180) % 360 - 180)
    right = placement.mirrored and (away < 3 or scene.asked("rotate"))
    noun = f"mirrored {axis}ly"
    return [Reading(clause, noun, 100.0 if right else 0.0, 99, 100, 101, "%", True, False, "", True)]


def resize(scene: Scene, clause: Clause) -> list[Reading]:
    """The size asked for."""
    height, width = scene.full.shape[:2]
    options = clause.as_mapping()
    if scene.asked("crop", "border") and "scale" in options:
        return []
    if "size" in options:
        across, down = (float(part) for part in options["size"].split("x"))
        wanted = [("width", width, across), ("height", height, down)]
    elif "scale" in options:
        factor = float(options["scale"])
        longest = max(scene.size)
        wanted = [("longer side", max(width, height), factor * longest)]
    elif "longest" in options:
        wanted = [("longer side", max(width, height), float(options["longest"]))]
    else:
        key, number = next(iter(options.items()), ("width", str(width)))
        wanted = [(key, width if key == "width" else height, float(number))]
    return [_exact(clause, noun, has, goal, max(1.5, 0.004 * goal), "pixels") for noun, has, goal in wanted]


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
    """Width of an even rim, in percent of the longer side of the source, and its colour."""
    full = scene.full
    height, width = full.shape[:2]
    widths = [_rim(np.swapaxes(full, 0, 1)[::step]) for step in (1, -1)]
    widths += [_rim(full[::step]) for step in (1, -1)]
    thick = float(np.median(widths))
    value = 100 * thick / max(scene.size)
    unit, _, number = (clause.given or "").partition(":")
    goal = 100 * float(number) / max(scene.size) if unit == "pixels" else 4.0 * clause.amount
    low, high = (0.9 * goal, 1.12 * goal + 0.1) if clause.given else (0.35 * goal, 2.2 * goal)
    noun = "width of the border"
    readings = [Reading(clause, noun, value, low, goal, high, "% of the side", True, False, "", True)]
    wanted = colour_of(clause.option("colour") or "")
    if wanted is not None and thick >= 1:
        rim = to_lab(full[: max(1, min(int(thick), height)), : max(1, width)])
        away = mean(ciede2000(rim, to_lab(np.array([[wanted]], np.uint8))))
        readings.append(
            Reading(clause, "colour of the border off", away, 0, 3, 22, "delta E", True, False, "", True)
        )
    return readings


def _rim(rows: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> int:
    """How many rows from the first on are of one colour, the same as the first."""
    first = rows[0].reshape(-1, 3).astype(np.int16)
    colour = np.median(first, axis=0)
    for count in range(min(len(rows), 4096)):
        row = rows[count].astype(np.int16)
        if float((np.abs(row - colour).max(axis=-1) > 14).mean()) > 0.02:
            return count
    return min(len(rows), 4096)
