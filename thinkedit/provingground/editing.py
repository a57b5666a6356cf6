"""What the simulated editors make of a prompt: a limited reader and five ways to fail.

An editor knows the picture and the prompt's words and nothing else. It compares and counts nothing: of "the
largest red one" it reads "red one". Whether one of the other failures strikes is drawn from editor, source
and seed, and from the thing it strikes, but not from the prompt: it comes again at each turn until the prompt
holds its remedy. What fails by chance is drawn from the prompt too, so that any other prompt or seed helps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from thinkedit.provingground.applying import apply
from thinkedit.provingground.asking import ALL, Ask, Look, Reading, Reference
from thinkedit.provingground.chance import chance, digest, pick
from thinkedit.provingground.drawing import draw
from thinkedit.provingground.meaning import Change, fits, spots
from thinkedit.provingground.palette import BACKGROUNDS
from thinkedit.provingground.rates import GENERAL, REMEDIED, Rates
from thinkedit.provingground.reading import read
from thinkedit.provingground.scene import TEXTURES, Scene, Thing

__all__ = ["Attempt", "attempt", "damaged"]

Key = tuple[object, ...]


@dataclass(frozen=True)
class Attempt:
    """failures: which ones struck, for tests and the docs; nobody who judges is told. blocks: of damage."""

    scene: Scene
    failures: tuple[str, ...]
    blocks: int = 0


class _Lot:
    """Draws what fails in one attempt, and keeps it."""

    def __init__(self, name: str, scene: Scene, prompt: str, seed: int) -> None:
        self.key: Key = (name, digest(scene), seed)
        self.prompt = prompt
        self.failures: list[str] = []

    def fails(self, failure: str, probability: float, *about: object, left: float = 1.0) -> bool:
        """Whether this failure strikes.

        left: the part of the probability that is left by a remedy. Whether the failure would strike is a
        matter of editor, source and seed; whether it does in spite of its remedy, of the prompt as well.
        """
        struck = chance(*self.key, failure, *about) < probability
        if struck and left < 1:
            struck = chance(*self.key, failure, *about, self.prompt) < left
        if struck:
            self.failures.append(failure)
        return struck

    def pick(self, count: int, *question: object) -> int:
        """One of 0 to count - 1, whatever the prompt."""
        return pick(count, *self.key, *question)


def attempt(scene: Scene, prompt: str, seed: int, name: str, rates: Rates) -> Attempt:
    """What the editor `name` does with a scene. The same arguments give the same attempt, in any process."""
    lot = _Lot(name, scene, prompt, seed)
    blocks = 1 + lot.pick(4, prompt, "blocks") if lot.fails("damaged", rates.damaged, prompt) else 0
    if lot.fails("nothing", rates.nothing, prompt):
        return Attempt(scene, tuple(lot.failures), blocks)
    reading = read(prompt)
    asks = list(reading.asks)
    if len(asks) > 1 and lot.fails("lost", rates.lost, left=REMEDIED if reading.numbered else 1):
        del asks[lot.pick(len(asks), "lost one")]
    made, touched = scene, set[int]()
    for ask in asks:
        for change in _understood(scene, ask, lot, rates):
            about = (change.kind, change.place)
            weak = lot.fails("weak", rates.weak, *about, left=REMEDIED if ask.strong else 1)
            made = apply(made, change, weak=weak, pick=lot.pick(997, "spot", *about))
            touched.add(-1 if change.place is None else change.place)
    if asks and made != scene:
        victim = _victim(scene, touched, asks, lot)
        if victim is not None and lot.fails("spill", rates.spill, left=_left(scene, victim, reading)):
            made = _spilled(made, victim, touched, asks[0], lot)
    return Attempt(made, tuple(lot.failures), blocks)


def _understood(scene: Scene, ask: Ask, lot: _Lot, rates: Rates) -> list[Change]:
    """The changes that the editor takes an ask for."""
    look = ask.look
    if ask.kind in ("background", "style"):
        return [Change(ask.kind, 0, look=look, pattern=ask.pattern, style=ask.style)]
    if ask.kind == "add":
        return [Change("add", 0, look=look, spots=spots(scene, ask.where))]
    assert ask.which is not None
    places = _meant(scene, ask.which, lot, rates)
    if ask.colour_of is not None:
        lot.failures.append("reasoning")
        colours = sorted({thing.colour for _, thing in scene})
        look = Look(colour=colours[lot.pick(len(colours), "colour of")])
    to = spots(scene, ask.where) if ask.kind == "move" else ()
    return [Change(ask.kind, 0, place, look, to, ask.grow) for place in places]


def _meant(scene: Scene, which: Reference, lot: _Lot, rates: Rates) -> Sequence[int]:
    """The places of the things that the editor takes a reference for; it compares and counts nothing."""
    right = _fitting(scene, which)
    if which.reasoned:
        lot.failures.append("reasoning")
        return _some(right, max(1, which.number), (*lot.key, "which"))
    others = [place for place, thing in scene if place not in right and _resembles(thing, which.look)]
    count = len(right) if which.number == ALL else which.number
    chosen = _some(right, count, (*lot.key, "which"))
    if others and lot.fails("wrong", rates.wrong, *chosen, left=REMEDIED if which.placed else 1):
        chosen = [others[lot.pick(len(others), "wrong one")], *chosen[1:]]
    return chosen


def _fitting(scene: Scene, which: Reference) -> list[int]:
    """What fits the words; else what stands in the place that they name; else what looks as they say."""
    found = fits(scene, which)
    if not found and which.where is not None:
        found = fits(scene, replace(which, look=Look()))
    return found or fits(scene, replace(which, where=None))


def _resembles(thing: Thing, look: Look) -> bool:
    return thing.colour == look.colour or thing.shape == look.shape


def _some(places: Sequence[int], count: int, question: Key) -> list[int]:
    """`count` of the places, by lot, in their order."""
    drawn = sorted(places, key=lambda place: chance(*question, place))
    return sorted(drawn[:count])


def _victim(scene: Scene, touched: set[int], asks: Sequence[Ask], lot: _Lot) -> int | None:
    """What a spill would reach: the place of a thing, or -1 for the background."""
    free = [place for place, _ in scene if place not in touched]
    if all(ask.kind not in ("background", "style") for ask in asks):
        free.append(-1)
    return free[lot.pick(len(free), "victim")] if free else None


def _left(scene: Scene, victim: int, reading: Reading) -> float:
    """The part of a spill's probability that is left, after what the prompt says must stay."""
    keep = reading.keep
    named = keep.background if victim < 0 else any(victim in fits(scene, ref) for ref in keep.things)
    return REMEDIED if named else GENERAL if keep.rest else 1.0


