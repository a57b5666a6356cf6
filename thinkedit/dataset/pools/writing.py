"""A pool as a list of sources: the JSON lines that a pool of kind `folder` has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from thinkedit.dataset.folder import keep_picture
from thinkedit.dataset.pools.reading import Pool
from thinkedit.errors import StoreError
from thinkedit.images import load
from thinkedit.journal import write_lines

__all__ = ["write_pool"]


def write_pool(pool: Pool, path: Path) -> None:
    """Write `{id, image, instruction, task_type, licence, pool}` for each row, in the order of their ids.

    Pictures stay where they are; those that stand in the rows themselves are written to `STEM-pictures`
    beside the list. Paths below the list's folder are relative to it. StoreError where something cannot be
    written.
    """
    folder = path.absolute().parent
    beside = folder / f"{path.stem}-pictures"

    def lines() -> Iterator[dict[str, Any]]:
        for item in pool.items():
            if isinstance(item.image, Path):
                place = item.image
            else:
                picture = item.image if not isinstance(item.image, bytes) else load(item.image).picture
                place = beside / keep_picture(beside, picture)
            shown = os.path.relpath(place, folder) if place.is_relative_to(folder) else str(place)
            yield {
                "id": item.id,
                "image": shown,
                "instruction": item.instruction,
                "task_type": item.task_type,
                "licence": item.licence,
                "pool": item.source,
            }

    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_lines(path, lines())
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}") from error
