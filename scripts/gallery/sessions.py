"""Runs the default pair on a photograph and keeps what came of each instruction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gallery.cases import Case
from gallery.frames import Frame, Pair
from gallery.targets import distance, error
from thinkedit import think_edit
from thinkedit.config import Config
from thinkedit.errors import EditRefused, UnsupportedEdit
from thinkedit.graph.runner import open_runner
from thinkedit.images import load
from thinkedit.types import EditResult, StopReason

__all__ = ["Entry", "Shot", "run"]

SEED = 1
"""Given, so that the records are the same each time; the photo editor draws nothing by chance."""


@dataclass(frozen=True)
class Shot:
    """One turn: its picture (None where the editor refused the prompt), and what the yardstick says of it.

    error, distance: of targets.py; None where there is no picture or nothing was to come of it.
    """

    turn: int
    prompt: str
    pixels: NDArray[np.uint8] | None
    semantic: float | None
    quality: float | None
    overall: float | None
    reasoning: str
    error: float | None
    distance: float | None


@dataclass(frozen=True)
class Entry:
    """What an instruction came to on a photograph. refused: the editor's words, where it was refused."""

    photo: str
    case: Case
    source: NDArray[np.uint8]
    shots: tuple[Shot, ...] = ()
    selected: int | None = None
    stop_reason: StopReason | None = None
    refused: str = ""

    @property
    def first(self) -> Shot:
        return self.shots[0]

    @property
    def chosen(self) -> Shot:
        return next(shot for shot in self.shots if shot.turn == self.selected)

    @property
    def gain(self) -> float | None:
        """The yardstick's error at turn 1 less that of the selected turn: above 0, later turns helped."""
        if self.refused or self.case.refusal or self.first.error is None or self.chosen.error is None:
            return None
        return self.first.error - self.chosen.error


async def run(path: Path, cases: Sequence[Case], data: Path) -> list[Entry]:
    """Each case on one photograph, with default settings and a data folder of its own."""
    source = load(path).picture.pixels()
    entries = []
    async with open_runner(Config(data=data)) as runner:
        for case in cases:
            try:
                result = await think_edit(path, case.instruction, runner=runner, seed=SEED)
            except (UnsupportedEdit, EditRefused) as refusal:
                entries.append(Entry(path.stem, case, source, refused=str(refusal)))
                continue
            pictures = {t.turn: runner.store.get(t.image.sha256).pixels() for t in result.turns if t.image}
            entries.append(_entry(path.stem, case, source, result, pictures))
    return entries


def _entry(
    photo: str,
    case: Case,
    source: NDArray[np.uint8],
    result: EditResult,
    pictures: dict[int, NDArray[np.uint8]],
) -> Entry:
    shots, before = [], Frame(source)
    for turn in result.turns:
        pixels, view = pictures.get(turn.turn), turn.critique
        off, far = None, None
        if pixels is not None and case.wishes:
            pair = Pair(before, Frame(pixels))
            off, far = error(pair, photo, case.wishes), distance(pair, photo, case.wishes)
        semantic, quality, overall = (
            (view.semantic, view.quality, view.overall) if view else (None, None, None)
        )
        reasoning = view.reasoning if view else turn.error or ""
        shots.append(Shot(turn.turn, turn.prompt, pixels, semantic, quality, overall, reasoning, off, far))
    return Entry(photo, case, source, tuple(shots), result.selected_turn, result.stop_reason)
