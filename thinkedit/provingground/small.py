"""The small world, frozen: two or three things, three kinds of change, few words.

Training is shown on it, so nothing here may change once a number has been had from it: it holds its own
constants, those of its editors among them, and a test keeps digests of what it makes.
"""

from __future__ import annotations

import random

from thinkedit.errors import InstructionError
from thinkedit.provingground.applying import sound
from thinkedit.provingground.asking import Where
from thinkedit.provingground.lexicon import AREAS
from thinkedit.provingground.meaning import area, meaning
from thinkedit.provingground.rates import Rates
from thinkedit.provingground.scene import SMALL, Background, Scene, Thing

__all__ = ["COLOURS", "EDITORS", "GROUNDS", "SHAPES", "TASKS", "instruction", "scene"]

TASKS = ("recolour", "remove", "move")
SHAPES = ("circle", "square", "triangle")
COLOURS = ("red", "green", "blue", "yellow")
GROUNDS = ("grey", "cream")

ALIKE = 0.7
"""How often the second thing has the shape or the colour of the first."""

TWICE = 0.25
"""How often two changes are asked for at once."""

EDITORS = {
    "weak": Rates(wrong=0.5, spill=0.4, weak=0.4, lost=0.6, nothing=0.12, damaged=0.20),
    "middle": Rates(wrong=0.35, spill=0.28, weak=0.28, lost=0.45, nothing=0.08, damaged=0.14),
    "strong": Rates(wrong=0.2, spill=0.16, weak=0.16, lost=0.3, nothing=0.05, damaged=0.08),
}

_PHRASES = {
    "recolour": ("make {which} {colour}", "change {which} to {colour}", "paint {which} {colour}"),
    "remove": ("remove {which}", "delete {which}", "take away {which}"),
    "move": ("move {which} to the {area}", "put {which} at the {area}", "shift {which} to the {area}"),
}


def scene(lot: random.Random) -> Scene:
    """Two or three things on nine places."""
    things: list[Thing | None] = [None] * len(SMALL.places)
    first: Thing | None = None
    for place in lot.sample(SMALL.places, lot.choice((2, 3, 3))):
        thing = Thing(lot.choice(SHAPES), lot.choice(COLOURS), lot.choice((2, 4)))
        if first is None:
            first = thing
        elif lot.random() < ALIKE:
            thing = (
                Thing(first.shape, thing.colour, thing.size)
                if lot.random() < 0.5
                else Thing(thing.shape, first.colour, thing.size)
            )
        things[place] = thing
    return Scene(SMALL, tuple(things), Background(lot.choice(GROUNDS)))


def instruction(scene: Scene, task: str, lot: random.Random) -> str | None:
    """An instruction that begins with a change of the kind `task`; None where the lot drew a void one."""
    places = lot.sample([place for place, _ in scene], 2)
    kinds = [task, *([lot.choice(TASKS)] if lot.random() < TWICE else [])]
    text = " and ".join(_change(scene, place, kind, lot) for place, kind in zip(places, kinds, strict=False))
    try:
        return text if sound(scene, meaning(scene, text)) else None
    except InstructionError:
        return None


def _change(scene: Scene, place: int, kind: str, lot: random.Random) -> str:
    thing = scene.things[place]
    assert thing is not None
    which = lot.choice(
        (f"the {thing.colour} {thing.shape}", f"the {thing.shape}", f"the {thing.colour} shape")
    )
    colour = lot.choice([name for name in COLOURS if name != thing.colour])
    free = [name for name in AREAS if scene.things[min(area(SMALL, Where(name), exact=True))] is None]
    return lot.choice(_PHRASES[kind]).format(which=which, colour=colour, area=lot.choice(free))
