"""The leakage guard: sources that also stand in a benchmark are found by how they look, and dropped.

`Benchmarks.read([folder, ...])` is a guard that `take_sources` asks of each picture; `find_leaks` and
`drop_leaks` look through a dataset that is there already.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thinkedit.dataset.fingerprints import (
    DISTANCE,
    FLAT,
    LIKENESS,
    SAME_COLOUR,
    VIEWS,
    Fingerprint,
    colour_difference,
    fingerprint,
    likeness,
)
from thinkedit.dataset.folder import SOURCES, needed, read_picture
from thinkedit.dataset.lines import Files, read_records
from thinkedit.dataset.manifest import Tally, dropped_file, read_manifest, seal
from thinkedit.dataset.pools.places import PICTURE_ENDINGS
from thinkedit.dataset.records import Dropped, SourceRecord
from thinkedit.errors import InputError, ThinkEditError
from thinkedit.images import Picture, load
from thinkedit.journal import read_lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Benchmarks", "Leak", "Match", "drop_leaks", "find_leaks"]

_PER_ROUND = 64


@dataclass(frozen=True)
class Match:
    """The benchmark picture that a picture is a copy of.

    distance: bits of 64 in which their hashes differ; likeness: see `fingerprints`, 1 for flat pictures.
    """

    picture: str
    distance: int
    likeness: float

    def __str__(self) -> str:
        return (
            f"it stands in a benchmark: {self.picture} ({self.distance} of 64 bits, {self.likeness:.2f} like)"
        )


@dataclass(frozen=True)
class Leak:
    """A source of a dataset that is a copy of a benchmark's picture."""

    source: SourceRecord
    match: Match


class Benchmarks:
    """The pictures of some benchmarks, by their fingerprints; call it with a picture to ask of it.

    names: FOLDER/path of each. unreadable: what could not be read of them, which guards against nothing.
    identity: a digest of the pictures and of the limits, for records of what was asked.
    """

    def __init__(
        self, names: Sequence[str], prints: Sequence[Fingerprint], unreadable: Sequence[Dropped] = ()
    ) -> None:
        import numpy as np

        self.names = tuple(names)
        self.unreadable = tuple(unreadable)
        self._prints = tuple(prints)
        self._hashes: NDArray[np.uint64] = np.array([one.hashes for one in prints], dtype=np.uint64).reshape(
            -1, len(VIEWS)
        )
        self._flat = np.array([one.flat for one in prints], dtype=bool)
        told = repr((DISTANCE, LIKENESS, FLAT, SAME_COLOUR, self.names)).encode("utf-8", "surrogatepass")
        self.identity = f"perceptual:{hashlib.sha256(told + self._hashes.tobytes()).hexdigest()[:16]}"

    @classmethod
    def read(cls, folders: Sequence[Path], heard: Callable[[int], None] | None = None) -> Benchmarks:
        """All pictures below some folders. heard: told how many were read.

        InputError for a folder that is none or holds no picture; MissingExtra without imagehash.
        """
        found: list[tuple[str, Path]] = []
        for folder in folders:
            pictures = list(_pictures(folder))
            if not pictures:
                raise InputError(
                    f"there is no picture below {folder}: name the folder of a benchmark's pictures"
                )
            found += [(f"{folder.name}/{path.relative_to(folder).as_posix()}", path) for path in pictures]
        names: list[str] = []
        prints: list[Fingerprint] = []
        unreadable: list[Dropped] = []
        with ThreadPoolExecutor() as workers:
            for begin in range(0, len(found), _PER_ROUND):
                some = found[begin : begin + _PER_ROUND]
                for (name, path), made in zip(some, workers.map(_read, (p for _, p in some)), strict=True):
                    if isinstance(made, Fingerprint):
                        names.append(name)
                        prints.append(made)
                    else:
                        unreadable.append(
                            Dropped(id=name, reason="unreadable_image", why=made, place=str(path))
                        )
                if heard is not None:
                    heard(begin + len(some))
        return cls(names, prints, unreadable)

    def __call__(self, picture: Picture) -> str | None:
        """Why the picture may not be a source; None where it stands in none of the benchmarks."""
        match = self.find(fingerprint(picture))
        return None if match is None else str(match)

    def __len__(self) -> int:
        return len(self.names)

    def find(self, wanted: Fingerprint) -> Match | None:
        """The benchmark picture that is most like it, where one is a copy of it."""
        import numpy as np

        if wanted.flat:
            flat = np.flatnonzero(self._flat)
            differences = [(colour_difference(wanted, self._prints[i]), int(i)) for i in flat]
            nearest = min(differences, default=(np.inf, 0))
            if nearest[0] > SAME_COLOUR:
                return None
            return Match(self.names[nearest[1]], 0, 1.0)
        ours = np.bitwise_count(self._hashes ^ wanted.hashes[0])  # the whole of it in each view of theirs
        theirs = np.bitwise_count(self._hashes[:, :1] ^ wanted.hashes[None, :])
        best: Match | None = None
        for distances, whole_is_ours in ((ours, True), (theirs, False)):
            for row, view in np.argwhere((distances <= DISTANCE) & ~self._flat[:, None]):
                tones = self._prints[row].tones
                pair = (wanted.tones[0], tones[view]) if whole_is_ours else (wanted.tones[view], tones[0])
                like = likeness(*pair)
                if like >= LIKENESS and (best is None or like > best.likeness):
                    best = Match(self.names[row], int(distances[row, view]), like)
        return best


