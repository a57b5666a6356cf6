"""Files of JSON lines: what a kill, a full disk and a bad line leave behind."""

from __future__ import annotations

import errno
import json
import resource
import signal
from pathlib import Path

import pytest

from thinkedit.errors import StoreError
from thinkedit.journal import Journal, read_lines, replace_file, whole_lines, write_lines


def test_lines_that_were_appended_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    assert whole_lines(path) == []
    with Journal(path) as journal:
        journal.append({"a": "ü\n"})
    with Journal(path) as journal:
        journal.append({"a": 2})
    assert whole_lines(path) == [{"a": "ü\n"}, {"a": 2}]


def test_a_torn_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": ')
    assert whole_lines(path) == [{"a": 1}]
    assert path.read_bytes() == b'{"a": 1}\n'
    with Journal(path) as journal:
        journal.append({"a": 2})
    assert whole_lines(path) == [{"a": 1}, {"a": 2}]


def test_a_line_that_does_not_fit_on_the_disk_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    with Journal(path) as journal:
        journal.append({"a": 1})
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
        try:
            with pytest.raises(StoreError, match=r"a\.jsonl cannot be written"):
                journal.append({"a": "x" * 200})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)
        assert path.read_bytes() == b'{"a": 1}\n'
        journal.append({"a": 2})
    assert whole_lines(path) == [{"a": 1}, {"a": 2}]


def test_a_bad_line_is_told_with_its_number_and_ends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\nnot json\n{"a": 2}\n')
    lines = list(read_lines(path))
    assert [number for number, _ in lines] == [1, 3, 4]
    assert isinstance(lines[1][1], ValueError)
    assert "line 3" in str(lines[1][1])
    assert lines[2][1] == {"a": 2}


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_lines(path, [{"a": 1}])

    def broken() -> object:
        yield "half"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        replace_file(path, broken())  # type: ignore[arg-type]
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"
