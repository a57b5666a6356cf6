"""How often a model's own progress is passed on."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Pace", "step_line"]


class Pace:
    """Lets through at most one report in `every` seconds; the first and each that completes, always."""

    def __init__(self, every: float = 0.2, clock: Callable[[], float] = time.monotonic) -> None:
        self._every = every
        self._clock = clock
        self._next = float("-inf")

    def due(self, done: float, total: float) -> bool:
        now = self._clock()
        if now < self._next and not 0 < total <= done:
            return False
        self._next = now + self._every
        return True


def step_line(done: float, total: float, message: str) -> str:
    """`step 3 of 28`; a message that says so already stays as it is."""
    share = f"{done:g} of {total:g}"
    return message if not total or share in message else f"{message} {share}".strip()
