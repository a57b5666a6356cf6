"""Reading and writing the stages' lines: every bad one is told with its place and ends nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from thinkedit.dataset.records import Dropped
from thinkedit.errors import StoreError
from thinkedit.journal import read_lines

__all__ = ["Files", "as_json", "read_records", "reason_of"]

M = TypeVar("M", bound=BaseModel)


def read_records(path: Path, model: type[M], *, key: str = "id") -> Iterator[M | Dropped]:
    """Each line as a `model`, or why it is none: `corrupt_record`, or `duplicate_id` for an id seen before.

    StoreError where the file cannot be read.
    """
    seen: set[str] = set()
    try:
        for number, value in read_lines(path):
            place = f"{path.name}:{number}"
            if isinstance(value, ValueError):
                yield Dropped(id=f"line {number}", reason="corrupt_record", why=str(value), place=place)
                continue
            try:
                record = model.model_validate(value)
            except ValidationError as error:
                said = value.get(key) if isinstance(value, dict) else None
                name = said if isinstance(said, str) and said else f"line {number}"
                yield Dropped(id=name, reason="corrupt_record", why=reason_of(error), place=place)
                continue
            name = getattr(record, key)
            if name in seen:
                why = f"the id {name!r} stands on an earlier line"
                yield Dropped(id=name, reason="duplicate_id", why=why, place=place)
                continue
            seen.add(name)
            yield record
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}") from error


def reason_of(error: ValidationError) -> str:
    """The first fault in one line: where it is, its value where it is short, and what is wrong."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the record"
    value = first["input"]
    shown = f" is {value!r:.80}" if isinstance(value, str | int | float | bool | None) else ""
    return f"{where}{shown}: {first['msg'][:1].lower()}{first['msg'][1:]}"


def as_json(value: object) -> str:
    """As one line of JSON; several times as fast as the standard library's."""
    return to_json(value).decode()


class Files:
    """Several text files written side by side, which have their names only once all are complete.

    Leaving the block without an error gives them their names; with one, or a kill, the old ones stay.
    One run at a time writes a folder. Raises StoreError where a file cannot be written.
    """

    def __init__(self, folder: Path, *names: str) -> None:
        self._folder, self._names = folder, names
        self._open: dict[str, IO[str]] = {}

    def __enter__(self) -> Self:
        for name in self._names:
            with self._told(name):
                self._part(name).parent.mkdir(parents=True, exist_ok=True)
                self._open[name] = open(self._part(name), "w", encoding="utf-8", newline="\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for name, file in self._open.items():
                if kind is None:
                    with self._told(name):
                        file.flush()
                        os.fsync(file.fileno())
            if kind is None:
                for name in self._names:
                    with self._told(name):
                        os.replace(self._part(name), self._folder / name)
        finally:
            for name, file in self._open.items():
                with suppress(OSError):
                    file.close()
                with suppress(OSError):
                    self._part(name).unlink()

    def text(self, name: str, text: str) -> None:
        with self._told(name):
            self._open[name].write(text)

    def line(self, name: str, line: BaseModel | Mapping[str, Any]) -> None:
        """One line of JSON."""
        self.text(name, f"{line.model_dump_json() if isinstance(line, BaseModel) else as_json(line)}\n")

    def _part(self, name: str) -> Path:
        path = self._folder / name
        return path.with_name(f".{path.name}.part")

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            where = self._folder / name
            raise StoreError(f"{where} cannot be written: {error.strerror or error}") from error
