"""The store: what is put is what is got, on every place, and a failing place is said in one line."""

import errno
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from thinkedit.errors import NotFoundError, StoreError
from thinkedit.images import Picture
from thinkedit.places import STALE
from thinkedit.store import Store, canonical_json


class Note(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str
    number: float | None = None
    inner: tuple["Note", ...] = ()
    schema_: dict[str, int] = Field(default_factory=dict, alias="schema")


class Other(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str


class FailingFileSystem(MemoryFileSystem):
    """fsspec's memory file system of its own, that fails when told to, after half of what it writes."""

    protocol = "failing"
    store: dict[str, Any] = {}
    pseudo_dirs: list[str] = [""]
    writes_left = 10**9
    error: Exception = OSError(errno.ENOSPC, "No space left on device")
    broken: frozenset[str] = frozenset()

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.removeprefix("failing://").strip("/")

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        cls = type(self)
        if cls.writes_left == 0:
            super().pipe_file(path, value[: len(value) // 2], mode, **kwargs)
            raise cls.error
        cls.writes_left -= 1
        super().pipe_file(path, value, mode, **kwargs)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        self._check("read")
        return bytes(super().cat_file(path, start, end, **kwargs))

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        self._check("info")
        return dict(super().info(path, **kwargs))

    def _check(self, operation: str) -> None:
        if operation in type(self).broken:
            raise type(self).error


fsspec.register_implementation("failing", FailingFileSystem, clobber=True)


@pytest.fixture
def failing() -> Iterator[type[FailingFileSystem]]:
    FailingFileSystem.store.clear()
    FailingFileSystem.pseudo_dirs[:] = [""]
    yield FailingFileSystem
    FailingFileSystem.writes_left = 10**9
    FailingFileSystem.error = OSError(errno.ENOSPC, "No space left on device")
    FailingFileSystem.broken = frozenset()


@pytest.fixture(params=["folder", "file URL", "memory", "fsspec"])
def store(request: pytest.FixtureRequest, tmp_path: Path, failing: type[FailingFileSystem]) -> Store:
    make: dict[str, Callable[[], Store]] = {
        "folder": lambda: Store(tmp_path / "new" / "store"),
        "file URL": lambda: Store((tmp_path / "with space").as_uri()),
        "memory": Store.in_memory,
        "fsspec": lambda: Store("failing://bucket/path"),
    }
    return make[request.param]()


def picture(seed: int = 0, width: int = 30, height: int = 20) -> Picture:
    return Picture.from_pixels(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def test_pictures_come_back_by_their_hash(store: Store) -> None:
    first, second = picture(1), picture(2)
    assert store.put(first) == first.sha256
    assert store.put(first) == first.sha256
    assert store.put(second) == second.sha256
    assert store.get(first.sha256).data == first.data
    assert store.get(second.sha256) == second
    assert store.has(first.sha256)
    assert not store.has("0" * 64)


def test_jpeg_and_webp_are_kept_as_they_are(store: Store) -> None:
    jpeg = picture().preview()
    webp = Picture.from_pixels(np.zeros((4, 4, 4), np.uint8)).preview()
    assert (jpeg.mime_type, webp.mime_type) == ("image/jpeg", "image/webp")
    for each in (jpeg, webp):
        got = store.get(store.put(each))
        assert (got.data, got.mime_type, got.size) == (each.data, each.mime_type, each.size)


def test_records_come_back_by_their_hash(store: Store) -> None:
    note = Note(text="é ☃ \n \u2028", number=0.1, inner=(Note(text=""),), schema={"b": 1, "a": 2})
    sha = store.put_record(note)
    assert store.put_record(note.model_copy()) == sha
    assert store.get_record(sha, Note) == note
    with pytest.raises(StoreError, match=r"is no Other \(name: Field required\)"):
        store.get_record(sha, Other)


def test_what_is_not_there_is_not_found(store: Store) -> None:
    record = store.put_record(Note(text="a"))
    image = store.put(picture())
    for sha in ("0" * 64, "A" * 64, "", "../../etc/passwd", "*", record[:-1]):
        assert not store.has(sha)
        assert store.path(sha) is None
        store.delete(sha)
        with pytest.raises(NotFoundError, match="there is no image"):
            store.get(sha)
        with pytest.raises(NotFoundError, match="there is no record"):
            store.get_record(sha, Note)
    with pytest.raises(NotFoundError, match=f"there is no image {record}"):
        store.get(record)
    with pytest.raises(NotFoundError, match=f"there is no record {image}"):
        store.get_record(image, Note)


def test_listing_and_deleting(store: Store) -> None:
    assert list(store.listing()) == []
    before = time.time()
    image, record = store.put(picture()), store.put_record(Note(text="a"))
    listed = {each.sha: each for each in store.listing()}
    assert {sha: (each.kind, each.bytes) for sha, each in listed.items()} == {
        image: ("image", len(picture().data)),
        record: ("record", len(canonical_json(Note(text="a")))),
    }
    assert all(before - 2 <= each.modified <= time.time() + 2 for each in listed.values())
    store.delete(image)
    assert [each.sha for each in store.listing()] == [record]
    assert not store.has(image)
    store.delete(image)
    store.delete(record)
    assert list(store.listing()) == []


def test_many_threads_at_once(store: Store) -> None:
    pictures = [picture(n % 4) for n in range(16)]
    start = threading.Barrier(16)

    def put_and_get(each: Picture) -> bool:
        start.wait()
        return store.get(store.put(each)) == each

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(put_and_get, pictures))
    assert len(list(store.listing())) == 4


def test_memory_is_not_shared() -> None:
    first, second = Store.in_memory(), Store.in_memory()
    sha = first.put(picture())
    assert not second.has(sha)
    assert first.path(sha) is None


notes = st.recursive(
    st.builds(Note, text=st.text(), number=st.none() | st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.builds(
        lambda text, inner, numbers: Note(text=text, inner=tuple(inner), schema=numbers),
        st.text(),
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(), st.integers(), max_size=3),
    ),
    max_leaves=5,
)


@settings(max_examples=80, deadline=None)
@given(notes)
def test_any_record_round_trips_and_its_name_is_the_hash_of_its_content(note: Note) -> None:
    store = Store.in_memory()
    sha = store.put_record(note)
    assert store.get_record(sha, Note) == note
    assert canonical_json(store.get_record(sha, Note)) == canonical_json(note)


def test_canonical_json_does_not_depend_on_order() -> None:
    one, two = Note(text="x", schema={"a": 1, "b": 2}), Note(schema={"b": 2, "a": 1}, text="x")
    assert canonical_json(one) == canonical_json(two)
    assert json.loads(canonical_json(one))["schema"] == {"a": 1, "b": 2}
    with pytest.raises(StoreError, match="this Note cannot be stored as JSON"):
        canonical_json(Note(text="x", number=float("nan")))


# A local folder --------------------------------------------------------------------------------------


def test_the_layout_of_a_folder(tmp_path: Path) -> None:
    store = Store(tmp_path)
    image, record = store.put(picture()), store.put_record(Note(text="a"))
    assert store.path(image) == tmp_path / "images" / image[:2] / f"{image}.png"
    assert store.path(record) == tmp_path / "records" / record[:2] / f"{record}.json"
    assert not list((tmp_path / "tmp").iterdir())
    (tmp_path / "images" / "Thumbs.db").touch()
    assert {each.sha for each in store.listing()} == {image, record}


def test_what_is_there_is_not_written_again_but_counts_as_used_now(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = store.path(store.put(picture()))
    assert path is not None
    before = path.stat()
    os.utime(path, ns=(0, 0))
    store.put(picture())
    assert path.stat().st_ino == before.st_ino
    assert path.stat().st_mtime_ns >= before.st_mtime_ns


@pytest.mark.parametrize("damage", ["cut", "emptied", "changed", "lengthened"])
def test_damage_is_noticed_and_healed(tmp_path: Path, damage: str) -> None:
    store = Store(tmp_path)
    sha, record = store.put(picture()), store.put_record(Note(text="a" * 200))
    for name in (sha, record):
        path = store.path(name)
        assert path is not None
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        damaged = {"cut": data[:100], "emptied": b"", "changed": data, "lengthened": data + b"\0"}[damage]
        path.write_bytes(damaged)
    with pytest.raises(StoreError, match=rf"{sha}\.png is damaged \(\d+ bytes whose hash is another\)"):
        store.get(sha)
    with pytest.raises(StoreError, match=rf"{record}\.json is damaged"):
        store.get_record(record, Note)
    store.put(picture())
    store.put_record(Note(text="a" * 200))
    assert store.get(sha) == picture()
    assert store.get_record(record, Note).text == "a" * 200


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    old, new = tmp_path / "tmp" / "1-old", tmp_path / "tmp" / "2-new"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - STALE - 60,) * 2)
    Store(tmp_path).put(picture())
    assert list((tmp_path / "tmp").iterdir()) == [new]


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that other users reach, as they do not reach `tmp_path`."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_folder_that_cannot_be_written(public_folder: Path) -> None:
    (public_folder / "file").touch()
    with pytest.raises(StoreError, match=r"file/images/.*\.png cannot be (read|written): Not a directory"):
        Store(public_folder / "file").put(picture())
    closed = public_folder / "closed"
    closed.mkdir(0o555)
    user = os.geteuid()
    if user == 0:  # nothing is forbidden to root, so be nobody for a moment
        os.seteuid(65534)
    try:
        with pytest.raises(StoreError, match="Permission denied: choose a store that this user may use"):
            Store(closed).put(picture())
    finally:
        os.seteuid(user)


FULL = """
import resource, sys
import numpy as np
from thinkedit.errors import StoreError
from thinkedit.images import Picture
from thinkedit.store import Store
def picture(side):
    return Picture.from_pixels(np.random.default_rng(side).integers(0, 256, (side, side, 3), np.uint8))
store = Store(sys.argv[1])
small, large = picture(100), picture(300)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
store.put(small)
try:
    store.put(large)
except StoreError as error:
    print(error)
print(store.get(small.sha256) == small, store.has(large.sha256))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
print(store.put(picture(101)) != "")
"""


def test_a_store_that_fills_up_in_the_middle(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
    failed, kept, goes_on = run.stdout.splitlines()
    assert failed.endswith(".png cannot be written: File too large: free some space or choose another store")
    assert (kept, goes_on) == ("True False", "True")
    assert not list((tmp_path / "tmp").iterdir())
    assert len(list(Store(tmp_path).listing())) == 2


# fsspec ----------------------------------------------------------------------------------------------


def test_a_remote_store_that_fills_up_in_the_middle(failing: type[FailingFileSystem]) -> None:
    store = Store("failing://bucket/path")
    failing.writes_left = 2
    kept = [store.put(picture(n)) for n in range(2)]
    with pytest.raises(
        StoreError,
        match=r"^failing://.*/images/.*\.png cannot be written: No space left on device: free some space or",
    ):
        store.put(picture(2))
    with pytest.raises(StoreError, match="free some space"):
        store.put_record(Note(text="a"))
    assert sorted(each.sha for each in store.listing()) == sorted(kept)
    assert not [path for path in failing.store if "/tmp/" in path]
    failing.writes_left = 1
    assert store.get(store.put(picture(2))) == picture(2)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EIO, "Input/output error"),
        TimeoutError("timed out"),
        RuntimeError("token\nexpired"),
        PermissionError("Forbidden"),
    ],
    ids=str,
)
@pytest.mark.parametrize("operation", ["read", "info"])
def test_whatever_a_file_system_raises_is_said_in_one_line(
    failing: type[FailingFileSystem], error: Exception, operation: str
) -> None:
    store = Store("failing://bucket")
    sha = store.put(picture())
    failing.error, failing.broken = error, frozenset({operation})
    with pytest.raises(StoreError) as caught:
        store.get(sha) if operation == "read" else store.has(sha)
    message = str(caught.value)
    assert message.startswith("failing://")
    assert " ".join((getattr(error, "strerror", None) or str(error)).split()) in message
    assert "\n" not in message
    assert caught.value.__cause__ is error


def test_a_remote_file_cut_short_is_noticed_and_healed(failing: type[FailingFileSystem]) -> None:
    store = Store("failing://bucket")
    sha = store.put(picture())
    fs = fsspec.filesystem("failing")
    MemoryFileSystem.pipe_file(fs, f"/bucket/images/{sha[:2]}/{sha}.png", picture().data[:300])
    with pytest.raises(StoreError, match="is damaged"):
        store.get(sha)
    store.put(picture())
    assert store.get(sha) == picture()


def test_messages_show_no_password() -> None:
    with pytest.raises(StoreError, match=r"^nosuch://host/path cannot be used"):
        Store("nosuch://user:secret@host/path")


@pytest.mark.parametrize("url", ["nosuch://bucket", "s4://x"])
def test_urls_that_no_file_system_knows(url: str) -> None:
    with pytest.raises(StoreError, match="cannot be used as a store"):
        Store(url)
