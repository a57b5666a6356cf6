"""The senses of one part of a sentence, sorted into what they can contribute to a clause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from thinkedit.adapters.vocabulary import words as w
from thinkedit.adapters.vocabulary.operations import Operation
from thinkedit.adapters.vocabulary.refusal import refusal
from thinkedit.adapters.vocabulary.tokens import Sense, Tagged, spoken

__all__ = ["Gathered", "gather", "place_of"]

_OUTWARD = {"blur", "denoise", "black_and_white", "pixelate"}
PLACES_OF_COLOUR = {word: place for place, phrases in w.COLOURS.items() for word in phrases}
"""A colour's word -> the colour under which it is found in a picture."""


@dataclass
class Gathered:
    """What a part says. Lists keep the sentence's order; `quantity` is (number, unit or "")."""

    words: str
    ops: list[Sense] = field(default_factory=list)
    op_words: list[str] = field(default_factory=list)
    nouns: list[Sense] = field(default_factory=list)
    noun_words: list[str] = field(default_factory=list)
    verbs: list[int] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    amounts: list[float] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)
    colours: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)
    quotes: list[str] = field(default_factory=list)
    sizes: list[str] = field(default_factory=list)
    ratios: list[str] = field(default_factory=list)
    numbers: list[tuple[float, str]] = field(default_factory=list)
    factor: float | None = None
    number_sign: int = 0
    absolute: bool = False
    keeps: bool = False
    negated: bool = False
    particle: Sense | None = None
    neutral: bool = False
    strips: bool = False
    says_whole: bool = False
    amount_leads: bool = False
    heard: frozenset[str] = frozenset()

    @property
    def quantity(self) -> tuple[float, str] | None:
        return self.numbers[0] if self.numbers else None

    @property
    def signed(self) -> bool:
        return bool(self.number_sign)

    @property
    def has_options(self) -> bool:
        return bool(self.options or self.sizes or self.ratios)

    @property
    def acts(self) -> bool:
        """Whether it has a verb of its own."""
        return bool(self.verbs or self.turns or self.neutral)

    def unused(self, entry: Operation) -> list[str]:
        """What a plain clause of `entry` has no use for, for the message."""
        left = [*self.sizes, *self.ratios, *self.quotes]
        left += [colour for colour in self.colours if "colour" not in entry.options]
        left += [key for key in self.options if key not in entry.options]
        return (
            left if len(self.numbers) < 2 else [*left, *(f"{n:g} {u}".strip() for n, u in self.numbers[1:])]
        )


def gather(tags: Sequence[Tagged], words: str) -> Gathered:
    """Sort the phrases of a part. UnsupportedEdit for a noun that names no place."""
    found = Gathered(words, heard=frozenset(word for t in tags for word in spoken(t.text)))
    last = len(tags) - 1
    colour_before = False
    pending_to = False
    for at, one in enumerate(tags):
        sense = one.sense
        kind = sense.kind
        if kind == "colour":
            if not colour_before or not found.colours or sense.value != found.colours[-1]:
                found.colours.append(sense.value)
        elif kind == "thing":
            _thing(found, one, colour_before)
        elif kind == "turn":
            if not (at == last and one.text.lower() == "too"):
                found.turns.append(sense.sign)
        elif kind == "number" and _pronoun(tags, at):
            pass
        elif kind == "number":
            unit, found.absolute = _unit_after(tags, at), found.absolute or pending_to
            found.numbers.append((sense.number, unit))
            found.number_sign = sense.sign or found.number_sign
        elif kind == "unit":
            _lone_unit(found, tags, at)
        elif kind == "option":
            key, _, value = sense.value.partition("=")
            if found.options.get(key, value) != value:
                raise refusal([words], f"both {found.options[key]} and {value}; name one")
            found.options[key] = value
        else:
            _plain(found, one)
        colour_before = kind == "colour" or (colour_before and kind == "filler")
        pending_to = kind == "to" or (pending_to and kind == "filler")
    if found.negated and found.regions and not (found.ops or found.nouns or found.verbs or found.turns):
        found.keeps, found.negated = True, False  # "but not the sky"
    _particle(found, words)
    if found.factor is None and found.numbers == [(0.5, "")] and not found.number_sign:
        found.factor = found.numbers.pop()[0]  # "half the saturation"
    found.amount_leads = _leads(tags)
    return found


