"""`thinkedit sessions`: look, go on, pick, end, delete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from .conftest import Invoke, Place


def made(invoke: Invoke, place: Place, *options: str) -> dict[str, Any]:
    document: dict[str, Any] = invoke("edit", place.photo, "make it warmer", "--json", *options).json
    return document


def test_list(place: Place, invoke: Invoke) -> None:
    assert invoke("sessions").code == 0
    first = made(invoke, place, "--turns", "2", "--threshold", "10")
    second = made(invoke, place)
    rows = [line.split("\t") for line in invoke("sessions", "list").out.splitlines()]
    assert [row[:4] for row in rows] == [
        [second["session_id"], "satisfied", "3", "8.2"],
        [first["session_id"], "max turns", "2", "7.2"],
    ]
    assert [row[5] for row in rows] == ["make it warmer", "make it warmer"]
    entries = invoke("sessions", "list", "--json").json["sessions"]
    assert [entry["session_id"] for entry in entries] == [second["session_id"], first["session_id"]]
    assert entries[0]["overall"] == 8.25
    assert entries[0]["output"] == second["image"]["path"]
    assert len(invoke("sessions", "list", "-n", "1").out.splitlines()) == 1


def test_show_finds_a_session_by_id_beginning_and_last(place: Place, invoke: Invoke) -> None:
    first, second = made(invoke, place), made(invoke, place, "--turns", "1")
    assert invoke("sessions", "show", first["session_id"], "--json").json == first
    assert invoke("sessions", "show", first["session_id"][:-2], "--json").json == first
    assert invoke("sessions", "show", "last", "--json").json == second
    ambiguous = invoke("sessions", "show", "20")
    assert ambiguous.code == 2
    assert "2 sessions begin with '20'" in ambiguous.err
    shown = invoke("sessions", "show", first["session_id"]).out
    assert "turn 2: semantic 7.0, quality 7.5, overall 7.2" in shown
    assert f"picture: {first['image']['path']}" in shown


def test_resume_goes_on_with_more_turns_and_another_prompt(place: Place, invoke: Invoke) -> None:
    session = made(invoke, place, "--turns", "1", "--threshold", "10")["session_id"]
    calls = len(place.calls())
    done = invoke("sessions", "resume", session, "--turns", "2", "--prompt", "my own words", "--json")
    assert done.code == 0, done.err
    assert [turn["prompt"] for turn in done.json["turns"]] == [
        "make it warmer", "my own words", "make it warmer (turn 3)",
    ]  # fmt: skip
    assert len(place.calls()) == calls + 4
    assert Path(done.json["image"]["path"]).name == "photo-edited-2.jpg"


def test_resume_writes_where_it_is_told(place: Place, invoke: Invoke) -> None:
    made(invoke, place, "--turns", "1")
    done = invoke("sessions", "resume", "last", "-o", "more.png", "-q")
    assert (done.code, done.out) == (0, f"{place.folder / 'more.png'}\n")
    refused = invoke("sessions", "resume", "last", "-o", "more.png")
    assert refused.code == 2
    assert "exists already" in refused.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--turns", "0"), "ask for at least 1 more"),
        (("--turns", "30"), "limit of 12"),
        (("--prompt", "  "), "the prompt is empty"),
    ],
)
def test_resume_refuses_what_makes_no_sense(
    place: Place, invoke: Invoke, options: tuple[str, ...], said: str
) -> None:
    made(invoke, place, "--turns", "1")
    done = invoke("sessions", "resume", "last", *options)
    assert done.code == 2
    assert said in done.err


def test_pick_writes_another_turn(place: Place, invoke: Invoke) -> None:
    session = made(invoke, place)
    done = invoke("sessions", "pick", "last", "1", "-o", "one.png")
    assert done.code == 0, done.err
    assert "Turn 1 was picked by the caller." in done.out
    with Image.open(place.folder / "one.png") as image:
        assert image.size == (64, 48)
    shown = invoke("sessions", "show", "last", "--json").json
    assert shown["selected_turn"] == 1
    assert shown["image"]["uri"] == session["turns"][0]["image"]["uri"]
    missing = invoke("sessions", "pick", "last", "9")
    assert (missing.code, "turns that have: 1, 2, 3" in missing.err) == (2, True)


def test_stop_and_cancel_do_not_fit_a_finished_session(place: Place, invoke: Invoke) -> None:
    made(invoke, place)
    for action in ("stop", "cancel"):
        done = invoke("sessions", action, "last")
        assert done.code == 2
        assert f"'{action}' does not fit" in done.err


@pytest.mark.parametrize("action", ["stop", "cancel"])
def test_stop_and_cancel_end_a_session_of_another_process(place: Place, invoke: Invoke, action: str) -> None:
    place.configure(latency=0.4)
    with place.spawn("edit", "photo.jpg", "x") as process:
        assert process.stdout is not None
        while not process.stdout.readline().startswith("turn 2 of 4: editing"):
            pass
        done = invoke("sessions", action, "last", "--json")
        out, errors = process.communicate()
    assert done.code == 0, done.err
    assert done.json["stop_reason"] == {"stop": "stopped_by_caller", "cancel": "cancelled"}[action]
    assert (process.returncode, errors) == (0, "")
    assert f"written: {place.folder / 'photo-edited.jpg'}" in out


def test_delete_takes_a_sessions_pictures_and_leaves_the_others(place: Place, invoke: Invoke) -> None:
    first, second = made(invoke, place), made(invoke, place, "--seed", "3")
    misspelt = invoke("sessions", "delete", first["session_id"], "nonsense")
    assert misspelt.code == 2
    assert invoke("sessions", "show", first["session_id"]).code == 0
    done = invoke("sessions", "delete", first["session_id"], "--json")
    assert done.json["sessions"] == [first["session_id"]]
    assert done.json["pictures"] == 3, "the three turns' pictures, and not the source that both have"
    assert invoke("sessions", "show", first["session_id"]).code == 2
    assert invoke("sessions", "show", second["session_id"], "--json").json == second
    assert invoke("sessions", "pick", second["session_id"], "1", "-o", "p.png").code == 0
    assert Path(first["image"]["path"]).exists(), "results that were written stay"
    assert invoke("sessions", "rebuild", "--json").json["added"] == []


def test_prune(place: Place, invoke: Invoke) -> None:
    old, new = made(invoke, place), made(invoke, place, "--seed", "3")
    nothing = invoke("sessions", "prune", "--json")
    assert (nothing.json["sessions"], nothing.json["pictures"], nothing.json["records"]) == ([], 0, 0)
    assert invoke("sessions", "prune", "--older-than", "1d", "--json").json["sessions"] == []
    planned = invoke("sessions", "prune", "--keep", "1", "--dry-run", "--json").json
    assert (planned["sessions"], planned["pictures"]) == ([old["session_id"]], 3)
    assert invoke("sessions", "show", old["session_id"]).code == 0
    done = invoke("sessions", "prune", "--keep", "1", "--json").json
    assert {**done, "dry_run": True} == planned
    assert done["bytes"] > 0
    assert invoke("sessions", "show", old["session_id"]).code == 2
    assert invoke("sessions", "resume", new["session_id"], "--turns", "1").code == 0
    left = {path.stem for path in (place.data / "store" / "images").rglob("*.*g")}
    known = invoke("sessions", "show", "last", "--json").json
    used = {known["source"]["uri"], *(turn["image"]["uri"] for turn in known["turns"])}
    assert left == {uri.rpartition("/")[2] for uri in used}


def test_prune_keeps_what_is_young_and_takes_what_is_old(place: Place, invoke: Invoke) -> None:
    made(invoke, place)
    stray = Image.new("RGB", (9, 9), "red")
    stray.save(place.folder / "stray.png")
    assert invoke("edit", "stray.png", "turn it into a dragon", "--editor", "photo").code == 3
    assert invoke("sessions", "prune", "--json").json["pictures"] == 0, "it may be an upload"
    done = invoke("sessions", "prune", "--grace", "0s", "--json").json
    assert (done["pictures"], done["records"] > 0) == (1, True)
    assert invoke("sessions", "pick", "last", "1", "-o", "x.png").code == 0


def test_prune_never_takes_a_running_session(place: Place, invoke: Invoke) -> None:
    place.configure(latency=0.4)
    with place.spawn("edit", "photo.jpg", "x") as process:
        assert process.stdout is not None
        while not process.stdout.readline().startswith("turn 1 of 4: editing"):
            pass
        done = invoke("sessions", "prune", "--keep", "0", "--grace", "0s", "--json")
        refused = invoke("sessions", "delete", "last")
        process.communicate()
    assert done.json["sessions"] == []
    assert len(done.json["running"]) == 1
    assert refused.code == 2
    assert "is running" in refused.err
    assert process.returncode == 0
    assert invoke("sessions", "show", "last", "--json").json["status"] == "finished"


def test_rebuild_brings_back_what_a_lost_database_knew(place: Place, invoke: Invoke) -> None:
    before = made(invoke, place, "--turns", "2", "--threshold", "10", "--candidates", "2")
    for name in ("sessions.sqlite", "checkpoints.sqlite"):
        (place.data / name).write_bytes(b"garbage " * 1000)
        for ending in ("-wal", "-shm"):
            (place.data / (name + ending)).unlink(missing_ok=True)
    assert invoke("sessions", "list").code == 5
    done = invoke("sessions", "rebuild", "--json")
    assert done.code == 0, done.err
    assert done.json["added"] == [before["session_id"]]
    assert len(done.json["renamed"]) == 2
    assert all(Path(path).read_bytes().startswith(b"garbage") for path in done.json["renamed"])
    after = invoke("sessions", "show", "last", "--json").json
    same = ("instruction", "mode", "editor", "thinker", "selected_turn", "source", "turns", "stop_reason")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    again = invoke("sessions", "rebuild", "--json").json
    assert (again["added"], again["kept"], again["renamed"]) == ([], [before["session_id"]], [])
    calls = len(place.calls())
    resumed = invoke("sessions", "resume", "last", "--turns", "1", "--json")
    assert resumed.code == 0, resumed.err
    assert [turn["image"] for turn in resumed.json["turns"]][:2] == [
        turn["image"] for turn in before["turns"]
    ]
    assert len(place.calls()) == calls + 4, "the third turn's two candidates, and nothing that was paid for"
