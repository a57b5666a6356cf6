"""The first stage: what pools have becomes `sources.jsonl` and pictures under their hashes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from thinkedit.dataset.book import Book
from thinkedit.dataset.folder import SOURCES, keep_picture, workshop
from thinkedit.dataset.lines import Files
from thinkedit.dataset.manifest import Tally, dropped_file, seal
from thinkedit.dataset.records import Dropped, PoolItem, SourceRecord
from thinkedit.errors import ImageError, InputError, InstructionError
from thinkedit.graph.sessions import checked_instruction
from thinkedit.images import Picture, load

__all__ = ["Guard", "assigned", "take_sources", "world_items"]

Guard = Callable[[Picture], str | None]
"""Why a picture may not be a source, such as the benchmark that it stands in too; None where it may."""

WORLD = "provingground"

_ANY = "-"
"""The editor of a source until one is dealt to it."""


def world_items(count: int, seed: int, world: Literal["full", "small"] = "full") -> Iterator[PoolItem]:
    """`count` samples of the simulated world's training split."""
    from thinkedit.provingground import samples

    for sample in samples("train", count, seed, world):
        yield PoolItem(
            id=sample.id,
            source=WORLD,
            image=sample.picture,
            instruction=sample.instruction,
            task_type=sample.task,
            licence="CC0-1.0",
            place=f"{WORLD}:{sample.id}",
        )


def assigned(
    records: Sequence[tuple[str, str]], editors: Sequence[str], *, stratified: bool, seed: int
) -> dict[str, str]:
    """The editor of each (id, task type), as many for each editor as can be (paper, supplement: thirds).

    stratified: so in each task type too. The order of the records does not matter: they are dealt out in an
    order drawn from the seed and the ids. Evenness has its price: with more records, others get another.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for name, task in records:
        groups[task if stratified else ""].append(name)
    dealt: dict[str, str] = {}
    for task in sorted(groups):
        for name in sorted(groups[task], key=lambda name: _lot(seed, name)):
            dealt[name] = editors[len(dealt) % len(editors)]
    return dealt


def take_sources(
    folder: Path,
    items: Iterable[PoolItem | Dropped],
    editors: Sequence[str],
    *,
    stratified: bool = True,
    seed: int = 0,
    guard: Guard | None = None,
    settings: Mapping[str, Any] | None = None,
    heard: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Take in what pools have, in their order; returns the manifest. Blocks.

    items: what is no item is counted as it is. editors: names, among which the sources are dealt.
    settings: what the items came from, for the manifest. heard: told how many were taken in.
    Dropped are `duplicate_id`, `unreadable_image`, `bad_instruction` and `leaked` (see Guard).
    Raises InputError where not one source is left, StoreError where nothing can be written.
    """
    told = {**(settings or {}), "editors": list(editors), "stratified": stratified, "seed": seed}
    tally = Tally("sources", told)
    taken: list[SourceRecord] = []
    drops: list[Dropped] = []
    seen: set[str] = set()
    with Book(workshop(folder) / "sources.jsonl") as book:
        for item in items:
            tally.taken += 1
            made = item if isinstance(item, Dropped) else _taken(folder, item, seen, book, guard)
            if isinstance(made, Dropped):
                drops.append(tally.drop(made))
            else:
                taken.append(made)
            if heard is not None:
                heard(tally.taken)
    free = [(record.id, record.task_type) for record in taken if record.editor == _ANY]
    if free and not editors:
        raise InputError(f"there is no editor for {len(free)} sources: name one with --editor")
    dealt = assigned(free, editors, stratified=stratified, seed=seed)
    dealt |= {record.id: record.editor for record in taken if record.editor != _ANY}
    licences: dict[str, Counter[str]] = defaultdict(Counter)
    tally.kept = len(taken)
    with Files(folder, SOURCES, dropped_file("sources")) as files:
        for record in taken:
            licences[record.source][record.licence] += 1
            files.line(SOURCES, record.model_copy(update={"editor": dealt[record.id]}))
        for drop in drops:
            files.line(dropped_file("sources"), drop)
    if not taken:
        first = f"; the first: {drops[0].place} {drops[0].why}" if drops else ""
        raise InputError(f"none of {tally.taken} sources can be used{first}")
    tally.more = {
        "licences": {pool: dict(sorted(counts.items())) for pool, counts in sorted(licences.items())},
        "editors": dict(sorted(Counter(dealt.values()).items())),
        "task_types": dict(sorted(Counter(record.task_type for record in taken).items())),
    }
    return seal(folder, tally, SOURCES, dropped_file("sources"))


def _taken(
    folder: Path, item: PoolItem, seen: set[str], book: Book, guard: Guard | None
) -> SourceRecord | Dropped:
    if item.id in seen:
        return _dropped(item, "duplicate_id", f"the id {item.id!r} stands in an earlier record")
    seen.add(item.id)
    key = _key(item, guard)
    if key in book:
        kind, line = book.get(key)
        return SourceRecord.model_validate(line) if kind == "record" else Dropped.model_validate(line)
    made = _read(folder, item, guard)
    book.note(key, "dropped" if isinstance(made, Dropped) else "record", made.model_dump(mode="json"))
    return made


def _read(folder: Path, item: PoolItem, guard: Guard | None) -> SourceRecord | Dropped:
    try:
        instruction = checked_instruction(item.instruction)
        picture = item.image if isinstance(item.image, Picture) else load(item.image).picture
    except InstructionError as error:
        return _dropped(item, "bad_instruction", str(error))
    except ImageError as error:
        return _dropped(item, "unreadable_image", str(error))
    if guard is not None and (why := guard(picture)) is not None:
        return _dropped(item, "leaked", why)
    return SourceRecord(
        id=item.id,
        source=item.source,
        image=keep_picture(folder, picture),
        sha256=picture.sha256,
        instruction=instruction,
        task_type=item.task_type or "other",
        editor=item.editor or _ANY,
        licence=item.licence or "unknown",
    )


def _dropped(item: PoolItem, reason: str, why: str) -> Dropped:
    return Dropped(id=item.id, reason=reason, why=" ".join(why.split()), place=item.place)


def _key(item: PoolItem, guard: Guard | None) -> str:
    """Names all that decides what becomes of the item."""
    image = item.image
    if isinstance(image, Path):
        shown = str(image)
    else:
        shown = image.sha256 if isinstance(image, Picture) else hashlib.sha256(image).hexdigest()
    told = [
        item.id,
        item.source,
        shown,
        item.instruction,
        item.task_type,
        item.licence,
        item.place,
        item.editor,
    ]
    told.append("" if guard is None else getattr(guard, "identity", type(guard).__qualname__))
    return hashlib.sha256(json.dumps(told).encode(errors="surrogatepass")).hexdigest()


def _lot(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{name}".encode("utf-8", "surrogatepass")).digest()
