"""Two pictures in words: what stands where in the first, and in the second.

Nothing in it speaks of instructions, prompts, scores or remedies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from thinkedit.images import Picture
from thinkedit.provingground.decoding import Decoded, examine
from thinkedit.provingground.scene import Background, Thing
from thinkedit.provingground.wording import named_place

__all__ = ["described"]

T = TypeVar("T")

SPECKS = 0.02
"""Part of the pixels; more is called damage."""


def described(source: Picture, edited: Picture) -> str:
    """Such as "top left red circle, same. bottom blue square, nothing. grey, same. clean"."""
    before, after = examine(source), examine(edited)
    first, second, world = before.scene, after.scene, before.scene.world
    places = [
        f"{named_place(world, place).area} {_both(first.things[place], second.things[place], _thing)}"
        for place in world.places
        if first.things[place] is not None or second.things[place] is not None
    ]
    return ". ".join([*places, _both(first.background, second.background, _ground), _state(after)])


def _state(seen: Decoded) -> str:
    return "clean" if not seen.damage else "specks" if seen.damage < SPECKS else "damage"


def _both(first: T, second: T, name: Callable[[T], str]) -> str:
    return f"{name(first)}, {'same' if first == second else name(second)}"


def _thing(thing: Thing | None) -> str:
    if thing is None:
        return "nothing"
    words = (
        "weak" if thing.faint else "",
        "" if thing.texture == "plain" else thing.texture,
        thing.colour,
        "" if thing.was is None else f"over {thing.was}",
        thing.shape,
    )
    return " ".join(word for word in words if word)


def _ground(ground: Background) -> str:
    return ground.colour
