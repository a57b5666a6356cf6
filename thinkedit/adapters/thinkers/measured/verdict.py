"""From readings and guards to the two scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from thinkedit.adapters.thinkers.measured.readings import Guard, Reading, State
from thinkedit.types import Preservation

__all__ = ["Verdict", "judge"]

GOOD = 8.0


@dataclass(frozen=True)
class Verdict:
    """semantic: is each wish there, in the right amount and place; quality: is the picture unharmed. 0-10."""

    semantic: float
    quality: float
    readings: tuple[Reading, ...]
    guards: tuple[Guard, ...]
    preservation: Preservation

    @property
    def kind(self) -> str:
        """The finding in one word: right, under, over or damaged. Damage weighs more than amount."""
        states = {reading.state for reading in self.readings}
        if any(guard.tripped and guard.cure != "protect:highlights" for guard in self.guards):
            return "over" if State.OVER in states else "damaged"
        if State.OVER in states or any(guard.tripped for guard in self.guards):
            return "over"
        return "right" if states <= {State.RIGHT} else "under"


def _blend(scores: Sequence[float]) -> float:
    """The worst score decides whether it is good; how good, or how bad, the others say too."""
    if not scores:
        return 10.0
    worst, mean = min(scores), sum(scores) / len(scores)
    if worst >= GOOD:
        return 0.5 * (worst + mean)
    return min(GOOD - 0.1, 0.75 * worst + 0.25 * mean)


def judge(readings: Sequence[Reading], guards: Sequence[Guard], preservation: Preservation) -> Verdict:
    """The scores, rounded to a tenth; 8 and more only where every reading and every guard is."""
    return Verdict(
        round(_blend([reading.score for reading in readings]), 1),
        round(_blend([guard.score for guard in guards]), 1),
        tuple(readings),
        tuple(guards),
        preservation,
    )
