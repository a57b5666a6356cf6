"""Which runs an ablation needs: the paper's Tables 3, 4, 6 and 8 share most of theirs.

One run of the longest setting gives every shorter one, and its first turn is the bare editor, so a table of
turns costs one run, and the baseline none. What varies is one thing at a time, as in the paper: experts and
turns while thinking during the edit, and the other patterns with one reference thinker.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from pydantic import Field, field_validator, model_validator

from thinkedit.types import LoopSettings, Mode
from thinkedit.types.words import Frozen, Score

__all__ = ["CellPlan", "Plan"]


class CellPlan(Frozen):
    """One run for each seed: an editor with a thinker, in one mode, up to `turns` turns."""

    editor: str
    thinker: str
    mode: Mode
    turns: int

    @property
    def name(self) -> str:
        """Of its folder: readable, and never the same for two cells."""
        told = f"{self.editor}\0{self.thinker}\0{self.mode.value}\0{self.turns}"
        digest = hashlib.sha256(told.encode()).hexdigest()[:6]
        words = (
            re.sub(r"[^A-Za-z0-9.]+", "-", word).strip("-.")[:32] for word in (self.editor, self.thinker)
        )
        return "_".join([*words, self.mode.value, digest])


class Plan(Frozen):
    """What an ablation varies, as `ablation.json` keeps it.

    experts: weakest first. reference: the thinker with which modes are compared, one of the experts.
    scoring: a further thinker that gives scores, by which the best turn is taken; None where the experts do
    themselves. turns: settings to report; the largest is run. seeds: 0, 1 ... each a run of its own. samples:
    of each run; None takes all of the benchmark's. prompts: the folder of the official judge prompts, if any.
    models: what names of the configuration stand for, as far as a report tells it (never a key).
    """

    benchmark: str
    judge: str
    editors: tuple[str, ...] = Field(min_length=1)
    experts: tuple[str, ...] = Field(min_length=1)
    reference: str
    scoring: str | None = None
    modes: tuple[Mode, ...] = (Mode.WHILE, Mode.BEFORE, Mode.BOTH)
    turns: tuple[int, ...] = (1, 2, 4, 6, 8)
    seeds: int = Field(1, ge=1)
    samples: int | None = Field(None, ge=1)
    threshold: Score = 8.0
    data: str = ""
    prompts: str = ""
    models: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("turns")
    @classmethod
    def _sorted(cls, turns: tuple[int, ...]) -> tuple[int, ...]:
        if not turns or min(turns) < 1 or max(turns) > 12:
            raise ValueError("give numbers of turns from 1 to 12")
        return tuple(sorted({1, *turns}))

    @model_validator(mode="after")
    def _consistent(self) -> Plan:
        if self.reference not in self.experts:
            raise ValueError(f"the reference thinker {self.reference!r} is none of the experts")
        if Mode.WHILE not in self.modes:
            raise ValueError("the mode `while` has to be there: the baseline is its first turn")
        return self

    @property
    def longest(self) -> int:
        return max(self.turns)

    @property
    def thinkers(self) -> tuple[str, ...]:
        """All that think while the edit goes on: the experts, then the one that scores."""
        return tuple(dict.fromkeys([*self.experts, *([self.scoring] if self.scoring else [])]))

    def cell(self, editor: str, thinker: str, mode: Mode = Mode.WHILE) -> CellPlan:
        """The run that answers for this combination. Mode `before` has one edit."""
        turns = 1 if mode is Mode.BEFORE else self.longest
        return CellPlan(editor=editor, thinker=thinker, mode=mode, turns=turns)

    def cells(self) -> list[CellPlan]:
        """Every run, each once."""
        found = [self.cell(editor, thinker) for editor in self.editors for thinker in self.thinkers]
        others = [mode for mode in self.modes if mode is not Mode.WHILE]
        found += [self.cell(editor, self.reference, mode) for editor in self.editors for mode in others]
        return list(dict.fromkeys(found))

    def settings(self, cell: CellPlan, seed: int, usual: LoopSettings) -> LoopSettings:
        """Of one run. Patience ends nothing here: how long to go on is what is measured."""
        return usual.model_copy(
            update={
                "editor": cell.editor,
                "thinker": cell.thinker,
                "mode": cell.mode,
                "turns": cell.turns,
                "patience": cell.turns,
                "threshold": self.threshold,
                "seed": seed,
                "pause": "never",
            }
        )
