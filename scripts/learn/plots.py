"""Curves of training, mean and range over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot

from learn.results import curve

__all__ = ["losses", "rewards"]

COMPONENTS = {
    "rewards/format/mean": "format: can be read, 0 to 1",
    "rewards/critic/mean": "critic: distance to the judge, -1 to 0",
    "rewards/edit/mean": "edit: gain of the next edit, -1 to 1",
    "kl": "KL from SFT",
}
COLOURS = ("#1c7c54", "#b6541b", "#4a5fa5")
WINDOW = 10
"""Steps that are averaged: every batch has other scenes."""


def rewards(runs: Mapping[str, Sequence[Path]], path: Path) -> None:
    """The curve of each component; runs: the folders of each kind, one for each seed."""
    figure, panels = pyplot.subplots(1, len(COMPONENTS), figsize=(14, 3.4), layout="constrained")
    for panel, (name, title) in zip(panels, COMPONENTS.items(), strict=True):
        for (kind, folders), colour in zip(runs.items(), COLOURS, strict=False):
            curves = [found[name] for folder in folders if name in (found := curve(folder, [name]))]
            _drawn(panel, curves, "all rewards" if kind == "grpo" else kind, colour)
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("step")
        panel.grid(alpha=0.25)
    panels[-1].legend(fontsize=8, loc="upper left")
    _save(figure, path)


def losses(folders: Sequence[Path], path: Path) -> None:
    """The loss of SFT."""
    figure, panel = pyplot.subplots(figsize=(6, 3.2), layout="constrained")
    curves = [found["loss"] for each in folders if "loss" in (found := curve(each / "sft", ["loss"]))]
    _drawn(panel, curves, "", COLOURS[0], window=1)
    panel.set_yscale("log")
    panel.set_title("SFT, loss of a token", fontsize=10)
    panel.set_xlabel("step")
    panel.grid(alpha=0.25)
    _save(figure, path)


def _drawn(panel, curves, label: str, colour: str, window: int = WINDOW) -> None:  # type: ignore[no-untyped-def]
    if not curves:
        return
    length = min(map(len, curves))
    steps = np.array([step for step, _ in curves[0][:length]])
    values = np.array([[value for _, value in one[:length]] for one in curves])
    size = min(window, length)
    smooth = np.array([np.convolve(row, np.ones(size) / size, mode="valid") for row in values])
    at = steps[size - 1 :]
    panel.plot(at, smooth.mean(axis=0), color=colour, label=label, linewidth=1.6)
    if len(curves) > 1:
        panel.fill_between(at, smooth.min(axis=0), smooth.max(axis=0), color=colour, alpha=0.15, linewidth=0)


def _save(figure, path: Path) -> None:  # type: ignore[no-untyped-def]
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
