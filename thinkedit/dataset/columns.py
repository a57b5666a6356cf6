"""What `build` decides by, in columns: a hundred bytes a step instead of the records themselves."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thinkedit.dataset.balancing import BINS, lot
from thinkedit.dataset.filter import judged_scores
from thinkedit.dataset.partition import variance_of
from thinkedit.dataset.records import ScoredTrajectory, Step, sha_of
from thinkedit.dataset.sampling import Taught, Terminal, score_bin, taught

__all__ = ["Columns", "teach"]


def teach(record: ScoredTrajectory, step: Step, *, policy: Terminal, good: float) -> Taught:
    """What a step of a filtered trajectory teaches; see `sampling.taught`."""
    scores = next((one.scores for one in record.judged if one.t == step.t), None)
    return taught(
        instruction=record.instruction,
        prompt=step.prompt,
        reason=step.reason,
        next_prompt=step.next_prompt,
        stop=step.stop,
        unchanged=step.image is not None and sha_of(step.image) == record.source_id,
        terminal=step.t == len(record.steps),
        good=scores is not None and min(scores.semantic, scores.quality) >= good,
        policy=policy,
    )


@dataclass
class Columns:
    """Of each trajectory (variance, lowest and so on) and of each step with an image (owner and so on).

    cell: task * BINS + bin, the bin of a trajectory being that of its mean score. dropped, unseen: numbers
    into `reasons`, -1 for none: why a step is nothing for SFT, and nothing at all. first: the first step.
    """

    seed: int
    policy: Terminal
    good: float
    tasks: dict[str, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    variance: Any = field(default_factory=lambda: array("d"))
    lowest: Any = field(default_factory=lambda: array("d"))
    cell: Any = field(default_factory=lambda: array("q"))
    source: Any = field(default_factory=lambda: array("q"))
    lots: Any = field(default_factory=lambda: array("Q"))
    first: Any = field(default_factory=lambda: array("q"))
    usable: Any = field(default_factory=lambda: array("b"))
    owner: Any = field(default_factory=lambda: array("q"))
    step_cell: Any = field(default_factory=lambda: array("q"))
    step_lots: Any = field(default_factory=lambda: array("Q"))
    dropped: Any = field(default_factory=lambda: array("h"))
    unseen: Any = field(default_factory=lambda: array("h"))

    def add(self, record: ScoredTrajectory) -> None:
        scores = judged_scores(record)
        there = [score for score in scores if score is not None]
        task = self.tasks.setdefault(record.task_type, len(self.tasks))
        owner = len(self.variance)
        self.variance.append(variance_of(there))
        self.lowest.append(min(there))
        self.cell.append(task * BINS + score_bin(sum(sorted(there)) / len(there)))
        self.source.append(self.sources.setdefault(record.source_id, len(self.sources)))
        self.lots.append(lot(self.seed, record.id))
        self.first.append(len(self.owner))
        usable = False
        for step, score in zip(record.steps, scores, strict=True):
            if score is None:
                continue
            said = teach(record, step, policy=self.policy, good=self.good)
            usable |= said.unseen is None
            self.owner.append(owner)
            self.step_cell.append(task * BINS + (score_bin(score)))
            self.step_lots.append(lot(self.seed, f"{record.id}:{step.t}"))
            self.dropped.append(self._number(said.dropped))
            self.unseen.append(self._number(said.unseen))
        self.usable.append(usable)

    def _number(self, reason: str | None) -> int:
        if reason is None:
            return -1
        if reason not in self.reasons:
            self.reasons.append(reason)
        return self.reasons.index(reason)

    def of(self, name: str) -> NDArray[Any]:
        """A column as an array; it shares the column's memory."""
        column: array[Any] = getattr(self, name)
        return (
            np.frombuffer(column, dtype=np.dtype(column.typecode)) if column else np.empty(0, column.typecode)
        )
