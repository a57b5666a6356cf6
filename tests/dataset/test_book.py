"""The journal of a stage: read back in any order, after kills, from several threads."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from thinkedit.dataset.book import Book
from thinkedit.errors import InputError


def test_what_several_threads_note_is_read_back_by_its_key(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    with Book(path) as book, ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda n: book.note(f"k{n}", "line", {"n": n, "text": "x" * (n % 97)}), range(800)))
        assert all(book.get(f"k{n}")[1]["n"] == n for n in range(800))
    again = Book(path)
    assert len(again) == 800
    assert all(again.get(f"k{n}")[1]["n"] == n for n in reversed(range(800)))


def test_a_torn_line_is_made_again_and_the_later_of_two_counts(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    with Book(path) as book:
        for n in range(3):
            book.note(f"k{n}", "line", {"n": n})
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    with Book(path) as book:
        assert "k2" not in book
        book.note("k2", "line", {"n": 2})
        book.note("k0", "other", {"n": 9})
    again = Book(path)
    assert [again.get(f"k{n}") for n in range(3)] == [
        ("other", {"n": 9}),
        ("line", {"n": 1}),
        ("line", {"n": 2}),
    ]
    assert again.forget(lambda kind, line: kind == "other") == 1
    assert ("k0" in again, len(again), len(Book(path))) == (False, 2, 2)


def test_a_file_of_something_else_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    path.write_text(json.dumps({"key": "a", "kind": "x", "line": {}}) + "\n{}\n")
    with pytest.raises(InputError, match=r"book\.jsonl:2 is no line"):
        Book(path)
