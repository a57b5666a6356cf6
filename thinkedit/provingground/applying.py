"""Carries out changes on a scene: rightly, or too weakly as an editor may."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations

from thinkedit.provingground.asking import Look
from thinkedit.provingground.meaning import Change, Outcome
from thinkedit.provingground.scene import SIZES, Scene, Thing

__all__ = ["apply", "dressed", "sound"]


def apply(scene: Scene, change: Change, *, weak: bool = False, pick: int = 0) -> Scene:
    """The scene after one change.

    weak: the new colour is mixed with the old one, what comes or goes is half transparent, a size or a style
        goes half the way. pick: which of the spots to take, by number.
    """
    if change.kind == "style":
        return replace(scene, style=change.style or "none", half=weak)
    if change.kind == "background":
        back, colour = scene.background, change.look.colour or scene.background.colour
        mixed = back.colour if weak and colour != back.colour else None
        return replace(
            scene, background=replace(back, colour=colour, was=mixed, pattern=change.pattern or back.pattern)
        )
    free = [spot for spot in change.spots if scene.things[spot] is None]
    if change.kind == "add":
        new = replace(dressed(Thing("circle", "red"), change.look), faint=weak)
        return scene.put(free[pick % len(free)], new) if free else scene
    place = change.place
    thing = None if place is None else scene.things[place]
    if place is None or thing is None:
        return scene
    if change.kind == "remove":
        return scene.put(place, replace(thing, faint=True) if weak else None)
    if change.kind == "move":
        if not free:
            return scene
        moved = scene.put(free[pick % len(free)], thing)
        return moved.put(place, replace(thing, faint=True) if weak else None)
    return scene.put(place, _altered(thing, change, weak))


def _altered(thing: Thing, change: Change, weak: bool) -> Thing:
    if change.kind == "recolour":
        new = dressed(thing, change.look)
        mixed = thing.colour if weak and new.colour != thing.colour else None
        return replace(new, was=mixed)
    if change.kind == "resize":
        size = SIZES[change.look.size] if change.look.size else thing.size + 2 * change.grow
        size = min(4, max(0, size))
        return replace(thing, size=(thing.size + size) // 2 if weak else size)
    new = dressed(replace(thing, was=None), change.look)
    return replace(new, faint=True) if weak else new


def dressed(thing: Thing, look: Look) -> Thing:
    """The thing with whatever the look says."""
    return replace(
        thing,
        shape=look.shape or thing.shape,
        colour=look.colour or thing.colour,
        texture=look.texture or thing.texture,
        size=thing.size if look.size is None else SIZES[look.size],
    )


def sound(scene: Scene, outcomes: Iterable[Outcome]) -> bool:
    """Whether each change of each outcome changes something, and no two may need the same free place."""
    return all(
        all(apply(scene, change) != scene for change in outcome)
        and not any(set(one.spots) & set(other.spots) for one, other in combinations(outcome, 2))
        for outcome in outcomes
    )
