"""What a dataset is made of: a table, and the picture of the paper's Figure 3.

The counts are those that `build` wrote into the manifest: of each set and task type, the samples of each
score bin before balancing and after. Figure 3 shows five groups of tasks and the bins 0, 2, 4, 6, 8 and 10;
`GROUPS` says which task types we count to which group, since the paper does not.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thinkedit.adapters.require import require
from thinkedit.dataset.balancing import BINS
from thinkedit.dataset.manifest import read_manifest
from thinkedit.errors import InputError, StoreError
from thinkedit.provingground import NOTICE

__all__ = ["GROUPS", "Counts", "Stats", "draw_stats", "group_of", "read_stats", "table"]

GROUPS = ("subject-driven", "style", "background", "reasoning", "others")
"""The groups of Figure 3, in its order."""

_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("reasoning", ("reason", "count", "compar", "logic", "knowledge")),
    ("background", ("background", "scene", "weather", "season")),
    ("style", ("style", "stylis", "styliz", "artistic", "cartoon", "painting")),
    (
        "subject-driven",
        ("subject", "object", "add", "remov", "replac", "recolo", "colo", "mov", "resiz", "human", "person"),
    ),
)
"""Beginnings of words of a task type; the first group that has one of them is its group."""


def group_of(task: str) -> str:
    """The group of a task type: `others` where none of its words tells."""
    words = task.lower().replace("_", "-").split("-")
    for group, beginnings in _WORDS:
        if any(word.startswith(beginnings) for word in words):
            return group
    return GROUPS[-1]


@dataclass(frozen=True)
class Counts:
    """Samples of one set, task types or groups by score bins, before balancing and after."""

    before: Mapping[str, tuple[int, ...]]
    after: Mapping[str, tuple[int, ...]]

    def grouped(self) -> Counts:
        """The same by the groups of Figure 3, all five of them."""
        return Counts(_grouped(self.before), _grouped(self.after))

    def bins(self, *, after: bool) -> list[int]:
        """Samples of each bin, all tasks together."""
        rows = (self.after if after else self.before).values()
        return [sum(row[place] for row in rows) for place in range(BINS)]

    def tasks(self, *, after: bool) -> dict[str, int]:
        """Samples of each task, all bins together."""
        return {task: sum(row) for task, row in (self.after if after else self.before).items()}

    @property
    def empty(self) -> bool:
        return not any(self.bins(after=False))


@dataclass(frozen=True)
class Stats:
    """sets: `sft` and `rl`. stages: in, kept and dropped of each that ran. note: where it is from."""

    sets: Mapping[str, Counts]
    stages: Mapping[str, Mapping[str, Any]]
    note: str = ""


def read_stats(folder: Path) -> Stats:
    """From a dataset's manifest. InputError where `build` has not run or the manifest is none."""
    stages = read_manifest(folder)["stages"]
    if "build" not in stages:
        raise InputError(f"{folder} has no sets yet: run `thinkedit dataset build` first")
    try:
        sets = {
            name: Counts(
                {task: tuple(map(int, two["before"])) for task, two in tasks.items()},
                {task: tuple(map(int, two["after"])) for task, two in tasks.items()},
            )
            for name, tasks in stages["build"]["bins"].items()
        }
        if any(
            len(row) != BINS for one in sets.values() for row in (*one.before.values(), *one.after.values())
        ):
            raise ValueError(f"not {BINS} bins")
        told = {
            name: {"in": stage["in"], "kept": stage["kept"], "dropped": dict(stage["dropped"])}
            for name, stage in stages.items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"the manifest of {folder} cannot be used ({error}): build it again") from error
    simulated = "provingground" in stages.get("sources", {}).get("licences", {})
    return Stats(sets, told, NOTICE if simulated else "")


def table(counts: Counts) -> list[list[str]]:
    """Rows of a table: a header, one for each task type or group, and the sum; cells are `before > after`."""
    header = ["task", *(str(2 * place) for place in range(BINS)), "all"]
    rows = [header]
    for task in counts.before:
        before, after = counts.before[task], counts.after.get(task, (0,) * BINS)
        rows.append([task, *_cells((*before, sum(before)), (*after, sum(after)))])
    before_all, after_all = counts.bins(after=False), counts.bins(after=True)
    rows.append(["all", *_cells((*before_all, sum(before_all)), (*after_all, sum(after_all)))])
    return rows


def draw_stats(stats: Stats, path: Path) -> None:
    """Draw task groups and score bins, before and after balancing, a row of panels for each set that has any.

    The ending of `path` names the format, such as .png or .svg; the same counts give the same bytes.
    MissingExtra without matplotlib, InputError for an ending that it does not know, StoreError where the file
    cannot be written.
    """
    require("the picture of a dataset", "matplotlib")
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = {name: counts.grouped() for name, counts in stats.sets.items() if not counts.empty}
    if not shown:
        raise InputError("there is nothing to draw: no sample came as far as the balancing")
    with rc_context({"svg.hashsalt": "thinkedit", "font.size": 9}):
        figure = Figure(figsize=(9, 0.7 + 2.7 * len(shown)), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(len(shown), 2, squeeze=False, width_ratios=(1.1, 1))
        for (name, counts), (left, right) in zip(shown.items(), panels, strict=True):
            _bars(left, counts.tasks(after=False), counts.tasks(after=True))
            left.set_title(f"{name.upper()}: samples by task group", loc="left")
            bins = [str(2 * place) for place in range(BINS)]
            two = (dict(zip(bins, counts.bins(after=after), strict=True)) for after in (False, True))
            _bars(right, *two)
            right.set_title(f"{name.upper()}: samples by score", loc="left")
            right.set_xlabel("overall score of the image, bins 2 wide")
        panels[0][0].legend(frameon=False, fontsize=8)
        if stats.note:
            figure.supxlabel(textwrap.fill(stats.note, 130), fontsize=8, color=_NOTE)
        ending = path.suffix.lower().removeprefix(".")
        if ending not in (known := figure.canvas.get_supported_filetypes()):
            raise InputError(f"{path.name} has no ending of a picture: use one of {', '.join(sorted(known))}")
        dates = {"svg": "Date", "pdf": "CreationDate", "eps": "CreationDate", "ps": "CreationDate"}
        metadata = {dates[ending]: None} if ending in dates else {}
        try:
            figure.savefig(path, format=ending, dpi=120, metadata=metadata or None)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror or error}") from error


_BEFORE, _AFTER, _NOTE = "#b9c3d0", "#2f6f9f", "#555555"


def _bars(axes: Any, before: Mapping[str, int], after: Mapping[str, int]) -> None:
    places = range(len(before))
    for shift, values, colour, label in (
        (-0.2, list(before.values()), _BEFORE, "before balancing"),
        (0.2, [after[name] for name in before], _AFTER, "after balancing"),
    ):
        drawn = axes.bar([place + shift for place in places], values, 0.4, color=colour, label=label)
        axes.bar_label(drawn, labels=[_short(value) for value in values], fontsize=7, padding=1)
    axes.set_xticks(list(places), list(before))
    axes.margins(y=0.14)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _short(value: int) -> str:
    return f"{value:,}" if value < 10_000 else f"{value / 1000:.0f}k"


def _grouped(rows: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    sums = {group: [0] * BINS for group in GROUPS}
    for task, row in rows.items():
        for place, value in enumerate(row):
            sums[group_of(task)][place] += value
    return {group: tuple(row) for group, row in sums.items()}


def _cells(before: Sequence[int], after: Sequence[int]) -> list[str]:
    return [f"{b:,} > {a:,}" if b != a else f"{b:,}" for b, a in zip(before, after, strict=True)]
