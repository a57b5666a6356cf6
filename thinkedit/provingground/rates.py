"""How often each of the simulated editors fails, and in what way.

The numbers were set once, from what the words mean, before any experiment was run, and were not changed
after one: see docs/provingground.md.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EDITORS", "GENERAL", "REMEDIED", "Rates"]


@dataclass(frozen=True)
class Rates:
    """Probabilities.

    wrong: a reference without a position or size that others resemble picks one of those.
    spill: the change reaches something else as well. weak: it is applied too weakly.
    lost: of several changes that are not numbered, one is left out.
    nothing, damaged: by chance, whatever the prompt says: nothing is done; pixels are damaged.
    """

    wrong: float
    spill: float
    weak: float
    lost: float
    nothing: float
    damaged: float


EDITORS: dict[str, Rates] = {
    "weak": Rates(wrong=0.5, spill=0.4, weak=0.4, lost=0.6, nothing=0.12, damaged=0.20),
    "middle": Rates(wrong=0.35, spill=0.28, weak=0.28, lost=0.45, nothing=0.08, damaged=0.14),
    "strong": Rates(wrong=0.2, spill=0.16, weak=0.16, lost=0.3, nothing=0.05, damaged=0.08),
}

REMEDIED = 0.1
"""A failure whose remedy is in the prompt keeps this part of its probability."""

GENERAL = 0.4
"""The same, where the prompt says in general that the rest must stay, without naming what."""
