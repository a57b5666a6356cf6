"""The next prompt: the same wishes with amounts that should reach their aims, and protections where it hurt.

What an amount does to this photograph is known at a few points: the amount of this turn gave what was
measured, earlier turns gave what their reasonings say, and a wish that stands alone gives nothing where
nothing is asked. Between two points the aim is interpolated, beyond them extrapolated along the last
secant, within a factor. Beside other wishes the reading may be moved by those, so it is taken as an offset
and a slope: with one point known, the slope is the one that the words promise. An amount that was changed
without the reading following goes back to the instruction's own.
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

MOST, LEAST = 2.0, 0.4
"""A wish that stands alone is not asked for by more, or less, than this many times its present amount."""
STEP = (0.5, 1.5)
"""The same, at least and at most, for a wish that others stand beside."""
RAISED = 1.2
"""How many times as much light is asked for, where highlights are to be left out of it from now on."""
LIGHTS = ("exposure", "gamma")
CASTS = ("warmth", "tint", "sepia", "vintage")
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
    """Known points (amount, value) of one reading, by amount; the origin among them for a wish that is alone.

    promised: the slope that the instruction's words stand for: their aim for their amount. alone: whether no
    other wish can have moved the reading.
    """

    points: tuple[tuple[float, float], ...]
    promised: float
    alone: bool

    def amount_for(self, aim: float, now: float) -> float | None:
        """The amount that should give the aim, within a step; None where the reading does not follow it."""
        best = self._between(aim)
        if best is None and len(self.points) > 1:
            (a0, v0), (a1, v1) = self.points[-2:] if aim > self.points[-1][1] else self.points[:2]
            slope = (v1 - v0) / (a1 - a0)
            if slope > 0.05 * self.promised:
                best = a1 + (aim - v1) / slope
            elif len(self.points) > (2 if self.alone else 1):
                return None
        if best is None:
            amount, value = self.points[-1]
            best = amount + (aim - value) / max(self.promised, 1e-6)
        least, most = (LEAST, MOST) if self.alone else STEP
        return min(max(best, now * least), now * most)

    def _between(self, aim: float) -> float | None:
        for (a0, v0), (a1, v1) in zip(self.points, self.points[1:], strict=False):
            if v0 <= aim <= v1 and v1 - v0 > 1e-6:
                return a0 + (aim - v0) * (a1 - a0) / (v1 - v0)
        return None


def _response(reading: Reading, now: float, history: Sequence[Past], alone: bool) -> _Response:
    points = {0.0: 0.0} if alone else {}
    for past in history:
        clauses = understood(past.prompt)
        value = value_said(past.reasoning, reading)
        if past.error is None and clauses is not None and value is not None:
            points[round(_asked(reading.clause, clauses).amount, 4)] = value
    points[round(now, 4)] = reading.value
    promised = reading.goal / max(reading.clause.amount, 1e-6)
    return _Response(tuple(sorted(points.items())), promised, alone)


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
    lights = [c.operation in LIGHTS and c.direction >= 0 for c in wishes]
    dim = False
    if any(lights) and any(c.operation in CASTS for c in wishes):
        # Highlights left out of a change of colour as well would make a picture of two colours.
        dim = any(clause.region == "highlights" for clause in added)
        added = [clause for clause in added if clause.region != "highlights"]
    hurt = any(
        guard.tripped
        and (guard.cure == "less" or (guard.cure.startswith("protect") and not added and not dim))
        for guard in verdict.guards
    )
    moved = [
        _moved(wish, clause, verdict, history, hurt or (dim and light))
        for wish, clause, light in zip(wishes, base, lights, strict=True)
    ]
    if any(clause.region == "highlights" for clause in added):
        moved = [_raised(c, verdict) if c == b else c for c, b in zip(moved, base, strict=True)]
    tried = {prompt.strip(), *(past.prompt.strip() for past in history)}
    for clauses in ([*moved, *kept, *added], [*moved, *kept], [*base, *kept, *added]):
        proposal = phrase(clauses)
        if proposal not in tried and len(proposal) <= LONGEST and not _known(clauses, tried):
            return proposal
    return prompt


def _moved(wish: Clause, clause: Clause, verdict: Verdict, history: Sequence[Past], hurt: bool) -> Clause:
    if wish.operation == "protect" or not _scalable(wish):
        return clause
    alone = all(reading.clause == wish for reading in verdict.readings)
    readings = [reading for reading in verdict.readings if reading.clause == wish]
    for reading in sorted(readings, key=lambda reading: reading.score):
        aim = _aim(reading, hurt)
        if aim is None or clause.amount <= 0:
            continue
        amount = _response(reading, clause.amount, history, alone).amount_for(aim, clause.amount)
        if amount is None:
            return wish
        if abs(amount - clause.amount) > 0.04 * clause.amount:
            return with_amount(clause, amount)
    return clause


def _raised(clause: Clause, verdict: Verdict) -> Clause:
    """A little more light for the rest, where highlights are left out from now on; said amounts stand."""
    if clause.operation not in ("exposure", "gamma") or clause.given or clause.direction < 0:
        return clause
    low = any(r.clause.operation == clause.operation and r.value < 1.3 * r.goal for r in verdict.readings)
    return with_amount(clause, RAISED * clause.amount) if low else clause


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
