"""Sources with instructions: `samples(split, count, seed, world)`.

A scene belongs to one split by its hash, whatever the seed, so that no two splits ever share one. The same
arguments give the same samples, and fewer of them are the beginning of more.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from thinkedit.errors import SettingsError
from thinkedit.images import Picture
from thinkedit.provingground import full, small
from thinkedit.provingground.drawing import render
from thinkedit.provingground.scene import Scene

__all__ = ["TASKS", "Split", "WorldName", "WorldSample", "samples"]

Split = Literal["train", "dev", "test"]
WorldName = Literal["full", "small"]

TASKS: dict[str, tuple[str, ...]] = {"full": full.TASKS, "small": small.TASKS}
"""The task types of each world."""

_TENTHS: tuple[Split, ...] = (*("train",) * 7, "dev", "test", "test")


@dataclass(frozen=True)
class WorldSample:
    """id: names world, split, seed and number. task: one of TASKS; of several changes the first one's."""

    id: str
    picture: Picture
    instruction: str
    task: str


def samples(split: Split, count: int, seed: int = 0, world: WorldName = "full") -> Iterator[WorldSample]:
    """`count` samples with as many different pictures, the task types in turn.

    Raises SettingsError for an unknown split or world.
    """
    if split not in get_args(Split):
        raise SettingsError(f"no split {split!r} in the proving ground: known: {', '.join(get_args(Split))}")
    if world not in get_args(WorldName):
        raise SettingsError(
            f"no world {world!r} in the proving ground: known: {', '.join(get_args(WorldName))}"
        )
    return _samples(split, count, seed, world)


def _samples(split: Split, count: int, seed: int, world: WorldName) -> Iterator[WorldSample]:
    made = full if world == "full" else small
    seen: set[Scene] = set()
    for number in range(count):
        lot = random.Random(f"{world} {split} {seed} {number}")
        task = made.TASKS[number % len(made.TASKS)]
        while True:
            scene = made.scene(lot)
            if scene in seen or split_of(scene) != split:
                continue
            instruction = made.instruction(scene, task, lot)
            if instruction is not None:
                break
        seen.add(scene)
        yield WorldSample(f"{world}-{split}-{seed}-{number:05d}", render(scene), instruction, task)


def split_of(scene: Scene) -> Split:
    """The one split that a scene can be in."""
    return _TENTHS[int(hashlib.sha256(repr(scene).encode()).hexdigest(), 16) % len(_TENTHS)]
