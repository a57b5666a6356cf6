"""The reasoning, in numbers that a person understands, and reading such numbers back from earlier turns."""

from __future__ import annotations

import re
from collections.abc import Sequence

from thinkedit.adapters.thinkers.measured.readings import Reading, State
from thinkedit.adapters.thinkers.measured.regions import region_name
from thinkedit.adapters.thinkers.measured.verdict import Verdict

__all__ = ["reasoning", "value_said"]

_ENDINGS = {
    State.WRONG: "the opposite of what was asked",
    State.MISSING: "hardly visible",
    State.UNDER: "too little",
    State.RIGHT: "as asked",
    State.OVER: "too much",
}


def _subject(reading: Reading) -> str:
    where = reading.clause.region
    placed = "" if where == "whole" or reading.level else f" of {region_name(where)}"
    return f"{reading.noun}{placed}"


def _number(value: float) -> str:
    return f"{value:.1f}" if abs(value) < 10 else f"{value:.0f}"


def _sentence(reading: Reading) -> str:
    name = _subject(reading)
    if reading.goal == 0 and reading.low <= 0:
        return f"{name}: {reading.note or 'nothing to change'}"
    value = abs(reading.value) if abs(reading.value) >= 0.05 else 0.0
    moved = "rose by" if (reading.value >= 0) == reading.rises else "fell by"
    verb = "is" if reading.level else moved
    unit = f" {reading.unit}" if reading.unit else ""
    said = f"{name} {verb} {_number(value)} of the {_number(reading.goal)}{unit} wanted"
    said = f"{said}, {_ENDINGS[reading.state]}"
    return f"{said} ({reading.note})" if reading.note else said


def reasoning(verdict: Verdict, remarks: Sequence[str] = ()) -> str:
    """One sentence for each wish, then what was damaged, then remarks."""
    said = [_sentence(reading) for reading in verdict.readings]
    harm = sorted((guard for guard in verdict.guards if guard.tripped), key=lambda guard: guard.score)
    near = [guard for guard in verdict.guards if not guard.tripped and guard.score < 8.8]
    said += [guard.said for guard in harm]
    said += [f"{guard.said}, which is tolerable" for guard in near]
    if not harm and not near:
        said.append("no damage found")
    said += remarks
    return " ".join(f"{sentence[0].upper()}{sentence[1:]}." for sentence in said if sentence)


def value_said(text: str, reading: Reading) -> float | None:
    """The value of the same reading in an earlier turn's reasoning, in the wanted direction, or None."""
    found = re.search(
        rf"(?:^|\s){re.escape(_subject(reading))} (rose by|fell by|is) (\d+(?:\.\d+)?) of the ",
        text,
        re.IGNORECASE,
    )
    if found is None:
        return None
    value = float(found[2])
    if found[1].lower() == "is":
        return value
    return value if (found[1].lower() == "rose by") == reading.rises else -value
