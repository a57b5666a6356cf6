"""Two pictures in words: what stands where in the first, and in the second.

Nothing in it speaks of instructions, prompts, scores or remedies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from thinkedit.images import Picture
from thinkedit.provingground.decoding import Decoded, examine
from thinkedit.provingground.scene import Background, Thing
from thinkedit.provingground.wording import named_place

__all__ = ["described"]

T = TypeVar("T")

SPECKS = 0.02
"""Part of the pixels; more is called damage."""


@dataclass(frozen=True)
class _Place:
    """What one place has in the first picture and in the second."""

    name: str
    first: Thing | None
    second: Thing | None

    def told(self) -> str:
        return f"{self.name} {_both(self.first, self.second, _thing)}"


def described(source: Picture, edited: Picture) -> str:
    """Such as "top left red circle, same. bottom blue square, nothing. grey, same. clean"."""
    before, after = examine(source), examine(edited)
    ground = _both(before.scene.background, after.scene.background, _ground)
    return ". ".join([*(place.told() for place in _places(before, after)), ground, _state(after)])


def _state(seen: Decoded) -> str:
    return "clean" if not seen.damage else "specks" if seen.damage < SPECKS else "damage"


def _places(before: Decoded, after: Decoded) -> list[_Place]:
    """The places where either picture has something."""
    world = before.scene.world
    made = (
        _Place(named_place(world, place).area, before.scene.things[place], after.scene.things[place])
        for place in world.places
    )
    return [place for place in made if place.first is not None or place.second is not None]


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
