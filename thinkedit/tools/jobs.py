"""A list of edits to be made: read from JSONL or CSV, and every fault of it said at once."""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from thinkedit.errors import InputError, ThinkEditError
from thinkedit.graph.sessions import checked_instruction
from thinkedit.images import ENDINGS
from thinkedit.tools.inputs import loop_settings
from thinkedit.types import LoopSettings

__all__ = ["Job", "read_jobs"]

_OWN = ("id", "image", "instruction", "output")
_NOT_HERE = ("pause",)
_MOST_FAULTS = 20


@dataclass(frozen=True)
class Job:
    """One edit. image: an absolute path; output: a path below the folder of results, or None for the usual.

    id: names it in the results, so that a second run knows it again; settings: on top of the usual ones.
    """

    id: str
    image: Path
    instruction: str
    output: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Names what is to be done, so that another job under the same id is noticed."""
        told = [str(self.image), self.instruction, self.output, sorted(self.settings.items())]
        return hashlib.sha256(json.dumps(told).encode(errors="surrogatepass")).hexdigest()[:16]


def read_jobs(path: Path, folder: Path, usual: LoopSettings) -> list[Job]:
    """The jobs of a `.jsonl` or `.csv` file, each seen to be possible.

    A job has `image` (relative to `folder`, or absolute), `instruction`, perhaps `id` (its line's number
    otherwise), `output` and any field of LoopSettings; a CSV has these as its first line, and an empty cell
    means not given. Raises InputError with one line for each fault, at most 20 of them.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: give the folder of the pictures")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8") from error
    rows = _csv(text) if path.suffix.lower() == ".csv" else _jsonl(text)
    jobs: list[Job] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    outputs: dict[str, int] = {}
    for line, row in rows:
        try:
            if isinstance(row, str):
                raise InputError(row)
            job = _job(row, line, folder, usual)
            if job.id in seen:
                raise InputError(
                    f"the id {job.id!r} is that of line {seen[job.id]} too: ids name one job each"
                )
            if job.output is not None and job.output in outputs:
                raise InputError(f"the output {job.output!r} is that of line {outputs[job.output]} too")
        except ThinkEditError as error:
            faults.append(f"{path.name}, line {line}: {error}")
        else:
            seen[job.id] = line
            if job.output is not None:
                outputs[job.output] = line
            jobs.append(job)
    if len(faults) > _MOST_FAULTS:
        faults = [*faults[:_MOST_FAULTS], f"and {len(faults) - _MOST_FAULTS} more"]
    if faults:
        raise InputError("\n".join(faults))
    if not jobs:
        raise InputError(
            f'{path} has no jobs: one a line, {{"image": "a.jpg", "instruction": "make it warmer"}}'
        )
    return jobs


def _jsonl(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """(line, row or what is wrong with it)."""
    for line, written in enumerate(text.split("\n"), start=1):
        if not written.strip():
            continue
        try:
            row = json.loads(written)
        except ValueError as error:
            yield line, f"is no JSON ({error}): one object on each line"
            continue
        yield line, row if isinstance(row, dict) else f"is {written.strip()[:60]}: give an object"


def _csv(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = [name.strip() for name in next(reader, [])]
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(head):
                yield reader.line_num, f"has {len(cells)} cells under {len(head)} headings: quote commas"
                continue
            yield reader.line_num, {n: c for n, c in zip(head, cells, strict=False) if c.strip()}
    except csv.Error as error:
        yield reader.line_num, f"is no CSV: {error}"


def _job(row: dict[str, Any], line: int, folder: Path, usual: LoopSettings) -> Job:
    known = [*_OWN, *(name for name in LoopSettings.model_fields if name not in _NOT_HERE)]
    for name in row:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
            raise InputError(f"there is no field {name!r}: {hint}")
    for name in ("image", "instruction"):
        if not isinstance(row.get(name), str) or not row[name].strip():
            raise InputError(
                f"{name} is {'missing' if row.get(name) is None else repr(row[name])}: it is a text"
            )
    image = (folder / Path(row["image"]).expanduser()).absolute()
    if not image.is_file():
        raise InputError(f"there is no picture {image}")
    output = row.get("output")
    if output is not None:
        path = Path(str(output))
        if path.is_absolute() or ".." in path.parts:
            raise InputError(f"the output {output!r} leaves the folder of results: give a name below it")
        if path.suffix.lower() not in ENDINGS:
            raise InputError(f"the output {output!r} has no ending of a picture: use {', '.join(ENDINGS)}")
    settings = {name: value for name, value in row.items() if name not in _OWN}
    loop_settings(usual, None, settings)
    told = checked_instruction(row["instruction"])
    name = str(row["id"]).strip() if row.get("id") is not None else str(line)
    if not name:
        raise InputError("the id is empty: leave it out or give one")
    return Job(name, image, told, None if output is None else str(output), settings)
