"""From a sentence to tagged words: split, normalised, and matched against the longest known phrases."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from thinkedit.adapters.vocabulary import words as w
from thinkedit.adapters.vocabulary.operations import OPERATIONS

__all__ = ["Sense", "Tagged", "lexicon", "spoken", "tag"]

_PATTERN = re.compile(
    r"""
      (?P<quote>"(?:\\.|[^"\\])*"|“[^”]*”|«[^»]*»|(?<!\w)'[^'\n]+'(?!\w)|‘[^’]+’(?!\w))
    | (?P<hex>\#[0-9a-fA-F]{6}\b|\#[0-9a-fA-F]{3}\b)
    | (?P<size>\b\d{1,6}\s*[x×]\s*\d{1,6}\b)
    | (?P<ratio>\b\d+(?:\.\d+)?\s*:\s*\d+(?:\.\d+)?\b)
    | (?P<number>(?:(?<![\w)])[+\-−±])?\d+(?:,\d{3}\b)*(?:\.\d+)?(?:/[1-9]\d*)?)
    | (?P<bw>\b[bB]\s?[&/]\s?[wW]\b)
    | (?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*|%|°)
    | (?P<stop>[.;!?\n])
    | (?P<comma>[,()–—&+]|(?<=\s)[-−](?=\s))
    | (?P<hyphen>[-−:])
    | (?P<space>\s+)
    | (?P<other>.)
    """,
    re.VERBOSE,
)
_BULLET = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*•])\s+", re.MULTILINE)


@dataclass(frozen=True)
class Sense:
    """What a phrase means.

    kind: op (adjective or verb of an operation), noun, verb (more), turn (less, too), strip (remove),
        neutral, amount, number, factor, unit, region, colour, thing, option, keep, untouched, whole, it,
        not, particle, filler, stop (ends what carries over), split (joins clauses), with, to, quote,
        size, ratio, unknown.
    value: the operation's name, the region's, the colour's ...; sign: direction; number: amount or quantity.
    form: for `op`, adjective or verb.
    """

    kind: str
    value: str = ""
    sign: int = 0
    number: float = 0.0
    form: str = ""


@dataclass(frozen=True)
class Tagged:
    """A phrase of the sentence: its sense, and where it stands in the text."""

    sense: Sense
    text: str
    start: int
    end: int


_Lexicon = dict[tuple[str, ...], Sense]


def spoken(phrase: str) -> tuple[str, ...]:
    """A phrase as the lexicon's key: lower case, British spelling, without hyphens and "the"."""
    found = re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)*|%|°", phrase.lower().replace("’", "'"))
    return tuple(w.SPELLING.get(word, word) for word in found if word != "the")


def _enter(into: _Lexicon, phrases: Iterable[str], sense: Sense) -> None:
    for phrase in phrases:
        key = spoken(phrase)
        into.setdefault(key, sense)


@functools.cache
def lexicon() -> _Lexicon:
    """Every known phrase; where one could mean two things, the first entry below wins."""
    known: _Lexicon = {}
    _enter(
        known, ("and", "also", "plus", "as well as", "and also", "but", "while", "and then"), Sense("split")
    )
    _enter(known, ("then", "after that", "afterwards", "and finally", "and after that"), Sense("stop"))
    _enter(known, ("with", "using"), Sense("with"))
    _enter(known, ("to", "into"), Sense("to"))
    _enter(known, ("it",), Sense("it"))
    for op in OPERATIONS.values():
        for sign, adjectives, verbs in ((1, op.more, op.more_verbs), (-1, op.less, op.less_verbs)):
            _enter(known, adjectives, Sense("op", op.name, sign, form="adjective"))
            _enter(known, verbs, Sense("op", op.name, sign, form="verb"))
        _enter(known, op.nouns, Sense("noun", op.name, 1))
        _enter(known, op.against, Sense("noun", op.name, -1))
    for amount, phrases in w.AMOUNTS.items():
        _enter(known, phrases, Sense("amount", number=amount))
    _enter(known, w.KEEP, Sense("keep"))
    _enter(known, w.UNTOUCHED, Sense("untouched"))
    _enter(known, w.LOWER, Sense("turn", sign=-1))
    _enter(known, w.RAISE, Sense("verb", sign=1))
    _enter(known, w.STRIP, Sense("strip", sign=-1))
    _enter(known, ("not", "do not", "don't", "never", "no", "without", "nothing", "isn't"), Sense("not"))
    for phrase, number in w.NUMBERS.items():
        _enter(known, (phrase,), Sense("number", number=number))
    for phrase, number in w.FACTORS.items():
        _enter(known, (phrase,), Sense("factor", number=number))
    for phrase, unit in w.UNITS.items():
        _enter(known, (phrase,), Sense("unit", unit))
    for region, phrases in w.REGIONS.items():
        _enter(known, phrases, Sense("region", region))
    for phrases in w.COLOURS.values():
        for phrase in phrases:
            _enter(known, (phrase,), Sense("colour", phrase))
            for shade in w.SHADES:
                _enter(known, (f"{shade} {phrase}",), Sense("colour", f"{shade} {phrase}"))
    for phrase, colour in w.COLOUR_PLURALS.items():
        _enter(known, (phrase,), Sense("region", f"colour:{colour}"))
    _options(known)
    _enter(known, w.NEUTRAL, Sense("neutral"))
    _enter(known, w.WHOLE, Sense("whole"))
    _enter(known, w.SUBJECT_NOUNS, Sense("thing", "subject"))
    _enter(known, w.THING_NOUNS, Sense("thing", ""))
    for phrase, sign in w.PARTICLES.items():
        _enter(known, (phrase,), Sense("particle", sign=sign))
    _enter(known, (*w.FILLER, *w.SOFT_NOUNS), Sense("filler"))
    return known


