"""The report of an ablation: each ordering of the paper with its answer, then what is behind it."""

from __future__ import annotations

from collections.abc import Sequence

from thinkedit.evaluation.ablation.findings import MARGIN, Ablation, Finding, findings
from thinkedit.evaluation.ablation.plan import CellPlan
from thinkedit.evaluation.base import Point
from thinkedit.evaluation.reading import Pick
from thinkedit.evaluation.report import facts
from thinkedit.evaluation.report.arms import Arm
from thinkedit.evaluation.report.document import (
    Block,
    Cell,
    Document,
    Heading,
    Paragraph,
    Table,
    interval,
    number,
    p_value,
    signed,
)
from thinkedit.evaluation.report.gallery import gallery
from thinkedit.evaluation.report.plots import calibration, gains, over_turns, worse
from thinkedit.evaluation.statistics import compare, estimate
from thinkedit.types import Mode

__all__ = ["ablation_report", "summary_lines"]

_SECTIONS = {
    "turns": "Number of turns (paper, Tables 4 and 8)",
    "modes": "Thinking pattern (paper, Table 3)",
    "experts": "Experts (paper, Table 6)",
    "selection": "Best turn against last turn",
}
_WORLD = "provingground:"
"""Left out of names: the title says it."""
_GOOD = {"held": True, "not shown": None, "reversed": False}


def ablation_report(ablation: Ablation, found: Sequence[Finding] | None = None) -> Document:
    """found: the answers, where they are known already."""
    answers = findings(ablation) if found is None else list(found)
    plan = ablation.plan
    arms = {cell: Arm(_label(ablation, cell), runs) for cell, runs in ablation.runs.items()}
    whole = list(arms.values())
    reference = [arms[plan.cell(editor, plan.reference)] for editor in plan.editors]
    title = ablation.first.benchmark.title
    document = Document(f"Ablations on the {title}" if title[:1].islower() else f"Ablations: {title}")
    document.add(*facts.warnings(whole), *_answers(ablation, answers))
    document.add(Heading(_SECTIONS["turns"]))
    panels = {
        _named(ablation, editor): [
            Arm(_named(ablation, thinker), ablation.runs[plan.cell(editor, thinker)])
            for thinker in plan.thinkers
        ]
        for editor in plan.editors
    }
    document.add(*over_turns(panels, plan.turns), _turns(ablation))
    document.add(Heading(_SECTIONS["modes"]), _modes(ablation))
    document.add(Heading(_SECTIONS["experts"]), _experts(ablation))
    document.add(Heading(_SECTIONS["selection"]), *_selection(ablation))
    scored = [arms[plan.cell(editor, thinker)] for editor in plan.editors for thinker in plan.thinkers]
    document.add(*calibration(scored), *gains(reference), *worse(scored), *gallery(reference))
    document.add(*facts.paper_numbers(whole, plan.turns), *facts.problems(whole), *facts.settings(whole))
    return document


def summary_lines(found: Sequence[Finding]) -> list[str]:
    """One line for each ordering, for a terminal."""
    return [
        f"{one.verdict:9}  {one.editor}: {one.claim}"
        f"{f' ({one.thinker})' if one.about in ('turns', 'selection') else ''}: "
        f"{signed(one.comparison.difference)} ({interval(one.comparison)}), p {p_value(one.comparison.p)}"
        for one in found
    ]


