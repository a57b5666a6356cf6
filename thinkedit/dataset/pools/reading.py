"""Reading a pool: its rows, the sample that is taken of them, and everything that could not be used."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from thinkedit.dataset.pools.hosted import PREFIX, hosted_records
from thinkedit.dataset.pools.layouts import Layout, layout_of
from thinkedit.dataset.pools.places import Pictures
from thinkedit.dataset.pools.records import read_records
from thinkedit.dataset.pools.rows import Embedded, Entry, Fault, Row, Skipped
from thinkedit.dataset.pools.sampling import take_evenly
from thinkedit.dataset.pools.tasks import slug, task_of
from thinkedit.dataset.records import Dropped, PoolItem
from thinkedit.errors import InputError, ThinkEditError
from thinkedit.images import load

__all__ = ["Pool", "read_pool"]

UNKNOWN_LICENCE = "unknown"


@dataclass(frozen=True)
class Pool:
    """What was read of a pool.

    rows: those taken, sorted by id. dropped: every record that could not be used, with its place. skipped:
    sound records that are no sources, counted by why. read: records in all, and
    read = len(rows) + left + len(dropped) + skipped. left: usable as far as is known (their pictures were
    not opened), and not taken. tasks: rows taken by task type.
    """

    kind: str
    rows: tuple[Row, ...]
    dropped: tuple[Dropped, ...]
    skipped: Mapping[str, int]
    read: int
    left: int
    tasks: Mapping[str, int] = field(default_factory=dict)

    def items(self) -> Iterator[PoolItem]:
        """The sources; a picture that stands in its row is read when it comes to it."""
        for row in self.rows:
            yield PoolItem(
                id=row.id,
                source=row.pool,
                image=row.image if isinstance(row.image, Path) else row.image.read(),
                instruction=row.instruction,
                task_type=row.task_type,
                licence=row.licence,
                place=row.place,
            )


def read_pool(
    kind: str,
    place: str,
    *,
    images: Path | None = None,
    count: int | None = None,
    seed: int = 0,
    licence: str | None = None,
) -> Pool:
    """A pool from a folder, an annotation file, or `hf:NAME` (see `hosted`).

    images: where its pictures were unpacked, if not below the folder. count: how many to take, with
    categories as even as they can be, the same ones for a seed whatever the order of the files; None takes
    all. licence: of all rows, instead of what the kind states. Every picture that is taken was decoded.

    Raises SettingsError for an unknown kind, InputError where there is nothing to read, MissingExtra.
    """
    layout = layout_of(kind)
    reader = _Reader(layout, licence or layout.licence or UNKNOWN_LICENCE)
    if place.startswith(PREFIX):
        pictures = Pictures([images] if images is not None else [])
        for where, record in hosted_records(place.removeprefix(PREFIX)):
            reader.take(record, where, pictures)
    else:
        path = Path(place).expanduser().absolute()
        files = _files(layout, path)
        base = path if path.is_dir() else path.parent
        pictures = Pictures([*([images.absolute()] if images is not None else []), base])
        for file in files:
            name = file.relative_to(base).as_posix()
            try:
                for line, record in read_records(file):
                    reader.take(record, f"{name}:{line}", pictures)
            except OSError as error:
                raise InputError(f"{file} cannot be read: {error.strerror or error}") from error
    return reader.pool(count, seed)


def _files(layout: Layout, path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"there is no {path}: name the folder of the pool, or {PREFIX}NAME")
    if not layout.files:
        found = sorted(path.glob("*.jsonl"))
        if len(found) != 1:
            told = "none" if not found else ", ".join(file.name for file in found[:5])
            raise InputError(f"{path} must hold one .jsonl file, and holds {told}: name the file itself")
        return found
    places = [path, path / "jsonl"]
    chosen = [
        next((p / name for name in names for p in places if (p / name).is_file()), None)
        for names in layout.files
    ]
    files = [file for file in chosen if file is not None]
    if not files:
        told = ", ".join(names[-1] for names in layout.files)
        raise InputError(f"{path} holds none of {told}, which a {layout.name} pool has: unpack it there")
    return files


class _Reader:
    def __init__(self, layout: Layout, licence: str) -> None:
        self._layout, self._licence = layout, licence
        self._rows: dict[str, Row] = {}
        self._dropped: list[Dropped] = []
        self._skipped: Counter[str] = Counter()
        self._pairs: dict[tuple[str, str], str] = {}
        self._read = 0

    def take(self, record: Any, place: str, pictures: Pictures) -> None:
        self._read += 1
        if not isinstance(record, Mapping):
            why = str(record) if isinstance(record, ValueError) else "the record is no JSON object"
            self._drop("", "bad_record", why, place)
            return
        entry = self._layout.read(record)
        if isinstance(entry, Skipped):
            self._skipped[entry.reason] += 1
        elif isinstance(entry, Fault):
            self._drop("", entry.reason, entry.why, place)
        else:
            self._keep(entry, place, pictures)

    def _keep(self, entry: Entry, place: str, pictures: Pictures) -> None:
        named = entry.id or _named(entry) or place.removeprefix(PREFIX)
        safe = re.sub(r"[^A-Za-z0-9._-]+", "-", named)
        id_ = safe if not self._layout.files and entry.id else f"{self._layout.name}-{safe}"
        if id_ in self._rows:
            self._drop(id_, "duplicate_id", f"the id {named!r} was at {self._rows[id_].place} already", place)
            return
        image: Path | Embedded | None = next((i for i in entry.images if isinstance(i, Embedded)), None)
        names = [i for i in entry.images if isinstance(i, str)]
        if image is None:
            image = pictures.find(names)
        if image is None:
            looked = f" below {pictures.folders[0]}" if pictures.folders else ": say where with --images"
            self._drop(id_, "missing_image", f"there is no picture {names[0]!r}{looked}", place)
            return
        if isinstance(image, Path):
            before = self._pairs.setdefault((str(image), entry.instruction), place)
            if before != place:
                self._drop(id_, "duplicate_pair", f"picture and instruction were at {before} already", place)
                return
        task = slug(entry.task_type) if entry.task_type is not None else task_of(entry.instruction)
        licence = entry.licence or self._licence
        pool = entry.pool or self._layout.name
        self._rows[id_] = Row(id_, image, entry.instruction, task, licence, place, pool)

    def _drop(self, id_: str, reason: str, why: str, place: str) -> None:
        self._dropped.append(Dropped(id=id_, reason=reason, why=" ".join(why.split()), place=place))

    def pool(self, count: int | None, seed: int) -> Pool:
        groups: dict[str, list[tuple[str, Row]]] = {}
        for row in self._rows.values():
            groups.setdefault(row.task_type, []).append((row.id, row))
        before = len(self._dropped)
        wanted = len(self._rows) if count is None else count
        taken = sorted(take_evenly(groups, wanted, seed, self._readable), key=lambda row: row.id)
        unreadable = len(self._dropped) - before
        return Pool(
            kind=self._layout.name,
            rows=tuple(taken),
            dropped=tuple(sorted(self._dropped, key=lambda drop: _natural(drop.place))),
            skipped=dict(sorted(self._skipped.items())),
            read=self._read,
            left=len(self._rows) - len(taken) - unreadable,
            tasks=dict(sorted(Counter(row.task_type for row in taken).items())),
        )

    def _readable(self, rows: Sequence[Row]) -> list[bool]:
        """Whether each picture decodes; several at once, since decoding leaves the interpreter free."""
        with ThreadPoolExecutor() as workers:
            faults = list(workers.map(_fault, rows, chunksize=8))
        for row, fault in zip(rows, faults, strict=True):
            if fault is not None:
                self._drop(row.id, "unreadable_image", fault, row.place)
        return [fault is None for fault in faults]


def _named(entry: Entry) -> str | None:
    """An id for a row that has none, which does not depend on where it stands in its file."""
    names = [image for image in entry.images if isinstance(image, str)]
    if not names:
        return None
    told = f"{names[0]}\0{entry.instruction}".encode("utf-8", "surrogatepass")
    return f"{PurePosixPath(names[0]).stem[:40]}-{hashlib.sha256(told).hexdigest()[:8]}"


def _fault(row: Row) -> str | None:
    try:
        load(row.image if isinstance(row.image, Path) else row.image.read())
    except (ThinkEditError, OSError, ValueError) as error:
        return str(error) or type(error).__name__
    return None


def _natural(place: str) -> tuple[str, int]:
    file, _, line = place.rpartition(":")
    return file, int(line) if line.isdigit() else 0
