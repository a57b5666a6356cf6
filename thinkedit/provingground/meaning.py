"""What an instruction means for a scene: the set of correct outcomes.

An outcome is one change for each thing that the instruction asks for. Where its words fit more than one
thing, or two things are equally far to the left, each of them is meant as well as the other, and there are as
many outcomes. What the words leave open (the size of a new star, the place for it) stays open in the outcome.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, islice, product

from thinkedit.errors import InstructionError
from thinkedit.provingground.asking import ALL, Ask, Look, Reference, Where
from thinkedit.provingground.reading import read
from thinkedit.provingground.scene import SIZES, Scene, Thing, World

__all__ = ["Change", "Outcome", "area", "changes_of", "fits", "matching", "meaning", "spots"]

MOST = 64
"""Outcomes of one instruction that are looked at."""


_ANY = Look()


@dataclass(frozen=True)
class Change:
    """What is to happen to one thing, or to the background or the style.

    ask: which of the instruction's asks this is part of, from 0. place: the thing's, None for `add`,
    `background` and `style`. look: what it is to look like; None in it: as it was, or whatever for a new
    thing. spots: where it may be put. grow, pattern, style: as in an Ask.
    """

    kind: str
    ask: int
    place: int | None = None
    look: Look = _ANY
    spots: tuple[int, ...] = ()
    grow: int = 0
    pattern: str | None = None
    style: str | None = None


Outcome = tuple[Change, ...]


@lru_cache(maxsize=2048)
def meaning(scene: Scene, instruction: str) -> tuple[Outcome, ...]:
    """The correct outcomes, at least one.

    InstructionError where the instruction is not one of this world, or cannot be done in this scene.
    """
    reading = read(instruction)
    if not reading.asks or reading.unread:
        unknown = ", ".join(f'"{word}"' for word in reading.unread[:4]) or "no change that this world has"
        raise InstructionError(f"no instruction of the proving ground: {instruction[:120]!r} holds {unknown}")
    ways = [changes_of(scene, ask, number) for number, ask in enumerate(reading.asks)]
    found: list[Outcome] = []
    for way in islice(product(*ways), 8 * MOST):
        outcome = tuple(change for changes in way for change in changes)
        places = [change.place for change in outcome if change.place is not None]
        if len(set(places)) == len(places) and outcome not in found:
            found.append(outcome)
    if not found:
        raise InstructionError(f"{instruction[:120]!r} names things that this picture does not have")
    return tuple(found[:MOST])


def changes_of(scene: Scene, ask: Ask, number: int = 0) -> list[tuple[Change, ...]]:
    """The ways to do one ask, each as its changes; none where the scene does not have what it names."""
    if ask.kind == "add":
        spots_ = spots(scene, ask.where)
        return [(Change("add", number, look=ask.look, spots=spots_),)] if spots_ else []
    if ask.kind in ("background", "style"):
        return [(Change(ask.kind, number, look=ask.look, pattern=ask.pattern, style=ask.style),)]
    assert ask.which is not None
    ways = []
    for places in matching(scene, ask.which):
        for look in _looks(scene, ask):
            made = []
            for place in places:
                to = spots(scene, ask.where) if ask.kind == "move" else ()
                made.append(Change(ask.kind, number, place, look, to, ask.grow))
            if ask.kind != "move" or all(change.spots for change in made):
                ways.append(tuple(made))
    return ways


def _looks(scene: Scene, ask: Ask) -> Iterable[Look]:
    if ask.colour_of is None:
        return [ask.look]
    groups = matching(scene, ask.colour_of)
    colours = [thing.colour for group in groups for thing in [scene.things[group[0]]] if thing is not None]
    return [Look(colour=colour) for colour in dict.fromkeys(colours)]


def matching(scene: Scene, reference: Reference) -> list[tuple[int, ...]]:
    """The groups of places that a reference may mean, the group of all of them as one."""
    places = fits(scene, reference)
    groups = [places] if reference.rank is None else _ranked(scene, places, *reference.rank)
    found: list[tuple[int, ...]] = []
    for group in groups:
        if reference.number == ALL or not group:
            chosen: Iterable[tuple[int, ...]] = [tuple(group)] if group else []
        elif reference.extreme is not None:
            chosen = _extremes(scene, group, reference)
        else:
            chosen = combinations(group, reference.number)
        found += [places for places in chosen if places not in found]
    return found


def fits(scene: Scene, reference: Reference) -> list[int]:
    """Places of the things that look as it says and stand where it says, whatever else it says."""
    where = None if reference.where is None else area(scene.world, reference.where, exact=False)
    return [
        place for place, thing in scene if looks(thing, reference.look) and (where is None or place in where)
    ]


def looks(thing: Thing, look: Look) -> bool:
    return (
        look.shape in (None, thing.shape)
        and look.colour in (None, thing.colour)
        and look.texture in (None, thing.texture)
        and (look.size is None or SIZES[look.size] == thing.size)
    )


def _ranked(scene: Scene, places: Sequence[int], which: str, what: str) -> list[list[int]]:
    """The groups of the colour or shape that occurs most or least often among `places`."""
    of = {place: str(getattr(scene.things[place], what)) for place in places}
    tally = Counter(of.values())
    wanted = (max if which == "most" else min)(tally.values(), default=0)
    return [[p for p in places if of[p] == value] for value in tally if tally[value] == wanted]


def _extremes(scene: Scene, places: Sequence[int], reference: Reference) -> list[tuple[int, ...]]:
    """The first `number` from the nth on in the order of the extreme; ties give several answers."""
    world, extreme = scene.world, reference.extreme
    measures: dict[str, Callable[[int], int]] = {
        "largest": lambda place: -_size(scene, place),
        "smallest": lambda place: _size(scene, place),
        "left": world.column,
        "right": lambda place: -world.column(place),
        "top": world.row,
        "bottom": lambda place: -world.row(place),
    }
    measure = measures[str(extreme)]
    ordered = sorted(places, key=measure)
    chosen = ordered[reference.nth - 1 : reference.nth - 1 + reference.number]
    if len(chosen) < reference.number:
        return []
    sure = (
        [p for p in ordered if measure(chosen[0]) <= measure(p) < measure(chosen[-1])]
        if reference.nth == 1
        else []
    )
    tied = [p for p in ordered if measure(p) == measure(chosen[-1])]
    if reference.nth > 1 and reference.number > 1:
        return [tuple(chosen)]
    return [tuple(sorted([*sure, *more])) for more in combinations(tied, reference.number - len(sure))]


def _size(scene: Scene, place: int) -> int:
    thing = scene.things[place]
    return 0 if thing is None else thing.size


def spots(scene: Scene, where: Where | None) -> tuple[int, ...]:
    """The free places that are meant by `where`, all free ones where nothing is said."""
    wanted = scene.world.places if where is None else area(scene.world, where, exact=True)
    return tuple(place for place in sorted(wanted) if scene.things[place] is None)


def area(world: World, where: Where, *, exact: bool) -> frozenset[int]:
    """The places that are meant.

    exact: as of a thing that is to be put there: the top left is the one corner, the left the outermost
        column; else as of one that is there: the top left is a quarter of the picture. In the small world,
        whose nine places have the nine names, both are that one place.
    """
    last = world.grid - 1
    if where.row:
        inside = where.row <= world.grid and where.column <= world.grid
        return frozenset([(where.row - 1) * world.grid + where.column - 1] if inside else [])
    sides = where.area.split()
    small = world.grid == 3
    half = world.grid // 2
    found = []
    for place in world.places:
        row, column = world.row(place), world.column(place)
        near = {"top": row, "bottom": last - row, "left": column, "right": last - column}
        if where.area == "middle":
            fitting = 0 < row < last and 0 < column < last
        elif small:
            across = [column, last - column] if sides[0] in ("top", "bottom") else [row, last - row]
            fitting = all(near[side] == 0 for side in sides) and (len(sides) == 2 or across == [1, 1])
        else:
            fitting = all(near[side] < (1 if exact else half) for side in sides)
        if fitting:
            found.append(place)
    return frozenset(found)
