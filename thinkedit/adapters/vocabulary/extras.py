"""The operations whose words mean something of their own: places in a crop, sides, colours, captions."""

from __future__ import annotations

from collections.abc import Callable

from thinkedit.adapters.vocabulary.clause import Clause
from thinkedit.adapters.vocabulary.gather import Gathered, place_of
from thinkedit.adapters.vocabulary.operations import PLACES, Operation
from thinkedit.adapters.vocabulary.refusal import refusal

__all__ = ["SPECIAL", "implied"]


def implied(found: Gathered, words: str) -> str:
    """The operation of a part that names none: by its unit, colours and options."""
    unit = found.quantity[1] if found.quantity else ""
    options = found.options
    if unit == "stops":
        return "exposure"
    if found.quotes and found.acts:
        found.verbs.clear()
        return "caption"
    if found.strips:
        raise refusal([words], sentence=words)
    for tone in ("shadows", "highlights"):
        if tone in found.regions and (found.verbs or found.turns) and not found.colours:
            found.regions.remove(tone)
            return tone
    if "sky" in options and "sky" in found.regions + _heard_sky(found):
        return "sky_replace"
    if unit == "degrees" or "turn" in options or options.get("axis") == "turned":
        return "rotate"
    if "sized" in options and (found.factor or found.quantity):
        return "resize"
    if "side" in options and unit in ("pixels", ""):
        return "resize"
    if found.ratios or "closer" in options:
        return "crop"
    if options.get("with") in ("gradient", "reference") and "background" in found.regions:
        return "background_replace"
    if len(found.regions) == 1 and found.regions[0].startswith("colour:") and (found.verbs or found.turns):
        return "saturation"
    if found.quantity and unit in ("percent", "times") and found.heard & _SMALLER_LARGER:
        return "resize"
    if found.factor and "size" in options:
        return "resize"
    plain = found.neutral or found.regions == ["background"]
    if found.colours and plain and not found.amounts:
        return _by_colour(found, words)
    raise refusal([words], sentence=words)


_SMALLER_LARGER = {"smaller", "larger", "bigger"}
_STRETCHING = {"stretch", "squeeze", "stretched", "squeezed"}


def _heard_sky(found: Gathered) -> list[str]:
    return ["sky"] if "sky" in found.heard else []


def _by_colour(found: Gathered, words: str) -> str:
    if "background" in found.regions and len(found.regions) == 1:
        if found.colours == ["grey"] and found.heard & {"make", "turn"}:
            found.colours.clear()
            return "black_and_white"
        return "background_replace"
    if "sky" in found.regions:
        if found.colours == ["blue"]:
            found.options["sky"] = "clear"
            found.colours.clear()
            return "sky_replace"
        raise refusal([words], "a sky can be replaced by a clear, a sunset or an overcast one")
    if len(found.colours) + len(found.regions) >= 2:
        return "recolour"
    raise refusal(
        [words], 'say what is to have that colour ("make the red parts blue"), or "warmer", "cooler"'
    )


def _options(**given: str | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((key, value) for key, value in given.items() if value is not None))


def _spent(found: Gathered, words: str, *allowed: str) -> None:
    """Refuse what the operation has no use for. `allowed`: names of the lists that it has used."""
    left: list[str] = []
    for name in ("colours", "quotes", "sizes", "ratios", "regions"):
        if name not in allowed:
            left += getattr(found, name)
    left += [value for key, value in found.options.items() if key not in allowed]
    if "numbers" not in allowed:
        left += [f"the number {number:g} {unit}".strip() for number, unit in found.numbers]
    if "factor" not in allowed and found.factor is not None:
        left.append(f"{found.factor:g} times")
    if found.turns and "turns" not in allowed:
        raise refusal([words], "this can be done, not undone or lessened")
    if left or (found.amounts and "amounts" not in allowed):
        strange = ", ".join(left) or "an amount"
        raise refusal([words], f"{strange} does not go with the rest of it")


