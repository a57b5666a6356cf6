"""`thinkedit edit --server`: one command line against a server that is a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.server.conftest import Process
from tests.server.test_stepwise import serving


@pytest.fixture
def url(process: Process) -> Iterator[str]:
    with serving(process(latency=0.3)) as address:
        yield address


def edit(url: str, pictures: Path, *more: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "thinkedit", "edit", "garden.jpg", "make it warmer", "--server", url]
    return subprocess.run(
        [*command, *more], cwd=pictures, capture_output=True, text=True, timeout=60, check=False, **options
    )


def test_the_result_comes_down_beside_the_picture(url: str, pictures: Path) -> None:
    done = edit(url, pictures)
    assert done.returncode == 0, done.stderr
    assert "turn 2 of 4: scored semantic 7, quality 7.5" in done.stdout
    assert "satisfied after 3 turns" in done.stdout
    assert f"written: {pictures / 'garden-edited.jpg'}" in done.stdout
    with Image.open(pictures / "garden-edited.jpg") as made:
        assert (made.format, made.size) == ("JPEG", (320, 240))
    again = json.loads(edit(url, pictures, "--json", "--turns", "1", "-o", "out.webp").stdout)
    assert again["stop_reason"] == "max_turns"
    assert again["image"]["path"] == str(pictures / "out.webp")
    with Image.open(pictures / "out.webp") as made:
        assert made.format == "WEBP"


@pytest.mark.parametrize(
    ("more", "code", "line"),
    [
        (["--editor", "photo", "--turns", "99"], 2, "the argument 'turns' has the value 99"),
        (["--patience", "2"], 2, "--patience does not go with --server"),
        (["--data", "x"], 2, "--data does not go with --server"),
        (["--editor", "diffusers:large"], 2, "may not be named over HTTP"),
        (["-o", "garden.jpg"], 2, "exists already"),
    ],
)
def test_what_cannot_be_is_one_line(url: str, pictures: Path, more: list[str], code: int, line: str) -> None:
    done = edit(url, pictures, *more)
    assert done.returncode == code
    assert line in done.stderr
    assert "Traceback" not in done.stderr
    assert not (pictures / "garden-edited.jpg").exists()


def test_a_refusal_keeps_its_exit_code(url: str, pictures: Path) -> None:
    command = [sys.executable, "-m", "thinkedit", "edit", "garden.jpg", "add a dragon", "--server", url]
    done = subprocess.run(
        [*command, "--editor", "photo"], cwd=pictures, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "dragon" in done.stderr
    nobody = edit("127.0.0.1:1", pictures)
    assert nobody.returncode == 2
    assert "cannot be reached" in nobody.stderr


def test_an_interruption_ends_the_run_over_there(url: str, pictures: Path) -> None:
    command = [sys.executable, "-m", "thinkedit", "edit", "garden.jpg", "make it warmer", "--server", url]
    with subprocess.Popen(command, cwd=pictures, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        next(line for line in running.stdout if "turn 2 of 4: editing" in line)
        running.send_signal(signal.SIGINT)
        rest = running.stdout.read()
        assert running.wait(timeout=30) == 130
    assert "interrupted after 1 turn" in rest
    assert (pictures / "garden-edited.jpg").is_file()
