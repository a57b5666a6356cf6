"""What the checks share: reading the files of a finished dataset, and noting faults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from thinkedit.dataset.choosing import BuildSettings
from thinkedit.dataset.filter import FilterSettings
from thinkedit.dataset.folder import FILTERED, SCORED, SOURCES, STEPS, TRAJECTORIES
from thinkedit.dataset.lines import read_records
from thinkedit.dataset.records import Dropped, ScoredTrajectory, SourceRecord, StepSample, Trajectory

__all__ = ["Faults", "Readings"]

M = TypeVar("M", bound=BaseModel)

_MOST = 5


@dataclass
class Faults:
    """The first few faults and how many there are."""

    first: list[str] = field(default_factory=list)
    count: int = 0

    def note(self, where: str, what: str) -> None:
        self.count += 1
        if len(self.first) < _MOST:
            self.first.append(" ".join(f"{where}: {what}".split()) if where else " ".join(what.split()))

    def unless(self, holds: bool, where: str, what: str) -> None:
        if not holds:
            self.note(where, what)


@dataclass(frozen=True)
class Readings:
    """The folder's files, each read anew: a check sees what is there and not what another one made of it."""

    folder: Path
    manifest: dict[str, Any]

    def stage(self, name: str) -> dict[str, Any]:
        told: dict[str, Any] = self.manifest["stages"][name]
        return told

    @property
    def filter_settings(self) -> FilterSettings:
        return FilterSettings.model_validate(self.stage("filter")["settings"])

    @property
    def build_settings(self) -> BuildSettings:
        settings = {k: v for k, v in self.stage("build")["settings"].items() if k != "template"}
        return BuildSettings.model_validate(settings)

    def sources(self, faults: Faults) -> Iterator[SourceRecord]:
        return self._good(SOURCES, SourceRecord, faults)

    def trajectories(self, faults: Faults) -> Iterator[Trajectory]:
        return self._good(TRAJECTORIES, Trajectory, faults)

    def scored(self, faults: Faults) -> Iterator[ScoredTrajectory]:
        return self._good(SCORED, ScoredTrajectory, faults)

    def filtered(self, faults: Faults) -> Iterator[ScoredTrajectory]:
        return self._good(FILTERED, ScoredTrajectory, faults)

    def steps(self, faults: Faults) -> Iterator[StepSample]:
        return self._good(STEPS, StepSample, faults)

    def _good(self, name: str, model: type[M], faults: Faults) -> Iterator[M]:
        """The records of a file that a stage wrote: one that is none is a fault."""
        for record in read_records(self.folder / name, model):
            if isinstance(record, Dropped):
                faults.note(record.place, record.why)
            else:
                yield record