def find_leaks(folder: Path, benchmarks: Benchmarks) -> tuple[list[Leak], list[Dropped]]:
    """(leaks, sources that could not be looked at) of a dataset, in the order of its `sources.jsonl`.

    Each picture is looked at once, however many sources it is of. InputError where the file is not there.
    """
    records: list[SourceRecord] = []
    unseen: list[Dropped] = []
    for record in read_records(needed(folder, SOURCES, "generate --sources …"), SourceRecord):
        records.append(record) if isinstance(record, SourceRecord) else unseen.append(record)
    paths = {record.sha256: record.image for record in records}

    def look(sha: str) -> Match | str | None:
        try:
            return benchmarks.find(fingerprint(read_picture(folder, paths[sha], sha)))
        except ThinkEditError as error:
            return str(error)

    with ThreadPoolExecutor() as workers:
        seen = dict(zip(paths, workers.map(look, paths), strict=True))
    leaks: list[Leak] = []
    for record in records:
        match = seen[record.sha256]
        if isinstance(match, Match):
            leaks.append(Leak(record, match))
        elif match is not None:
            unseen.append(Dropped(id=record.id, reason="unreadable_image", why=match, place=record.image))
    return leaks, unseen


def drop_leaks(folder: Path, leaks: Sequence[Leak]) -> dict[str, Any]:
    """Take the leaks out of `sources.jsonl`; returns the manifest, which forgets the later stages.

    Those are to be run again, and take from their journals all that has not changed: nothing is paid for
    twice. The lines go to `dropped/sources.jsonl` with the reason `leaked`.
    """
    path, drops = needed(folder, SOURCES, "generate --sources …"), dropped_file("sources")
    before = read_manifest(folder)["stages"].get("sources", {})
    gone = {leak.source.id: leak.match for leak in leaks}
    known = ("in", "kept", "dropped", "settings", "files")
    tally = Tally(
        "sources", before.get("settings", {}), more={k: v for k, v in before.items() if k not in known}
    )
    earlier = _dropped_before(folder / drops)
    with Files(folder, SOURCES, drops) as files:
        for drop in earlier:
            tally.taken += 1
            files.line(drops, tally.drop(drop))
        for record in read_records(path, SourceRecord):
            tally.taken += 1
            match = gone.get(record.id)
            if isinstance(record, SourceRecord) and match is None:
                tally.kept += 1
                files.line(SOURCES, record)
            else:
                why = Dropped(id=record.id, reason="leaked", why=str(match), place=path.name)
                files.line(drops, tally.drop(record if isinstance(record, Dropped) else why))
    return seal(folder, tally, SOURCES, drops)


def _dropped_before(path: Path) -> list[Dropped]:
    """What the stage dropped when it ran; of these lines, several may have one id."""
    if not path.is_file():
        return []
    try:
        return [Dropped.model_validate(value) for _, value in read_lines(path)]
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}): make the sources again") from error


def _pictures(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}: name the folder of a benchmark's pictures")
    for root, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if Path(name).suffix.lower() in PICTURE_ENDINGS:
                yield Path(root, name)


def _read(path: Path) -> Fingerprint | str:
    try:
        return fingerprint(load(path).picture)
    except ThinkEditError as error:
        return str(error)
