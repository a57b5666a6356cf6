"""`manifest.json`: what each stage took in, kept and dropped for which reason, and the hash of each file."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from thinkedit import __version__
from thinkedit.dataset.folder import MANIFEST
from thinkedit.dataset.records import Dropped
from thinkedit.errors import InputError, StoreError
from thinkedit.journal import replace_file

__all__ = ["STAGES", "Tally", "dropped_file", "read_manifest", "seal"]

STAGES = ("sources", "generate", "score", "filter", "build")
FORMAT = 1


def dropped_file(stage: str) -> str:
    """The file with a line for everything that the stage dropped."""
    return f"dropped/{stage}.jsonl"


@dataclass
class Tally:
    """What a stage did: taken = kept + all that was dropped, or something was lost.

    settings: what decided the outcome. more: further counts and facts, by name.
    """

    stage: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    taken: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    more: dict[str, Any] = field(default_factory=dict)

    def drop(self, what: Dropped) -> Dropped:
        """Count it; returns it, to be written down."""
        self.dropped[what.reason] += 1
        return what

    @property
    def adds_up(self) -> bool:
        return self.taken == self.kept + sum(self.dropped.values())

    def told(self) -> dict[str, Any]:
        return {
            "in": self.taken,
            "kept": self.kept,
            "dropped": dict(sorted(self.dropped.items())),
            "settings": dict(self.settings),
            **self.more,
        }


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest, or an empty one. InputError where the file holds something else."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {"format": FORMAT, "thinkedit": __version__, "stages": {}, "files": {}}
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}): run the stages again") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InputError(f"{path} is no manifest of format {FORMAT}: name another folder")
    return manifest


def seal(folder: Path, tally: Tally, *files: str) -> dict[str, Any]:
    """Note a finished stage and its files; where they are new, forget later stages, which are of other data.

    Returns the manifest. StoreError where it cannot be written, RuntimeError where the counts do not add up.
    """
    if not tally.adds_up:
        raise RuntimeError(
            f"{tally.stage}: {tally.taken} came in, {tally.kept} were kept and {tally.dropped} dropped"
        )
    manifest = read_manifest(folder)
    stages, hashes = manifest["stages"], manifest["files"]
    told = tally.told() | {"files": sorted(files)}
    new = {name: hashed(folder / name) for name in files}
    if stages.get(tally.stage) != told or any(hashes.get(name) != new[name] for name in files):
        after = STAGES[STAGES.index(tally.stage) :]
        stages = {name: before for name, before in stages.items() if name not in after}
    stages = stages | {tally.stage: told}
    listed = {name for one in stages.values() for name in one["files"]}
    hashes = {name: before for name, before in hashes.items() if name in listed} | new
    whole = {
        "format": FORMAT,
        "thinkedit": __version__,
        "stages": {name: stages[name] for name in STAGES if name in stages},
        "files": dict(sorted(hashes.items())),
    }
    try:
        replace_file(folder / MANIFEST, [json.dumps(whole, indent=2, ensure_ascii=False) + "\n"])
    except OSError as error:
        raise StoreError(f"{folder / MANIFEST} cannot be written: {error.strerror or error}") from error
    return whole


def hashed(path: Path) -> dict[str, Any]:
    """sha256 and size of a file. StoreError where it cannot be read."""
    try:
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return {"sha256": digest, "bytes": file.tell()}
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}") from error
