"""What one part of a sentence asks for: its operation, direction, amount and region.

`read` gathers the senses of the part's phrases and accounts for each of them; `extras.py` does the
operations whose words mean something of their own (crop, rotate, resize, recolour, captions ...).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from thinkedit.adapters.vocabulary import words as w
from thinkedit.adapters.vocabulary.clause import Clause
from thinkedit.adapters.vocabulary.extras import SPECIAL, implied
from thinkedit.adapters.vocabulary.gather import Gathered, gather, place_of
from thinkedit.adapters.vocabulary.operations import OPERATIONS, Operation
from thinkedit.adapters.vocabulary.refusal import refusal
from thinkedit.adapters.vocabulary.tokens import Tagged

__all__ = ["Reading", "read"]

_RAISERS = {"enhance", "improve", "better", "fix", "optimise", "optimize"}


@dataclass(frozen=True)
class Reading:
    """The clauses of one part, and what later parts may take over from it.

    amount_only: the part was nothing but an amount for what came before ("but only slightly").
    shares_verb: its verb was taken from the part before.
    form: adjective, verb or noun; leads: the amount word stood before the operation.
    """

    clauses: tuple[Clause, ...]
    words: str
    amount_only: float | None = None
    shares_verb: bool = False
    form: str = ""
    leads: bool = False
    sign: int = 0
    region: str | None = None


def read(tags: Sequence[Tagged], words: str, before: Reading | None, joiner: str) -> Reading:
    """Read one part. UnsupportedEdit where any of it is left over or could mean two things."""
    found = gather(tags, words)
    if found.keeps:
        return _protect(found, words)
    if found.negated:
        raise refusal([words], 'say what is to change, or "leave the ... alone" for what is not')
    operations = _operations(found)
    if len(operations) > 1:
        return _several(tags, words, before, joiner, operations)
    if not operations:
        inherited = _inherited(found, words, before)
        if inherited is not None:
            return inherited
        operations = [implied(found, words)]
    return _one(found, OPERATIONS[operations[0]], words, before, joiner)


def _operations(found: Gathered) -> list[str]:
    """The operations named, each once; words that only strengthen others left out."""
    named = list(dict.fromkeys(s.value for s in found.ops))
    nouns = list(dict.fromkeys(s.value for s in found.nouns))
    if named == ["auto"] and nouns and any(word in _RAISERS for word in found.op_words):
        found.verbs.append(1)
        found.ops.clear()
        named = []
    if not named:
        return nouns
    strange = [
        s.value for s, text in zip(found.nouns, found.noun_words, strict=True) if text not in w.SOFT_NOUNS
    ]
    return list(dict.fromkeys([*named, *(value for value in strange if value not in named)]))


def _several(
    tags: Sequence[Tagged], words: str, before: Reading | None, joiner: str, operations: Sequence[str]
) -> Reading:
    """Two operations in one part: fine where "with" joins them or adjectives stand in a row."""
    cut = next((i for i, t in enumerate(tags) if t.sense.kind == "with" and 0 < i < len(tags) - 1), None)
    if cut is None:
        places = [i for i, t in enumerate(tags) if t.sense.kind == "op"]
        if len(places) != 2 or any(t.sense.kind in ("number", "turn", "amount", "noun") for t in tags):
            raise refusal([words], 'more than one edit in one breath; put a comma or "and" between them')
        cut = (
            places[1] - 1
            if tags[places[1] - 1].sense.kind == "filler" and places[1] - 1 > places[0]
            else places[1]
        )
        first, second = list(tags[:cut]), list(tags[cut:])
    else:
        first, second = list(tags[:cut]), list(tags[cut + 1 :])
    left = read(first, words, before, joiner)
    right = read(second, words, replace(left, leads=False), "and")
    return replace(right, clauses=left.clauses + right.clauses, region=left.region)


def _inherited(found: Gathered, words: str, before: Reading | None) -> Reading | None:
    """A part without an operation: an amount for what came before, or the same again elsewhere."""
    if found.has_options or found.colours or found.quotes:
        return None
    if found.quantity is None and not found.regions and len(found.amounts) == 1 and not found.verbs:
        return Reading((), words, amount_only=found.amounts[0])
    if before is None or not before.clauses or len(found.regions) != 1 or found.acts:
        return None
    if found.quantity is not None:
        return None
    region, last = found.regions[0], before.clauses[-1]
    _allow(last.table_entry, region, words)
    clause = replace(last, region=region, words=words)
    if found.amounts:
        clause = replace(clause, amount=found.amounts[0], given=None)
    return replace(before, clauses=(clause,), words=words, region=region)


def _protect(found: Gathered, words: str) -> Reading:
    entry = OPERATIONS["protect"]
    hues = any(s.value == "saturation" for s in found.nouns)
    strange = (
        found.ops or found.quantity or found.quotes or found.amounts or found.has_options or found.colours
    )
    others = [s for s in found.nouns if s.value != "saturation"]
    regions = [*found.regions, *(["colours"] if hues else [])]
    if strange or others or not regions:
        why = "only the highlights, shadows, skin, subject, background, sky or colours can be kept"
        raise refusal([words], why)
    for region in regions:
        _allow(entry, region, words)
    return Reading(
        tuple(Clause("protect", region=region, words=words) for region in regions), words, form="keep"
    )


def _one(found: Gathered, entry: Operation, words: str, before: Reading | None, joiner: str) -> Reading:
    if entry.name in SPECIAL:
        clause = SPECIAL[entry.name](found, entry, words)
        return Reading((clause,), words, form="verb", sign=1, region=_explicit(clause.region))
    entry = _shadow_or_light(found, entry)
    entry, direction, shared = _direction(found, entry, words, before, joiner)
    if len(found.colours) == 1 and not found.regions and (place := place_of(found.colours[0])) is not None:
        found.colours.clear()  # "make the red more saturated"
        found.regions.append(place)
    entry = _of_a_colour(entry, found, before)
    region = _region(found, entry, words, before)
    amount, given = _amount(found, entry, direction, words)
    form = found.ops[0].form if found.ops else "noun"
    if amount is None:
        carries = (
            before is not None and before.leads and before.form == form and joiner == "and"
            and not found.verbs and not found.turns and before.clauses
        )  # fmt: skip
        amount = before.clauses[-1].amount if carries and before is not None else 1.0
    leftovers = found.unused(entry)
    if leftovers:
        raise refusal(leftovers, f"does not go with {entry.name.replace('_', ' ')}")
    clause = Clause(entry.name, direction if entry.signed else 0, amount, given, region, (), words)
    sign = direction * (found.nouns[0].sign if found.nouns and not found.ops else 1)
    return Reading(
        (clause,), words, shares_verb=shared, form=form, leads=found.amount_leads, sign=sign,
        region=_explicit(region),
    )  # fmt: skip


def _explicit(region: str) -> str | None:
    return None if region == "whole" else region


def _shadow_or_light(found: Gathered, entry: Operation) -> Operation:
    """Exposure of the shadows or the highlights alone is the operation of that name."""
    if entry.name == "exposure":
        for tone in ("shadows", "highlights"):
            if tone in found.regions:
                found.regions.remove(tone)
                return OPERATIONS[tone]
    return entry


def _of_a_colour(entry: Operation, found: Gathered, before: Reading | None) -> Operation:
    """Vibrance spares strong colours, which one colour alone ("make the greens more vibrant") is not for."""
    places = found.regions or ([before.region] if before is not None and before.region else [])
    coloured = entry.name == "vibrance" and any(place.startswith("colour:") for place in places)
    return OPERATIONS["saturation"] if coloured and not found.says_whole else entry


def _direction(
    found: Gathered, entry: Operation, words: str, before: Reading | None, joiner: str
) -> tuple[Operation, int, bool]:
    """(operation, direction, whether the verb was taken from the part before)."""
    turns = 1
    for sign in (*found.turns, *found.verbs):
        turns *= sign
    shared = False
    if found.factor is not None and found.factor < 1 and not (found.turns or found.verbs):
        turns = -turns
    if found.ops:
        turns *= _complaint(found, words)
        sign = found.ops[0].sign * turns
        if any(s.sign * turns != sign for s in found.ops):
            raise refusal([words], "these contradict each other; ask for one of them")
        if found.signed and found.quantity is not None and found.number_sign < 0:
            raise refusal([words], "a negative amount of a direction; say the direction and a plain amount")
    else:
        sign = (found.nouns[0].sign if found.nouns else 1) * turns
        if found.number_sign and not found.turns:
            sign *= found.number_sign
        own = found.turns or found.verbs or found.number_sign or found.factor is not None
        if not own and before is not None and before.form == "noun" and joiner in ("and", "comma"):
            sign, shared = (found.nouns[0].sign if found.nouns else 1) * before.sign, True
        elif not own and entry.signed and not found.amounts:
            raise refusal([words], f'say more or less: "{_less_more(entry)}"')
    if sign < 0 and not entry.signed:
        if entry.opposite is None:
            raise refusal([words], f"{entry.name.replace('_', ' ')} can be added, not taken away")
        return OPERATIONS[entry.opposite], 1, shared
    return entry, sign, shared


def _complaint(found: Gathered, words: str) -> int:
    """-1 where the part says what is wrong ("it looks washed out"), 1 where it says what is wanted.

    Refused where that is not clear: "the photo is dark" may be meant either way.
    """
    if found.turns or found.verbs or found.neutral or found.ops[0].form != "adjective":
        return 1
    if found.op_words[0] in w.MISTAKES:
        return -1
    if not found.heard & w.STATING or found.heard & {"should", "want", "like", "need", "too", "less"}:
        return 1
    if found.op_words[0] in w.FAULTS:
        return -1
    adjective = found.op_words[0]
    raise refusal([words], f'say what is to be done: "make it {adjective}" or "it is too {adjective}"')


def _less_more(entry: Operation) -> str:
    name = entry.nouns[0] if entry.nouns else entry.name.replace("_", " ")
    return f'increase the {name}" or "reduce the {name}'


def _region(found: Gathered, entry: Operation, words: str, before: Reading | None) -> str:
    regions = list(dict.fromkeys(found.regions))
    if set(regions) == {"subject", "faces"}:
        regions = ["faces"]  # "the man's face"
    if len(regions) > 1:
        raise refusal([words], f"more than one place ({' and '.join(regions)}); name one, or two edits")
    if regions:
        _allow(entry, regions[0], words)
        return regions[0]
    if not found.says_whole and before is not None and before.region and entry.allows(before.region):
        return before.region
    return "whole"


def _allow(entry: Operation, region: str, words: str) -> None:
    if region == "whole" or entry.allows(region):
        return
    places = ", ".join(sorted(entry.regions - {"whole"})) or "the whole picture only"
    place = region.replace("colour:", "the colour ")
    raise refusal([words], f"{entry.name.replace('_', ' ')} cannot be limited to {place}; it knows {places}")


def _amount(found: Gathered, entry: Operation, direction: int, words: str) -> tuple[float | None, str | None]:
    """(amount or None where nothing was said, the quantity as given or None)."""
    if len(set(found.amounts)) > 1:
        raise refusal([words], "two different amounts; give one")
    given = _given(found, entry, words)
    if given is None:
        return (found.amounts[0], None) if found.amounts else (None, None)
    amount = entry.amount(given, direction)
    if not 0 < amount <= entry.limit:
        unit, _, number = entry.quantity(entry.limit, _unit(given, entry), direction).partition(":")
        most = f"{number} {unit}"
        raise refusal([words], f"the amount is out of range; the most is {most}")
    return amount, given


def _unit(given: str, entry: Operation) -> str:
    unit = given.partition(":")[0]
    return unit if unit in ("percent", "stops", "degrees") else entry.precise_unit


def _given(found: Gathered, entry: Operation, words: str) -> str | None:
    if found.factor is not None:
        if found.quantity is not None:
            raise refusal([words], "two different amounts; give one")
        if "times" not in entry.units or (found.factor < 1 and entry.name not in w.RATIOS):
            raise refusal([words], 'give the amount as "slightly", "much" or a percentage')
        return f"times:{found.factor:g}"
    if found.quantity is None:
        return None
    number, unit = found.quantity
    # "by 20" is a percentage; "by 2" might be stops or times.
    unit = unit or (entry.bare if found.number_sign or entry.bare != "percent" or number >= 5 else "")
    if unit not in entry.units:
        said = f"{number:g} {unit}".strip()
        raise refusal([words], f'"{said}" is no amount of it; it takes {", ".join(entry.units) or "none"}')
    if found.absolute:
        if entry.name not in w.RATIOS or unit != "percent" or number == 100:
            raise refusal([words], 'say by how much ("by 30 %"), not to what')
        sense = 1 if number > 100 else -1
        turn = 1
        for sign in (*found.turns, *found.verbs):
            turn *= sign
        if sense != turn:
            raise refusal(
                [words], f"{number:g} % is {'more' if sense > 0 else 'less'} than it has now (100 %)"
            )
        number = abs(number - 100)
    return f"{unit}:{number:g}"
