"""Parquet files whose columns the library `datasets` knows as what they are, pictures among them."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["FEATURES", "Table"]

_SHARD = 400_000_000
"""Bytes of pictures in a file, roughly: what the hub shows and streams well."""
_ROWS = 100
"""Rows of a group, which is what a reader has to hold."""

_TEXT, _WHOLE, _NUMBER, _IMAGE = "string", "int64", "float64", "image"
_KNOWN: dict[str, Any] = {
    "id": _TEXT,
    "trajectory": _TEXT,
    "t": _WHOLE,
    "instruction": _TEXT,
    "prompt": _TEXT,
    "semantic": _NUMBER,
    "quality": _NUMBER,
    "overall": _NUMBER,
    "task_type": _TEXT,
    "editor": _TEXT,
    "pool": _TEXT,
    "licence": _TEXT,
}
FEATURES: dict[str, dict[str, Any]] = {
    "sft": {"messages": [{"role": _TEXT, "content": _TEXT}], "images": [_IMAGE], **_KNOWN},
    "rl": {
        "origin_prompt": _TEXT,
        "rewritten_prompt": _TEXT,
        "origin_image": _IMAGE,
        "edited_image": _IMAGE,
        "evaluation": {"semantics": _NUMBER, "quality": _NUMBER},
        **_KNOWN,
    },
}
"""The columns of each set: the name of a type, a list with the one of its items, or a dict of them."""


class Table:
    """Writes rows into `FOLDER/SET/train-00000.parquet` and so on; no file where there is no row."""

    def __init__(self, set_: str, folder: Path) -> None:
        import pyarrow

        self._features, self._folder = FEATURES[set_], folder / set_
        told = {"info": {"features": {name: _feature(kind) for name, kind in self._features.items()}}}
        self._schema = pyarrow.schema(
            [(name, _arrow(kind)) for name, kind in self._features.items()],
            metadata={"huggingface": json.dumps(told)},
        )
        self._rows: list[dict[str, Any]] = []
        self._writer: Any = None
        self._files = self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
        if self._writer is not None:
            self._writer.close()

    def add(self, row: dict[str, Any]) -> None:
        """Raises OSError where the file cannot be written."""
        self._rows.append(row)
        self._bytes += sum(len(data) for data in _pictures(row))
        if len(self._rows) >= _ROWS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow
        import pyarrow.parquet

        if not self._rows:
            return
        if self._writer is None:
            self._folder.mkdir(exist_ok=True)
            path = self._folder / f"train-{self._files:05d}.parquet"
            self._writer = pyarrow.parquet.ParquetWriter(path, self._schema)
            self._files += 1
        self._writer.write_table(pyarrow.Table.from_pylist(self._rows, schema=self._schema))
        self._rows.clear()
        if self._bytes >= _SHARD:
            self._writer.close()
            self._writer, self._bytes = None, 0


def _pictures(value: Any) -> list[bytes]:
    if isinstance(value, bytes):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [data for one in inner for data in _pictures(one)]


def _arrow(kind: Any) -> Any:
    import pyarrow

    if isinstance(kind, list):
        return pyarrow.list_(_arrow(kind[0]))
    if isinstance(kind, dict):
        return pyarrow.struct([(name, _arrow(inner)) for name, inner in kind.items()])
    if kind == _IMAGE:
        return pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    return {_TEXT: pyarrow.string(), _WHOLE: pyarrow.int64(), _NUMBER: pyarrow.float64()}[kind]


def _feature(kind: Any) -> Any:
    """As `datasets` keeps its features in a schema."""
    if isinstance(kind, list):
        return {"feature": _feature(kind[0]), "_type": "List"}
    if isinstance(kind, dict):
        return {name: _feature(inner) for name, inner in kind.items()}
    return {"_type": "Image"} if kind == _IMAGE else {"dtype": kind, "_type": "Value"}
