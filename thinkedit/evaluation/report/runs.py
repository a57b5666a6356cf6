"""The report of one run, or of several beside one another."""

from __future__ import annotations

from collections.abc import Sequence

from thinkedit.errors import InputError
from thinkedit.evaluation.base import ALL
from thinkedit.evaluation.reading import Run
from thinkedit.evaluation.report import facts
from thinkedit.evaluation.report.arms import Arm, checked, metric_name
from thinkedit.evaluation.report.document import (
    Block,
    Document,
    Heading,
    Table,
    interval,
    number,
    p_value,
    signed,
)
from thinkedit.evaluation.report.gallery import gallery
from thinkedit.evaluation.report.plots import calibration, gains, over_turns, worse
from thinkedit.evaluation.statistics import Comparison, compare

__all__ = ["arms_of", "comparison", "comparison_table", "run_report"]


def arms_of(runs: Sequence[Run]) -> list[Arm]:
    """An arm for each run, named by its folder; settings make the names different where folders do not."""
    names = [run.folder.path.resolve().name for run in runs]
    if len(set(names)) < len(names):
        names = [str(run.folder.path) for run in runs]
    if len(set(names)) < len(names):
        raise InputError(f"the run {names[0]} is named twice: name each once")
    return [Arm(name, (run,)) for name, run in zip(names, runs, strict=True)]


def run_report(runs: Sequence[Run]) -> Document:
    """Everything that is known of these runs. InputError where they are of different benchmarks."""
    arms = arms_of(runs)
    checked(arms)
    title = arms[0].run.benchmark.title
    document = Document(f"{title[:1].upper()}{title[1:]}: {', '.join(arm.label for arm in arms)}")
    document.add(*facts.warnings(arms), *_scores(arms))
    if len(arms) > 1:
        document.add(*comparison(arms))
    swept = [arm for arm in arms if arm.every_turn]
    if swept:
        longest = max(arm.run.longest for arm in swept)
        panels = {"": swept}
        document.add(Heading("Score over turns"), *over_turns(panels, list(range(1, longest + 1))))
    document.add(*calibration(arms), *gains(swept), *worse(swept), *gallery(swept))
    document.add(*facts.paper_numbers(arms), *facts.problems(arms), *facts.settings(arms))
    return document


def _scores(arms: Sequence[Arm]) -> list[Block]:
    """Every row of the benchmark's summary, and beside it what the bare editor would have had."""
    swept = any(arm.every_turn for arm in arms)
    columns = ["setting", "group", "metric", "n", "mean", "95 % interval"]
    columns += ["turn 1", "gain", "95 % interval ", "p (paired)"] if swept else []
    rows = []
    for arm in arms:
        for group, metric in sorted(arm.rows, key=lambda row: (row[0] != ALL, arm.rows.index(row))):
            found = arm.estimate((group, metric))
            row = [arm.label, group, metric, str(found.n), number(found.mean), interval(found)]
            if swept and arm.every_turn:
                gain = arm.gain((group, metric))
                row += [number(gain.first), signed(gain.difference), interval(gain), p_value(gain.p)]
            elif swept:
                row += ["–"] * 4
            rows.append(row)
    benchmark = arms[0].run.benchmark
    scale = f"from {benchmark.scale[0]:g} to {benchmark.scale[1]:g}"
    caption = f"{benchmark.title}; a sample's score goes {scale}; the headline is {metric_name(arms[0])}"
    note = (
        "Means of groups are averaged as the benchmark does; n counts samples."
        if swept
        else "Only the results were judged: score with --all-turns to see what the loop added."
    )
    return [Heading("Scores"), Table(caption, columns, rows, numbers=len(columns) - 3, note=note)]


def comparison(arms: Sequence[Arm]) -> list[Block]:
    """Every arm against the first, on the samples that both have."""
    first = arms[0]
    pairs = [(other, compare(first.points(), other.points())) for other in arms[1:]]
    return [
        Heading("Compared"),
        comparison_table(
            f"{metric_name(first)}, paired by sample, against {first.label}",
            [(first.label, other.label, found) for other, found in pairs],
        ),
    ]


def comparison_table(caption: str, pairs: Sequence[tuple[str, str, Comparison]]) -> Table:
    """A row for each pair: second less first."""
    columns = [
        "first",
        "second",
        "n",
        "mean of first",
        "mean of second",
        "difference",
        "95 % interval",
        "p (paired)",
        "better / same / worse",
    ]
    rows = [
        [
            one,
            other,
            str(found.n),
            number(found.first),
            number(found.second),
            signed(found.difference),
            interval(found),
            p_value(found.p),
            f"{found.wins} / {found.ties} / {found.losses}",
        ]
        for one, other, found in pairs
    ]
    left = sum(found.left_out for _, _, found in pairs)
    note = f"{left} samples that only one of two has are left out." if left else ""
    return Table(caption, columns, rows, numbers=7, note=note)
