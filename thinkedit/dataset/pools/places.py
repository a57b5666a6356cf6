"""Finding the pictures that a pool's records name, wherever they were unpacked."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["PICTURE_ENDINGS", "Pictures"]

PICTURE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif", ".tif", ".tiff", ".bmp", ".heic"})


class Pictures:
    """The picture files below some folders.

    A name is looked for as a path from each folder, then, because published sets are unpacked in other
    places than their records say, as the only file of that name below them.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = tuple(dict.fromkeys(folders))
        self._by_name: dict[str, Path | None] | None = None

    def find(self, names: Iterable[str]) -> Path | None:
        """The file that the first of these names leads to; None where there is none, or more than one."""
        names = tuple(names)
        for name in names:
            for folder in self.folders:
                path = folder / name  # an absolute name stays as it is
                if path.is_file():
                    return path
        for name in names:
            found = self._names().get(os.path.basename(name))
            if found is not None:
                return found
        return None

    def _names(self) -> dict[str, Path | None]:
        if self._by_name is None:
            self._by_name = {}
            seen: set[Path] = set()
            for folder in self.folders:
                for root, _, files in os.walk(folder):
                    for file in files:
                        path = Path(root, file)
                        if path.suffix.lower() in PICTURE_ENDINGS and path not in seen:
                            seen.add(path)
                            self._by_name[file] = None if file in self._by_name else path
        return self._by_name
