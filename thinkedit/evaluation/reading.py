"""A run as reports read it: results and scores side by side, at any number of turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from thinkedit.errors import InputError
from thinkedit.evaluation.base import Benchmark, Point, Row, create_benchmark
from thinkedit.evaluation.folder import RunFolder, RunInfo
from thinkedit.evaluation.records import Sample, SampleResult, TurnResult, TurnScore
from thinkedit.evaluation.scoring import read_answers

__all__ = ["Pick", "Run", "Scored", "read_run"]

Pick = Literal["loop", "last", "judge"]
"""Which turn is taken as the result: as the loop does (by the thinker's scores, the last without any), the
last, or the one that the outside judge scores highest, which no loop can know: an upper bound."""


@dataclass(frozen=True)
class Scored:
    """One turn's image with both opinions of it. judged: the benchmark's score; None where there is none."""

    sample: Sample
    turn: TurnResult
    judged: float | None


@dataclass(frozen=True)
class Run:
    """A scored run. judge: who scored; official: whether by the official prompts."""

    folder: RunFolder
    info: RunInfo
    benchmark: Benchmark
    samples: Sequence[Sample]
    results: Sequence[SampleResult]
    scores: Sequence[TurnScore]
    judge: str = ""
    official: bool = False

    @cached_property
    def by_turn(self) -> dict[tuple[str, int], TurnScore]:
        return {(score.sample, score.turn): score for score in self.scores}

    @cached_property
    def by_sample(self) -> dict[str, Sample]:
        return {sample.id: sample for sample in self.samples}

    @cached_property
    def every_turn(self) -> bool:
        """Whether all images were judged, and not only the selected ones."""
        return all(
            (result.sample, turn.turn) in self.by_turn
            for result in self.results
            for turn in result.turns
            if turn.image is not None
        )

    @property
    def longest(self) -> int:
        """Editor passes at most, as the run was set."""
        return 1 if self.info.settings.mode == "before" else self.info.settings.turns

    def taken(self, result: SampleResult, turns: int | None = None, pick: Pick = "loop") -> int | None:
        """The turn that a loop of at most `turns` turns gives out; None where none has an image."""
        if turns is None and pick == "loop":
            return result.selected
        limit = self.longest if turns is None else turns
        there = [turn for turn in result.turns if turn.turn <= limit and turn.image is not None]
        if not there:
            return None
        if pick == "judge":
            ranked = [(turn.turn, self._judged(result.sample, turn.turn)) for turn in there]
        else:
            ranked = [(turn.turn, turn.overall if pick == "loop" else None) for turn in there]
        scored = [(score, turn) for turn, score in ranked if score is not None]
        if not scored:
            return there[-1].turn
        return max(scored, key=lambda one: (one[0], -one[1]))[1]

    def rows(self, turns: int | None = None, pick: Pick = "loop") -> list[Row]:
        """The benchmark's summary of those turns' images."""
        chosen = []
        for result in self.results:
            turn = self.taken(result, turns, pick)
            score = None if turn is None else self.by_turn.get((result.sample, turn))
            if score is not None:
                chosen.append(score)
        return self.benchmark.summary(self.samples, chosen)

    def headline(self, turns: int | None = None, pick: Pick = "loop") -> list[Point]:
        """The points of the number that the benchmark's tables print."""
        return self.points(self.benchmark.headline, turns, pick)

    def points(self, of: tuple[str, str], turns: int | None = None, pick: Pick = "loop") -> list[Point]:
        """The points of the row (group, metric)."""
        found = next((row for row in self.rows(turns, pick) if (row.group, row.metric) == of), None)
        return [] if found is None else list(found.points)

    def judged(self) -> Iterator[Scored]:
        """Every image that was scored, in the order of samples and turns."""
        for result in self.results:
            for turn in result.turns:
                if turn.image is not None and result.sample in self.by_sample:
                    score = self._judged(result.sample, turn.turn)
                    yield Scored(self.by_sample[result.sample], turn, score)

    def _judged(self, sample: str, turn: int) -> float | None:
        score = self.by_turn.get((sample, turn))
        return None if score is None else score.overall


def read_run(folder: RunFolder) -> Run:
    """Blocks. InputError where there is no run, it has no scores, or a file of it cannot be read."""
    info = folder.info()
    scores = folder.read_scores()
    if not scores:
        raise InputError(f"{folder.path} has an empty {folder.scores().name}: score it again")
    kept = read_answers(folder)
    return Run(
        folder=folder,
        info=info,
        benchmark=create_benchmark(info.benchmark),
        samples=folder.read_samples(),
        results=folder.read_results(),
        scores=scores,
        judge=kept.judge,
        official=kept.official,
    )
