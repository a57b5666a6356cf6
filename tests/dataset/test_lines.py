"""Files that are written together, and lines that are none."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.kit import files_of, many, write_scored
from thinkedit.dataset import lines
from thinkedit.dataset.build import build_folder
from thinkedit.dataset.choosing import BuildSettings
from thinkedit.dataset.filter import FilterSettings, filter_folder
from thinkedit.dataset.lines import Files, read_records
from thinkedit.dataset.manifest import Tally, seal
from thinkedit.dataset.records import Dropped, SourceRecord
from thinkedit.errors import InputError, StoreError


def test_all_have_their_names_or_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")

    def broken() -> None:
        with Files(tmp_path, "a", "sub/b") as files:
            files.text("a", "new")
            files.line("sub/b", {"x": "é"})
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        broken()
    assert files_of(tmp_path) == {"a": b"old"}
    with Files(tmp_path, "a", "sub/b") as files:
        files.text("a", "new")
        files.line("sub/b", {"x": "é"})
    assert files_of(tmp_path) == {"a": b"new", "sub/b": '{"x":"é"}\n'.encode()}


@pytest.mark.parametrize("when", ["writing", "at the end"])
def test_a_full_disk_is_said_and_the_old_files_stay(
    tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scored(tmp_path, many(50))
    filter_folder(tmp_path, FilterSettings())
    build_folder(tmp_path, BuildSettings())
    before = files_of(tmp_path)

    class Full:
        def __init__(self, file: Any) -> None:
            self._file = file

        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

    def no_sync(number: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        if when == "writing":
            patch.setattr(lines, "open", lambda *a, **k: Full(open(*a, **k)), raising=False)  # noqa: SIM115
        else:
            patch.setattr(lines.os, "fsync", no_sync)
        with pytest.raises(StoreError, match=r"filtered\.jsonl cannot be written: No space left"):
            filter_folder(tmp_path, FilterSettings(tie="last"))
        with pytest.raises(StoreError, match=r"steps\.jsonl cannot be written: No space left"):
            build_folder(tmp_path, BuildSettings(seed=3))
    assert files_of(tmp_path) == before
    assert build_folder(tmp_path, BuildSettings(seed=3))["stages"]["build"]["kept"] > 0


def test_each_bad_line_has_its_place_and_its_fault(tmp_path: Path) -> None:
    good = SourceRecord(
        id="a",
        source="x",
        image="images/a.png",
        sha256="0" * 64,
        instruction="warmer",
        task_type="tone",
        editor="e",
        licence="CC0-1.0",
    ).model_dump_json()
    path = tmp_path / "sources.jsonl"
    bad = [
        good.replace("images/", "../"),
        good.replace('"id":"a"', '"id":"b"').replace("0000", "zzzz", 1),
        good[:40],
        "3",
        good.replace("warmer", "\\ud800"),
    ]
    path.write_text("\n".join([good, *bad, "", good]) + "\n")
    found = list(read_records(path, SourceRecord))
    assert isinstance(found[0], SourceRecord)
    drops = [one for one in found[1:] if isinstance(one, Dropped)]
    assert [(drop.id, drop.place.rpartition(":")[2]) for drop in drops] == [
        ("a", "2"),
        ("b", "3"),
        ("line 4", "4"),
        ("line 5", "5"),
        ("a", "6"),
        ("a", "8"),
    ]
    assert "below the folder" in drops[0].why
    assert drops[-1].reason == "duplicate_id"
    assert {drop.reason for drop in drops[:-1]} == {"corrupt_record"}
    with pytest.raises(StoreError, match="cannot be read"):
        list(read_records(tmp_path / "none.jsonl", SourceRecord))


def test_counts_that_do_not_add_up_are_never_written(tmp_path: Path) -> None:
    tally = Tally("filter", taken=3, kept=1)
    tally.drop(Dropped(id="x", reason="worse"))
    with pytest.raises(RuntimeError, match="3 came in, 1 were kept"):
        seal(tmp_path, tally)
    assert not (tmp_path / "manifest.json").exists()


def test_a_file_that_is_no_manifest_is_named(tmp_path: Path) -> None:
    write_scored(tmp_path, many(3))
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(InputError, match=r"manifest\.json is no manifest"):
        filter_folder(tmp_path, FilterSettings())
