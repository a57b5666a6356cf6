"""Scenes and instructions of the full world: nine task types in several phrasings, some of them ambiguous."""

from __future__ import annotations

import random
from dataclasses import replace

from thinkedit.errors import InstructionError
from thinkedit.provingground.applying import sound
from thinkedit.provingground.asking import ALL, Ask, Look, Reference, Where
from thinkedit.provingground.lexicon import AREAS
from thinkedit.provingground.meaning import area, fits, matching, meaning
from thinkedit.provingground.palette import BACKGROUNDS, COLOURS, STYLES
from thinkedit.provingground.scene import FULL, PATTERNS, SHAPES, SIZES, TEXTURES, Background, Scene, Thing
from thinkedit.provingground.wording import phrase

__all__ = ["TASKS", "instruction", "scene"]

TASKS = ("recolour", "remove", "add", "replace", "move", "background", "style", "compare", "count")
"""`move` holds changes of size as well; `compare` and `count` need reasoning."""

TWICE, THRICE = 0.25, 0.05
"""How often two and three changes are asked for at once."""

MANY = 12
"""Correct outcomes that an instruction may have at most."""

KEPT = 0.1
"""How often the user says that the rest is to stay."""


def scene(lot: random.Random) -> Scene:
    """Three to eight things of few colours and shapes, so that some resemble others."""
    colours = lot.sample(tuple(COLOURS), lot.randint(2, 5))
    shapes = lot.sample(SHAPES, lot.randint(2, 4))
    things: list[Thing | None] = [None] * len(FULL.places)
    for place in lot.sample(FULL.places, lot.randint(3, 8)):
        texture = lot.choice(TEXTURES) if lot.random() < 0.3 else "plain"
        things[place] = Thing(
            lot.choice(shapes), lot.choice(colours), lot.choice(tuple(SIZES.values())), texture
        )
    return Scene(FULL, tuple(things), Background(lot.choice(tuple(BACKGROUNDS)), lot.choice(PATTERNS)))


def instruction(scene: Scene, task: str, lot: random.Random) -> str | None:
    """An instruction that begins with a change of the kind `task`; None where the lot drew a void one."""
    share = lot.random()
    more = 2 if share < THRICE else 1 if share < THRICE + TWICE else 0
    kinds = [task, *(lot.choice(TASKS[:7]) for _ in range(more))]
    asks = [_ask(scene, kind, lot) for kind in kinds]
    if any(ask is None for ask in asks) or any(kinds.count(kind) > 1 for kind in ("background", "style")):
        return None
    steps = [phrase(ask, lot.randrange(6)) for ask in asks if ask is not None]
    text = lot.choice((" and ", ", then ", ", and ")).join(steps)
    if lot.random() < KEPT:
        text += lot.choice(
            (", but leave everything else alone", ". Keep the rest as it is", ", keep everything else")
        )
    if lot.random() < 0.7:
        text = text[0].upper() + text[1:] + "."
    try:
        outcomes = meaning(scene, text)
    except InstructionError:
        return None
    return text if len(outcomes) <= MANY and sound(scene, outcomes) else None


def _ask(scene: Scene, kind: str, lot: random.Random) -> Ask | None:
    place, thing = lot.choice(list(scene))
    if kind == "background":
        others = [name for name in BACKGROUNDS if name != scene.background.colour]
        return Ask(kind, look=Look(colour=lot.choice(others)), pattern=lot.choice((None, None, *PATTERNS)))
    if kind == "style":
        return Ask(kind, style=lot.choice([style for style in STYLES if style != "none"]))
    if kind == "add":
        return Ask(kind, look=_new(thing, lot), where=lot.choice((None, Where(lot.choice(AREAS)))))
    if kind == "compare":
        return _comparing(scene, lot)
    if kind == "count":
        rank = (lot.choice(("most", "least")), lot.choice(("colour", "shape")))
        return _done_to(Reference(number=lot.choice((ALL, 1)), rank=rank), lot, ("recolour", "remove"))
    which = _reference(scene, place, thing, lot)
    if kind == "move" and lot.random() < 0.5:
        grow = lot.choice((0, 1, -1))
        sizes = [size for size, number in SIZES.items() if number != thing.size]
        return Ask("resize", which, Look(size=None if grow else lot.choice(sizes)), grow=grow)
    if kind == "move":
        where = Where(lot.choice(AREAS))
        return None if place in area(FULL, where, exact=True) else Ask(kind, which, where=where)
    if kind == "replace":
        return Ask(kind, which, _new(thing, lot))
    return _done_to(which, lot, (kind,))


def _done_to(which: Reference, lot: random.Random, kinds: tuple[str, ...]) -> Ask:
    kind = lot.choice(kinds)
    return Ask(kind, which, Look(colour=lot.choice(tuple(COLOURS))) if kind == "recolour" else Look())


def _comparing(scene: Scene, lot: random.Random) -> Ask | None:
    """Something with "the largest", "the third from the left" or "the colour of", of one clear meaning."""
    extremes = ("largest", "smallest", "left", "right", "top", "bottom")
    _, thing = lot.choice(list(scene))
    look = lot.choice((Look(), Look(colour=thing.colour), Look(shape=thing.shape)))
    extreme = lot.choice(extremes)
    nth = lot.choice((1, 1, 2, 3)) if extreme in extremes[2:] and look == Look() else 1
    number = lot.choice((1, 1, 2)) if nth == 1 else 1
    which = Reference(look, number=number, extreme=extreme, nth=nth)
    if len(matching(scene, which)) != 1 or len(fits(scene, which)) <= number:
        return None
    if lot.random() < 0.4:
        other = Reference(extreme=lot.choice(extremes[2:]), nth=lot.choice((1, 2, 3)))
        return Ask("recolour", which, colour_of=other) if len(matching(scene, other)) == 1 else None
    return _done_to(which, lot, ("recolour", "remove"))


def _new(old: Thing, lot: random.Random) -> Look:
    """The look of a new thing: another shape and a colour, now and then a size or a texture."""
    return Look(
        lot.choice([shape for shape in SHAPES if shape != old.shape]),
        lot.choice(tuple(COLOURS)),
        lot.choice((None, None, None, *SIZES)),
        lot.choice((None, None, None, "striped", "dotted")),
    )


def _reference(scene: Scene, place: int, thing: Thing, lot: random.Random) -> Reference:
    """Words for a thing as a user has them: often no more than a colour or a shape."""
    look = lot.choice(
        (
            Look(shape=thing.shape),
            Look(colour=thing.colour),
            Look(shape=thing.shape, colour=thing.colour),
            Look(shape=thing.shape, colour=thing.colour),
            Look(shape=thing.shape, size=next((n for n, s in SIZES.items() if s == thing.size), None)),
            Look(
                shape=thing.shape,
                colour=thing.colour,
                texture=None if thing.texture == "plain" else thing.texture,
            ),
        )
    )
    sides = [name for name in AREAS if place in area(FULL, Where(name), exact=False)]
    where = Where(lot.choice(sides)) if sides and lot.random() < 0.2 else None
    which = Reference(look, where)
    many = len(fits(scene, which))
    return replace(which, number=ALL) if many > 1 and lot.random() < 0.25 else which
