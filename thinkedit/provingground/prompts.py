"""Prompts with remedies: what the expert tells the editor next."""

from __future__ import annotations

from dataclasses import dataclass, replace

from thinkedit.provingground.asking import Reading, Reference
from thinkedit.provingground.meaning import Outcome, fits
from thinkedit.provingground.reading import read
from thinkedit.provingground.scene import Scene
from thinkedit.provingground.wording import phrase, resolved, the, thing_at

__all__ = ["Remedies", "prompt", "remedies_in"]


POLITE = 4
"""The way of wording from which on the prompt says please, so that it is another one than before."""


@dataclass(frozen=True)
class Remedies:
    """named: things by their position, nothing left to compare. strong: in strong words. numbered: in steps.

    rest: all else must stay. kept: the places of things that must stay by name, -1 for the background.
    """

    named: bool = False
    strong: bool = False
    numbered: bool = False
    rest: bool = False
    kept: frozenset[int] = frozenset()

    def __or__(self, other: Remedies) -> Remedies:
        return Remedies(
            self.named or other.named,
            self.strong or other.strong,
            self.numbered or other.numbered,
            self.rest or other.rest,
            self.kept | other.kept,
        )


def remedies_in(scene: Scene, reading: Reading) -> Remedies:
    """The remedies that a prompt holds already."""
    keep = reading.keep
    return Remedies(
        any(_pointed(scene, ask.which) for ask in reading.asks),
        any(ask.strong for ask in reading.asks),
        reading.numbered,
        keep.rest,
        frozenset(place for reference in keep.things for place in fits(scene, reference)[:1])
        | (frozenset([-1]) if keep.background else frozenset()),
    )


def _politely(text: str, *, numbered: bool) -> str:
    if numbered:
        return f"please do this: {text}"
    if text.lower().startswith(("please", "i ")):
        return f"now {text[0].lower() if text[0] == 'P' else text[0]}{text[1:]}"
    return f"please {text[0].lower()}{text[1:]}"


def _pointed(scene: Scene, which: Reference | None) -> bool:
    """Whether a thing is named by the one place where it stands, and not only by a side of the picture."""
    return which is not None and which.where is not None and (which.where.row > 0 or scene.world.grid == 3)


def prompt(scene: Scene, instruction: str, outcome: Outcome, remedies: Remedies, way: int = 0) -> str:
    """The instruction with remedies, in one of several wordings (way, from 0).

    outcome: the correct outcome that is aimed at, where things are named.
    """
    small = scene.world.grid == 3
    if remedies.named:
        asks = [resolved(scene, change, strong=remedies.strong) for change in outcome]
    else:
        asks = [replace(ask, strong=remedies.strong) for ask in read(instruction).asks]
    steps = [phrase(ask, way, small=small) for ask in asks]
    if not small:
        steps = [step[0].upper() + step[1:] for step in steps]
    if len(steps) == 1:
        text = steps[0]
    elif remedies.numbered:
        text = ". ".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
    else:
        text = " and ".join([steps[0], *(step[0].lower() + step[1:] for step in steps[1:])])
    if way >= POLITE:
        text = _politely(text, numbered=remedies.numbered and len(steps) > 1)
        text = text if small else f"{text[0].upper()}{text[1:]}"
    touched = {change.place for change in outcome}
    kept = [place for place in sorted(remedies.kept) if place not in touched]
    names = [
        "the background" if place < 0 else the(thing_at(scene, place), small=small)
        for place in kept
        if place < 0 or scene.things[place] is not None
    ]
    end = []
    if names:
        listed = " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
        end.append(f"keep {listed}" if small else f"Keep {listed} unchanged")
    if remedies.rest:
        end.append("keep the rest" if small else "Keep everything else unchanged")
    return ". ".join([text, *end]) + ("" if small and not end else ".")
