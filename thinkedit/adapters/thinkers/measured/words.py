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
MUCH, LITTLE = 1.5, 0.6
"""Times the aim from where on a person would not simply say "as asked", though it is within the band."""


def _subject(reading: Reading) -> str:
    where = reading.clause.region
    placed = "" if where == "whole" or reading.level else f" of {region_name(where)}"
    return f"{reading.noun}{placed}"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if abs(value) < 10 else f"{value:.0f}"


def _wanted(reading: Reading) -> str:
    """The aim with its unit: "9 points wanted (0-100)", "1 stop wanted"."""
    number = _number(reading.goal)
    unit, _, scale = reading.unit.partition(" (")
    unit = unit.removesuffix("s") if number == "1" else unit
    return f"{number}{' ' if unit else ''}{unit} wanted{f' ({scale}' if scale else ''}"


def _ending(reading: Reading) -> str:
    if reading.state is State.RIGHT and reading.goal > 0:
        if reading.value > MUCH * reading.goal:
            return "rather much, within what was asked"
        if reading.value < LITTLE * reading.goal:
            return "rather little, within what was asked"
    return _ENDINGS[reading.state]


def _range(reading: Reading) -> str:
    """What is fine: "60 to 140 is fine", without an end that cannot be passed."""
    low, high = _number(reading.low), _number(reading.high)
    if reading.unit == "%" and 100 <= reading.high <= 110:
        return f"{low} and more is fine"
    return f"up to {high} is fine" if reading.low <= 0 else f"{low} to {high} is fine"


def _ranged(reading: Reading, name: str) -> str:
    unit = reading.unit.partition(" (")[0]
    unit = f" {unit}" if unit else ""
    ending = "" if reading.state is State.RIGHT else f", {_ENDINGS[reading.state]}"
    noted = f"; {reading.note}" if reading.note else ""
    value = min(reading.value, 100.0) if _range(reading).endswith("more is fine") else reading.value
    return f"{name}: {_number(value)}{unit}{ending} ({_range(reading)}{noted})"


def _sentence(reading: Reading) -> str:
    name = _subject(reading)
    if reading.goal == 0 and reading.low <= 0:
        return f"{name}: {reading.note or 'nothing to change'}"
    if reading.level and (reading.low, reading.goal) == (99, 100):
        return f"{name}: {'yes' if reading.state is State.RIGHT else 'no'}"
    if reading.ranged:
        return _ranged(reading, name)
    value = abs(reading.value) if abs(reading.value) >= 0.05 else 0.0
    moved = "rose by" if (reading.value >= 0) == reading.rises else "fell by"
    verb = "is" if reading.level else moved
    said = f"{name} {verb} {_number(value)} of the {_wanted(reading)}, {_ending(reading)}"
    return f"{said} ({reading.note})" if reading.note else said


def reasoning(verdict: Verdict, remarks: Sequence[str] = ()) -> str:
    """One sentence for each wish, then what was damaged, then remarks."""
    said = [_sentence(reading) for reading in verdict.readings]
    harm = sorted((guard for guard in verdict.guards if guard.tripped), key=lambda guard: guard.score)
    near = [guard for guard in verdict.guards if not guard.tripped and guard.score < 8.8]
    said += [guard.said for guard in harm]
    said += [f"{guard.said}, which is tolerable" for guard in near if not guard.doubt]
    if not harm and all(guard.doubt for guard in near):
        said.append("no damage found")
    said += [guard.said for guard in near if guard.doubt]
    said += remarks
    return " ".join(f"{sentence[0].upper()}{sentence[1:]}." for sentence in said if sentence)


def value_said(text: str, reading: Reading) -> float | None:
    """The value of the same reading in an earlier turn's reasoning, in the wanted direction, or None."""
    found = re.search(
        rf"(?:^|\s){re.escape(_subject(reading))}"
        r"(?: (rose by|fell by|is) (\d+(?:\.\d+)?) of the |(:) (-?\d+(?:\.\d+)?))",
        text,
        re.IGNORECASE,
    )
    if found is None:
        return None
    if found[3]:
        return float(found[4])
    value = float(found[2])
    if found[1].lower() == "is":
        return value
    return value if (found[1].lower() == "rose by") == reading.rises else -value
