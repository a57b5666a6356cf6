"""Reading the annotation files of pools: JSON lines, or one JSON array, each record with its line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from thinkedit.journal import read_lines

__all__ = ["read_records"]

_SPACE = " \t\r\n"


def read_records(path: Path) -> Iterator[tuple[int, Any]]:
    """(line, value) of each record; a ValueError *as the value* where one is bad.

    A file that begins with '[' is one array, whatever its ending: the published sets say "one object a
    line" of files that are read as an array elsewhere. After a fault in an array nothing more of it can be
    read. Raises OSError.
    """
    with open(path, "rb") as file:
        start = file.read(256).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] == b"[":
        yield from _array(path)
    else:
        yield from read_lines(path)


def _array(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        yield 1, ValueError(f"it is no UTF-8: {error}")
        return
    decoder = json.JSONDecoder()
    at = _after_space(text, 0) + 1  # the bracket itself
    line, counted = 1, 0
    while True:
        at = _after_space(text, at)
        line, counted = line + text.count("\n", counted, at), at
        if text[at : at + 1] == "]":
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            yield line, ValueError(f"the array ends or breaks here, and the rest is not read: {error}")
            return
        yield line, value
        at = _after_space(text, at)
        if text[at : at + 1] == ",":
            at += 1
        elif text[at : at + 1] != "]":
            line += text.count("\n", counted, at)
            yield line, ValueError("a comma or ']' is missing here, and the rest is not read")
            return


def _after_space(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in _SPACE:
        at += 1
    return at
