"""What an ablation is asked: each ordering of the paper, and whether it is there.

The answer is read off the paired difference and nothing else. One that is asked as `less` is held where
the whole 95 % interval is above zero, one that is asked as `at most` where it is above a margin fixed
beforehand, 1 % of the scale below zero: equal is good enough, and a loss of more is not. Either is reversed
where the whole interval is below zero. An answer other than "no worse" also needs a p-value below 0.05,
since bootstrap intervals of few samples are too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from thinkedit.evaluation.ablation.plan import CellPlan, Plan
from thinkedit.evaluation.ablation.running import run_folder
from thinkedit.evaluation.base import Point
from thinkedit.evaluation.reading import Pick, Run, read_run
from thinkedit.evaluation.statistics import Comparison, compare
from thinkedit.types import Mode

__all__ = [
    "ALL_EDITORS",
    "MARGIN",
    "Ablation",
    "Finding",
    "Relation",
    "Verdict",
    "findings",
    "read_ablation",
    "verdict",
]

MARGIN = 0.01
"""Of the scale: what `at most` overlooks."""

_LEVEL = 0.05

_STRICT_UP_TO = 4
"""Turns up to which more of them are asked to be better; beyond, no worse (paper, Table 4)."""

ALL_EDITORS = "all editors"

About = Literal["turns", "modes", "experts", "selection"]
Relation = Literal["less", "at most"]
Verdict = Literal["held", "not shown", "reversed"]


@dataclass(frozen=True)
class Finding:
    """One ordering. editor: one, or ALL_EDITORS; low, high: the sides by name; relation: of low to high."""

    about: About
    editor: str
    thinker: str
    low: str
    high: str
    relation: Relation
    comparison: Comparison
    verdict: Verdict

    @property
    def claim(self) -> str:
        return f"{self.low} {'<' if self.relation == 'less' else '≤'} {self.high}"


@dataclass(frozen=True)
class Ablation:
    """All runs of an ablation that has ended, by cell; those of a cell in the order of their seeds."""

    root: Path
    plan: Plan
    runs: dict[CellPlan, tuple[Run, ...]]

    @property
    def span(self) -> tuple[float, float]:
        """Of the headline: RISEBench's is an accuracy in percent, whatever its samples' scale."""
        benchmark = self.first.benchmark
        return (0.0, 100.0) if benchmark.headline[1] == "Accuracy" else benchmark.scale

    @property
    def first(self) -> Run:
        return next(iter(self.runs.values()))[0]

    def scores(self, cell: CellPlan) -> bool:
        """Whether the cell's thinker gives scores."""
        return any(one.turn.overall is not None for run in self.runs[cell] for one in run.judged())

    def points(self, cell: CellPlan, turns: int | None = None, pick: Pick = "loop") -> list[Point]:
        """The headline's points of all seeds; seeds of one sample stay together by its id."""
        return [point for run in self.runs[cell] for point in run.headline(turns, pick)]


def read_ablation(root: Path, plan: Plan) -> Ablation:
    """InputError where a run is missing or damaged."""
    runs = {
        cell: tuple(read_run(run_folder(root, cell, seed)) for seed in range(plan.seeds))
        for cell in plan.cells()
    }
    return Ablation(root, plan, runs)


def verdict(found: Comparison, relation: Relation, scale: tuple[float, float]) -> Verdict:
    """Whether `second` is above (or not below) `first`, from the interval and p-value of the difference."""
    if found.low is None or found.high is None or found.p is None:
        return "not shown"
    clear = found.p < _LEVEL
    if found.high < 0 and clear:
        return "reversed"
    if relation == "less":
        return "held" if found.low > 0 and clear else "not shown"
    return "held" if found.low > -MARGIN * (scale[1] - scale[0]) else "not shown"


def findings(ablation: Ablation) -> list[Finding]:
    """Every ordering that the plan's runs can answer, editor by editor, then of all editors together.

    Together means the same samples: what several editors made of one stays one sample.
    """
    plan = ablation.plan
    sides: list[tuple[str, tuple[str, ...]]] = [(editor, (editor,)) for editor in plan.editors]
    sides += [(ALL_EDITORS, plan.editors)] if len(plan.editors) > 1 else []
    found = []
    for name, editors in sides:
        asker = _Asker(ablation, name, editors)
        for thinker in plan.thinkers:
            found += asker.turns(thinker)
        found += [*asker.modes(), *asker.experts()]
        for thinker in plan.thinkers:
            found += asker.selection(thinker)
    return found


@dataclass(frozen=True)
class _Asker:
    """The orderings of one editor, or of several as one."""

    ablation: Ablation
    name: str
    editors: Sequence[str]

    def turns(self, thinker: str) -> list[Finding]:
        """Each number against the next; beyond four, against four, from which more may do no harm."""
        turns = self.ablation.plan.turns
        strict = [n for n in turns if n <= _STRICT_UP_TO]
        pairs: list[tuple[int, int, Relation]] = [(low, high, "less") for low, high in pairwise(strict)]
        pairs += [(strict[-1], n, "at most") for n in turns if n > _STRICT_UP_TO]
        return [
            self._finding(
                "turns",
                thinker,
                (_turned(low), _turned(high)),
                relation,
                (self._points(thinker, turns=low), self._points(thinker, turns=high)),
            )
            for low, high, relation in pairs
        ]

    def modes(self) -> list[Finding]:
        plan = self.ablation.plan
        others: list[tuple[Mode, Relation]] = [(Mode.BEFORE, "less"), (Mode.BOTH, "at most")]
        points = self._points(plan.reference)
        return [
            self._finding(
                "modes",
                plan.reference,
                (f"think {mode.value}", "think while"),
                relation,
                (self._points(plan.reference, mode), points),
            )
            for mode, relation in others
            if mode in plan.modes
        ]

    def experts(self) -> list[Finding]:
        experts = self.ablation.plan.experts
        return [
            self._finding("experts", high, (low, high), "less", (self._points(low), self._points(high)))
            for low, high in pairwise(experts)
        ]

    def selection(self, thinker: str) -> list[Finding]:
        """Of a thinker that scores: best by its own scores against the last turn."""
        if not any(self.ablation.scores(self._cell(editor, thinker)) for editor in self.editors):
            return []
        sides = self._points(thinker, pick="last"), self._points(thinker)
        return [self._finding("selection", thinker, ("last turn", "best by the thinker"), "at most", sides)]

    def _cell(self, editor: str, thinker: str, mode: Mode = Mode.WHILE) -> CellPlan:
        return self.ablation.plan.cell(editor, thinker, mode)

    def _points(
        self, thinker: str, mode: Mode = Mode.WHILE, turns: int | None = None, pick: Pick = "loop"
    ) -> list[Point]:
        return [
            point
            for editor in self.editors
            for point in self.ablation.points(self._cell(editor, thinker, mode), turns, pick)
        ]

    def _finding(
        self,
        about: About,
        thinker: str,
        names: tuple[str, str],
        relation: Relation,
        sides: tuple[Sequence[Point], Sequence[Point]],
    ) -> Finding:
        found = compare(*sides)
        answer = verdict(found, relation, self.ablation.span)
        return Finding(about, self.name, thinker, *names, relation, found, answer)


def _turned(turns: int) -> str:
    return f"{turns} turn{'' if turns == 1 else 's'}"
