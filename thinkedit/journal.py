"""Files of JSON lines that a killed process leaves whole: appended line by line, each synced to the disk."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from thinkedit.errors import StoreError

__all__ = ["Journal", "read_lines", "replace_file", "whole_lines", "write_lines"]


class Journal:
    """A file to which lines are appended; methods block.

    Raises StoreError where it cannot be opened or written. A line that could not be written whole is taken
    back, so that what was written before stays readable.
    """

    def __init__(self, path: Path, *, sync: bool = True) -> None:
        self.path = path
        self._sync = sync
        try:
            # Unbuffered: what could not be written must not be tried again behind our back.
            self._file = open(path, "ab", buffering=0)  # noqa: SIM115  # closed by its owner
        except OSError as error:
            raise self._failed(error) from error

    def append(self, line: Mapping[str, Any]) -> None:
        """Write one line; when this returns it is on the disk."""
        data = (json.dumps(line) + "\n").encode()
        try:
            before = self._file.seek(0, os.SEEK_END)
            try:
                if self._file.write(data) != len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                os.truncate(self.path, before)
                raise
            if self._sync:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _failed(self, error: OSError) -> StoreError:
        return StoreError(f"{self.path} cannot be written: {error.strerror or error}")


def whole_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a journal; one that a kill left torn at the end is cut off. [] where there is no file.

    Raises ValueError for a line that is no JSON, OSError where it cannot be read.
    """
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        os.truncate(path, len(whole))
    return [json.loads(line) for line in whole.splitlines() if line.strip()]


def read_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """(line number, value) of a JSONL file, one after another; a ValueError *as the value* where one is bad.

    A bad line is told and not raised, so that one corrupt record never ends a run over many.
    """
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except (ValueError, RecursionError) as error:
                    yield number, ValueError(f"line {number} is no JSON: {error}")


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write a whole JSONL file, which has its name only once it is complete. Raises OSError."""
    replace_file(path, (json.dumps(line) + "\n" for line in lines))


def replace_file(path: Path, texts: Iterable[str]) -> None:
    """Write a text file in pieces, which has its name only once it is complete. Raises OSError."""
    part = path.with_name(f".{path.name}.{os.getpid()}.{time.time_ns()}.part")
    try:
        with open(part, "w", encoding="utf-8", newline="\n") as file:
            for text in texts:
                file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
