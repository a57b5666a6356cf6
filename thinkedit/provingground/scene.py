"""What a picture of the world shows: things on the places of a grid, a background, a style."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

__all__ = [
    "FULL",
    "PATTERNS",
    "SHAPES",
    "SIZES",
    "SMALL",
    "TEXTURES",
    "WORLDS",
    "Background",
    "Scene",
    "Thing",
    "World",
]

SHAPES = ("circle", "square", "triangle", "diamond", "star")
TEXTURES = ("plain", "striped", "dotted")
PATTERNS = ("plain", "striped", "checked", "dotted")
SIZES = {"small": 0, "medium": 2, "large": 4}
"""By name; 1 and 3 are what a change of size leaves that was applied too weakly."""


@dataclass(frozen=True)
class World:
    """Geometry: `grid` x `grid` places of `place` pixels inside a margin; radii of the sizes 0 to 4."""

    name: str
    grid: int
    place: int
    margin: int
    radii: tuple[float, ...]

    @property
    def side(self) -> int:
        """Of the picture, in pixels."""
        return self.grid * self.place + 2 * self.margin

    @property
    def places(self) -> range:
        """Numbers of the places, row by row from the top left."""
        return range(self.grid * self.grid)

    def row(self, place: int) -> int:
        return place // self.grid

    def column(self, place: int) -> int:
        return place % self.grid


FULL = World("full", grid=4, place=24, margin=2, radii=(4.5, 6.0, 7.5, 9.0, 10.5))
SMALL = World("small", grid=3, place=20, margin=2, radii=(4.5, 5.5, 6.5, 7.5, 8.5))
WORLDS = {world.name: world for world in (FULL, SMALL)}


@dataclass(frozen=True)
class Thing:
    """One object.

    size: 0 to 4, see SIZES. was: the colour that shows through where a new one was applied too weakly.
    faint: half transparent, as what was added or removed too weakly.
    """

    shape: str
    colour: str
    size: int = 2
    texture: str = "plain"
    was: str | None = None
    faint: bool = False


@dataclass(frozen=True)
class Background:
    """was: as for a thing."""

    colour: str
    pattern: str = "plain"
    was: str | None = None


@dataclass(frozen=True)
class Scene:
    """things: one entry for each place of the world's grid. half: the style is applied too weakly."""

    world: World
    things: tuple[Thing | None, ...]
    background: Background
    style: str = "none"
    half: bool = False

    def __iter__(self) -> Iterator[tuple[int, Thing]]:
        """(place, thing), row by row."""
        return ((place, thing) for place, thing in enumerate(self.things) if thing is not None)

    @property
    def free(self) -> tuple[int, ...]:
        return tuple(place for place, thing in enumerate(self.things) if thing is None)

    def put(self, place: int, thing: Thing | None) -> Scene:
        """The same scene with another thing, or none, on a place."""
        return replace(self, things=(*self.things[:place], thing, *self.things[place + 1 :]))