def _crop(found: Gathered, entry: Operation, words: str) -> Clause:
    _spent(
        found,
        words,
        "sizes",
        "ratios",
        "regions",
        "closer",
        "off",
        "numbers",
        "amounts",
        "turn",
        "sized",
        "side",
    )
    regions = list(dict.fromkeys(found.regions))
    region = regions[0] if regions else "whole"
    if len(regions) > 1 or not entry.allows(region):
        raise refusal([words], "crop to a ratio, a size, the subject, or a side to cut off")
    near = ("crop to 4:5", "crop to 1200x800", "crop closer", "crop 10 % off the left", "crop to the subject")
    if len(found.ratios) + len(found.sizes) > 1:
        raise refusal([words], "more than one format; name one", near=near)
    amount = found.amounts[0] if found.amounts else 1.0
    if found.sizes or found.ratios:
        if found.numbers or found.amounts or "off" in found.options:
            raise refusal([words], "a format and an amount; name one", near=near)
        size = found.sizes[0] if found.sizes else None
        ratio = found.ratios[0] if found.ratios else None
        if (ratio and 0.0 in map(float, ratio.split(":"))) or (size and "0" in size.split("x")):
            raise refusal([words], "a side of nothing; name a format such as 4:5", near=near)
        return Clause(entry.name, region=region, options=_options(size=size, ratio=ratio), words=words)
    if found.numbers:
        number, unit = found.quantity or (0.0, "")
        given = f"{unit or 'pixels'}:{number:g}"
        if unit not in entry.units or not number > 0 or (unit == "percent" and number >= 90):
            raise refusal([words], "give a percentage below 90 or pixels to cut off", near=near)
        if region == "subject" or region == "faces":
            raise refusal([words], "say which side to cut off", near=near)
        cut = _options(off="yes") if region in PLACES and region != "centre" else _options(closer="yes")
        return Clause(entry.name, 0, entry.amount(given), given, region, cut, words)
    if region in ("subject", "faces"):
        return Clause(entry.name, 0, amount, None, region, _options(closer="yes"), words)
    if region == "whole" or (region == "centre" and not found.options):
        if (
            region == "whole"
            and "closer" not in found.options
            and not found.amounts
            and "zoom" not in found.heard
        ):
            raise refusal([words], "say how", near=near)
        return Clause(entry.name, 0, amount, None, region, _options(closer="yes"), words)
    return Clause(entry.name, 0, amount, None, region, _options(off="yes"), words)


def _rotate(found: Gathered, entry: Operation, words: str) -> Clause:
    _spent(found, words, "regions", "numbers", "turn", "axis", "amounts" if not found.numbers else "")
    sides = set(found.regions)
    if (
        found.amounts
        or sides - {"left", "right"}
        or len(sides) > 1
        or found.options.get("axis", "turned") != "turned"
    ):
        raise refusal([words], 'say how far: "rotate by 10 degrees to the left"')
    turn = found.options.get("turn")
    direction = -1 if "left" in sides or turn == "counterclockwise" else 1
    if turn and sides and (turn == "clockwise") != ("right" in sides):
        raise refusal([words], "left is counterclockwise; name one direction")
    if found.options.get("axis") == "turned":
        if found.numbers or turn or sides:
            raise refusal([words], "upside down and another angle; name one")
        return Clause(entry.name, 1, 2.0, "degrees:180", "whole", (), words)
    if not found.numbers and not turn and not sides:
        raise refusal(
            [words], 'say how far: "rotate by 10 degrees to the left"; finding the level is not done'
        )
    number, unit = found.quantity or (90.0, "degrees")
    if unit not in ("", "degrees") or not 0 < number <= 360 or len(found.numbers) > 1:
        raise refusal([words], "rotation is given in degrees, up to 360")
    if found.number_sign < 0:
        direction = -direction
    given = f"degrees:{number:g}"
    return Clause(entry.name, direction, entry.amount(given), given, "whole", (), words)


def _flip(found: Gathered, entry: Operation, words: str) -> Clause:
    _spent(found, words, "axis")
    axis = found.options.get("axis")
    if axis is None and not found.heard & {"mirror", "mirrored"}:
        raise refusal([words], "say horizontally or vertically")
    axis = "vertical" if axis in ("vertical", "turned") else "horizontal"
    return Clause(entry.name, options=_options(axis=axis), words=words)


def _resize(found: Gathered, entry: Operation, words: str) -> Clause:
    _spent(
        found,
        words,
        "sizes",
        "numbers",
        "factor",
        "side",
        "sized",
        "size",
        "exact",
        "turns" if found.factor else "",
    )
    near = ("resize it to 800 pixels wide", "resize it to 1200x800", "resize it to 50 %")
    said = len(found.sizes) + len(found.numbers) + (found.factor is not None)
    if said != 1:
        raise refusal([words], "say to what size", near=near)
    if found.sizes:
        if "0" in found.sizes[0].split("x"):
            raise refusal([words], "a side of no pixels", near=near)
        exact = "yes" if "exact" in found.options or found.heard & _STRETCHING else None
        return Clause(entry.name, options=_options(size=found.sizes[0], exact=exact), words=words)
    if found.factor is not None:
        return Clause(entry.name, options=_options(scale=f"{found.factor:g}"), words=words)
    number, unit = found.numbers[0]
    if number <= 0 or unit not in ("", "pixels", "percent", "times"):
        raise refusal([words], "say to what size", near=near)
    if unit in ("percent", "times") or (number == 0.5 and not unit):
        scale = number / 100 if unit == "percent" else number
        if unit == "percent" and not found.absolute:
            grow = bool(found.heard & {"enlarge", "upscale", "up", "larger", "bigger"} or found.verbs)
            shrink = bool(found.heard & {"shrink", "downscale", "downsize", "down", "smaller"})
            scale = 1 + scale if grow else 1 - scale if shrink else scale
        if not 0.01 <= scale <= 10:
            raise refusal([words], "between 1 % and 1000 % of the size", near=near)
        return Clause(entry.name, options=_options(scale=f"{scale:.6g}"), words=words)
    if number != int(number) or number > 30_000:
        raise refusal([words], "a whole number of pixels up to 30,000", near=near)
    side = found.options.get("side", "longest")
    return Clause(entry.name, options=_options(**{side: f"{number:g}"}), words=words)


