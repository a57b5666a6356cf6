"""Input and what comes of it: one clear line, a code, nothing paid, nothing lost, never a traceback."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from .conftest import Invoke, Place


def bomb(path: Path) -> None:
    """A PNG whose header says 30,000 x 30,000 and whose 900 million pixels take a few kilobytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000), 9)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def truncated(path: Path) -> None:
    Image.effect_noise((200, 200), 50).convert("RGB").save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:-2000])


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no such file": (lambda path: None, "there is no such file"),
    "a directory": (lambda path: path.mkdir(), "is a folder"),
    "an empty file": (lambda path: path.touch(), "is empty"),
    "a text file named .jpg": (lambda path: path.write_text("hello, world"), "x.jpg"),
    "a truncated JPEG": (truncated, "x.jpg"),
    "a decompression bomb": (bomb, "megapixels"),
}


@pytest.mark.parametrize(("make", "said"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_usable_picture(
    place: Place, invoke: Invoke, make: Callable[[Path], object], said: str
) -> None:
    make(place.folder / "x.jpg")
    done = invoke("edit", "x.jpg", "make it warmer")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Error: ")
    assert said in done.err
    assert done.err.count("\n") == 1
    as_json = invoke("edit", "x.jpg", "make it warmer", "--json")
    assert (as_json.code, as_json.err) == (2, "")
    assert as_json.json["error"]["message"] == done.err.removeprefix("Error: ").strip()
    assert place.calls() == []


COMMANDS: dict[str, tuple[list[str], int, str]] = {
    "an empty instruction": (["edit", "photo.jpg", ""], 2, "the instruction is empty"),
    "a blank instruction": (["edit", "photo.jpg", " \t\n "], 2, "the instruction is empty"),
    "a long instruction": (["edit", "photo.jpg", "x" * 100_000], 2, "100,000 characters"),
    "a control character": (["edit", "photo.jpg", "warm\x07er"], 2, "control character U+0007"),
    "an escape sequence": (["edit", "photo.jpg", "\x1b[2Jwarmer"], 2, "control character U+001B"),
    "no instruction": (["edit", "photo.jpg"], 2, "Missing argument"),
    "an unknown option": (["edit", "photo.jpg", "x", "--trun", "3"], 2, "--turns"),
    "an unknown command": (["edti", "photo.jpg", "x"], 2, "Did you mean 'edit'"),
    "an unknown session command": (["sessions", "shwo"], 2, "Did you mean 'show'"),
    "too many turns": (["edit", "photo.jpg", "x", "--turns", "99"], 2, "turns has the value 99"),
    "no turns": (["edit", "photo.jpg", "x", "--turns", "0"], 2, "turns has the value 0"),
    "turns in words": (["edit", "photo.jpg", "x", "--turns", "many"], 2, "--turns"),
    "a threshold beyond the scale": (["edit", "photo.jpg", "x", "--threshold", "11"], 2, "threshold"),
    "a threshold that is no number": (["edit", "photo.jpg", "x", "--threshold", "nan"], 2, "threshold"),
    "an unknown mode": (["edit", "photo.jpg", "x", "--mode", "sideways"], 2, "'sideways'"),
    "an unknown choice": (["edit", "photo.jpg", "x", "--select", "best"], 2, "'best'"),
    "an unknown editor": (["edit", "photo.jpg", "x", "--editor", "phto"], 2, "did you mean 'photo'"),
    "an unknown thinker": (["edit", "photo.jpg", "x", "--thinker", "measure"], 2, "did you mean 'measured'"),
    "a negative seed": (["edit", "photo.jpg", "x", "--seed", "-1"], 2, "seed"),
    "a missing configuration": (["edit", "photo.jpg", "x", "--config", "no.toml"], 2, "'no.toml'"),
    "a URL": (["edit", "https://example.org/a.jpg", "x"], 2, "URLs are not fetched"),
    "a damaged data: URI": (["edit", "data:image/png;base64,AAAA", "x"], 2, "Error: "),
    "an unknown image URI": (["edit", f"thinkedit://images/{'0' * 64}", "x"], 2, "there is no image"),
    "half an image URI": (["edit", "thinkedit://images/12", "x"], 2, "is not an image URI"),
    "critique of nothing": (["critique"], 2, "SOURCE is missing"),
    "critique without words": (["critique", "photo.jpg", "photo.jpg"], 2, "INSTRUCTION is missing"),
    "critique of both": (["critique", "a", "b", "c", "--session", "last"], 2, "not both"),
    "a turn of no session": (["refine", "a", "b", "c", "--turn", "1"], 2, "--turn needs --session"),
    "an unknown session": (["sessions", "show", "20200101-abc"], 2, "there is no session '20200101-abc'"),
    "no session yet": (["sessions", "resume", "last"], 2, "there are no sessions yet"),
    "an empty session id": (["sessions", "show", ""], 2, "there is no session ''"),
    "deleting an unknown session": (["sessions", "delete", "x"], 2, "there is no session 'x'"),
    "exporting into a file": (["sessions", "export", "last", "-o", "photo.jpg"], 2, "there are no sessions"),
    "pruning by no age": (["sessions", "prune", "--older-than", "old"], 2, "write 30d"),
    "an address without a port": (["serve", "--http", "localhost"], 2, "write 127.0.0.1:8321"),
    "a port beyond all ports": (["serve", "--http", "127.0.0.1:99999"], 2, "write 127.0.0.1:8321"),
    "an address for the world": (["serve", "--http", "0.0.0.0:8321"], 2, "0.0.0.0"),
    "allowing no folder": (["serve", "--allow", "nowhere"], 2, "is not a folder"),
    "uploading nothing": (["upload", "nothing.png"], 2, "there is no such file"),
    "uploading to nowhere": (["upload", "photo.jpg", "--server", "ftp://x"], 2, "is no server address"),
    "nobody at the server": (["upload", "photo.jpg", "--server", "127.0.0.1:9"], 2, "cannot be reached"),
    "a data folder that is a file": (["edit", "photo.jpg", "x", "--data", "photo.jpg"], 5, "photo.jpg"),
    "a data folder below a file": (["sessions", "list", "--data", "photo.jpg/data"], 5, "photo.jpg/data"),
    "a data folder nobody may write": (["edit", "photo.jpg", "x", "--data", "/proc/x"], 5, "/proc/x"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "code", "said"), COMMANDS.values(), ids=COMMANDS)
def test_a_command_that_cannot_be_carried_out(
    place: Place, invoke: Invoke, arguments: list[str], code: int, said: str
) -> None:
    before = {path: path.read_bytes() for path in place.folder.iterdir() if path.is_file()}
    done = invoke(*arguments)
    assert done.code == code, done.err
    assert done.err.startswith("Error: ")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err
    assert len(done.err) < 600
    assert place.calls() == []
    assert {path: path.read_bytes() for path in before} == before
    if arguments[0] == "serve":
        return
    as_json = invoke(*arguments, "--json")
    assert as_json.code == code
    assert set(as_json.json) == {"error"}
    assert as_json.json["error"]["exit_code"] == code


@pytest.mark.parametrize("name", ["sessions.sqlite", "checkpoints.sqlite"])
def test_a_corrupt_database(place: Place, invoke: Invoke, name: str) -> None:
    assert invoke("edit", place.photo, "x", "--turns", "1").code == 0
    database = place.data / name
    for ending in ("-wal", "-shm"):
        database.with_name(database.name + ending).unlink(missing_ok=True)
    database.write_bytes(b"this is no database, " * 500)
    calls = len(place.calls())
    done = invoke("edit", place.photo, "x")
    assert done.code == 5
    assert "move it away" in done.err
    assert done.err.count("\n") == 1
    assert len(place.calls()) == calls
    assert database.read_bytes().startswith(b"this is no database")


def test_a_configuration_with_a_mistake(place: Place, invoke: Invoke) -> None:
    (place.folder / "thinkedit.toml").write_text("[loop]\ntruns = 3\n")
    done = invoke("edit", place.photo, "x")
    assert done.code == 2
    assert "there is no setting 'loop.truns'" in done.err
    assert "did you mean 'turns'?" in done.err
    as_json = invoke("doctor", "--json")
    assert as_json.code == 2
    assert json.loads(as_json.out)["ok"] is False
