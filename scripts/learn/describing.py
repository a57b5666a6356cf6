"""What stands where in two pictures, in words: what a model that comes off the shelf can say already.

Nothing in it speaks of instructions, prompts, scores or remedies; those are for SFT and GRPO to teach.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from thinkedit.images import Picture
from thinkedit.provingground.decoding import examine
from thinkedit.provingground.scene import Background, Thing
from thinkedit.provingground.wording import named_place

__all__ = ["QUESTION", "described"]

T = TypeVar("T")

QUESTION = "what is there?"

SPECKS = 0.02
"""Part of the pixels; more is called damage."""


def described(source: Picture, edited: Picture) -> str:
    """For each place where either picture has something: what the first has, and what the second.

    "top left red circle, same. bottom blue square, nothing. grey, same. clean"
    """
    before, after = examine(source), examine(edited)
    parts = []
    for place in before.scene.world.places:
        first, second = before.scene.things[place], after.scene.things[place]
        if first is not None or second is not None:
            where = named_place(before.scene.world, place).area
            parts.append(f"{where} {_both(first, second, _thing)}")
    parts.append(_both(before.scene.background, after.scene.background, _ground))
    parts.append("clean" if not after.damage else "specks" if after.damage < SPECKS else "damage")
    return ". ".join(parts)


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
