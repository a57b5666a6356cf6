"""From a picture back to its scene: the exact inverse of `render`, and nearly that where it is damaged."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from thinkedit.errors import ImageError
from thinkedit.images import Picture
from thinkedit.provingground.drawing import draw, ground, masks, weave
from thinkedit.provingground.palette import COLOURS, STYLES, code_of, mixtures
from thinkedit.provingground.scene import PATTERNS, SHAPES, TEXTURES, WORLDS, Background, Scene, Thing, World

__all__ = ["Decoded", "decode", "examine"]

LEAST = 12
"""Pixels of one colour that make a thing; fewer are damage. The smallest thing, half transparent, has 14."""


@dataclass(frozen=True)
class Decoded:
    """damage: the part of the picture's pixels that are not as the scene would be drawn, 0 to 1."""

    scene: Scene
    damage: float


def decode(picture: Picture) -> Scene:
    """The scene that a picture shows. ImageError for one that is no picture of the proving ground."""
    return examine(picture).scene


@lru_cache(maxsize=256)
def examine(picture: Picture) -> Decoded:
    """The scene and how damaged its picture is; errors as for `decode`."""
    world = next((world for world in WORLDS.values() if picture.size == (world.side, world.side)), None)
    if world is None:
        known = " or ".join(f"{world.side} x {world.side}" for world in WORLDS.values())
        raise ImageError(
            f"no picture of the proving ground: it is {picture.width} x {picture.height}, "
            f"and those are {known}"
        )
    pixels = picture.pixels()
    style, half, background = _surroundings(pixels, world)
    code = code_of(pixels, style, half)
    scene = Scene(world, _things(code, world), background, style, half)
    return Decoded(scene, float((draw(scene) != pixels).any(axis=2).mean()))


def _surroundings(pixels: NDArray[np.uint8], world: World) -> tuple[str, bool, Background]:
    """Style and background, from the margin, where there is never a thing."""
    edge = _edge(world)
    seen = pixels[edge]
    first = 2 * len(mixtures(background=False))
    best = (0, "none", False, Background("grey"))
    for style, half in [(style, half) for half in (False, True) for style in STYLES]:
        if half and style == "none":
            continue
        code = code_of(seen, style, half)
        kinds, counts = np.unique(code[code >= first] >> 1, return_counts=True)
        if not len(kinds) or counts.max() <= best[0]:
            continue
        place = int(kinds[counts.argmax()])
        fitting = (code >> 1 == place) & ((code & 1) == ground(world)[:, edge])
        name, was = mixtures(background=True)[place - first // 2]
        count, pattern = int(counts.max()), PATTERNS[int(fitting.sum(axis=1).argmax())]
        best = (count, style, half, Background(name, pattern, was))
        if count == len(seen):
            break
    if best[0] * 2 < len(seen):
        raise ImageError("no picture of the proving ground: its margin has none of the world's backgrounds")
    return best[1:]


@cache
def _edge(world: World) -> NDArray[np.bool_]:
    edge = np.ones((world.side, world.side), bool)
    edge[world.margin : -world.margin, world.margin : -world.margin] = False
    return edge


def _things(code: NDArray[np.int16], world: World) -> tuple[Thing | None, ...]:
    inner = code[world.margin : -world.margin, world.margin : -world.margin]
    count = len(mixtures(background=False))
    squares = inner.reshape(world.grid, world.place, world.grid, world.place).swapaxes(1, 2)
    flat = squares.reshape(len(world.places), -1)
    things: list[Thing | None] = []
    for square in flat:
        colours = square[(square >= 0) & (square < 2 * count)] >> 1
        if len(colours) < LEAST:
            things.append(None)
            continue
        tally = np.bincount(colours, minlength=count)
        colour = int(tally.argmax())
        things.append(_thing(square, colour, world) if tally[colour] >= LEAST else None)
    return tuple(things)


def _thing(square: NDArray[np.int16], colour: int, world: World) -> Thing:
    """The thing of that colour whose drawing differs least from a place's pixels, the damaged ones aside."""
    here = square >> 1 == colour
    there = (square >= 0) & ~here
    wanted = _templates(world)
    wrong = wanted @ there.astype(np.float32) + (1 - wanted) @ here.astype(np.float32)
    shape, size, faint = np.unravel_index(int(wrong.argmin()), (len(SHAPES), len(world.radii), 2))
    fits = (weave(world).reshape(len(TEXTURES), -1) == (square & 1).astype(bool)) & here
    name, was = mixtures(background=False)[colour]
    assert name in COLOURS
    texture = TEXTURES[int(fits.sum(axis=1).argmax())]
    return Thing(SHAPES[shape], name, int(size), texture, was, bool(faint))


@cache
def _templates(world: World) -> NDArray[np.float32]:
    return masks(world).reshape(-1, world.place * world.place).astype(np.float32)
