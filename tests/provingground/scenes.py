"""Scenes written down by hand."""

from __future__ import annotations

from thinkedit.provingground.scene import FULL, SMALL, Background, Scene, Thing, World

__all__ = ["full", "small"]


def full(**things: Thing) -> Scene:
    """A scene of the full world; a thing is given by row and column, as `r1c2`."""
    return _scene(FULL, things, Background("grey", "striped"))


def small(**things: Thing) -> Scene:
    return _scene(SMALL, things, Background("cream"))


def _scene(world: World, things: dict[str, Thing], background: Background) -> Scene:
    scene = Scene(world, (None,) * len(world.places), background)
    for name, thing in things.items():
        scene = scene.put((int(name[1]) - 1) * world.grid + int(name[3]) - 1, thing)
    return scene
