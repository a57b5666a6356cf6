"""Reads one group of words around a noun: which things, or what a thing is to look like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from thinkedit.provingground.asking import ALL, Look, Reference, Where
from thinkedit.provingground.lexicon import Token

__all__ = ["Noun", "noun_at", "place_at"]

_SIDES = ("top", "bottom", "left", "right")


@dataclass(frozen=True)
class Noun:
    """indefinite: with "a". named: it has a noun of its own. end: the first token after it."""

    reference: Reference
    indefinite: bool
    named: bool
    end: int


def noun_at(words: Sequence[Token], at: int) -> Noun | None:
    """The noun that begins at `at`, idle words before it skipped; None where there is none."""
    while at < len(words) and words[at].kind in ("idle", "strong", "of"):
        at += 1
    begin = at
    look: dict[str, str] = {}
    number = nth = 1
    extreme: str | None = None
    rank: str | None = None
    sides: list[str] = []
    indefinite = named = False
    while at < len(words):
        token = words[at]
        if token.kind == "article":
            if at > begin:
                break
            indefinite = True
        elif token.kind == "number":
            number = int(token.value)
        elif token.kind == "ordinal":
            nth = int(token.value)
        elif token.kind == "extreme":
            extreme = token.value
        elif token.kind == "rank":
            rank = token.value
        elif token.kind in ("colour", "size", "texture"):
            if token.kind in look:
                break
            look[token.kind] = token.value
        elif token.kind == "area":
            sides.append(token.value)
        elif token.kind == "shape":
            look["shape"] = token.value
            named = True
        elif token.word == "one" and _starts(words, at + 1, "of", "definite"):
            at += 1  # "one of the circles"
        elif token.kind == "thing":
            named = True
        elif token.kind == "of" and not named and at > begin:
            pass  # "the largest of the red ones"
        elif token.kind not in ("definite", "idle"):
            break
        at += 1
        if named:
            break
    if at == begin or not (named or look or extreme or rank or nth > 1):
        return None
    reference = Reference(
        Look(**look),
        Where(_area(sides)) if sides else None,
        number,
        extreme,
        nth,
        (rank, "shape") if rank else None,
    )
    return _qualified(words, Noun(reference, indefinite, named, at), begin)


def _qualified(words: Sequence[Token], noun: Noun, begin: int) -> Noun:
    """With what stands after the noun: where it is, from which side it is counted, what there is most of."""
    reference, at = noun.reference, noun.end
    if _starts(words, at, "from", "definite", "area"):
        reference, at = replace(reference, extreme=words[at + 2].value), at + 3
    ranked = _ranked(words, at) if noun.named else None
    if ranked is not None:
        at = ranked
        reference = replace(
            reference, rank=(next(w.value for w in words[noun.end : at] if w.kind == "rank"), "shape")
        )
    if reference.rank is not None:
        said = {word.word for word in words[begin:at]}
        reference = replace(
            reference, rank=(reference.rank[0], "colour" if said & {"colour", "color"} else "shape")
        )
        if said & {"every", "all"}:
            reference = replace(reference, number=ALL)
    after = next((word for word in words[at:] if word.kind != "strong"), None)
    if after is not None and after.kind != "to":
        found = place_at(words, at)
        if found is not None and reference.extreme not in _SIDES:
            reference, at = replace(reference, where=found[0]), found[1]
    return replace(noun, reference=reference, end=at)


def _ranked(words: Sequence[Token], at: int) -> int | None:
    """Where a clause such as "of the colour that occurs most often" ends, if one begins at `at`."""
    if not (at < len(words) and words[at].word in ("of", "that", "which", "there")):
        return None
    end = at
    while end < len(words) and words[end].kind in ("of", "definite", "idle", "thing"):
        end += 1
    if end >= len(words) or words[end].kind != "rank":
        return None
    end += 1
    while end < len(words) and words[end].word in ("often", "of", "common", "colour", "color", "shape"):
        end += 1
    return end


def place_at(words: Sequence[Token], at: int) -> tuple[Where, int] | None:
    """(place, end) where a place is named at `at`: "in row 2, column 3", "in the top left corner"."""
    while at < len(words) and words[at].kind in ("to", "idle", "definite", "strong"):
        at += 1
    if _starts(words, at, "row", "digit"):
        row, at = int(words[at + 1].value), at + 2
        while at < len(words) and words[at].word in (",", "and"):
            at += 1
        if _starts(words, at, "column", "digit"):
            return Where(row=row, column=int(words[at + 1].value)), at + 2
        return None
    sides = []
    while at < len(words) and words[at].kind == "area":
        sides.append(words[at].value)
        at += 1
    if not sides:
        return None
    return Where(_area(sides)), at + (at < len(words) and words[at].kind == "corner")


def _area(sides: Sequence[str]) -> str:
    rows = [side for side in sides if side in ("top", "bottom")]
    columns = [side for side in sides if side in ("left", "right")]
    return " ".join([*rows[:1], *columns[:1]]) or "middle"


def _starts(words: Sequence[Token], at: int, *kinds: str) -> bool:
    return tuple(token.kind for token in words[at : at + len(kinds)]) == kinds
