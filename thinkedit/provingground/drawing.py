"""From a scene to its picture."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from thinkedit.images import Picture
from thinkedit.provingground.palette import shades, styled
from thinkedit.provingground.scene import PATTERNS, SHAPES, TEXTURES, Scene, World

__all__ = ["draw", "ground", "masks", "render", "weave"]


def render(scene: Scene) -> Picture:
    """The picture of a scene, an RGB PNG; the same scene gives the same bytes."""
    return Picture.from_pixels(draw(scene))


def draw(scene: Scene) -> NDArray[np.uint8]:
    """The pixels of a scene, side x side x 3; the array is the caller's."""
    world, back = scene.world, scene.background
    two = shades((back.colour, back.was), background=True)
    canvas = two[ground(world)[PATTERNS.index(back.pattern)].view(np.uint8)]
    for place, thing in scene:
        top = world.margin + world.row(place) * world.place
        left = world.margin + world.column(place) * world.place
        part = canvas[top : top + world.place, left : left + world.place]
        mask = masks(world)[SHAPES.index(thing.shape), thing.size, int(thing.faint)]
        two = shades((thing.colour, thing.was), background=False)
        part[mask] = two[weave(world)[TEXTURES.index(thing.texture)][mask].view(np.uint8)]
    return styled(canvas, scene.style, scene.half)


@cache
def masks(world: World) -> NDArray[np.bool_]:
    """Where a thing is drawn on its place: shapes x sizes x (solid, faint) x place x place."""
    middle = (world.place - 1) / 2
    y, x = np.mgrid[: world.place, : world.place] - middle
    solid = np.stack([[_inside(shape, x, y, r) for r in world.radii] for shape in SHAPES])
    sieve = (np.mgrid[: world.place, : world.place].sum(axis=0) % 2) == 0
    return np.stack([solid, solid & sieve], axis=2)


def _inside(shape: str, x: NDArray[np.float64], y: NDArray[np.float64], r: float) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_]
    if shape == "circle":
        inside = x**2 + y**2 <= r**2
    elif shape == "square":
        inside = np.maximum(abs(x), abs(y)) <= 0.9 * r
    elif shape == "triangle":
        inside = (abs(y) <= r) & (abs(x) <= (y + r) / 2)
    elif shape == "diamond":
        inside = abs(x) + abs(y) <= r
    else:
        angle = np.arctan2(x, -y)
        part = (angle + np.pi / 5) % (2 * np.pi / 5) - np.pi / 5
        inside = np.hypot(x, y) <= r * (1.05 - 0.62 * abs(part) / (np.pi / 5))
    return inside


@cache
def weave(world: World) -> NDArray[np.bool_]:
    """Where each texture shows its second shade, on a place: textures x place x place."""
    y, x = np.mgrid[: world.place, : world.place]
    made = {"plain": y < 0, "striped": y % 4 < 2, "dotted": (y % 4 < 2) & (x % 4 < 2)}
    return np.stack([made[texture] for texture in TEXTURES])


@cache
def ground(world: World) -> NDArray[np.bool_]:
    """Where each pattern shows its second shade: patterns x side x side."""
    y, x = np.mgrid[: world.side, : world.side]
    made = {
        "plain": y < 0,
        "striped": (x + y) % 8 < 4,
        "checked": (x // 6 + y // 6) % 2 == 0,
        "dotted": (x % 6 < 2) & (y % 6 < 2),
    }
    return np.stack([made[pattern] for pattern in PATTERNS])
