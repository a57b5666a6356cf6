"""What was measured against what was wanted: readings of each wish, and guards against damage."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from thinkedit.adapters.vocabulary import Clause

__all__ = ["SEEN", "Guard", "Reading", "State"]


SEEN = "below 2.3 is not seen"
"""What a number of CIEDE2000 means to a person: the difference that is just seen in a picture."""


class State(StrEnum):
    """How far a wish came. `wrong` is the opposite of what was asked for."""

    WRONG = "wrong"
    MISSING = "missing"
    UNDER = "under"
    RIGHT = "right"
    OVER = "over"


@dataclass(frozen=True)
class Reading:
    """One wish as measured on the result.

    noun: what is measured, as a person calls it. rises: whether the wish is for more of it.
    value: change in the wanted direction, in `unit`; 0 where nothing happened.
    low, goal, high: the band that a person accepts, and its aim; low <= goal <= high.
    adjustable: whether asking for another amount can bring the value nearer.
    level: whether the value is a state of the result ("is 90 %") and not a change.
    note: what a person should know beside the number.
    ranged: whether anything within the band is as good, so that no one value is wanted.
    """

    clause: Clause
    noun: str
    value: float
    low: float
    goal: float
    high: float
    unit: str = ""
    rises: bool = True
    adjustable: bool = True
    note: str = ""
    level: bool = False
    ranged: bool = False

    @property
    def state(self) -> State:
        if self.low <= self.value <= self.high:
            return State.RIGHT
        if self.value > self.high:
            return State.OVER
        slack = 0.12 * abs(self.goal)
        if self.value < -slack:
            return State.WRONG
        return State.MISSING if self.value < slack else State.UNDER

    @property
    def score(self) -> float:
        """0 to 10: 8 and more inside the band, 10 at its goal, 0 where nothing happened."""
        if self.value < self.low:
            return 7.8 * max(0.0, self.value / self.low) if self.low > 0 else 0.0
        if self.value > self.high:
            reach = max(self.high - self.goal, 0.25 * abs(self.goal), 1e-6)
            return max(1.0, 7.8 - 3.0 * (self.value - self.high) / reach)
        edge = self.low if self.value < self.goal else self.high
        away = abs(self.value - self.goal) / max(abs(edge - self.goal), 1e-6)
        return 10.0 - 2.0 * min(1.0, away)


@dataclass(frozen=True)
class Guard:
    """One kind of damage: none at 0, tolerable up to `limit`, and as bad as can be at `worst`.

    said: what happened, with its number, for a person. cure: what the next prompt may do about it:
    `protect:REGION` keeps that region, `less` asks for less of what was wished, empty for nothing.
    doubt: whether it says how sure the finding is and not that something is wrong.
    """

    name: str
    value: float
    limit: float
    worst: float
    said: str
    cure: str = ""
    doubt: bool = False

    @property
    def tripped(self) -> bool:
        return self.value > self.limit

    @property
    def score(self) -> float:
        """0 to 10: 8 at the limit, 1 at the worst."""
        if self.value <= self.limit:
            return 10.0 - 2.0 * max(0.0, self.value) / self.limit if self.limit > 0 else 10.0
        return max(1.0, 7.8 - 6.8 * (self.value - self.limit) / max(self.worst - self.limit, 1e-6))
