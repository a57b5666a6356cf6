"""What an evaluation is made of: samples, what the loop made of each, and what the judge says of that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from thinkedit.types import StopReason
from thinkedit.types.words import Frozen, Score, Sha256, overall_score

__all__ = ["Sample", "SampleResult", "TurnResult", "TurnScore"]


class Sample(Frozen):
    """One question of a benchmark.

    id: unique in its benchmark. group: the category by which results are averaged (task type).
    images: the source first; further ones only for benchmarks that show several to the judge.
    facts: whatever else the benchmark's record holds, as its scorer needs it.
    """

    id: str
    group: str
    instruction: str
    images: tuple[Path, ...] = Field(min_length=1)
    facts: dict[str, Any] = Field(default_factory=dict)


class TurnResult(Frozen):
    """One turn of the loop on one sample.

    image: hash of the turn's image in the run's store; null where the editor refused or failed, as `error`
        says. semantic, quality: the *thinker's*, 0-10; null where it gives none. stop: its mark.
    """

    turn: int = Field(ge=1)
    prompt: str
    image: Sha256 | None = None
    semantic: Score | None = None
    quality: Score | None = None
    stop: bool = False
    reasoning: str = ""
    error: str | None = None

    @property
    def overall(self) -> float | None:
        return overall_score(self.semantic, self.quality)


class SampleResult(Frozen):
    """What the loop made of one sample: a line of `results.jsonl`.

    source: hash of the source as the loop saw it. selected: the turn whose image is the result, null where
        there is no image. problem: why the sample was skipped or failed, one line.
    """

    sample: str
    group: str
    instruction: str
    session_id: str | None = None
    source: Sha256 | None = None
    stop_reason: StopReason | None = None
    selected: int | None = None
    turns: tuple[TurnResult, ...] = ()
    problem: str | None = None

    def at(self, turns: int) -> TurnResult | None:
        """The newest turn with an image that a loop of `turns` turns would have made; None without one.

        A loop that ended earlier would have ended in the same place, so a sweep over the number of turns is
        read off one run of the longest.
        """
        return next((t for t in reversed(self.turns) if t.turn <= turns and t.image is not None), None)


class TurnScore(Frozen):
    """The judge's scores of one image: a line of `scores.jsonl`.

    values: by the benchmark's own names, in its own units (a missing one could not be read).
    overall: the sample's score as the benchmark defines it; null where it cannot be had.
    """

    sample: str
    group: str
    turn: int
    values: dict[str, float] = Field(default_factory=dict)
    overall: float | None = None
    problem: str | None = None
