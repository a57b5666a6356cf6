"""One wish out of a sentence, as the editor and the thinker both read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from thinkedit.adapters.vocabulary.operations import OPERATIONS, Operation

__all__ = ["Clause", "with_amount"]


@dataclass(frozen=True)
class Clause:
    """One operation with its direction, amount, region and options.

    operation: a key of OPERATIONS, or `protect`.
    direction: +1 more, -1 less, 0 for an effect that has neither.
    amount: in units of the operation's plain amount, so 1.0 is what the bare word asks for.
    given: the quantity as written, `unit:number` (`stops:1`, `percent:30`), None for amount words.
    region: whole, subject, background, sky, top, bottom, left, right, centre, shadows, highlights,
        faces, or `colour:NAME`; for `protect` also `colours`.
    options: sorted pairs, such as (("colour", "blue"),).
    words: the clause as it was written; two clauses that differ only here are equal.
    """

    operation: str
    direction: int = 0
    amount: float = 1.0
    given: str | None = None
    region: str = "whole"
    options: tuple[tuple[str, str], ...] = ()
    words: str = field(default="", compare=False)

    @property
    def table_entry(self) -> Operation:
        return OPERATIONS[self.operation]

    def option(self, key: str) -> str | None:
        return self.as_mapping().get(key)

    def as_mapping(self) -> Mapping[str, str]:
        return dict(self.options)


def with_amount(clause: Clause, amount: float) -> Clause:
    """The same wish with another amount, given so precisely that `phrase` and `parse` keep it.

    amount: in units of the plain amount, brought into the operation's range. A quantity that was
    given in stops, degrees or pixels stays in that unit.
    """
    entry = clause.table_entry
    unit = clause.given.partition(":")[0] if clause.given else entry.precise_unit
    if unit == "times":
        unit = entry.precise_unit
    given = entry.quantity(min(max(amount, 0.0), entry.limit), unit, clause.direction)
    return replace(clause, given=given, amount=entry.amount(given, clause.direction), words="")
