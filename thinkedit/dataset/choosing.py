"""Where each trajectory and each step goes: partition and balancing over the columns of `build`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from thinkedit.dataset.balancing import BINS, PAPER_TARGET, Balance, balanced
from thinkedit.dataset.columns import Columns
from thinkedit.dataset.partition import REASONS, RL, SFT, Split, split
from thinkedit.dataset.sampling import Terminal
from thinkedit.types.words import Frozen, Score

__all__ = ["BuildSettings", "Chosen", "choose", "table", "trajectory_counts"]


class BuildSettings(Frozen):
    """How samples are made and chosen; docs/data.md says what the paper leaves open.

    seed: of every lot that is drawn. terminal: see `sampling.taught`; good: of both scores, for `stop`.
    decimals: of the scores in targets, 0 or 1. balance, quantile, target: see `balancing.caps_for`; they
    hold for the trajectories of RL and for the samples of SFT.
    theta: RL takes trajectories of a greater variance; without it, the one that leaves `rl` trajectories,
    or, without that, `rl_share` of all (paper: 10,000 of 70,000). rl: never more than that.
    sft_variance: at most, for SFT (default: theta), or all scores at least `steady`. sft: samples of SFT at
    most. template: a file with the thinker's prompt instead of the loop's own; threshold: what it is told
    is good enough. image_root: put before the paths in `sft_train.json`, whose reader wants them absolute.
    """

    seed: int = Field(0, ge=0)
    terminal: Terminal = "stop"
    good: Score = 8.0
    decimals: int = Field(1, ge=0, le=1)
    balance: Balance = "quantile"
    quantile: float = Field(0.75, ge=0, le=1)
    target: tuple[float, float, float, float, float, float] = PAPER_TARGET
    theta: float | None = Field(None, ge=0)
    rl: int | None = Field(None, ge=0)
    rl_share: float = Field(1 / 7, ge=0, le=1)
    sft_variance: float | None = Field(None, ge=0)
    steady: Score = 8.0
    sft: int | None = Field(None, ge=0)
    template: Path | None = None
    threshold: Score = 8.0
    image_root: str = ""

    @model_validator(mode="after")
    def _weights(self) -> BuildSettings:
        if min(self.target) < 0 or not any(self.target):
            raise ValueError("target: six weights of 0 and more, not all of them 0")
        return self

    @property
    def told(self) -> dict[str, Any]:
        """For the manifest: what decides the files."""
        return self.model_dump(mode="json", exclude={"template"})


@dataclass(frozen=True)
class Chosen:
    """fate: of each step, an index into `words`; "sft" and "rl" are sets, the others reasons for a drop."""

    words: tuple[str, ...]
    fate: NDArray[np.int16]
    split: Split


def choose(columns: Columns, settings: BuildSettings) -> Chosen:
    """Decide; the same for the same trajectories in any order."""
    evened = partial(
        balanced,
        count=_cells(columns),
        how=settings.balance,
        quantile=settings.quantile,
        weights=settings.target,
    )
    cell, lots, usable = columns.of("cell"), columns.of("lots"), columns.of("usable").astype(bool)

    def for_rl(candidates: NDArray[np.bool_], most: int | None) -> NDArray[np.bool_]:
        there = np.flatnonzero(candidates & usable)
        kept = np.zeros(len(candidates), dtype=bool)
        kept[there[evened(cell[there], lots[there], most=most)]] = True
        return kept

    share = round(len(cell) * settings.rl_share)
    parted = split(
        columns.of("variance"),
        columns.of("lowest"),
        columns.of("source"),
        for_rl,
        theta=settings.theta,
        budget=settings.rl if settings.rl is not None or settings.theta is not None else share,
        good=settings.steady,
        sft_theta=settings.sft_variance,
    )
    words = ("sft", "rl", "balance", *REASONS, *columns.reasons)
    first_reason = 3 + len(REASONS)
    place = parted.place[columns.of("owner")] if len(cell) else np.empty(0, np.int8)
    dropped, unseen = columns.of("dropped"), columns.of("unseen")
    fate = np.full(len(place), words.index("balance"), dtype=np.int16)
    candidates = np.flatnonzero((place == SFT) & (dropped < 0))
    step_cell, step_lots = columns.of("step_cell"), columns.of("step_lots")
    kept = evened(step_cell[candidates], step_lots[candidates], most=settings.sft)
    fate[candidates[kept]] = 0
    at = (place == SFT) & (dropped >= 0)
    fate[at] = first_reason + dropped[at]
    for number in range(len(REASONS)):
        fate[place == 2 + number] = 3 + number
    fate[place == RL] = 1
    at = (place == RL) & (unseen >= 0)
    fate[at] = first_reason + unseen[at]
    return Chosen(words, fate, parted)


def table(columns: Columns, chosen: Chosen) -> dict[str, Any]:
    """Of each set and task type, how many samples of each score bin there were before balancing and after.

    Before: for SFT the samples that could be used of its trajectories, for RL all of its own.
    """
    count = _cells(columns)
    tasks = sorted(columns.tasks)
    place = chosen.split.place[columns.of("owner")] if len(columns.of("owner")) else np.empty(0, np.int8)
    cells = columns.of("step_cell")
    masks = {
        "sft": ((place == SFT) & (columns.of("dropped") < 0), chosen.fate == 0),
        "rl": ((place == RL) & (columns.of("unseen") < 0), chosen.fate == 1),
    }
    made: dict[str, Any] = {}
    for name, (before, after) in masks.items():
        sizes = [np.bincount(cells[mask], minlength=count).reshape(-1, BINS) for mask in (before, after)]
        made[name] = {
            task: {
                "before": sizes[0][columns.tasks[task]].tolist(),
                "after": sizes[1][columns.tasks[task]].tolist(),
            }
            for task in tasks
        }
    return made


def trajectory_counts(chosen: Chosen) -> dict[str, int]:
    """How many trajectories went where."""
    names = ("sft", "rl", *REASONS)
    counts = Counter(names[number] for number in chosen.split.place.tolist())
    return {name: counts.get(name, 0) for name in names}


def _cells(columns: Columns) -> int:
    return max(len(columns.tasks), 1) * BINS