def _spilled(scene: Scene, victim: int, touched: set[int], ask: Ask, lot: _Lot) -> Scene:
    """The scene with the victim changed in the way of what was asked."""
    if victim < 0:
        others = [name for name in BACKGROUNDS if name != scene.background.colour]
        back = replace(scene.background, colour=others[lot.pick(len(others), "ground")], was=None)
        return replace(scene, background=back)
    thing = scene.things[victim]
    if thing is None:
        return scene
    if ask.kind == "remove":
        return scene.put(victim, None)
    free = [place for place in scene.free if place not in touched]
    if ask.kind == "move" and free:
        return scene.put(victim, None).put(free[lot.pick(len(free), "to")], thing)
    if ask.kind == "resize":
        return scene.put(victim, replace(thing, size=4 if thing.size <= 2 else 0))
    look = ask.look if ask.kind in ("recolour", "add", "replace") else Look()
    if look.colour not in (None, thing.colour):
        return scene.put(victim, replace(thing, colour=str(look.colour)))
    if look.shape not in (None, thing.shape):
        return scene.put(victim, replace(thing, shape=str(look.shape)))
    woven = TEXTURES[(TEXTURES.index(thing.texture) + 1) % len(TEXTURES)]
    return scene.put(victim, replace(thing, texture=woven))


def damaged(scene: Scene, blocks: int, *question: object) -> NDArray[np.uint8]:
    """The pixels of a scene with some square blocks of noise, of a quarter of a place's side at most."""
    pixels = draw(scene)
    side = scene.world.side
    for block in range(blocks):
        size = 3 + pick(scene.world.place // 5, *question, block, "size")
        top, left = (pick(side - size, *question, block, way) for way in ("top", "left"))
        told = "\0".join(map(str, (*question, block))).encode("utf-8", "surrogatepass")
        noise = np.frombuffer(hashlib.shake_256(told).digest(size * size * 3), np.uint8)
        pixels[top : top + size, left : left + size] = noise.reshape(size, size, 3)
    return pixels