def _particle(found: Gathered, words: str) -> None:
    """Let "up", "down" and "out" belong to their verb, or stand for one ("bring the highlights down")."""
    if found.particle is None:
        return
    sign = found.particle.sign
    if found.ops:
        value = found.ops[0].value
        fits = value == "resize" or (value in _OUTWARD if sign == 0 else found.ops[0].sign == sign)
        if not fits or value == "crop":
            raise refusal([words], sentence=words)
    elif sign == 0:
        raise refusal([words], sentence=words)
    elif not found.verbs and not found.turns:
        (found.verbs if sign > 0 else found.turns).append(sign)


def _plain(found: Gathered, one: Tagged) -> None:
    sense = one.sense
    text = " ".join(spoken(one.text))
    if sense.kind == "op":
        found.ops.append(sense)
        found.op_words.append(text)
    elif sense.kind == "noun":
        found.nouns.append(sense)
        found.noun_words.append(text)
    elif sense.kind == "region":
        found.regions.append(sense.value)
    elif sense.kind == "amount":
        found.amounts.append(sense.number)
    elif sense.kind == "verb":
        found.verbs.append(sense.sign)
    elif sense.kind == "strip":
        found.turns.append(-1)
        found.strips = True
    elif sense.kind == "factor":
        found.factor = sense.number
    elif sense.kind in ("quote", "size", "ratio"):
        {"quote": found.quotes, "size": found.sizes, "ratio": found.ratios}[sense.kind].append(sense.value)
    elif sense.kind == "particle":
        found.particle = sense
    found.keeps = found.keeps or sense.kind == "keep"
    found.negated = found.negated or sense.kind == "not"
    found.neutral = found.neutral or sense.kind == "neutral"
    found.says_whole = found.says_whole or sense.kind == "whole"


def _thing(found: Gathered, one: Tagged, colour_before: bool) -> None:
    """A noun: after a colour it is found by the colour, else it stands for the subject."""
    place = place_of(found.colours[-1]) if colour_before and found.colours else None
    if place is not None:
        found.colours.pop()
        found.regions.append(place)
    elif one.sense.value == "subject":
        if "behind" in found.heard and "background" in found.regions:
            return
        found.regions.append("subject")
    elif " ".join(spoken(one.text)) not in w.SOFT_NOUNS:
        raise refusal(
            [one.text], "cannot find that in a picture; name the subject, the background, the sky or a colour"
        )


def place_of(colour: str) -> str | None:
    """The region of a colour's word, its shade left out ("dark green" -> colour:green); None for #rrggbb."""
    base = colour.partition(" ")[2] if colour.partition(" ")[0] in w.SHADES else colour
    place = PLACES_OF_COLOUR.get(base)
    return None if place is None else f"colour:{place}"


def _pronoun(tags: Sequence[Tagged], at: int) -> bool:
    """Whether the number is the "one" of "an overcast one" or "a white one"."""
    if tags[at].text.lower() != "one" or at == 0 or _unit_after(tags, at):
        return False
    before = tags[at - 1].sense
    return before.kind in ("option", "colour") or (before.kind == "op" and before.form == "adjective")


def _unit_after(tags: Sequence[Tagged], at: int) -> str:
    for one in tags[at + 1 : at + 4]:
        if one.sense.kind == "unit":
            return one.sense.value
        if one.sense.kind not in ("filler", "verb"):
            break
    return ""


def _lone_unit(found: Gathered, tags: Sequence[Tagged], at: int) -> None:
    """ "a stop" is one stop; a unit after its number is no news."""
    for one in reversed(tags[max(0, at - 3) : at]):
        if one.sense.kind in ("number", "size"):
            return
        if one.sense.kind not in ("filler", "verb"):
            break
    if tags[at].sense.value == "stops":
        found.numbers.append((1.0, "stops"))
    else:
        raise refusal([tags[at].text], "a unit without a number")


def _leads(tags: Sequence[Tagged]) -> bool:
    """Whether an amount word stands before the operation's, so that it may count for the next one too."""
    kinds = [t.sense.kind for t in tags]
    if "amount" not in kinds:
        return False
    target = next((i for i, kind in enumerate(kinds) if kind in ("op", "noun")), None)
    return target is not None and kinds.index("amount") < target