def _options(known: _Lexicon) -> None:
    turn = (
        ("clockwise", "clockwise"),
        ("counterclockwise", "counterclockwise, counter clockwise, anti clockwise"),
    )
    axes = (
        ("horizontal", "horizontally, horizontal, left to right, sideways, left right, horizontal axis"),
        ("vertical", "vertically, vertical, top to bottom"),
        ("turned", "upside down, on its head"),
    )
    other = [
        f"{which} {what}"
        for which in ("other", "second", "another", "reference", "attached", "given", "supplied", "my other")
        for what in ("picture", "image", "photo", "photograph", "one")
    ]
    sides = (("width", "wide, width, in width"), ("height", "high, tall, height, in height"))
    longest = "longest side, long side, longer side, longest edge, long edge, longer edge, larger side"
    for key, rows in (("turn", turn), ("axis", axes), ("side", (*sides, ("longest", longest)))):
        for value, phrases in rows:
            _enter(known, phrases.split(", "), Sense("option", f"{key}={value}"))
    _enter(known, ("square", "a square", "square format"), Sense("ratio", "1:1"))
    _enter(known, ("widescreen", "wide screen", "widescreen format"), Sense("ratio", "16:9"))
    _enter(
        known,
        ("closer", "tighter", "close", "tight", "closely", "tightly", "nearer"),
        Sense("option", "closer=yes"),
    )
    _enter(
        known, ("size", "its size", "in size", "original size", "current size"), Sense("option", "sized=yes")
    )
    exactly = ("exactly", "exact", "ignoring aspect ratio", "ignore aspect ratio", "ignoring proportions")
    _enter(known, exactly, Sense("option", "exact=yes"))
    _enter(known, ("off", "away"), Sense("option", "off=yes"))
    _enter(known, ("gradient", "a gradient", "colour gradient"), Sense("option", "with=gradient"))
    _enter(
        known, ("plain", "solid", "plain colour", "solid colour", "uniform"), Sense("option", "with=colour")
    )
    _enter(known, (*other, "reference"), Sense("option", "with=reference"))
    for sky, words in w.SKIES.items():
        _enter(known, words, Sense("option", f"sky={sky}"))
    _enter(known, w.OTHER_SKIES, Sense("option", "sky=other"))
    for size, words in w.CAPTION_SIZES.items():
        _enter(known, words, Sense("option", f"size={size}"))


@functools.cache
def _longest() -> int:
    return max(map(len, lexicon()))


def tag(text: str) -> list[Tagged]:
    """The sentence as tagged phrases, in order; what is not known has kind `unknown`."""
    plain = _BULLET.sub(lambda found: " " * (len(found.group()) - 1) + "\n", text)
    raw = [m for m in _PATTERN.finditer(plain) if m.lastgroup != "space"]
    kinds = [str(m.lastgroup) for m in raw]
    keys = [_key(m.group(), kind) for m, kind in zip(raw, kinds, strict=True)]
    known, found, at = lexicon(), list[Tagged](), 0
    while at < len(raw):
        kind, start = kinds[at], raw[at].start()
        if kind not in ("word", "bw"):
            sense = _literal(raw[at].group(), kind)
            if sense is not None:
                found.append(Tagged(sense, text[start : raw[at].end()], start, raw[at].end()))
            at += 1
            continue
        if keys[at] == "the":
            at += 1
            continue
        sense, stop = _match(keys, kinds, at, known)
        end = raw[stop - 1].end()
        found.append(Tagged(sense, text[start:end], start, end))
        at = stop
    return found


def _match(keys: list[str], kinds: list[str], at: int, known: _Lexicon) -> tuple[Sense, int]:
    """The longest phrase from `at`, "the" and hyphens passed over; and where the next one begins."""
    phrase: list[str] = []
    best = (Sense("unknown"), at + 1)
    for stop in range(at, len(keys)):
        if kinds[stop] == "hyphen" or keys[stop] == "the":
            continue
        if kinds[stop] not in ("word", "bw") or len(phrase) == _longest():
            break
        phrase.append(keys[stop])
        sense = known.get(tuple(phrase))
        if sense is not None:
            best = (sense, stop + 1)
    return best


def _key(text: str, kind: str) -> str:
    if kind == "bw":
        return "bw"
    word = text.lower().replace("’", "'")
    stem = word[:-2] if word.endswith("'s") and (word,) not in lexicon() else word
    return w.SPELLING.get(stem, stem) if kind == "word" else word


def _literal(text: str, kind: str) -> Sense | None:
    if kind == "hyphen":
        return None
    if kind == "quote":
        inner = text[1:-1]
        return Sense("quote", re.sub(r"\\(.)", r"\1", inner) if text[0] == '"' else inner)
    if kind == "hex":
        digits = text[1:].lower()
        return Sense("colour", "#" + (digits if len(digits) == 6 else "".join(c * 2 for c in digits)))
    if kind == "size":
        return Sense("size", re.sub(r"\s*[x×]\s*", "x", text.lower()))
    if kind == "ratio":
        return Sense("ratio", re.sub(r"\s", "", text))
    if kind == "number":
        return _number(text)
    if kind == "stop":
        return Sense("stop")
    return Sense("split", ",") if kind == "comma" else Sense("unknown")


def _number(text: str) -> Sense:
    sign = {"+": 1, "-": -1, "−": -1}.get(text[0], 0)
    whole, _, part = text.lstrip("+-−±").replace(",", "").partition("/")
    return Sense("number", sign=sign, number=float(whole) / (float(part) if part else 1.0))
