"""From a sentence to clauses. Every word must be accounted for, or the sentence is refused as a whole.

A sentence is cut at commas, "and", "but", "then" and full stops. Inside a run without "then", ";" or
a full stop, a later clause may leave out what an earlier one said: the region ("make the background
darker and blurry"; "it" is then the background), the verb ("increase the contrast and saturation"),
the operation ("brighten the subject and the sky") or the amount word ("slightly brighter and warmer").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from thinkedit.adapters.vocabulary.clause import Clause
from thinkedit.adapters.vocabulary.meaning import Reading, read
from thinkedit.adapters.vocabulary.refusal import refusal
from thinkedit.adapters.vocabulary.tokens import Sense, Tagged, tag

__all__ = ["parse"]

_KEPT = {"filler", "whole", "it", "untouched", "region", "thing", "colour", "neutral"}
_COLOURLESS = {"black_and_white", "sepia", "pencil"}
_COLOURING = {"saturation", "vibrance", "recolour", "vintage", "colour_sketch"}


def parse(text: str) -> tuple[Clause, ...]:
    """The clauses of a sentence, in its order.

    Raises UnsupportedEdit, naming the words, for anything not understood, for a contradiction and for
    an ambiguity; never returns part of what was asked.
    """
    tags = tag(text)
    unknown = list(_unknown(tags, text))
    if unknown:
        raise refusal(unknown, sentence=text)
    clauses: list[Clause] = []
    run: list[Reading] = []
    for joiner, part in _parts(_places_shared(tags)):
        if joiner == "stop":
            run = []
        for piece in _around_keep(part):
            if all(t.sense.kind in ("filler", "whole", "it", "to", "with", "neutral") for t in piece):
                if _wordless(piece):
                    continue
                raise refusal([_text(piece, text)], sentence=text)
            reading = read(piece, _text(piece, text), run[-1] if run else None, joiner)
            clauses = _join(clauses, run, reading, joiner)
            if reading.clauses:
                run.append(reading)
    if clauses and all(c.operation == "protect" for c in clauses):
        raise refusal([c.words for c in clauses], "it is said what to keep, not what to change")
    if not clauses:
        raise refusal([text.strip()] if text.strip() else [], sentence=text)
    return _consistent(_narrowed(clauses))


def _narrowed(clauses: Sequence[Clause]) -> list[Clause]:
    """What is asked of everything but the subject is asked of the background, and the other way round."""
    kept = {c.region for c in clauses if c.operation == "protect"} & {"subject", "background"}
    if len(kept) != 1:
        return list(clauses)
    rest = "background" if "subject" in kept else "subject"
    return [
        replace(c, region=rest) if c.region == "whole" and c.table_entry.allows(rest) and not c.options else c
        for c in clauses
    ]


def _places_shared(tags: Sequence[Tagged]) -> list[Tagged]:
    """ "Make the sky and the background darker" as "make the sky darker and the background darker"."""
    parts: list[list[Tagged]] = [[]]
    for one in tags:
        if one.sense.kind in ("split", "stop"):
            parts += [[one], []]
        else:
            parts[-1].append(one)
    for at in range(0, len(parts) - 2, 2):
        here, joint, after = parts[at], parts[at + 1][0], parts[at + 2]
        kinds = {t.sense.kind for t in here}
        bare = (
            kinds <= {"neutral", "region", "thing", "filler", "it", "whole"}
            and {"neutral", "region"} <= kinds
        )
        if bare and joint.sense == Sense("split") and any(t.sense.kind == "region" for t in after):
            parts[at] = here + [
                t for t in after if t.sense.kind in ("op", "amount", "turn", "number", "unit", "verb")
            ]
    return [one for part in parts for one in part]


def _unknown(tags: Sequence[Tagged], text: str) -> Iterator[str]:
    """Runs of words that nothing is known about, as written."""
    start: int | None = None
    for at, one in enumerate(tags):
        if one.sense.kind == "unknown" and start is None:
            start = at
        last = at + 1 == len(tags) or tags[at + 1].sense.kind != "unknown"
        if start is not None and last:
            yield text[tags[start].start : one.end]
            start = None


def _wordless(piece: Sequence[Tagged]) -> bool:
    """Politeness, or a verb and an "it" that say nothing by themselves ("please", "I'd like the photo")."""
    return not any(t.sense.kind == "neutral" for t in piece) or len(piece) == 1


def _parts(tags: Sequence[Tagged]) -> Iterator[tuple[str, list[Tagged]]]:
    """The sentence cut at its joints: (how the part is joined to the one before it, its phrases)."""
    joiner, part = "stop", list[Tagged]()
    for one in tags:
        if one.sense.kind not in ("stop", "split"):
            part.append(one)
            continue
        if part and _open_gradient(part):
            continue
        if part:
            yield joiner, part
            joiner, part = "", []
        if one.sense.kind == "stop":
            joiner = "stop"
        elif joiner != "stop":
            said = one.text.lower()
            joiner = "but" if said.startswith("but") else joiner or ("comma" if one.sense.value else "and")
    if part:
        yield joiner, part


def _open_gradient(part: Sequence[Tagged]) -> bool:
    """Whether the part is "... a gradient between red", whose other end comes after the "and"."""
    gradient = any(t.sense.value == "with=gradient" for t in part)
    return gradient and part[-1].sense.kind == "colour" and sum(t.sense.kind == "colour" for t in part) == 1


def _around_keep(part: list[Tagged]) -> list[list[Tagged]]:
    """A part in two where it says what to keep in its middle: "warm it up without changing the skin"."""
    at = next((i for i, t in enumerate(part) if t.sense.kind == "keep"), None)
    if at is None:
        return [part]
    end, found = at + 1, False
    while end < len(part) and (part[end].sense.kind in _KEPT or _hues(part[end])):
        if found and part[end].sense.kind not in ("untouched", "filler", "thing"):
            break
        found = found or part[end].sense.kind in ("region", "thing") or _hues(part[end])
        end += 1
    rest = part[:at] + part[end:]
    return [piece for piece in (rest, part[at:end]) if piece]


def _hues(one: Tagged) -> bool:
    return one.sense.kind == "noun" and one.sense.value == "saturation"


def _text(piece: Sequence[Tagged], text: str) -> str:
    start, end = min(t.start for t in piece), max(t.end for t in piece)
    return " ".join(text[start:end].split())


def _join(clauses: list[Clause], run: Sequence[Reading], reading: Reading, joiner: str) -> list[Clause]:
    """The clauses so far and the new ones, with an amount that one said and the others left out."""
    if reading.amount_only is not None:
        plain = sum(len(earlier.clauses) for earlier in run)
        if not plain:
            raise refusal([reading.words], "an amount without an edit; say what is to change")
        amount = reading.amount_only
        before, after = clauses[:-plain], clauses[-plain:]
        return before + [replace(c, amount=amount) if _plain(c) else c for c in after]
    if reading.shares_verb and joiner in ("and", "comma") and run:
        said = reading.clauses[0]
        earlier = len(run[-1].clauses)
        if not _plain(said) and all(_plain(c) for c in run[-1].clauses):
            clauses = clauses[:-earlier] + [_with_amount_of(said, c) for c in clauses[-earlier:]]
    return clauses + list(reading.clauses)


def _plain(clause: Clause) -> bool:
    return clause.given is None and clause.amount == 1.0 and clause.operation != "protect"


def _with_amount_of(said: Clause, clause: Clause) -> Clause:
    """The clause with the amount that stands after both ("increase contrast and saturation by 20 %")."""
    if said.given is None:
        return replace(clause, amount=said.amount)
    if said.given.partition(":")[0] not in clause.table_entry.units:
        return clause
    return replace(clause, given=said.given, amount=clause.table_entry.amount(said.given, clause.direction))


def _consistent(clauses: Sequence[Clause]) -> tuple[Clause, ...]:
    """The clauses without repetition; refused where two of them cannot both be done."""
    kept: list[Clause] = []
    for new in clauses:
        if new in kept:
            continue
        for old in kept:
            _agree(old, new)
        kept.append(new)
    return tuple(kept)


def _agree(old: Clause, new: Clause) -> None:
    both = [old.words or old.operation, new.words or new.operation]
    kept, other = (old, new) if old.operation == "protect" else (new, old)
    if kept.operation == "protect" and other.operation != "protect":
        colouring = kept.region == "colours" and other.table_entry.group == "colour"
        if colouring or kept.region == other.region:
            raise refusal(both, "these contradict each other: what is kept cannot be changed")
    if old.operation == new.operation == "crop" and not (old.option("off") and new.option("off")):
        raise refusal(both, "more than one format; name one")
    if old.region != new.region:
        return
    if old.operation == new.operation:
        if old.direction == -new.direction and new.direction:
            raise refusal(both, "these contradict each other; ask for one of them")
        if old.operation in ("caption", "protect") and old.options != new.options:
            return
        raise refusal(both, "the same edit asked for twice with different amounts; ask for one of them")
    pair = {old.operation, new.operation}
    if pair == {"blur", "sharpen"} or (pair & _COLOURLESS and pair & _COLOURING):
        raise refusal(both, "these contradict each other; ask for one of them")
