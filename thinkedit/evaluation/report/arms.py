"""What a report compares: arms, each a setting with its runs, one for each seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from thinkedit.errors import InputError
from thinkedit.evaluation.base import ALL, Point
from thinkedit.evaluation.reading import Pick, Run
from thinkedit.evaluation.records import SampleResult
from thinkedit.evaluation.statistics import Comparison, Estimate, compare, estimate

__all__ = ["Arm", "Change", "checked", "metric_name"]


@dataclass(frozen=True)
class Change:
    """What the loop changed on one sample: the benchmark's score of turn 1 and of the result."""

    run: Run
    result: SampleResult
    turn: int
    first: float
    last: float

    @property
    def gain(self) -> float:
        return self.last - self.first


@dataclass(frozen=True)
class Arm:
    """label: how tables name it. runs: of the same benchmark and settings, one for each seed."""

    label: str
    runs: Sequence[Run]

    @property
    def run(self) -> Run:
        return self.runs[0]

    def points(
        self, of: tuple[str, str] | None = None, turns: int | None = None, pick: Pick = "loop"
    ) -> list[Point]:
        """Of the row (group, metric), by default of the headline; all seeds together."""
        wanted = self.run.benchmark.headline if of is None else of
        return [point for run in self.runs for point in run.points(wanted, turns, pick)]

    def estimate(
        self, of: tuple[str, str] | None = None, turns: int | None = None, pick: Pick = "loop"
    ) -> Estimate:
        return estimate(self.points(of, turns, pick))

    def gain(self, of: tuple[str, str] | None = None) -> Comparison:
        """The loop's result against its own first turn, which is the bare editor."""
        return compare(self.points(of, 1), self.points(of))

    @cached_property
    def rows(self) -> list[tuple[str, str]]:
        """(group, metric) of all rows of the summary, in its order."""
        return list(dict.fromkeys((row.group, row.metric) for run in self.runs for row in run.rows()))

    @property
    def groups(self) -> list[str]:
        """The samples' groups (task types), in the order of their names."""
        return sorted({sample.group for run in self.runs for sample in run.samples})

    def group_gain(self, group: str) -> Comparison:
        """What the loop adds to the first turn on one group, by the samples' own scores."""
        changes = [change for change in self.changes() if change.result.group == group]
        return compare(
            [Point(change.result.sample, change.first) for change in changes],
            [Point(change.result.sample, change.last) for change in changes],
        )

    @property
    def every_turn(self) -> bool:
        """Whether turns can be compared: all images were judged, and there are several."""
        return self.run.longest > 1 and all(run.every_turn for run in self.runs)

    def changes(self) -> Iterator[Change]:
        """Each sample whose first turn and result were both judged; in the order of runs and samples."""
        for run in self.runs:
            judged = {key: score.overall for key, score in run.by_turn.items()}
            for result in run.results:
                turn = run.taken(result)
                first = judged.get((result.sample, 1))
                last = None if turn is None else judged.get((result.sample, turn))
                if turn is not None and first is not None and last is not None:
                    yield Change(run, result, turn, first, last)

    def problems(self) -> Counter[str]:
        """Why samples have no result, or images no score, with how often."""
        found: Counter[str] = Counter()
        for run in self.runs:
            found.update(f"no result: {r.problem}" for r in run.results if r.problem is not None)
            found.update(f"not scored: {s.problem}" for s in run.scores if s.problem is not None and s.turn)
            found.update(f"left out of the data: {line}" for line in run.info.left_out)
        return found


def checked(arms: Sequence[Arm]) -> None:
    """InputError where the arms are of different benchmarks: their numbers say nothing beside one another."""
    names = {run.info.benchmark for arm in arms for run in arm.runs}
    if len(names) > 1:
        raise InputError(
            f"runs of {' and '.join(sorted(names))} cannot stand in one report: make one of each"
        )


def metric_name(arm: Arm) -> str:
    """The headline for people."""
    group, metric = arm.run.benchmark.headline
    return metric if group == ALL else f"{group} {metric}"
