"""GEdit-Bench's samples: from Parquet, from Arrow (`save_to_disk`), from an exported folder, or from the hub.

The pictures of a table are written once as the files they are, without being opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from thinkedit.adapters.require import require
from thinkedit.errors import InputError, StoreError
from thinkedit.evaluation.benchmarks.reading import find, relative
from thinkedit.evaluation.records import Sample
from thinkedit.journal import read_lines

__all__ = ["COUNTS", "samples_of"]

COUNTS = {
    "background_change": 40,
    "color_alter": 40,
    "material_alter": 40,
    "motion_change": 40,
    "ps_human": 70,
    "style_change": 60,
    "subject-add": 60,
    "subject-remove": 57,
    "subject-replace": 60,
    "text_change": 99,
    "tone_transfer": 40,
}
"""By kind of edit, for each of the two languages."""

HUB = "stepfun-ai/GEdit-Bench"
_LISTS = ("metadata.jsonl", "gedit.jsonl")
_KINDS = ((b"\x89PNG", ".png"), (b"\xff\xd8", ".jpg"), (b"RIFF", ".webp"))


def samples_of(data: Path, work: Path, language: str) -> tuple[list[Sample], list[str]]:
    """The samples of one language and what could not be used. work: where pictures are written.

    InputError where there is no such data set, MissingExtra where a package to read it is missing.
    """
    problems: list[str] = []
    samples: dict[str, Sample] = {}
    for place, record in _records(data, problems):
        if record.get("instruction_language") != language:
            continue
        try:
            sample = _sample(record, data, work, language)
        except ValueError as error:
            problems.append(f"{place}: {error}")
            continue
        if sample.id in samples:
            problems.append(f"{place}: the key {sample.id!r} is there twice; the first one is taken")
        else:
            samples[sample.id] = sample
    return list(samples.values()), problems


def _sample(record: Mapping[str, Any], data: Path, work: Path, language: str) -> Sample:
    key, group, instruction = record.get("key"), record.get("task_type"), record.get("instruction")
    if relative(key) is None or "/" in str(key):
        raise ValueError(f"its key {key!r} cannot name a file")
    if group not in COUNTS:
        raise ValueError(f"its task_type {group!r} is none of {', '.join(COUNTS)}")
    if not isinstance(instruction, str) or not instruction.strip():
        raise ValueError("it has no instruction")
    mark = record.get("Intersection_exist")
    return Sample(
        id=str(key),
        group=str(group),
        instruction=instruction,
        images=(_picture(record, str(key), data, work),),
        facts={"intersection": None if mark is None else bool(mark), "language": language},
    )


def _picture(record: Mapping[str, Any], key: str, data: Path, work: Path) -> Path:
    image = record.get("input_image")
    if isinstance(image, str) and relative(image) is not None:
        return data / image
    held = image.get("bytes") if isinstance(image, Mapping) else None
    if not isinstance(held, bytes):
        raise ValueError("it has no input_image")
    ending = next((ending for start, ending in _KINDS if held.startswith(start)), ".png")
    path = work / f"{key}{ending}"
    try:
        if not path.exists() or path.stat().st_size != len(held):
            work.mkdir(parents=True, exist_ok=True)
            path.write_bytes(held)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}") from error
    return path


def _records(data: Path, problems: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(place, record), pictures as {bytes} or as paths below `data`."""
    if not data.exists():
        if str(data) == HUB:
            yield from _hub()
            return
        raise InputError(
            f"there is no {data}: download https://huggingface.co/datasets/{HUB} there, or give --data {HUB}"
        )
    listed = find(data, _LISTS)
    parquet, arrow = sorted(data.rglob("*.parquet")), sorted(data.rglob("*.arrow"))
    if listed is not None:
        for number, line in read_lines(listed):
            if isinstance(line, dict):
                yield f"{listed}, line {number}", line
            else:
                problems.append(f"{listed}, line {number}: it is no record")
    elif parquet:
        for path in parquet:
            yield from _parquet(path)
    elif arrow:
        for path in arrow:
            yield from _arrow(path)
    else:
        raise InputError(
            f"{data} has no *.parquet, no *.arrow and no {_LISTS[0]}: download "
            f"https://huggingface.co/datasets/{HUB} there"
        )


def _parquet(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    require("the benchmark 'gedit' from Parquet", "pyarrow")
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        names = [name for name in file.schema_arrow.names if name != "input_image_raw"]
        for number, batch in enumerate(file.iter_batches(batch_size=16, columns=names)):
            for at, record in enumerate(batch.to_pylist()):
                yield f"{path}, row {number * 16 + at + 1}", record
    except (OSError, ValueError) as error:  # pyarrow's own errors are among these
        raise InputError(f"{path} cannot be read ({error}): download it again") from error


def _arrow(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    require("the benchmark 'gedit' from Arrow", "pyarrow")
    import pyarrow as arrow
    from pyarrow import ipc

    try:
        with arrow.memory_map(str(path)) as source:
            row = 0
            for batch in ipc.open_stream(source):
                kept = [name for name in batch.schema.names if name != "input_image_raw"]
                for record in batch.select(kept).to_pylist():
                    row += 1
                    yield f"{path}, row {row}", record
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}): save it again") from error


def _hub() -> Iterator[tuple[str, Mapping[str, Any]]]:
    require(f"reading {HUB} from the hub", "datasets")
    import datasets

    try:
        table = datasets.load_dataset(HUB, split="train").remove_columns(["input_image_raw"])
        table = table.cast_column("input_image", datasets.Image(decode=False))
    except Exception as error:  # the library's own errors and those of the network
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{HUB} cannot be loaded ({reason}): download it and give its folder") from error
    for number, record in enumerate(table, start=1):
        yield f"{HUB}, row {number}", record
