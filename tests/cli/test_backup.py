"""deploy/backup.py: a data folder backed up while a server works on it, and gone on with from the copy."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import anyio
from mcp.client import Client

from .conftest import Invoke, Place

SCRIPT = Path(__file__).parents[2] / "deploy" / "backup.py"

WARMER = "make it warmer"


def calls(place: Place) -> list[tuple[str, str]]:
    return [(call["role"], call["prompt"]) for call in place.calls()]


def back_up(data: Path, target: Path) -> str:
    command = [sys.executable, str(SCRIPT), str(data), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def back_up_in_turn_two(url: str, place: Place, target: Path) -> None:
    editing = anyio.Event()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        if "turn 2 of 4: editing" in (message or ""):
            editing.set()

    async with Client(url) as client, anyio.create_task_group() as tasks:
        asked = {"image": str(place.photo), "instruction": WARMER}
        tasks.start_soon(lambda: client.call_tool("think_edit", asked, progress_callback=note))
        with anyio.fail_after(60):
            await editing.wait()
        assert "new pictures" in back_up(place.data, target)
        tasks.cancel_scope.cancel()


def test_a_session_goes_on_from_a_backup_made_while_it_ran(
    place: Place, invoke: Invoke, tmp_path: Path
) -> None:
    place.configure(latency=0.5)
    with place.spawn("serve", "--http", "127.0.0.1:0", "--allow", str(place.folder)) as server:
        assert server.stderr is not None
        line = next(line for line in iter(server.stderr.readline, "") if line.startswith("serving MCP at"))
        try:
            anyio.run(back_up_in_turn_two, line.split()[3], place, tmp_path / "backup")
        finally:
            server.kill()
            server.communicate()
    assert ("editor", WARMER) in calls(place)

    place.log.unlink()
    shutil.rmtree(place.data)
    shutil.copytree(tmp_path / "backup", place.data)
    assert invoke("sessions", "show", "last", "--json").json["status"] == "running", "as it was at the backup"
    place.configure()
    done = invoke("sessions", "resume", "last", "--json")
    assert done.code == 0, done.err
    assert done.json["stop_reason"] == "satisfied"
    assert [turn["turn"] for turn in done.json["turns"]] == [1, 2, 3]
    assert ("editor", WARMER) not in calls(place), "turn 1 is recorded and not paid for again"
    assert calls(place)


def test_again_into_the_same_folder(place: Place, invoke: Invoke, tmp_path: Path) -> None:
    first = invoke("edit", place.photo, WARMER, "--json").json["session_id"]
    back_up(place.data, tmp_path / "backup")
    second = invoke("edit", place.photo, "make it colder", "--json").json["session_id"]
    assert " 0 new" not in back_up(place.data, tmp_path / "backup")
    assert " 0 new" in back_up(place.data, tmp_path / "backup")
    listed = invoke("sessions", "list", "--data", tmp_path / "backup", "--json").json
    assert {entry["session_id"] for entry in listed["sessions"]} == {first, second}
    shown = invoke("sessions", "show", second, "--data", tmp_path / "backup")
    assert shown.code == 0, shown.err


def test_the_pictures_of_a_backup_are_enough_for_a_database_anew(
    place: Place, invoke: Invoke, tmp_path: Path
) -> None:
    made = invoke("edit", place.photo, WARMER, "--json").json["session_id"]
    back_up(place.data, tmp_path / "backup")
    (tmp_path / "backup" / "sessions.sqlite").unlink()
    assert invoke("sessions", "rebuild", "--data", tmp_path / "backup").code == 0
    assert invoke("sessions", "show", made, "--data", tmp_path / "backup").code == 0


def test_no_folder_no_backup(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), str(tmp_path / "nothing"), str(tmp_path / "backup")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "DATA TARGET" in done.stderr
    assert not (tmp_path / "backup").exists()
