"""Figures and their tables: score over turns, calibration, gain by task type, where things got worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from thinkedit.evaluation.base import Point
from thinkedit.evaluation.report.arms import Arm, Change, metric_name
from thinkedit.evaluation.report.document import (
    Block,
    Cell,
    Figure,
    Heading,
    Table,
    interval,
    number,
    p_value,
    signed,
)
from thinkedit.evaluation.report.drawing import Bar, Line, Mark, bars, lines, scatter
from thinkedit.evaluation.statistics import Estimate, estimate, rank_correlation

__all__ = ["calibration", "gains", "over_turns", "worse"]

_SAME = 1e-9
_BIN = 2.0


def over_turns(panels: Mapping[str, Sequence[Arm]], turns: Sequence[int], name: str = "turns") -> list[Block]:
    """Score over turns, a panel for each title, a line for each arm; bands are 95 % intervals."""
    labels = list(dict.fromkeys(arm.label for arms in panels.values() for arm in arms))
    drawn: dict[str, list[Line]] = {title: [] for title in panels}
    told: dict[str, list[str]] = {title: [] for title in panels}
    measured = ""
    for title, arms in panels.items():
        for arm in arms:
            found = {turn: arm.estimate(turns=turn) for turn in turns if turn <= arm.run.longest}
            drawn[title].append(Line(_marks(found), labels.index(arm.label) % 6 + 1))
            means = ", ".join(f"{number(e.mean)} at {t}" for t, e in found.items())
            told[title].append(f"{arm.label}: {means}")
            measured = f"{arm.run.benchmark.title}, {metric_name(arm)}"
    marks = [m for made in drawn.values() for line in made for m in line.marks]
    within = [v for m in marks for v in (m.y, m.low, m.high) if v is not None]  # one scale for all panels
    titles = {"x_title": "turns", "y_title": "score"}
    shown = [
        (title, lines(drawn[title], alt="; ".join(told[title]), x_ticks=turns, within=within, **titles))
        for title in panels
    ]
    legend = [(f"l{at % 6 + 1}", label) for at, label in enumerate(labels)]
    caption = f"{measured}, over the number of turns; bands are 95 % bootstrap intervals over samples."
    return [Figure(name, caption, shown, legend)]


def _marks(found: Mapping[int, Estimate]) -> list[Mark]:
    return [Mark(turn, e.mean, e.low, e.high) for turn, e in found.items() if e.mean is not None]


def calibration(arms: Sequence[Arm], name: str = "calibration") -> list[Block]:
    """The thinker's scores against the judge's, of every judged image; nothing where it gives none."""
    shown, rows = [], []
    for arm in arms:
        pairs = [
            (f"{one.sample.id}", one.turn.overall, one.judged)
            for run in arm.runs
            for one in run.judged()
            if one.turn.overall is not None and one.judged is not None
        ]
        if not pairs:
            continue
        low, high = arm.run.benchmark.scale
        binned: dict[float, list[Point]] = {}
        for sample, mine, judged in pairs:
            middle = min(mine // _BIN, 10 / _BIN - 1) * _BIN + _BIN / 2
            binned.setdefault(middle, []).append(Point(sample, judged))
        found = {middle: estimate(binned[middle]) for middle in sorted(binned)}
        over = [Mark(middle, e.mean, e.low, e.high) for middle, e in found.items() if e.mean is not None]
        agreed = rank_correlation(pairs)
        off = estimate(
            Point(sample, mine / 10 * (high - low) + low - judged) for sample, mine, judged in pairs
        )
        told = f"{arm.label}: rank correlation {number(agreed.mean)} over {agreed.n} images"
        svg = scatter(
            [(mine, judged) for _, mine, judged in pairs],
            over,
            x_title="the thinker's score",
            y_title="the judge's score",
            alt=told,
            x_span=(0, 10),
            y_span=(low, high),
        )
        shown.append((arm.label, svg))
        rows.append(
            [arm.label, str(agreed.n), number(agreed.mean), interval(agreed), signed(off.mean), interval(off)]
        )
    if not rows:
        return []
    return [
        Heading("The thinker's scores against the judge's"),
        Figure(
            name,
            "Each dot is an image (larger: several in one place); the marks are the judge's mean for the "
            "thinker's scores in steps of two, with 95 % intervals; on the line both agree.",
            shown,
        ),
        Table(
            "Rank correlation, and how much higher the thinker scores",
            ["thinker", "images", "Spearman's rho", "95 % interval", "thinker − judge", "95 % interval "],
            rows,
            numbers=5,
        ),
    ]


def gains(arms: Sequence[Arm], name: str = "gain") -> list[Block]:
    """What the loop adds to the first turn, by task type."""
    panels: list[tuple[str, list[Bar]]] = []
    rows: list[list[Cell | str]] = []
    for at, arm in enumerate(arms):
        drawn = []
        for group in arm.groups:
            found = arm.group_gain(group)
            if found.difference is None:
                continue
            drawn.append(Bar(group, found.difference, found.low, found.high, at % 6 + 1))
            marked = None if found.low is None or found.high is None else _sign(found.low, found.high)
            rows.append(
                [
                    arm.label,
                    group,
                    str(found.n),
                    number(found.first),
                    number(found.second),
                    Cell(signed(found.difference), marked),
                    interval(found),
                    p_value(found.p if found.n > 1 else None),
                ]
            )
        panels += [(arm.label, drawn)] if drawn else []
    if not rows:
        return []
    span = [v for _, made in panels for b in made for v in (b.value, b.low, b.high) if v is not None]
    shown = []
    for label, made in panels:
        told = f"{label}: " + ", ".join(f"{bar.label} {signed(bar.value)}" for bar in made)
        shown.append((label, bars(made, title="gain over turn 1", alt=told, within=span)))
    return [
        Heading("Gain by task type"),
        Figure(name, "The result's score less that of turn 1; whiskers are 95 % intervals.", shown),
        Table(
            "Gain over the first turn by task type",
            ["setting", "task type", "n", "turn 1", "result", "gain", "95 % interval", "p (paired)"],
            rows,
            numbers=6,
        ),
    ]


def _sign(low: float, high: float) -> bool | None:
    return True if low > 0 else False if high < 0 else None


def worse(arms: Sequence[Arm]) -> list[Block]:
    """How often the result is worse than the first turn, and by how much."""
    rows = []
    for arm in arms:
        changes = list(arm.changes())
        if not changes:
            continue
        down = [change for change in changes if change.gain < -_SAME]
        up = sum(change.gain > _SAME for change in changes)
        # Of images, not of samples: several seeds of one sample count each.
        share = estimate(Point(c.result.sample, 100.0 * (c.gain < -_SAME)) for c in changes)
        lost = estimate(Point(c.result.sample, c.gain) for c in down)
        rows.append(
            [
                arm.label,
                str(len(changes)),
                str(up),
                str(len(changes) - up - len(down)),
                str(len(down)),
                f"{number(share.mean, 1)} %",
                interval(share, 1) if down else f"0.0 to {number(_most_unseen(share.n), 1)}",
                signed(lost.mean),
                _most(changes),
            ]
        )
    if not rows:
        return []
    return [
        Heading("Where the loop made things worse"),
        Table(
            "The result against the first turn, sample by sample",
            [
                "setting",
                "results",
                "better",
                "same",
                "worse",
                "worse %",
                "95 % interval",
                "mean loss",
                "most often in",
            ],
            rows,
            numbers=8,
        ),
    ]


def _most_unseen(n: int) -> float:
    """Percent: what happened to none of `n` samples happens to fewer (Clopper and Pearson, 95 %)."""
    return float(100 * (1 - 0.025 ** (1 / n)))


def _most(changes: Sequence[Change]) -> str:
    """The groups in which results are most often worse."""
    by_group: dict[str, list[bool]] = {}
    for change in changes:
        by_group.setdefault(change.result.group, []).append(change.gain < -_SAME)
    ranked = sorted(by_group.items(), key=lambda item: (-sum(item[1]) / len(item[1]), item[0]))
    return ", ".join(f"{group} {sum(found)}/{len(found)}" for group, found in ranked[:2] if sum(found)) or "–"
