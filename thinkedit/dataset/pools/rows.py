"""What a pool's files hold, record by record, between the file and the `PoolItem` that the pipeline takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

__all__ = ["Embedded", "Entry", "Fault", "Row", "SkipReason", "Skipped"]

SkipReason = Literal["text_to_image", "multi_turn", "several_images"]


@runtime_checkable
class Embedded(Protocol):
    """A picture that stands in the row itself and is fetched when it is wanted."""

    def read(self) -> bytes:
        """The encoded bytes. Raises ValueError or OSError where there are none."""
        ...


@dataclass(frozen=True)
class Entry:
    """A record as its layout reads it.

    images: what it gives of its picture, the best first: paths or names of files, or one picture in the row.
    id: the pool's own, None where it has none. task_type: None where the record names none. pool: the one
    that it came from before, where a list was made of several.
    """

    images: tuple[str | Embedded, ...] = field(repr=False)
    instruction: str
    task_type: str | None = None
    id: str | None = None
    licence: str | None = None
    pool: str | None = None


@dataclass(frozen=True)
class Skipped:
    """A sound record of a kind that is no source: it has no picture, several of them, or several turns."""

    reason: SkipReason


@dataclass(frozen=True)
class Fault:
    """A record that cannot be used. reason: a word that counts go by. why: one line that names the value."""

    reason: Literal["bad_record", "no_instruction", "missing_image"]
    why: str


@dataclass(frozen=True)
class Row:
    """An entry whose picture was found and not opened yet. place: FILE:LINE, for messages; pool: its name."""

    id: str
    image: Path | Embedded = field(repr=False)
    instruction: str
    task_type: str
    licence: str
    place: str
    pool: str
