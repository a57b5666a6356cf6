"""Ctrl-C and SIGTERM: the best so far is written, the way on is said, a second one quits at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from .conftest import Invoke, Place

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")


def until(process: subprocess.Popen[str], beginning: str) -> list[str]:
    """Read lines of standard output up to the one that begins so."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith(beginning):
            return lines
    raise AssertionError(f"no line began with {beginning!r}: {lines}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_best_so_far_is_written_and_the_session_goes_on(
    place: Place, invoke: Invoke, number: signal.Signals
) -> None:
    place.configure(latency=0.5)
    process = place.spawn("edit", "photo.jpg", "make it warmer")
    until(process, "turn 2 of 4: editing")
    process.send_signal(number)
    out, errors = process.communicate()
    assert (process.returncode, errors) == (130, "")
    lines = out.splitlines()
    assert lines[0].startswith("interrupted: ending the run")
    assert lines[-3].startswith("interrupted after 1 turn")
    assert lines[-2] == f"written: {place.folder / 'photo-edited.jpg'}"
    assert (place.folder / "photo-edited.jpg").stat().st_size > 100
    go_on = lines[-1].removeprefix("go on: thinkedit ").split()
    assert go_on[:2] == ["sessions", "resume"]

    paid = len(place.calls())
    place.configure(latency=0.0)
    resumed = invoke(*go_on)
    assert (resumed.code, resumed.err) == (0, "")
    assert "turn 1: semantic 5.5" in resumed.out
    assert "satisfied after 3 turns" in resumed.out
    assert (place.folder / "photo-edited-2.jpg").exists()
    # Turn 1 is not paid for again; of turn 2 the one call that was cut off is.
    turns = [(call["role"], call["prompt"]) for call in place.calls()[paid:]]
    assert turns == [
        ("editor", "make it warmer (turn 2)"),
        ("thinker", "make it warmer (turn 2)"),
        ("editor", "make it warmer (turn 3)"),
        ("thinker", "make it warmer (turn 3)"),
    ]


def test_before_the_first_image_nothing_is_written(place: Place, invoke: Invoke) -> None:
    place.configure(latency=20)
    process = place.spawn("edit", "photo.jpg", "x")
    until(process, "turn 1 of 4: editing")
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=15)
    assert (process.returncode, errors) == (130, "")
    assert "written: nothing, because no image was made" in out
    assert "go on: thinkedit sessions resume" in out
    assert not list(place.folder.glob("*-edited*"))


def test_json_stays_one_document(place: Place) -> None:
    place.configure(latency=0.5)
    os.mkfifo(place.log)  # the models' log is the only sign of life that --json leaves
    with open(os.open(place.log, os.O_RDWR), encoding="utf-8") as log:
        process = place.spawn("edit", "photo.jpg", "x", "--json")
        calls = (json.loads(line) for line in log)
        next(call for call in calls if call["event"] == "start" and call["prompt"] == "x (turn 2)")
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate()
    assert (process.returncode, errors) == (130, "")
    document = json.loads(out)
    assert (document["status"], document["stop_reason"]) == ("finished", "cancelled")
    assert document["image"]["path"].endswith("photo-edited.jpg")


def test_a_watched_session_of_another_process_is_left_alone(place: Place, invoke: Invoke) -> None:
    place.configure(latency=1.0)
    runs = place.spawn("edit", "photo.jpg", "x")
    session = until(runs, "session ")[-1].removeprefix("session ")
    until(runs, "turn 1 of 4: editing")
    watches = place.spawn("sessions", "resume", session)
    until(watches, "photo.jpg: x")
    watches.send_signal(signal.SIGINT)
    out, _ = watches.communicate()
    assert watches.returncode == 130, out
    document = invoke("sessions", "show", session, "--json").json
    assert document["status"] == "running"
    assert invoke("sessions", "cancel", session).code == 0
    out, _ = runs.communicate()
    assert "cancelled after" in out
    assert runs.returncode in (0, 130)


SECOND = """
import sys, time
import anyio
from thinkedit.cli.interrupts import Interrupts, run_plainly

async def work():
    with Interrupts(lambda: print("first", flush=True)) as interrupts:
        with anyio.CancelScope() as scope:
            interrupts.cancels(scope)
            print("ready", flush=True)
            await anyio.to_thread.run_sync(time.sleep, 60)

run_plainly(work)
"""


def test_a_second_signal_quits_at_once(place: Place) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SECOND],
        env=place.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(process, "ready")
    process.send_signal(signal.SIGINT)
    until(process, "first")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (130, "")
