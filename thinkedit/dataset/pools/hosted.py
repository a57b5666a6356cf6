"""Rows of a pool that the library `datasets` reads: by name, or from a local folder in a form that it knows.

Written `hf:NAME`, `hf:NAME@CONFIGURATION`, `hf:NAME#SPLIT` or `hf:NAME@CONFIGURATION#SPLIT`; the split is
`train` where none is named, NAME a folder or a repository of the Hugging Face hub.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from thinkedit.adapters.require import require
from thinkedit.errors import InputError

__all__ = ["PREFIX", "hosted_records"]

PREFIX = "hf:"
_NAME = re.compile(r"(?P<name>[^@#]+)(@(?P<config>[^@#]+))?(#(?P<split>[^@#]+))?")
_BATCH = 1000


@dataclass(frozen=True)
class _Cell:
    """A picture in a cell of the set's table; `at` is its place in a list of them, None where it is alone."""

    table: Any = field(repr=False)
    row: int
    column: str
    at: int | None

    def read(self) -> bytes:
        cell = self.table[self.row].column(self.column)[0].as_py()
        cell = cell if self.at is None else cell[self.at]
        data = cell.get("bytes") or (Path(cell["path"]).read_bytes() if cell.get("path") else b"")
        if not data:
            raise ValueError("the cell holds neither bytes nor a path")
        return bytes(data)


def hosted_records(named: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, record) of each row, pictures as `rows.Embedded`. named: without `hf:`.

    InputError where the set cannot be loaded, MissingExtra without the package.
    """
    parts = _NAME.fullmatch(named)
    if parts is None:
        raise InputError(f"{PREFIX}{named} names no data set: write {PREFIX}NAME[@CONFIGURATION][#SPLIT]")
    require("a pool that is read through the library `datasets`", "datasets")
    import datasets

    try:
        loaded = datasets.load_dataset(parts["name"], parts["config"], split=parts["split"] or "train")
    except Exception as error:  # the library raises its own, the hub client's, pyarrow's and plain ones
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{PREFIX}{named} cannot be loaded: {reason[:300]}") from error
    table = loaded.with_format("arrow")
    pictures = [name for name, feature in loaded.features.items() if _is_picture(feature)]
    row = 0
    for batch in table.iter(batch_size=_BATCH):
        words = batch.drop_columns(pictures).to_pylist()
        cells = {name: batch.column(name) for name in pictures}
        for offset in range(batch.num_rows):
            record = words[offset] if words else {}
            for name, column in cells.items():
                record[name] = _cells(column[offset], table, row, name)
            yield f"{PREFIX}{parts['name']}:{row + 1}", record
            row += 1


def _is_picture(feature: Any) -> bool:
    import datasets

    inner = getattr(feature, "feature", feature[0] if isinstance(feature, list) and feature else feature)
    return isinstance(inner, datasets.Image)


def _cells(value: Any, table: Any, row: int, column: str) -> Any:
    """What stands in for a cell's pictures: nothing of them is read here."""
    import pyarrow

    if not value.is_valid:
        return None
    if pyarrow.types.is_list(value.type) or pyarrow.types.is_large_list(value.type):
        return [_Cell(table, row, column, at) for at in range(len(value))]
    return _Cell(table, row, column, None)
