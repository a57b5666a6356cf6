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
from pathlib import Path
from typing import Literal

from thinkedit.evaluation.ablation.plan import CellPlan, Plan
from thinkedit.evaluation.ablation.running import run_folder
from thinkedit.evaluation.base import Point
from thinkedit.evaluation.reading import Pick, Run, read_run
from thinkedit.evaluation.statistics import Comparison, compare
from thinkedit.types import Mode

__all__ = ["MARGIN", "Ablation", "Finding", "Relation", "Verdict", "findings", "read_ablation", "verdict"]

MARGIN = 0.01
"""Of the scale: what `at most` overlooks."""

_LEVEL = 0.05

_STRICT_UP_TO = 4
"""Turns up to which more of them are asked to be better; beyond, no worse (paper, Table 4)."""

Relation = Literal["less", "at most"]
Verdict = Literal["held", "not shown", "reversed"]


@dataclass(frozen=True)
class Finding:
    """One ordering. about: what is compared; low, high: the two sides by name; relation: of low to high."""

    about: Literal["turns", "modes", "experts", "selection"]
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
        return self.first.benchmark.scale

    @property
    def first(self) -> Run:
        return next(iter(self.runs.values()))[0]

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
    """Every ordering that the plan's runs can answer, editor by editor."""
    plan, found = ablation.plan, list[Finding]()
    for editor in plan.editors:
        for thinker in plan.thinkers:
            found += _turns(ablation, editor, thinker)
        found += _modes(ablation, editor)
        found += _experts(ablation, editor)
        for thinker in plan.thinkers:
            found += _selection(ablation, editor, thinker)
    return found


def _turns(ablation: Ablation, editor: str, thinker: str) -> list[Finding]:
    cell = ablation.plan.cell(editor, thinker)
    made = []
    for low, high in zip(ablation.plan.turns, ablation.plan.turns[1:], strict=False):
        relation: Relation = "less" if high <= _STRICT_UP_TO else "at most"
        sides = ablation.points(cell, low), ablation.points(cell, high)
        made.append(
            _finding(ablation, "turns", editor, thinker, (_turned(low), _turned(high)), relation, sides)
        )
    return made


def _modes(ablation: Ablation, editor: str) -> list[Finding]:
    plan = ablation.plan
    others: list[tuple[Mode, Relation]] = [(Mode.BEFORE, "less"), (Mode.BOTH, "at most")]
    points = ablation.points(plan.cell(editor, plan.reference))
    return [
        _finding(
            ablation,
            "modes",
            editor,
            plan.reference,
            (f"think {mode.value}", "think while"),
            relation,
            (ablation.points(plan.cell(editor, plan.reference, mode)), points),
        )
        for mode, relation in others
        if mode in plan.modes
    ]


def _experts(ablation: Ablation, editor: str) -> list[Finding]:
    plan = ablation.plan
    return [
        _finding(
            ablation,
            "experts",
            editor,
            high,
            (low, high),
            "less",
            (ablation.points(plan.cell(editor, low)), ablation.points(plan.cell(editor, high))),
        )
        for low, high in zip(plan.experts, plan.experts[1:], strict=False)
    ]


def _selection(ablation: Ablation, editor: str, thinker: str) -> list[Finding]:
    """Of a thinker that scores: best by its own scores against the last turn."""
    cell = ablation.plan.cell(editor, thinker)
    if not any(one.turn.overall is not None for run in ablation.runs[cell] for one in run.judged()):
        return []
    sides = ablation.points(cell, pick="last"), ablation.points(cell, pick="loop")
    names = ("last turn", "best by the thinker")
    return [_finding(ablation, "selection", editor, thinker, names, "at most", sides)]


def _finding(
    ablation: Ablation,
    about: Literal["turns", "modes", "experts", "selection"],
    editor: str,
    thinker: str,
    names: tuple[str, str],
    relation: Relation,
    sides: tuple[Sequence[Point], Sequence[Point]],
) -> Finding:
    found = compare(*sides)
    return Finding(about, editor, thinker, *names, relation, found, verdict(found, relation, ablation.span))


def _turned(turns: int) -> str:
    return f"{turns} turn{'' if turns == 1 else 's'}"
