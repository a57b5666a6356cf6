"""Reads what an instruction or a prompt asks for: `read(text)`.

Every phrasing that the world's instructions and the expert's prompts have is read in full; of any other text
as much as can be, with the words that mean nothing here named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from thinkedit.provingground.asking import Ask, Keep, Look, Reading, Reference
from thinkedit.provingground.lexicon import Token, tokens
from thinkedit.provingground.nouns import Noun, noun_at, place_at

__all__ = ["read"]

_VERBS = ("remove", "add", "put", "replace", "move", "make", "take", "keep", "resize", "wish")
_NUMBER = re.compile(
    r"(?:(?<=^)|(?<=[.;,:!?\n])|(?<= and)|(?<= then))\s*(?:step\s*)?([1-9])\s*[.):]\s", re.IGNORECASE
)


@lru_cache(maxsize=4096)
def read(text: str) -> Reading:
    """What `text` asks for. Never raises: where nothing is understood there are no asks."""
    numbers = _NUMBER.findall(text)
    words = _without_nouns(tokens(_NUMBER.sub(" ; ", text)))
    asks: list[Ask] = []
    rest = background = False
    things: list[Reference] = []
    for clause in _clauses(words):
        if clause[0].kind == "keep":
            rest |= any(word.kind in ("rest", "picture") for word in clause)
            background |= any(word.kind == "background" for word in clause)
            things += [noun.reference for noun in _nouns(clause, 1)]
        else:
            asks += _asks(clause)
    unread = tuple(word.word for word in words if word.kind == "unknown")
    return Reading(tuple(asks), Keep(rest, background, tuple(things)), len(numbers) >= 2, unread)


def _without_nouns(words: list[Token]) -> list[Token]:
    """With "colour" and the like as idle words where they stand as nouns."""
    made = list(words)
    for at, word in enumerate(words):
        before = words[at - 1] if at else None
        if (
            word.word in ("colour", "color", "place", "change", "set")
            and before is not None
            and (
                before.kind in ("definite", "article", "rank")
                or before.word in ("same", "common", "whose", "of")
            )
        ):
            made[at] = Token(("idle", word.word, word.word))
    return made


def _clauses(words: Sequence[Token]) -> list[list[Token]]:
    clauses: list[list[Token]] = [[]]
    for at, word in enumerate(words):
        after = next(
            (w for w in words[at:] if w.kind not in ("and", "idle", "definite") and w.word != ","), None
        )
        joint = word.kind == "and" or word.word == ","
        ends = word.kind == "mark" and word.word != ","
        keeping = bool(clauses[-1]) and clauses[-1][0].kind == "keep"
        if ends or (joint and after is not None and after.kind in _VERBS):
            clauses.append([])
        elif word.kind == "keep" and not keeping:
            clauses.append([word])
        elif clauses[-1] or word.kind not in ("idle", "strong", "and", "mark"):
            clauses[-1].append(word)
    return [clause for clause in clauses if clause]


def _nouns(clause: Sequence[Token], at: int) -> list[Noun]:
    """A list of nouns, joined by "and" and commas; others than nouns between them are passed over."""
    found: list[Noun] = []
    while at < len(clause):
        noun = noun_at(clause, at)
        if noun is None:
            at += 1
        else:
            found.append(noun)
            at = noun.end
    return found


def _asks(clause: Sequence[Token]) -> list[Ask]:
    kinds = {word.kind: word for word in clause}
    strong = "strong" in kinds
    if "style" in kinds:
        return [Ask("style", style=kinds["style"].value, strong=strong)]
    if "background" in kinds and "shade" in kinds:
        pattern = kinds["texture"].value if "texture" in kinds else None
        return [Ask("background", look=Look(colour=kinds["shade"].value), pattern=pattern, strong=strong)]
    verb = next((word.kind for word in clause if word.kind in _VERBS), "make")
    at = next((at for at, word in enumerate(clause) if word.kind in _VERBS), -1) + 1
    first = noun_at(clause, at)
    if first is None:
        return []
    if verb == "add" or (verb == "put" and first.indefinite):
        ref = first.reference
        return [Ask("add", look=ref.look, where=ref.where, strong=strong)]
    nouns = [first]
    while nouns[-1].end < len(clause) and clause[nouns[-1].end].word in ("and", ","):
        more = noun_at(clause, nouns[-1].end + 1)
        if more is None or (
            more.reference.look == Look(colour=more.reference.look.colour) and not more.named
        ):
            break
        nouns.append(more)
    made = _change(verb, nouns[-1], clause)
    if made is None:
        return []
    # What stands behind the last of several things is said of all of them.
    return [replace(made, which=noun.reference, strong=strong) for noun in nouns[:-1]] + [
        replace(made, strong=strong)
    ]


def _change(verb: str, noun: Noun, clause: Sequence[Token]) -> Ask | None:
    """The change of the things that `noun` names, from the verb and from what follows."""
    which, rest = noun.reference, clause[noun.end :]
    kinds = {word.kind: word for word in reversed(rest)}
    if verb in ("remove", "take"):
        return Ask("remove", which)
    if verb == "resize":
        grow = next(int(word.value) for word in clause if word.kind == "resize")
        return Ask("resize", which, grow=grow)
    if verb in ("move", "put"):
        place = place_at(rest, 0)
        if place is None and verb == "put" and which.where is not None:
            return Ask("move", replace(which, where=None), where=which.where)
        return None if place is None else Ask("move", which, where=place[0])
    if verb == "replace":
        new = next((noun_at(rest, at + 1) for at, word in enumerate(rest) if word.kind == "with"), None)
        return None if new is None else Ask("replace", which, new.reference.look)
    other = _colour_of(rest)
    if other is not None:
        return Ask("recolour", which, colour_of=other)
    if "grow" in kinds:
        return Ask("resize", which, grow=int(kinds["grow"].value))
    new = next((noun_at(rest, at) for at, word in enumerate(rest) if word.kind == "article"), None)
    if new is not None and new.reference.look.shape is not None:
        return Ask("replace", which, new.reference.look)
    if "colour" in kinds:
        return Ask("recolour", which, Look(colour=kinds["colour"].value))
    return Ask("resize", which, Look(size=kinds["size"].value)) if "size" in kinds else None


def _colour_of(rest: Sequence[Token]) -> Reference | None:
    """The things whose colour is meant: "the colour of the star", "the same colour as the star"."""
    for at, word in enumerate(rest[:-1]):
        if word.word in ("colour", "color") and rest[at + 1].word in ("of", "as"):
            noun = noun_at(rest, at + 2)
            return None if noun is None else noun.reference
    return None
