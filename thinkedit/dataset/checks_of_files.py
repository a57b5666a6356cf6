"""Checks of counts, hashes and pictures."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from thinkedit.dataset.checking import Faults, Readings
from thinkedit.dataset.folder import FILTERED, RL, SCORED, SOURCES, STEPS, TRAJECTORIES, read_picture
from thinkedit.dataset.manifest import STAGES, dropped_file, hashed
from thinkedit.dataset.records import Dropped, sha_of
from thinkedit.errors import ImageError, StoreError
from thinkedit.journal import read_lines

__all__ = ["counts", "hashes", "pictures"]

_KEPT_IN = {"sources": SOURCES, "generate": TRAJECTORIES, "score": SCORED, "filter": FILTERED}


def counts(readings: Readings, faults: Faults) -> int:
    folder, stages = readings.folder, readings.manifest["stages"]
    done = [stage for stage in STAGES if stage in stages]
    before: int | None = None
    for stage in done:
        told = stages[stage]
        dropped = sum(told["dropped"].values())
        faults.unless(
            told["in"] == told["kept"] + dropped,
            stage,
            f"{told['in']} came in, {told['kept']} were kept and {dropped} dropped",
        )
        came = told["trajectories"]["in"] if stage == "build" else told["in"]
        if before is not None:
            faults.unless(
                came == before, stage, f"{came} came in, and {before} were left by the stage before"
            )
        before = told["kept"]
        for name, wanted in _lines_of(stage, told).items():
            found = _lines(folder / name)
            faults.unless(found == wanted, name, f"{found} lines, and the manifest counts {wanted}")
        written = _reasons(folder / dropped_file(stage))
        counted = told["trajectories"]["dropped"] if stage == "build" else told["dropped"]
        faults.unless(written == counted, dropped_file(stage), f"{written}, and the manifest says {counted}")
    return len(done)


def _lines_of(stage: str, told: dict[str, object]) -> dict[str, object]:
    if stage == "build":
        sets = told["sets"]
        assert isinstance(sets, dict)
        return {STEPS: told["in"], RL: sets["rl"]}
    return {_KEPT_IN[stage]: told["kept"]}


def _lines(path: Path) -> int:
    return sum(1 for _ in read_lines(path))


def _reasons(path: Path) -> dict[str, int]:
    reasons = Counter(Dropped.model_validate(value).reason for _, value in read_lines(path))
    return dict(sorted(reasons.items()))


def hashes(readings: Readings, faults: Faults) -> int:
    for name, told in readings.manifest["files"].items():
        try:
            found = hashed(readings.folder / name)
        except StoreError as error:
            faults.note(name, str(error))
            continue
        faults.unless(found == told, name, f"{json.dumps(found)}, and the manifest says {json.dumps(told)}")
    return len(readings.manifest["files"])


def pictures(readings: Readings, faults: Faults) -> int:
    """All that sources and trajectories name; each is read once."""
    seen: set[str] = set()

    def look(name: str, sha: str, where: str) -> None:
        if name in seen:
            return
        seen.add(name)
        try:
            read_picture(readings.folder, name, sha)
        except ImageError as error:
            faults.note(where, str(error))

    for source in readings.sources(faults):
        look(source.image, source.sha256, source.id)
    if "generate" in readings.manifest["stages"]:
        for trajectory in readings.trajectories(faults):
            look(trajectory.source, trajectory.source_id, trajectory.id)
            for step in trajectory.steps:
                if step.image is not None:
                    look(step.image, sha_of(step.image), f"{trajectory.id} step {step.t}")
    return len(seen)
