"""The command line as a whole: help, version, start, unexpected errors, readers that go away."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import thinkedit

from .conftest import Invoke, Place


def test_version(invoke: Invoke) -> None:
    assert invoke("--version").out == f"thinkedit {thinkedit.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--help"], "sessions"),
        (["edit", "--help"], 'thinkedit edit photo.jpg "make it warmer"'),
        (["critique", "-h"], "SOURCE"),
        (["refine", "--help"], "what to tell the editor next"),
        (["serve", "--help"], "--allow"),
        (["upload", "--help"], "thinkedit://"),
        (["doctor", "--help"], "lines to paste into hosts"),
        *([["sessions", name, "--help"], "--json"] for name in (
            "list", "show", "resume", "pick", "stop", "cancel", "export", "delete", "prune", "rebuild",
        )),
    ],
)  # fmt: skip
def test_help(invoke: Invoke, arguments: list[str], said: str) -> None:
    done = invoke(*arguments)
    assert (done.code, done.err) == (0, "")
    assert said in " ".join(done.out.split())


def test_nothing_at_all_is_help_and_a_misuse(invoke: Invoke) -> None:
    done = invoke()
    assert done.code == 2
    assert "Usage: thinkedit" in done.out


@pytest.mark.parametrize("arguments", ["['--help']", "['edit', '--help']", "['--version']"])
def test_help_loads_nothing_heavy(place: Place, arguments: str) -> None:
    code = (
        "import sys; from thinkedit.cli.app import run; run(" + arguments + ");"
        "heavy = {'numpy', 'PIL', 'cv2', 'langgraph', 'httpx', 'mcp', 'anyio'} & set(sys.modules);"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=place.environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unexpected_error_is_one_line(
    place: Place, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    import thinkedit.cli.options as options

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(options, "configured", broken)
    done = invoke("sessions", "list")
    assert done.code == 1
    assert done.err == (
        "Error: RuntimeError: two lines (this is a fault of thinkedit; run with --debug for the traceback)\n"
    )
    assert "Traceback" in invoke("sessions", "list", "--debug").err
    as_json = invoke("sessions", "list", "--json")
    assert (as_json.code, as_json.err, as_json.json["error"]["type"]) == (1, "", "RuntimeError")


def test_json_after_two_dashes_is_an_argument(place: Place, invoke: Invoke) -> None:
    done = invoke("edit", "--", "nothing.jpg", "--json")
    assert done.err.startswith("Error: ")


def test_a_reader_that_goes_away_stops_nothing(place: Place) -> None:
    place.configure(latency=0.1)
    process = place.spawn("edit", "photo.jpg", "make it warmer")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("photo.jpg: make it warmer")
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait() == 0
    assert (place.folder / "photo-edited.jpg").exists()
    process.stderr.close()


def test_a_closed_pipe_before_json(place: Place) -> None:
    process = place.spawn("sessions", "list", "--json")
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is a device of Linux")
def test_a_full_disk_behind_standard_output(place: Place) -> None:
    with open("/dev/full", "w") as full, place.spawn("sessions", "list", "--json", stdout=full) as process:
        _, errors = process.communicate()
    assert process.returncode == 5
    assert errors == "Error: standard output cannot be written: No space left on device\n"


def test_streams_that_are_closed(place: Place) -> None:
    command = f"{sys.executable} -m thinkedit sessions list >&- 2>&-"
    done = subprocess.run(["sh", "-c", command], cwd=place.folder, env=place.environment(), check=False)
    assert done.returncode == 0


def test_an_encoding_that_has_not_every_letter(place: Place) -> None:
    with place.spawn(
        "edit", "photo.jpg", "Größe → 2", "--json", env={"PYTHONIOENCODING": "ascii"}
    ) as process:
        out, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert json.loads(out)["instruction"] == "Größe → 2"
