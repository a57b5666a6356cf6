"""`check`: what must hold of a finished dataset, seen again in its files and not in what the stages say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from thinkedit.dataset.checking import Faults, Readings
from thinkedit.dataset.checks_of_files import counts, hashes, pictures
from thinkedit.dataset.checks_of_records import filtered, samples, scores, sources, trajectories
from thinkedit.dataset.checks_of_sets import balance, disjoint, partition, rebuilt, rl_rows, targets
from thinkedit.dataset.manifest import STAGES, read_manifest
from thinkedit.errors import InputError, ThinkEditError

__all__ = ["CHECKS", "Finding", "check_folder"]


@dataclass(frozen=True)
class Finding:
    """name: what must hold. ok: whether it does. seen: how many were looked at. faults: the first ones."""

    name: str
    ok: bool
    seen: int
    faults: tuple[str, ...] = field(default=())
    more: int = 0


Check = Callable[[Readings, Faults], int]

CHECKS: tuple[tuple[str, str, Check], ...] = (
    ("sources", "each stage: in = kept + dropped, and the files have as many lines", counts),
    ("sources", "each file has the hash that the manifest says", hashes),
    ("sources", "each picture has the hash that its name says, and can be read", pictures),
    ("sources", "sources have ids of their own and the licences of the manifest", sources),
    ("generate", "trajectories belong to their sources and begin with the source's picture", trajectories),
    ("score", "each image has scores from 0 to 10, or a reason; overall = sqrt(semantic * quality)", scores),
    ("filter", "kept exactly where a later image is at least as good, up to the best step", filtered),
    ("build", "one sample for each kept step; its image is of its trajectory, never the source", samples),
    ("build", "SFT and RL share no trajectory and no source picture", disjoint),
    ("build", "RL varies by more than theta; SFT by at most that, or is good throughout", partition),
    ("build", "balancing raised no cell, and the cells are those of the manifest", balance),
    ("build", "SFT targets are read back as reason, scores and answer; prompts are the loop's", targets),
    ("build", "RL rows say what their samples say", rl_rows),
    ("build", "the same trajectories and seed give the same bytes", rebuilt),
)
"""(the stage from which on it can be looked at, what must hold, how it is looked at)."""


def check_folder(folder: Path) -> Iterator[Finding]:
    """Look at everything that the stages run so far have left, one after another. Blocks.

    InputError where there is no manifest.
    """
    manifest = read_manifest(folder)
    done = [stage for stage in STAGES if stage in manifest["stages"]]
    if not done:
        raise InputError(f"{folder} has no manifest of a stage: run `thinkedit dataset generate` first")
    readings = Readings(folder, manifest)
    for stage, name, check in CHECKS:
        if stage not in done:
            continue
        faults = Faults()
        seen = 0
        try:
            seen = check(readings, faults)
        except (ThinkEditError, OSError, ValueError, KeyError, TypeError) as error:
            faults.note("", f"{type(error).__name__}: {error}")
        yield Finding(
            name, not faults.count, seen, tuple(faults.first), max(faults.count - len(faults.first), 0)
        )


def missing_stages(folder: Path) -> list[str]:
    """Stages that have not been run, or whose files are of other data than the stage before left."""
    stages: dict[str, Any] = read_manifest(folder)["stages"]
    return [stage for stage in STAGES if stage not in stages]
