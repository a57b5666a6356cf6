"""How things, places and changes are put into words, in several ways; `reading` reads each of them back."""

from __future__ import annotations

from thinkedit.provingground.asking import ALL, Ask, Look, Reference, Where
from thinkedit.provingground.meaning import Change
from thinkedit.provingground.scene import Scene, Thing, World

__all__ = ["PHRASES", "described", "named_place", "phrase", "resolved", "the", "thing_at"]

PHRASES: dict[str, tuple[str, ...]] = {
    "recolour": (
        "make {which} {colour}",
        "change {which} to {colour}",
        "paint {which} {colour}",
        "turn {which} {colour}",
        "I would like {which} to be {colour}",
        "recolour {which} to {colour}",
    ),
    "remove": (
        "remove {which}",
        "delete {which}",
        "take away {which}",
        "get rid of {which}",
        "erase {which}",
        "please take {which} out",
    ),
    "add": ("add {new}", "put {new}", "draw {new}", "insert {new}", "please add {new}"),
    "replace": (
        "replace {which} with {new}",
        "swap {which} for {new}",
        "turn {which} into {new}",
        "change {which} into {new}",
    ),
    "move": ("move {which} {to}", "put {which} {at}", "shift {which} {to}", "bring {which} {to}"),
    "resize": ("make {which} {size}", "change {which} to be {size}", "I want {which} to be {size}"),
    "background": (
        "make the background {ground}",
        "change the background to {ground}",
        "paint the background {ground}",
        "give the picture a {ground} background",
    ),
    "style": (
        "turn the picture into {style}",
        "make it look like {style}",
        "render the whole picture as {style}",
        "change the picture into {style}",
    ),
}
"""Of each kind of change; the first is the one that the expert begins with."""

STYLES = {
    "watercolour": "a watercolour",
    "sepia": "a sepia picture",
    "night": "a night scene",
    "negative": "a negative",
}

_SIDES = {"left": "left-most", "right": "right-most", "top": "top-most", "bottom": "bottom-most"}
_COUNTS = {2: "two", 3: "three", 4: "four"}
_NTHS = {2: "second", 3: "third", 4: "fourth"}


def phrase(ask: Ask, way: int = 0, *, small: bool = False) -> str:
    """An ask in words, in one of the ways of PHRASES (counted round), without a full stop."""
    ways = PHRASES[ask.kind]
    template = ways[way % len(ways)]
    which = "" if ask.which is None else the(ask.which, way, small=small)
    much = "completely " if ask.strong else ""
    colour = ask.look.colour or ""
    if ask.colour_of is not None:
        colour = f"the colour of {the(ask.colour_of, way, small=small)}"
    if ask.kind == "recolour" and ask.colour_of is not None:
        template = ("make {which} {colour}", "paint {which} {colour}", "give {which} {colour}")[way % 3]
    size = ask.look.size or ("bigger" if ask.grow > 0 else "smaller")
    sizes = (f"much {size}" if ask.grow else f"fully {size}") if ask.strong else size
    new = f"a {described(ask.look)}"
    new = f"an {new[2:]}" if new[2:3] in "aeiou" else new
    if ask.kind == "add" and ask.where is not None:
        new += f" {_at(ask.where, small)}"
    if ask.kind == "add" and ask.strong:
        new += ", fully visible"
    ground = " ".join(part for part in (ask.pattern, ask.look.colour) if part)
    text = template.format(
        which=which,
        colour=much + colour,
        new=new,
        to=much + ("" if ask.where is None else _to(ask.where, small)),
        at=much + ("" if ask.where is None else _at(ask.where, small)),
        size=sizes,
        ground=much + ground if "a {" not in template else ground,
        style=STYLES.get(ask.style or "", ""),
    )
    told = ("remove", "replace", "style") + (("background",) if "a {" in template else ())
    return f"{text} completely" if ask.strong and ask.kind in told else text


def the(reference: Reference, way: int = 0, *, small: bool = False) -> str:
    """The words for a reference: "the red circle on the left", "the two largest of the red ones"."""
    many = reference.number != 1
    plain = described(reference.look, many=many)
    place = "" if reference.where is None else f" {_at(reference.where, small)}"
    if reference.rank is not None:
        most, what = reference.rank
        things = "shapes" if what == "colour" else "things"
        head = f"all {things}" if reference.number == ALL else f"one of the {things}"
        if way % 2:
            return f"{head} of the {'most' if most == 'most' else 'least'} common {what}"
        return f"{head} of the {what} that occurs {most} often"
    if reference.nth > 1 and reference.extreme in _SIDES:
        return f"the {_NTHS[reference.nth]} {plain} from the {reference.extreme}"
    if reference.extreme is not None:
        word = _SIDES.get(reference.extreme, reference.extreme)
        count = f"{_COUNTS[reference.number]} " if many else ""
        if reference.look.colour and not reference.look.shape and way % 2 == 0:
            ones = described(reference.look, many=True).replace("shapes", "ones")
            return f"the {count}{word} of the {ones}{place}"
        return f"the {count}{word} {plain}{place}"
    if reference.number == ALL:
        return f"all the {plain}{place}" if way % 2 else f"all {plain}{place}"
    if many:
        count = "both" if reference.number == 2 and way % 2 else f"the {_COUNTS[reference.number]}"
        return f"{count} {plain}{place}"
    return f"the {plain}{place}"


def described(look: Look, *, many: bool = False) -> str:
    """A look in words without an article: "small striped red circle"."""
    head = (look.shape or "shape") + ("s" if many else "")
    return " ".join(part for part in (look.size, look.texture, look.colour, head) if part)


def _at(where: Where, small: bool) -> str:
    if where.row:
        return f"in row {where.row}, column {where.column}"
    if small:
        return f"{'in' if where.area == 'middle' else 'at'} the {where.area}"
    if " " in where.area:
        return f"in the {where.area} corner"
    before = {"middle": "in", "left": "on", "right": "on"}.get(where.area, "at")
    return f"{before} the {where.area}"


def _to(where: Where, small: bool) -> str:
    if where.row:
        return f"to row {where.row}, column {where.column}"
    end = "" if small or where.area == "middle" else " corner" if " " in where.area else " edge"
    return f"to the {where.area}{end}"


def named_place(world: World, place: int) -> Where:
    """The place by its name: in the small world one of nine, in the full one its row and column."""
    row, column = world.row(place), world.column(place)
    if world.grid != 3:
        return Where(row=row + 1, column=column + 1)
    words = [("top", "", "bottom")[row], ("left", "", "right")[column]]
    return Where(area=" ".join(word for word in words if word) or "middle")


def thing_at(scene: Scene, place: int) -> Reference:
    """A reference by look and place, which means this thing and no other."""
    thing = scene.things[place]
    assert thing is not None
    return Reference(look=seen(thing), where=named_place(scene.world, place))


def seen(thing: Thing) -> Look:
    """What is said of a thing that is pointed out: its colour and shape."""
    return Look(shape=thing.shape, colour=thing.colour)


def resolved(scene: Scene, change: Change, *, strong: bool = False) -> Ask:
    """A change as an ask in which nothing is left to compare, and its thing is named by its place."""
    where = named_place(scene.world, change.spots[0]) if change.spots else None
    free = change.kind == "add" and len(change.spots) == len(scene.free)
    return Ask(
        change.kind,
        None if change.place is None else thing_at(scene, change.place),
        change.look,
        grow=change.grow,
        where=None if free else where,
        pattern=change.pattern,
        style=change.style,
        strong=strong,
    )