def _answers(ablation: Ablation, found: Sequence[Finding]) -> list[Block]:
    margin = MARGIN * (ablation.span[1] - ablation.span[0])
    rows: list[list[Cell | str]] = [
        [
            _claim(ablation, one),
            _named(ablation, one.editor),
            _named(ablation, one.thinker) if one.about in ("turns", "selection") else "",
            Cell(one.verdict, _GOOD[one.verdict]),
            str(one.comparison.n),
            number(one.comparison.first),
            number(one.comparison.second),
            signed(one.comparison.difference),
            interval(one.comparison),
            p_value(one.comparison.p),
        ]
        for one in sorted(found, key=lambda one: list(_SECTIONS).index(one.about))
    ]
    counts = [f"{sum(one.verdict == name for one in found)} {name}" for name in _GOOD]
    told = "".join(
        f" {lead}: {listed}."
        for lead, name in (
            ("Reversed, so that the opposite is what was seen", "reversed"),
            ("Not shown", "not shown"),
        )
        if (listed := _grouped(ablation, [one for one in found if one.verdict == name]))
    )
    return [
        Heading("Which orderings hold"),
        Paragraph(f"Of {len(found)} orderings: {', '.join(counts)}.{told}"),
        Paragraph(
            "An ordering a < b is held where the whole 95 % interval of the paired difference is above "
            "zero and p below 0.05, reversed where it is all below zero and p below 0.05, and not shown "
            f"otherwise. a ≤ b is held where the interval is above −{margin:g} (1 % of the scale)."
        ),
        _at_a_glance(ablation, found),
        Table(
            "Each ordering that the paper reports or implies, from the paired difference on the same samples",
            [
                "ordering",
                "editor",
                "thinker",
                "verdict",
                "n",
                "lower",
                "higher",
                "difference",
                "95 % interval",
                "p (paired)",
            ],
            rows,
            numbers=6,
        ),
    ]


def _claim(ablation: Ablation, one: Finding) -> str:
    if one.about != "experts":
        return one.claim
    return f"{_named(ablation, one.low)} < {_named(ablation, one.high)}"


def _grouped(ablation: Ablation, found: Sequence[Finding]) -> str:
    """The orderings, each with its editors."""
    by_claim: dict[str, list[str]] = {}
    for one in found:
        who = f" with {_named(ablation, one.thinker)}" if one.about in ("turns", "selection") else ""
        by_claim.setdefault(f"{_claim(ablation, one)}{who}", []).append(_named(ablation, one.editor))
    return "; ".join(f"{claim} ({', '.join(editors)})" for claim, editors in by_claim.items())


def _at_a_glance(ablation: Ablation, found: Sequence[Finding]) -> Table:
    """Every ordering with its answer for each editor."""
    rows: dict[tuple[str, str, str], dict[str, Cell]] = {}
    for one in sorted(found, key=lambda one: list(_SECTIONS).index(one.about)):
        thinker = _named(ablation, one.thinker) if one.about in ("turns", "selection") else ""
        shown = f"{one.verdict} ({signed(one.comparison.difference)})"
        made = rows.setdefault((one.about, _claim(ablation, one), thinker), {})
        made[one.editor] = Cell(shown, _GOOD[one.verdict])
    editors = list(dict.fromkeys(one.editor for one in found))
    return Table(
        "At a glance: the answer for each editor, with the paired difference",
        ["ordering", "thinker", *(_named(ablation, editor) for editor in editors)],
        [
            [claim, thinker, *(made.get(editor, "–") for editor in editors)]
            for (_, claim, thinker), made in rows.items()
        ],
        numbers=len(editors),
    )


def _turns(ablation: Ablation) -> Table:
    plan = ablation.plan
    rows = []
    for editor in plan.editors:
        for thinker in plan.thinkers:
            cell = plan.cell(editor, thinker)
            base = ablation.points(cell, 1)
            for turns in plan.turns:
                label = [_named(ablation, editor), _named(ablation, thinker), str(turns)]
                rows.append([*label, *_numbers(ablation, cell, base, turns)])
    return _table(ablation, "Score by the number of turns; one turn is the bare editor", "turns", rows)


