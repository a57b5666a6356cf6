"""What stands at the top and at the end of every report: warnings, settings, counts, the paper's numbers."""

from __future__ import annotations

from collections.abc import Sequence

from thinkedit.evaluation.paper import OURS, Setting, beside, disagreements
from thinkedit.evaluation.report.arms import Arm
from thinkedit.evaluation.report.document import Block, Heading, Notice, Paragraph, Table, interval, number
from thinkedit.provingground import NOTICE

__all__ = ["paper_numbers", "problems", "settings", "warnings"]

OWN_WORDING = (
    "Not comparable with published numbers: the judge was asked by our own wording of the rubrics. With "
    "--judge-prompts DIR it is asked by the official files."
)


def warnings(arms: Sequence[Arm]) -> list[Block]:
    """What a reader must know before any number."""
    told: list[Block] = []
    runs = [run for arm in arms for run in arm.runs]
    if any(run.info.benchmark == "provingground" for run in runs):
        told.append(Notice(NOTICE))
    if any(run.benchmark.judges == "rubric" and not run.official for run in runs):
        told.append(Notice(OWN_WORDING))
    if len({run.judge for run in runs}) > 1:
        told.append(Notice("These runs were scored by different judges: their numbers do not compare."))
    return told


def settings(arms: Sequence[Arm]) -> list[Block]:
    """How each arm was run."""
    rows = []
    for arm in arms:
        info, chosen = arm.run.info, arm.run.info.settings
        seeds = ", ".join(str(run.info.settings.seed) for run in arm.runs)
        counts = sorted({run.info.samples for run in arm.runs})
        rows.append(
            [
                arm.label,
                chosen.editor,
                chosen.thinker,
                chosen.mode.value,
                str(chosen.turns),
                f"{chosen.threshold:g}",
                seeds,
                " or ".join(str(count) for count in counts),
                info.digest[:8],
            ]
        )
    columns = ["setting", "editor", "thinker", "mode", "turns", "threshold", "seed", "samples", "digest"]
    first = arms[0].run
    judges = ", ".join(sorted({run.judge for arm in arms for run in arm.runs if run.judge}))
    versions = ", ".join(f"{name} {version}" for name, version in sorted(first.info.versions.items()))
    return [
        Heading("How it was run"),
        Table(f"Settings; {first.benchmark.title}", columns, rows),
        Paragraph(
            f"Judge: {judges or 'not recorded'}. {versions}. Models as they name themselves: "
            + "; ".join(dict.fromkeys(f"{a.run.info.editor} with {a.run.info.thinker}" for a in arms))
            + "."
        ),
        Paragraph(
            "Intervals are 95 % BCa bootstrap intervals over samples: what several seeds made of one sample "
            "stays together. p-values are two-sided, from a paired permutation test. None is corrected for "
            "how many are read."
        ),
    ]


def problems(arms: Sequence[Arm]) -> list[Block]:
    """Samples without a result and images without a score, counted; a line where there are none."""
    rows = [[arm.label, reason, str(n)] for arm in arms for reason, n in sorted(arm.problems().items())]
    heading = Heading("What could not be run or scored")
    if not rows:
        return [heading, Paragraph("Nothing: every sample has a result, and every judged image a score.")]
    shown = rows[:40]
    note = f"and {len(rows) - len(shown)} more kinds" if len(rows) > len(shown) else ""
    return [
        heading,
        Table("Left out of the numbers", ["setting", "why", "times"], shown, numbers=1, note=note),
    ]


def paper_numbers(arms: Sequence[Arm], turns: Sequence[int] = ()) -> list[Block]:
    """The paper's numbers beside ours, where benchmark, editor, thinker, mode and turns are the same."""
    rows, used = [], []
    for arm in arms:
        info, chosen = arm.run.info, arm.run.info.settings
        wanted = [n for n in turns if n <= arm.run.longest] or [arm.run.longest]
        for count in wanted:
            asked = Setting(
                info.benchmark,
                f"{chosen.editor} {info.editor}",
                f"{chosen.thinker} {info.thinker}",
                count if chosen.mode == "while" else chosen.turns,
                chosen.mode.value,
            )
            found = [value for value in beside(asked) if value.value is not None]
            for value in found:
                ours = arm.estimate(OURS[value.benchmark][value.metric], count)
                rows.append(
                    [
                        arm.label,
                        str(count),
                        f"Table {value.table}: {value.variant}",
                        value.metric,
                        number(value.value),
                        number(ours.mean),
                        interval(ours),
                    ]
                )
            used += found
    if not rows:
        return []
    run = arms[0].run
    same = [] if run.official else ["the judge's wording is ours"]
    told = f" Here {' and '.join(same)}, so the two columns do not compare." if same else ""
    blocks: list[Block] = [
        Heading("The paper's numbers"),
        Table(
            "Printed in arXiv 2512.05965v1, beside ours",
            ["setting", "turns", "paper's row", "metric", "paper", "ours", "95 % interval"],
            rows,
            numbers=3,
            note=f"The paper gives no intervals, seeds or numbers of runs.{told}",
        ),
    ]
    lines = disagreements(used)
    if lines:
        blocks.append(Paragraph(f"Where the paper disagrees with itself: {'; '.join(lines)}."))
    return blocks
