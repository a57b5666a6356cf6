"""Exported sessions as trajectories: what `thinkedit sessions export` wrote becomes a pool of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from thinkedit.dataset.book import Book
from thinkedit.dataset.folder import keep_picture, workshop
from thinkedit.dataset.lines import read_records
from thinkedit.dataset.records import SESSIONS, Dropped, PoolItem, Trajectory
from thinkedit.errors import ImageError, InputError
from thinkedit.graph import export
from thinkedit.images import Picture

__all__ = ["own_sessions", "session_items"]


def own_sessions(folder: Path) -> Book:
    """The trajectories that came as exported sessions, by the ids of their sources."""
    return Book(workshop(folder) / "sessions.jsonl")


def session_items(
    folder: Path, exported: Path, *, licence: str, task_type: str = "other"
) -> Iterator[PoolItem | Dropped]:
    """The sessions of one export, for `take_sources`; their pictures and trajectories are kept on the way.

    licence, task_type: of all of them; an export says neither. Dropped are `corrupt_record`,
    `duplicate_id`, `not_ended` and `unreadable_image`. InputError where there is no export.
    """
    path = exported / export.FILE
    if not path.is_file():
        raise InputError(f"there is no {path}: name a folder that `thinkedit sessions export` wrote")
    with own_sessions(folder) as book:
        for record in read_records(path, export.Trajectory):
            if isinstance(record, Dropped):
                yield record
                continue
            name, place = f"session:{record.id}", f"{path.name}:{record.id}"
            if record.ended is None:
                why = "it was exported while it ran: export it again"
                yield Dropped(id=name, reason="not_ended", why=why, place=place)
                continue
            try:
                source, made = _taken(folder, exported, record, name, task_type)
            except ImageError as error:
                yield Dropped(id=name, reason="unreadable_image", why=str(error), place=place)
                continue
            if name not in book:
                book.note(name, "trajectory", made.model_dump(mode="json"))
            yield PoolItem(
                name, SESSIONS, source, record.instruction, task_type, licence, place, editor=record.editor
            )


def _taken(
    folder: Path, exported: Path, record: export.Trajectory, name: str, task_type: str
) -> tuple[Picture, Trajectory]:
    """The session's source, and the session with its pictures in the dataset's folder."""
    source = _picture(exported / record.source)
    if source.sha256 != record.source_id:
        raise ImageError(f"{exported / record.source} is another picture than the session's source")
    steps = []
    for step in record.steps:
        image = None if step.image is None else keep_picture(folder, _picture(exported / step.image))
        # Only the turn's own image is judged; the others of its candidates stay behind.
        steps.append(step.model_copy(update={"image": image, "candidates": ()}))
    own = {"record": name, "pool": SESSIONS, "task_type": task_type, "editor_identity": record.editor}
    told = record.model_dump() | {"I_src": keep_picture(folder, source), "steps": steps}
    return source, Trajectory.model_validate(told | own)


def _picture(path: Path) -> Picture:
    try:
        return Picture.from_bytes(path.read_bytes())
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror or error}") from error
