"""`thinkedit evaluate report` and `compare`: what scored runs say, alone and together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkedit.cli import options
from thinkedit.cli.evaluate import evaluate

__all__ = ["compare", "report", "report_ablation"]


@evaluate.command("report")
def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...", help="Folders of scored runs, or of one ablation.", show_default=False
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Where the report goes, instead of `report` in the first folder.",
            show_default=False,
        ),
    ] = None,
    debug: options.Debug = False,
) -> None:
    """Write a page and Markdown of scored runs: tables with intervals, figures, best and worst cases.

    The page is one file that loads nothing. Several runs of one benchmark are compared with the first,
    sample by sample.
    """
    from thinkedit.cli.output import say
    from thinkedit.errors import InputError
    from thinkedit.evaluation.folder import RunFolder
    from thinkedit.evaluation.reading import read_run
    from thinkedit.evaluation.report.runs import run_report
    from thinkedit.evaluation.report.writing import write_report

    target = output or runs[0] / "report"
    ablations = [run for run in runs if (run / "ablation.json").exists()]
    if ablations:
        if len(runs) > 1:
            raise InputError(f"{ablations[0]} is an ablation: give it alone")
        report_ablation(runs[0], target)
        return
    for path in write_report(run_report([read_run(RunFolder(run)) for run in runs]), target):
        say(f"report: {path}")


@evaluate.command("compare")
def compare(
    first: Annotated[Path, typer.Argument(metavar="RUN1", help="A scored run.", show_default=False)],
    second: Annotated[
        Path, typer.Argument(metavar="RUN2", help="Another on the same samples.", show_default=False)
    ],
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Compare two runs sample by sample: the difference with its interval and p-value.

    Every row of the benchmark's summary that both have, the headline first.
    """
    from dataclasses import asdict

    from thinkedit.cli.output import say, write_json
    from thinkedit.evaluation import statistics
    from thinkedit.evaluation.folder import RunFolder
    from thinkedit.evaluation.reading import read_run
    from thinkedit.evaluation.report.arms import checked
    from thinkedit.evaluation.report.document import Notice, interval, number, p_value, signed
    from thinkedit.evaluation.report.facts import warnings
    from thinkedit.evaluation.report.runs import arms_of

    one, other = arms = arms_of([read_run(RunFolder(first)), read_run(RunFolder(second))])
    checked(arms)
    headline = one.run.benchmark.headline
    rows = sorted((row for row in one.rows if row in other.rows), key=lambda row: row != headline)
    found = {row: statistics.compare(one.points(row), other.points(row)) for row in rows}
    notices = [block.text for block in warnings(arms) if isinstance(block, Notice)]
    if as_json:
        told = [{"group": g, "metric": m, **asdict(found[g, m])} for g, m in rows]
        write_json({"benchmark": one.run.info.benchmark, "notices": notices, "rows": told})
        return
    for line in notices:
        say(line)
    for group, metric in rows:
        result = found[group, metric]
        say(
            f"{group} {metric}: {number(result.first)} to {number(result.second)}, "
            f"{signed(result.difference)} ({interval(result)}), p {p_value(result.p)}, n {result.n}, "
            f"better {result.wins}, same {result.ties}, worse {result.losses}"
            + (f", {result.left_out} left out" if result.left_out else "")
        )


def report_ablation(root: Path, target: Path | None = None) -> None:
    """Write the report of an ablation that has ended, and say its answers."""
    from thinkedit.cli.output import say
    from thinkedit.evaluation.ablation.findings import findings, read_ablation
    from thinkedit.evaluation.ablation.running import read_plan
    from thinkedit.evaluation.report.ablations import ablation_report, summary_lines
    from thinkedit.evaluation.report.document import Notice
    from thinkedit.evaluation.report.writing import write_report

    ablation = read_ablation(root, read_plan(root))
    found = findings(ablation)
    document = ablation_report(ablation, found)
    paths = write_report(document, target or root / "report")
    for line in (block.text for block in document.blocks if isinstance(block, Notice)):
        say(line)
    for line in summary_lines(found):
        say(line)
    for path in paths:
        say(f"report: {path}")
