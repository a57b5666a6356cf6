"""A dataset as a folder in the form of the Hugging Face hub: Parquet, and a card that says what it is.

`datasets.load_dataset(folder, "sft")` and `(folder, "rl")` read it; pictures stand in the tables. The columns
of `sft` are those of LLaMA-Factory's sharegpt form (`messages`, `images`), those of `rl` what the published
loader reads, with the pictures in place of their paths; what is known of each row stands beside. Nothing is
sent anywhere.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from thinkedit.adapters.require import require
from thinkedit.dataset.folder import SFT, SOURCES, STEPS, needed, read_picture
from thinkedit.dataset.hub_card import card
from thinkedit.dataset.hub_tables import Table
from thinkedit.dataset.lines import read_records
from thinkedit.dataset.manifest import read_manifest
from thinkedit.dataset.records import Dropped, SourceRecord, StepSample, sha_of
from thinkedit.errors import ImageError, InputError, StoreError

__all__ = ["export_folder"]


def export_folder(folder: Path, output: Path, *, name: str, licence: str = "other") -> dict[str, Any]:
    """Write the sets of a dataset into a new folder; returns {rows: by set, dropped: by reason}. Blocks.

    name: the card's title. licence: of the whole, as the hub names licences. A row whose picture cannot be
    read is left out and counted. The same dataset gives the same bytes. InputError where there are no sets
    or `output` is there already, MissingExtra without pyarrow, StoreError where it cannot be written.
    """
    require("an export for the Hugging Face hub", "pyarrow")
    steps = needed(folder, STEPS, "build")
    output = output.expanduser().absolute()
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InputError(f"{output} is there already and not empty: name a new folder (nothing was written)")
    licences = {
        record.id: record.licence
        for record in read_records(needed(folder, SOURCES, "generate --sources …"), SourceRecord)
        if isinstance(record, SourceRecord)
    }
    part = output.with_name(f".{output.name}.{secrets.token_hex(6)}.part")
    try:
        part.mkdir(parents=True)
        try:
            facts = _write(folder, steps, part, licences)
            text = card(read_manifest(folder), facts, name=name, licence=licence)
            (part / "README.md").write_text(text, encoding="utf-8", newline="\n")
            if output.is_dir():
                output.rmdir()
            os.replace(part, output)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise StoreError(f"{output} cannot be written: {error.strerror or error}") from error
    return {"rows": facts["rows"], "dropped": facts["dropped"]}


def _write(folder: Path, steps: Path, part: Path, licences: Mapping[str, str]) -> dict[str, Any]:
    rows, dropped, tasks, used = Counter[str](), Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    taught = _sft_rows(folder)
    with Table("sft", part) as sft, Table("rl", part) as rl:
        for sample in read_records(steps, StepSample):
            if isinstance(sample, Dropped):
                dropped[sample.reason] += 1
                continue
            if sample.set is None:
                continue
            messages = next(taught, None) if sample.set == "sft" else []
            if messages is None:
                raise InputError(f"{folder / SFT} has fewer rows than {STEPS} says: build it again")
            licence = licences.get(sample.record, "unknown")
            try:
                pictures = [
                    read_picture(folder, sample.source, sample.source_id).data,
                    read_picture(folder, sample.image, sha_of(sample.image)).data,
                ]
            except ImageError:
                dropped["unreadable_image"] += 1
                continue
            row = _known(sample, licence)
            if sample.set == "sft":
                shown = [{"bytes": data, "path": None} for data in pictures]
                sft.add({"messages": messages, "images": shown, **row})
            else:
                rl.add(_for_rl(sample, pictures) | row)
            rows[sample.set] += 1
            tasks[sample.task_type] += 1
            used[sample.pool, licence] += 1
    if not rows:
        raise InputError(f"{folder} has no sample in a set: see `thinkedit dataset stats`")
    return {
        "rows": {set_: rows[set_] for set_ in ("sft", "rl") if rows[set_]},
        "dropped": dict(sorted(dropped.items())),
        "tasks": dict(sorted(tasks.items())),
        "licences": [(pool, licence, used[pool, licence]) for pool, licence in sorted(used)],
    }


def _for_rl(sample: StepSample, pictures: list[bytes]) -> dict[str, Any]:
    return {
        "origin_prompt": sample.instruction,
        "rewritten_prompt": sample.prompt,
        "origin_image": {"bytes": pictures[0], "path": None},
        "edited_image": {"bytes": pictures[1], "path": None},
        "evaluation": {"semantics": sample.semantic, "quality": sample.quality},
    }


def _known(sample: StepSample, licence: str) -> dict[str, Any]:
    return {
        "id": sample.id,
        "trajectory": sample.trajectory,
        "t": sample.t,
        "instruction": sample.instruction,
        "prompt": sample.prompt,
        "semantic": sample.semantic,
        "quality": sample.quality,
        "overall": sample.overall,
        "task_type": sample.task_type,
        "editor": sample.editor,
        "pool": sample.pool,
        "licence": licence,
    }


def _sft_rows(folder: Path) -> Iterator[list[dict[str, str]]]:
    """The messages of each row, one after another: `build` writes each on a line of its own."""
    path = needed(folder, SFT, "build")
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            text = line.strip().rstrip(",")
            if text in ("", "[", "]", "[]"):
                continue
            try:
                yield json.loads(text)["messages"]
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"{path}:{number} is no row that `build` wrote ({error}): build it again"
                ) from error
