"""What a stage has done so far: results by key, appended to a journal as they come."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from thinkedit.errors import InputError, StoreError
from thinkedit.journal import Journal, replace_file

__all__ = ["Book"]


class Book:
    """A journal of `{"key": …, "kind": …, "line": …}`; of a key that comes twice the later one counts.

    Only where each line lies is kept in memory. The lines are not synced one by one: a killed process loses
    none of them, and what a loss of power takes is in the recorded calls all the same. Methods block.
    Raises InputError where the file holds something else, StoreError where it cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places: dict[str, int] = {}
        self._journal: Journal | None = None
        self._writing = threading.Lock()
        self._read()

    def __enter__(self) -> Self:
        self._journal = Journal(self.path, sync=False)
        return self

    def __exit__(self, *_: object) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def note(self, key: str, kind: str, line: Mapping[str, Any]) -> None:
        """Write a result down."""
        if self._journal is None:
            raise RuntimeError("the book is not open: use `with`")
        with self._writing:  # stages note from several threads, and a line's place must be its own
            place = self.path.stat().st_size
            self._journal.append({"key": key, "kind": kind, "line": line})
            self._places[key] = place

    def get(self, key: str) -> tuple[str, dict[str, Any]]:
        """(kind, line). KeyError where there is none."""
        place = self._places[key]
        try:
            with open(self.path, "rb") as file:
                file.seek(place)
                entry = json.loads(file.readline())
        except OSError as error:
            raise StoreError(f"{self.path} cannot be read: {error.strerror or error}") from error
        return entry["kind"], entry["line"]

    def forget(self, unwanted: Callable[[str, dict[str, Any]], bool]) -> int:
        """Leave out the results that (kind, line) says so of, to be made again; returns how many. Not inside
        the `with`."""
        kept = {key: self.get(key) for key in self._places}
        gone = [key for key, (kind, line) in kept.items() if unwanted(kind, line)]
        for key in gone:
            del kept[key]
        lines = ({"key": key, "kind": kind, "line": line} for key, (kind, line) in kept.items())
        replace_file(self.path, (json.dumps(line) + "\n" for line in lines))
        self._read()
        return len(gone)

    def _read(self) -> None:
        self._places.clear()
        place = 0
        try:
            with open(self.path, "rb") as file:
                for number, line in enumerate(file, start=1):
                    if not line.endswith(b"\n"):  # a kill left it torn: it is made again
                        os.truncate(self.path, place)
                        break
                    try:
                        self._places[json.loads(line)["key"]] = place
                    except (ValueError, KeyError, TypeError) as error:
                        raise InputError(
                            f"{self.path}:{number} is no line of a run that goes on ({error}): delete the "
                            "file, or name another folder"
                        ) from error
                    place += len(line)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"{self.path} cannot be read: {error.strerror or error}") from error
