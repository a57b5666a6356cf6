"""How far an edited picture is what the instruction means, and what else happened to it.

The semantic score is 10 * done * kept, the quality score 10 less what is damaged; both of the outcome that
the picture is nearest to. `weigh` gives them with all that they rest on.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from thinkedit.provingground.asking import Look
from thinkedit.provingground.decoding import Decoded
from thinkedit.provingground.meaning import Change, Outcome
from thinkedit.provingground.scene import SIZES, Background, Scene, Thing

__all__ = ["Done", "Harm", "Verdict", "weigh"]

HALF = 0.5
"""For what was done too weakly."""

COPIED, ELSEWHERE = 0.4, 0.3
"""For a thing that is now in both places, and for one that came to another place than was said."""

SEVERITY = {"gone": 1.0, "moved": 0.8, "shape": 0.8, "style": 0.8, "colour": 0.6, "background": 0.6,
            "new": 0.6, "size": 0.5, "texture": 0.5, "faint": 0.5}  # fmt: skip
HARM = 0.5
"""Of the semantic score, for a harm of severity 1."""

DAMAGE, GHOST = 20.0, 1.5
"""Of the quality: times the root of the damaged part of pixels, and for each half transparent thing."""


@dataclass(frozen=True)
class Done:
    """credit: 0 not done, 1 done, between them partly. weak: because it was done too weakly.

    touched: something was done to its thing, if not what was asked.
    """

    change: Change
    credit: float
    weak: bool = False
    touched: bool = False


@dataclass(frozen=True)
class Harm:
    """Something that was to stay and did not. what: of SEVERITY. place: None for background and style."""

    what: str
    place: int | None = None


@dataclass(frozen=True)
class Verdict:
    semantic: float
    quality: float
    done: tuple[Done, ...]
    harms: tuple[Harm, ...]

    @property
    def outcome(self) -> Outcome:
        """The correct outcome that the picture is nearest to."""
        return tuple(done.change for done in self.done)


def weigh(source: Scene, edited: Decoded, outcomes: tuple[Outcome, ...]) -> Verdict:
    """By the nearest of the outcomes, the first of equally near ones."""
    ghosts = sum(thing.faint for _, thing in edited.scene) - sum(thing.faint for _, thing in source)
    quality = min(10.0, max(0.0, 10 - DAMAGE * edited.damage**0.5 - GHOST * max(0, ghosts)))
    best: Verdict | None = None
    for outcome in outcomes:
        done, harms = _compare(source, edited.scene, outcome)
        by_ask: dict[int, list[float]] = defaultdict(list)
        for each in done:
            by_ask[each.change.ask].append(each.credit)
        part = sum(sum(parts) / len(parts) for parts in by_ask.values()) / len(by_ask)
        kept = max(0.0, 1 - HARM * sum(SEVERITY[harm.what] for harm in harms))
        semantic = round(10 * part * kept, 2)
        if best is None or semantic > best.semantic:
            best = Verdict(semantic, round(quality, 2), done, harms)
    assert best is not None
    return best


def _compare(source: Scene, edited: Scene, outcome: Outcome) -> tuple[tuple[Done, ...], tuple[Harm, ...]]:
    explained: set[int] = set()
    done: list[Done] = []
    harms: list[Harm] = []
    for change in outcome:
        if change.kind == "background":
            done.append(_background(source.background, edited.background, change))
        elif change.kind == "style":
            right = edited.style == change.style
            done.append(Done(change, (HALF if edited.half else 1.0) if right else 0.0, right and edited.half))
        elif change.kind == "add":
            done.append(_added(source, edited, change, explained))
        elif change.kind == "move":
            done.append(_moved(source, edited, change, explained))
        else:
            assert change.place is not None
            was = source.things[change.place]
            assert was is not None
            explained.add(change.place)
            each, lost = _changed(was, edited.things[change.place], change)
            done.append(each)
            harms += [Harm(what, change.place) for what in lost]
    kinds = {change.kind for change in outcome}
    if "background" not in kinds and source.background != edited.background:
        harms.append(Harm("background"))
    if "style" not in kinds and (source.style, source.half) != (edited.style, edited.half):
        harms.append(Harm("style"))
    for place in source.world.places:
        before, now = source.things[place], edited.things[place]
        if place in explained or before == now:
            continue
        if before is None:
            harms.append(Harm("new", place))
        else:
            harms.append(Harm(_differences(before, now)[0], place))
    return tuple(done), _moved_along(source, edited, harms)


def _moved_along(source: Scene, edited: Scene, harms: list[Harm]) -> tuple[Harm, ...]:
    """With one harm for a thing that is now elsewhere, not one where it was and one where it is."""
    made = list(harms)
    for gone in [harm for harm in harms if harm.what == "gone" and harm.place is not None]:
        for new in [harm for harm in made if harm.what == "new" and harm.place is not None]:
            if edited.things[new.place or 0] == source.things[gone.place or 0]:
                made.remove(new)
                made[made.index(gone)] = Harm("moved", gone.place)
                break
    return tuple(made)


def _differences(before: Thing, now: Thing | None) -> list[str]:
    """What is different, the gravest first."""
    if now is None:
        return ["gone"]
    return [
        what
        for what in ("shape", "colour", "size", "texture", "faint")
        if _part(before, what) != _part(now, what)
    ]


def _part(thing: Thing, what: str) -> object:
    return (thing.colour, thing.was) if what == "colour" else getattr(thing, what)


def _background(before: Background, now: Background, change: Change) -> Done:
    wanted = (change.pattern,) if change.pattern else (before.pattern, "plain")
    if now.colour != change.look.colour:
        return Done(change, 0.0, touched=now != before)
    credit = (1.0 if now.pattern in wanted else 0.7) * (1.0 if now.was is None else HALF)
    return Done(change, credit, now.was is not None, touched=now != before)


def _added(source: Scene, edited: Scene, change: Change, explained: set[int]) -> Done:
    """The new thing that fits best, which is explained from now on."""
    best, place = Done(change, 0.0), -1
    for spot in source.free:
        now = edited.things[spot]
        if now is None or spot in explained:
            continue
        fit = _fit(now, change.look) * (1.0 if spot in change.spots else ELSEWHERE)
        credit = fit * (HALF if now.faint else 1.0)
        if credit > best.credit:
            best, place = Done(change, credit, now.faint and fit == 1.0, touched=True), spot
    if place >= 0:
        explained.add(place)
    return best


def _fit(thing: Thing, look: Look) -> float:
    """The part of what the look names that the thing has; the shape counts twice."""
    parts = [
        (2.0, look.shape, thing.shape),
        (1.0, look.colour, thing.colour),
        (1.0, look.texture, thing.texture),
        (1.0, None if look.size is None else SIZES[look.size], thing.size),
    ]
    named = [(weight, wanted == has) for weight, wanted, has in parts if wanted is not None]
    total = sum(weight for weight, _ in named)
    return sum(weight for weight, right in named if right) / total if total else 1.0


def _moved(source: Scene, edited: Scene, change: Change, explained: set[int]) -> Done:
    assert change.place is not None
    thing, stayed = source.things[change.place], edited.things[change.place]
    explained.add(change.place)
    free = [spot for spot in source.free if edited.things[spot] == thing and spot not in explained]
    there = [spot for spot in free if spot in change.spots] or free
    if not there:
        return Done(change, 0.0, touched=stayed != thing)
    explained.add(there[0])
    if there[0] not in change.spots:
        return Done(change, ELSEWHERE if stayed is None else 0.0, touched=True)
    if stayed is None:
        return Done(change, 1.0, touched=True)
    ghost = thing is not None and stayed == replace(thing, faint=True)
    return Done(change, HALF if ghost else COPIED, ghost, touched=True)


def _changed(before: Thing, now: Thing | None, change: Change) -> tuple[Done, list[str]]:
    """Of `recolour`, `remove`, `resize` and `replace`: what is done, and what else happened to the thing."""
    touched = now != before
    if change.kind == "remove":
        if now is None:
            return Done(change, 1.0, touched=True), []
        ghost = now == replace(before, faint=True)
        lost = [] if ghost else _differences(before, now)[:1]
        return Done(change, HALF if ghost else 0.0, ghost, touched), lost
    if now is None:
        return Done(change, 0.0, touched=True), ["gone"]
    if change.kind == "replace":
        fit = 0.0 if replace(now, faint=before.faint) == before else _fit(now, change.look)
        weak = now.faint or now.was is not None
        return Done(change, fit * (HALF if weak else 1.0), weak and fit == 1.0, touched), []
    what = "colour" if change.kind == "recolour" else "size"
    lost = [name for name in _differences(before, now) if name != what][:1]
    if change.kind == "recolour":
        credit = (1.0 if now.was is None else HALF) if now.colour == change.look.colour else 0.0
    else:
        credit = _resized(before, now, change)
    return Done(change, credit, 0 < credit < 1, touched), lost


def _resized(before: Thing, now: Thing, change: Change) -> float:
    if change.look.size is None:
        way = (now.size - before.size) * change.grow
        return 1.0 if way >= 2 else HALF if way == 1 else 0.0
    wanted = SIZES[change.look.size]
    if now.size == wanted:
        return 1.0
    return HALF if min(before.size, wanted) < now.size < max(before.size, wanted) else 0.0