def _modes(ablation: Ablation) -> Table:
    plan = ablation.plan
    rows = []
    for editor in plan.editors:
        base = ablation.points(plan.cell(editor, plan.reference), 1)
        name = [_named(ablation, editor), _named(ablation, plan.reference)]
        rows.append([*name, "none", *_numbers(ablation, plan.cell(editor, plan.reference), base, 1)])
        for mode in (m for m in (Mode.BEFORE, Mode.WHILE, Mode.BOTH) if m in plan.modes):
            cell = plan.cell(editor, plan.reference, mode)
            rows.append([*name, mode.value, *_numbers(ablation, cell, base)])
    caption = f"When the thinker thinks; up to {plan.longest} turns, before the edit one"
    return _table(ablation, caption, "mode", rows)


def _experts(ablation: Ablation) -> Table:
    plan = ablation.plan
    rows = []
    for editor in plan.editors:
        base = ablation.points(plan.cell(editor, plan.experts[0]), 1)
        rows.append(
            [
                _named(ablation, editor),
                "none",
                "1",
                *_numbers(ablation, plan.cell(editor, plan.experts[0]), base, 1),
            ]
        )
        for thinker in plan.thinkers:
            cell = plan.cell(editor, thinker)
            name = [_named(ablation, editor), _named(ablation, thinker), str(plan.longest)]
            rows.append([*name, *_numbers(ablation, cell, base)])
    return _table(ablation, "Who thinks, while the edit goes on", "turns", rows)


def _selection(ablation: Ablation) -> list[Block]:
    plan = ablation.plan
    rows = []
    for editor in plan.editors:
        for thinker in plan.thinkers:
            cell = plan.cell(editor, thinker)
            base = ablation.points(cell, pick="last")
            picks: list[tuple[Pick, str]] = [("last", "last")]
            picks += [("loop", "best by the thinker's scores")] if ablation.scores(cell) else []
            picks += [("judge", "best by the judge (bound)")]
            for pick, name in picks:
                label = [_named(ablation, editor), _named(ablation, thinker), name]
                rows.append([*label, *_numbers(ablation, cell, base, pick=pick)])
    return [
        Paragraph(
            "The last turn is what the paper's code returns; the best by the thinker's own scores is what "
            "this loop returns where there are scores. The best by the judge is chosen by the one who also "
            "scores it: no loop can have it, and it says how much choosing could give at most."
        ),
        _table(ablation, f"Which turn is taken, of up to {plan.longest}", "taken", rows, "gain over last"),
    ]


def _numbers(
    ablation: Ablation, cell: CellPlan, base: list[Point], turns: int | None = None, pick: Pick = "loop"
) -> list[str]:
    points = ablation.points(cell, turns, pick)
    found = estimate(points)
    if points == base:
        return [str(found.n), number(found.mean), interval(found), "–", "–", "–"]
    gain = compare(base, points)
    return [
        str(found.n),
        number(found.mean),
        interval(found),
        signed(gain.difference),
        interval(gain),
        p_value(gain.p),
    ]


def _table(
    ablation: Ablation, caption: str, what: str, rows: list[list[str]], gain: str = "gain over turn 1"
) -> Table:
    columns = ["editor", "thinker", what, "n", "mean", "95 % interval", gain, "95 % interval ", "p (paired)"]
    group, metric = ablation.first.benchmark.headline
    return Table(f"{caption}. Headline: {group} {metric}", columns, rows, numbers=6)


def _label(ablation: Ablation, cell: CellPlan) -> str:
    mode = "" if cell.mode is Mode.WHILE else f", think {cell.mode.value}"
    return f"{_named(ablation, cell.editor)} with {_named(ablation, cell.thinker)}{mode}"


def _named(ablation: Ablation, name: str) -> str:
    """A model for people: what a name of the plan stands for, and the scores it gives where it is told to."""
    options = ablation.plan.models.get(name)
    if options is None:
        return name.removeprefix(_WORLD)
    more = [
        key if value is True else f"{key}={value}" for key, value in sorted(options.items()) if key != "kind"
    ]
    kind = str(options.get("kind", name)).removeprefix(_WORLD)
    return f"{kind} ({', '.join(more)})" if more else kind
