"""The next prompt: the same wishes with amounts that should reach their aims, and protections where it hurt.

What an amount does to this photograph is known at a few points: nothing asked gives nothing, the amount
of this turn gave what was measured, and earlier turns gave what their reasonings say. Between two points
the aim is interpolated, beyond them extrapolated along the last secant, within a factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from thinkedit.adapters.base import Past
from thinkedit.adapters.thinkers.measured.readings import Guard, Reading, State
from thinkedit.adapters.thinkers.measured.verdict import Verdict
from thinkedit.adapters.thinkers.measured.words import value_said
from thinkedit.adapters.vocabulary import OPERATIONS, Clause, parse, phrase, with_amount
from thinkedit.errors import UnsupportedEdit

__all__ = ["next_prompt", "reworded", "understood"]

FARTHEST = 2.5
"""An amount is not asked for that is more than this many times, or less than its inverse, the present one."""
LONGEST = 4000

_OPPOSITES = {
    "subject": "background", "background": "subject", "top": "bottom", "bottom": "top", "left": "right",
    "right": "left", "sky": "bottom", "shadows": "highlights", "highlights": "shadows",
}  # fmt: skip


def understood(prompt: str) -> tuple[Clause, ...] | None:
    """The prompt's clauses, or None where it is not in the vocabulary (another editor's prompt)."""
    try:
        return parse(prompt)
    except UnsupportedEdit:
        return None


def _same_wish(one: Clause, other: Clause) -> bool:
    return (one.operation, one.region, one.direction, one.options) == (
        other.operation, other.region, other.direction, other.options,
    )  # fmt: skip


def _asked(wish: Clause, clauses: Sequence[Clause] | None) -> Clause:
    """The wish as a prompt put it; as instructed where the prompt does not have it."""
    return next((clause for clause in clauses or () if _same_wish(wish, clause)), wish)


@dataclass(frozen=True)
class _Response:
    """Known points (amount, value) of one reading, by amount; the origin among them."""

    points: tuple[tuple[float, float], ...]

    def amount_for(self, aim: float, now: float) -> float:
        """The amount that should give the aim; at most FARTHEST times away from the present amount."""
        best = None
        for (a0, v0), (a1, v1) in zip(self.points, self.points[1:], strict=False):
            if min(v0, v1) <= aim <= max(v0, v1) and v1 != v0:
                best = a0 + (aim - v0) * (a1 - a0) / (v1 - v0)
                break
        if best is None:
            (a0, v0), (a1, v1) = self.points[-2], self.points[-1]
            slope = (v1 - v0) / (a1 - a0) if a1 > a0 else 0.0
            # Without a response a clear step is taken, and the next turn will know more.
            best = a1 + (aim - v1) / slope if slope > 1e-6 else a1 * FARTHEST
        return min(max(best, now / FARTHEST), now * FARTHEST)


def _response(reading: Reading, now: float, history: Sequence[Past]) -> _Response:
    points = {0.0: 0.0}
    for past in history:
        clauses = understood(past.prompt)
        value = value_said(past.reasoning, reading)
        if past.error is None and clauses is not None and value is not None:
            points[_asked(reading.clause, clauses).amount] = value
    points[now] = reading.value
    return _Response(tuple(sorted(points.items())))


def _aim(reading: Reading, hurt: bool) -> float | None:
    """The value to go for, or None where the amount should stay."""
    if not reading.adjustable:
        return None
    if hurt:  # less of the same, but still enough of it
        gentle = reading.low + 0.15 * (reading.goal - reading.low)
        return gentle if reading.value > gentle * 1.05 else None
    if reading.state is State.RIGHT:
        return None
    if reading.state is State.OVER:
        return reading.goal + 0.25 * (reading.high - reading.goal)
    return reading.goal


def _protections(
    guards: Sequence[Guard], wishes: Sequence[Clause], present: Sequence[Clause]
) -> list[Clause]:
    have = {clause.region for clause in present if clause.operation == "protect"}
    wanted = []
    for guard in guards:
        if not guard.tripped:
            continue
        if guard.cure.startswith("protect:"):
            wanted.append(guard.cure.partition(":")[2])
        elif guard.cure == "region":
            regions = {clause.region for clause in wishes if clause.operation != "protect"}
            if len(regions) == 1:
                wanted.append(_OPPOSITES.get(next(iter(regions)), ""))
    if all(clause.operation in ("contrast", "protect") for clause in wishes):
        return []  # contrast is made at both ends of the scale: less of it is the only cure
    clash = {clause.region for clause in wishes if clause.operation != "protect"}
    ends = {clause.operation for clause in wishes}
    return [
        Clause("protect", region=region)
        for region in dict.fromkeys(wanted)
        if region and region not in have and region not in clash and region not in ends
    ]


def next_prompt(wishes: Sequence[Clause], prompt: str, verdict: Verdict, history: Sequence[Past] = ()) -> str:
    """A better wording, or the prompt itself where there is none to be had.

    Amounts move towards the aims first; where harm came with a right amount, protections come first and
    less of it after. A wording that was tried before is not proposed again, so the loop comes to an end.
    """
    present = understood(prompt)
    base = [_asked(wish, present) for wish in wishes]
    kept = [c for c in present or () if c.operation == "protect" and c not in base]
    added = _protections(verdict.guards, wishes, [*base, *kept])
    hurt = any(
        guard.tripped and (guard.cure == "less" or (guard.cure.startswith("protect") and not added))
        for guard in verdict.guards
    )
    moved = [_moved(wish, clause, verdict, history, hurt) for wish, clause in zip(wishes, base, strict=True)]
    tried = {prompt.strip(), *(past.prompt.strip() for past in history)}
    for clauses in ([*moved, *kept, *added], [*moved, *kept], [*base, *kept, *added]):
        proposal = phrase(clauses)
        if proposal not in tried and len(proposal) <= LONGEST and not _known(clauses, tried):
            return proposal
    return prompt


def _moved(wish: Clause, clause: Clause, verdict: Verdict, history: Sequence[Past], hurt: bool) -> Clause:
    if wish.operation == "protect" or not _scalable(wish):
        return clause
    readings = [reading for reading in verdict.readings if reading.clause == wish]
    for reading in sorted(readings, key=lambda reading: reading.score):
        aim = _aim(reading, hurt)
        if aim is None or clause.amount <= 0:
            continue
        amount = _response(reading, clause.amount, history).amount_for(aim, clause.amount)
        if abs(amount - clause.amount) > 0.04 * clause.amount:
            return with_amount(clause, amount)
    return clause


def _scalable(wish: Clause) -> bool:
    """Whether the operation takes an amount that the thinker may change."""
    units = OPERATIONS[wish.operation].units
    return bool(units) and wish.operation not in ("crop", "rotate", "border")


def _known(clauses: Sequence[Clause], tried: set[str]) -> bool:
    """Whether a tried prompt says the same in other words."""
    bare = [replace(clause, words="") for clause in clauses]
    for prompt in tried:
        other = understood(prompt)
        if (
            other is not None
            and len(other) == len(bare)
            and all(
                _same_wish(a, b) and abs(a.amount - b.amount) <= 0.02 * max(a.amount, 0.1)
                for a, b in zip(bare, other, strict=True)
            )
        ):
            return True
    return False


def reworded(wishes: Sequence[Clause], instruction: str, prompt: str, history: Sequence[Past]) -> str:
    """Another wording after the editor refused the prompt: the plain one, or one that worked."""
    refused = {prompt.strip(), *(past.prompt.strip() for past in history if past.error is not None)}
    worked = [past.prompt for past in history if past.error is None]
    bare = [clause for clause in wishes if clause.operation != "protect"]
    for proposal in (phrase(wishes), instruction, phrase(bare) if bare else "", *reversed(worked)):
        if proposal and proposal.strip() not in refused:
            return proposal
    return prompt