def _border(found: Gathered, entry: Operation, words: str) -> Clause:
    _spent(found, words, "colours", "numbers", "amounts", "size", "with")
    sizes = {"small": 0.5, "medium": 1.0, "large": 1.6, None: 1.0}
    thin = 0.5 if "thin" in found.heard else sizes[found.options.get("size")]
    amount, given = (found.amounts[0] if found.amounts else thin), None
    if found.numbers:
        number, unit = found.numbers[0]
        given = f"{unit or entry.bare}:{number:g}"
        if unit not in ("", *entry.units) or not number > 0 or (unit == "percent" and number > 40):
            raise refusal([words], "a border is given in pixels or in percent, up to 40")
        amount = entry.amount(given)
    if len(found.colours) > 1 or found.options.get("with", "colour") != "colour":
        raise refusal([words], "a border has one colour")
    colour = found.colours[0] if found.colours else "white"
    return Clause(entry.name, 0, amount, given, "whole", _options(colour=colour), words)


def _caption(found: Gathered, entry: Operation, words: str) -> Clause:
    if len(found.quotes) != 1 or not found.quotes[0].strip():
        raise refusal(
            [words], "put the text in quotation marks", near=('add the text "Hello" at the bottom',)
        )
    _spent(found, words, "quotes", "regions", "colours", "size")
    places = set(found.regions)
    if places - set(PLACES) or len(places) > 2 or {"top", "bottom"} <= places or {"left", "right"} <= places:
        raise refusal([words], "a caption goes to the top, bottom, left, right, centre or a corner")
    if len(found.colours) > 1:
        raise refusal([words], "a caption has one colour")
    upright = next((p for p in ("top", "bottom") if p in places), "")
    across = next((p for p in ("left", "right") if p in places), "")
    position = " ".join(p for p in (upright, across) if p) or ("centre" if places else "bottom")
    return Clause(entry.name, options=_options(
        text=found.quotes[0], position=position, size=found.options.get("size", "medium"),
        colour=found.colours[0] if found.colours else "white"), words=words)  # fmt: skip


def _recolour(found: Gathered, entry: Operation, words: str) -> Clause:
    _spent(found, words, "colours", "regions")
    regions, colours = list(dict.fromkeys(found.regions)), list(found.colours)
    if len(colours) == 2 and not regions and (place := place_of(colours[0])) is not None:
        regions = [place]
        colours.pop(0)
    if not colours and len(regions) == 2 and regions[1].startswith("colour:"):
        colours = [regions.pop().partition(":")[2]]
    found_colour = [r for r in regions if r.startswith("colour:")]
    region = (
        found_colour[0] if found_colour and set(regions) <= {*found_colour, "subject"} else "".join(regions)
    )
    if len(colours) != 1 or len(found_colour) > 1 or not entry.allows(region):
        near = ("make the red parts blue", "recolour the subject green")
        raise refusal([words], "say what is to have which colour", near=near)
    return Clause(entry.name, region=region, options=_options(colour=colours[0]), words=words)


def _background(found: Gathered, entry: Operation, words: str) -> Clause:
    _spent(found, words, "colours", "regions", "with")
    kind = found.options.get("with") or ("colour" if found.colours else None)
    near = ("replace the background with white", "replace the background with a gradient from blue to white")
    if set(found.regions) - {"background", "subject"} or kind is None:
        raise refusal([words], "say what is to be behind the subject", near=near)
    colours = found.colours
    if len(colours) > (2 if kind == "gradient" else 0 if kind == "reference" else 1):
        raise refusal([words], "too many colours for a background", near=near)
    if kind == "colour" and not colours:
        raise refusal([words], "say which colour", near=near)
    first = colours[0] if colours else "light grey" if kind == "gradient" else None
    second = (colours[1] if len(colours) == 2 else "white") if kind == "gradient" else None
    return Clause(entry.name, options=_options(**{"with": kind}, colour=first, colour2=second), words=words)


def _sky(found: Gathered, entry: Operation, words: str) -> Clause:
    _spent(found, words, "colours", "regions", "sky")
    sky = found.options.get("sky")
    if found.colours:
        sky = "clear" if found.colours == ["blue"] and sky in (None, "clear") else None
    if set(found.regions) - {"sky"} or sky in (None, "other"):
        near = ("replace the sky with an overcast one", "replace the sky with a sunset", "darken the sky")
        raise refusal([words], "the new sky can be clear, a sunset or overcast", near=near)
    return Clause(entry.name, options=_options(**{"with": sky}), words=words)


SPECIAL: dict[str, Callable[[Gathered, Operation, str], Clause]] = {
    "crop": _crop,
    "rotate": _rotate,
    "flip": _flip,
    "resize": _resize,
    "border": _border,
    "caption": _caption,
    "recolour": _recolour,
    "background_replace": _background,
    "sky_replace": _sky,
}
