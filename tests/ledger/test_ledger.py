"""The ledger by itself: what is written is read back, for whom, and in which order."""

from __future__ import annotations

import dataclasses
import sqlite3
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from thinkedit.errors import LedgerError, NotFoundError
from thinkedit.ledger import Call, Ledger, Session, Spent, TurnEntry, counting, sqlite
from thinkedit.ledger.statuses import statuses
from thinkedit.types import Image, LoopSettings, Status, StopReason

pytestmark = pytest.mark.anyio

SHA = "ab" * 32


def session(session_id: str = "s", **values: Any) -> Session:
    base = Session(
        session_id=session_id,
        owner="",
        created=1.0,
        updated=1.0,
        status=Status.RUNNING,
        stop_reason=None,
        why="",
        instruction="make it warmer",
        settings=LoopSettings(turns=3, seed=5),
        source=SHA,
        source_name="a.jpg",
        source_mime="image/jpeg",
        editor="e",
        thinker="t",
        selected_turn=None,
        leg=1,
        asked="",
        wanted="",
        output=None,
        runner="",
        lease_until=0.0,
        fence=0,
    )
    return dataclasses.replace(base, **values)


@pytest.fixture(params=["file", "memory", pytest.param("postgres", marks=pytest.mark.external)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "postgres":
        name = request.getfixturevalue("database")
        return request.getfixturevalue("postgres").url(name)
    return tmp_path / "below" / "sessions.sqlite" if request.param == "file" else None


@pytest.fixture
def ledger(where: Any) -> Any:
    made = Ledger(where)
    yield made
    made.close()


async def test_a_session_is_read_as_it_was_created(ledger: Ledger) -> None:
    await ledger.create(session())
    assert await ledger.session("s") == session()
    with pytest.raises(NotFoundError, match="no session 'x'"):
        await ledger.session("x")
    with pytest.raises(LedgerError, match=r"UNIQUE|duplicate key"):
        await ledger.create(session())


async def test_sessions_come_newest_first_and_by_owner(ledger: Ledger) -> None:
    for number, owner in enumerate(["", "a", "", "a"]):
        await ledger.create(session(f"s{number}", owner=owner, created=float(number)))
    assert [s.session_id for s in await ledger.sessions()] == ["s3", "s2", "s1", "s0"]
    assert [s.session_id for s in await ledger.sessions("a")] == ["s3", "s1"]
    assert [s.session_id for s in await ledger.sessions("", limit=1)] == ["s2"]
    assert await ledger.sessions("nobody") == []


async def test_what_a_runner_updates_is_read_back(ledger: Ledger) -> None:
    await ledger.create(session())
    await ledger.claim("s")
    settings = LoopSettings(turns=7, mode="both")
    await ledger.update("s", why="because", status=Status.FAILED, settings=settings, selected_turn=2)
    read = await ledger.session("s")
    assert (read.why, read.status, read.settings, read.selected_turn) == ("because", "failed", settings, 2)
    assert read.updated > 1.0


async def test_a_change_takes_only_where_nothing_moved_since(ledger: Ledger) -> None:
    await ledger.create(session(status=Status.FINISHED, stop_reason=StopReason.SATISFIED))
    seen = await ledger.session("s")
    assert await ledger.change(seen, leg=2, status=Status.RUNNING, stop_reason=None)
    assert not await ledger.change(seen, leg=2, status=Status.RUNNING)
    assert not await ledger.change(seen, selected_turn=9)
    assert (await ledger.session("s")).selected_turn is None
    with pytest.raises(NotFoundError):
        await ledger.change(session("x"), why="")


async def test_turns_are_indexed_and_later_ones_of_another_branch_go(ledger: Ledger) -> None:
    await ledger.create(session())
    await ledger.claim("s")
    for turn, record, complete in [(1, "a", False), (1, "b", True), (2, "c", True), (3, "d", False)]:
        await ledger.put_turn("s", turn, record, complete=complete)
    everything = [TurnEntry(1, "b", True), TurnEntry(2, "c", True), TurnEntry(3, "d", False)]
    assert await ledger.turns("s") == everything
    await ledger.put_turn("s", 2, "e", complete=False)
    assert await ledger.turns("s") == [TurnEntry(1, "b", True), TurnEntry(2, "e", False)]


async def test_finishing_leaves_the_turns_that_were_given_and_the_one_in_hand(ledger: Ledger) -> None:
    await ledger.create(session())
    await ledger.claim("s")
    for turn in range(1, 5):
        await ledger.put_turn("s", turn, f"old{turn}", complete=turn < 4)
    await ledger.finish("s", ["a", "b"], 1, status=Status.FINISHED, stop_reason=StopReason.SATISFIED)
    assert await ledger.turns("s") == [
        TurnEntry(1, "a", True),
        TurnEntry(2, "b", True),
        TurnEntry(3, "old3", True),
    ]
    await ledger.finish("s", ["a"], 0, why="again")
    assert await ledger.turns("s") == [TurnEntry(1, "a", True)]
    read = await ledger.session("s")
    assert (read.status, read.stop_reason, read.why) == ("finished", "satisfied", "again")


FAILED = Call("failed", "", "busy", 0.5)
DONE = Call("ok", SHA, None, 2.0)
IMAGE = Image.stored(SHA, 3, 2, "image/png", 99)


async def test_calls_are_found_by_all_of_their_key(ledger: Ledger) -> None:
    await ledger.create(session())
    await ledger.claim("s")
    key = ("s", "edit", 1, 0, "digest")
    assert await ledger.recorded(*key) == (None, [])
    await ledger.record(*key, FAILED)
    await ledger.record(*key, FAILED)
    assert await ledger.recorded(*key) == (None, [FAILED, FAILED])
    await ledger.record(*key, DONE, IMAGE)
    assert await ledger.recorded(*key) == (DONE, [FAILED, FAILED])
    for other in [
        ("edit", 1, 0, "else"),
        ("edit", 1, 1, "digest"),
        ("edit", 2, 0, "digest"),
        ("plan", 1, 0, "digest"),
    ]:
        assert await ledger.recorded("s", *other) == (None, []), other
    assert await ledger.images({SHA, "cd" * 32}) == {SHA: IMAGE}


async def test_a_new_leg_keeps_what_succeeded_and_forgives_what_failed(ledger: Ledger) -> None:
    await ledger.create(session())
    await ledger.claim("s")
    await ledger.record("s", "edit", 1, 0, "digest", FAILED)
    await ledger.record("s", "critique", 1, 0, "digest", DONE)
    assert await ledger.spent(await ledger.session("s")) == Spent(2.5, 2)
    await ledger.update("s", leg=2)
    assert await ledger.recorded("s", "edit", 1, 0, "digest") == (None, [])
    assert await ledger.recorded("s", "critique", 1, 0, "digest") == (DONE, [])
    await ledger.record("s", "edit", 1, 0, "digest", FAILED)
    assert await ledger.recorded("s", "edit", 1, 0, "digest") == (None, [FAILED])
    assert await ledger.spent(await ledger.session("s")) == Spent(0.5, 1)


async def test_an_image_is_for_its_owners(ledger: Ledger) -> None:
    await ledger.put_image("a", IMAGE)
    await ledger.put_image("a", IMAGE)
    assert await ledger.may_use("a", SHA)
    assert not await ledger.may_use("", SHA)
    await ledger.create(session(owner="b"))
    await ledger.claim("s")
    await ledger.record("s", "edit", 1, 0, "digest", DONE, IMAGE)
    assert await ledger.may_use("b", SHA)


async def test_a_deleted_session_leaves_nothing_but_its_images(ledger: Ledger) -> None:
    await ledger.create(session())
    await ledger.claim("s")
    await ledger.put_turn("s", 1, "a", complete=True)
    await ledger.record("s", "edit", 1, 0, "digest", DONE, IMAGE)
    await ledger.release("s")
    await ledger.delete("s")
    with pytest.raises(NotFoundError):
        await ledger.session("s")
    await ledger.create(session())
    assert await ledger.turns("s") == []
    assert await ledger.recorded("s", "edit", 1, 0, "digest") == (None, [])
    assert await ledger.may_use("", SHA)


async def test_a_transaction_that_fails_leaves_nothing_behind(ledger: Ledger) -> None:
    await ledger.create(session())
    await ledger.claim("s")
    with pytest.raises(LedgerError, match=r"colour"):
        await ledger.finish("s", ["a"], 0, colour="red")
    assert await ledger.turns("s") == []
    await ledger.update("s", why="works")


async def test_marks_are_seen_by_the_runner_of_the_session_alone(tmp_path: Path) -> None:
    mine, theirs = Ledger(tmp_path / "x.sqlite"), Ledger(tmp_path / "x.sqlite")
    await mine.create(session())
    await mine.claim("s")
    await theirs.mark("s", "cancel")
    assert await mine.marked() == {"s": "cancel"}
    assert await theirs.marked() == {}
    await mine.mark("s", "")
    assert await mine.marked() == {}
    mine.close()
    theirs.close()


async def test_callers_are_counted(ledger: Ledger) -> None:
    now = time.time()
    for number, owner in enumerate("aab"):
        await ledger.create(session(f"s{number}", owner=owner, created=now - number, updated=now))
        await ledger.put_image(owner, Image.stored(f"{number}" * 64, 3, 2, "image/png", 99))
    await ledger.create(session("old", owner="a", created=now - 100, status=Status.FINISHED))
    assert await counting.running(ledger, "a") == 2
    assert await counting.begun_since(ledger, "a", now - 50) == (2, now - 1)
    assert await counting.begun_since(ledger, "nobody", 0) == (0, 0)
    assert await counting.picture_bytes(ledger, "a") == 2 * 99
    assert await statuses(ledger) == {Status.RUNNING: 3, Status.FINISHED: 1}


async def test_what_nobody_runs_is_left(ledger: Ledger) -> None:
    now = time.time()
    for created, (name, updated, status) in enumerate(
        [
            ("paused", 1.0, Status.PAUSED),
            ("new", now, Status.RUNNING),
            ("left", 1.0, Status.RUNNING),
            ("mine", 1.0, Status.RUNNING),
        ]
    ):
        await ledger.create(session(name, updated=updated, status=status, created=float(created)))
    await ledger.claim("mine")
    assert await ledger.left() == ["left"]
    assert await ledger.left(quiet=-1) == ["new", "left"]
    await ledger.release("mine")
    assert await ledger.left() == ["left", "mine"]


async def test_many_at_once_lose_nothing(ledger: Ledger) -> None:
    for number in range(4):
        await ledger.create(session(f"s{number}"))
        await ledger.claim(f"s{number}")

    async def work(name: str, item: int) -> None:
        await ledger.record(name, "edit", 1, item, "digest", DONE)

    async with anyio.create_task_group() as tasks:
        for number in range(4):
            for item in range(20):
                tasks.start_soon(work, f"s{number}", item)
    for number in range(4):
        assert await ledger.spent(await ledger.session(f"s{number}")) == Spent(40.0, 20)


def test_the_file_is_in_wal_mode_and_says_its_version(tmp_path: Path) -> None:
    Ledger(tmp_path / "x.sqlite").close()
    db = sqlite3.connect(tmp_path / "x.sqlite")
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    db.close()


def test_the_switch_to_wal_waits_for_a_process_that_has_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's own waiting does not cover the switch: here it is turned off altogether."""
    holder, other = (
        sqlite3.connect(tmp_path / "x.sqlite", timeout=0, isolation_level=None) for _ in range(2)
    )
    holder.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(sqlite.time, "sleep", lambda seconds: holder.execute("COMMIT"))
    sqlite.write_ahead(other)
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    holder.close()
    other.close()


def test_the_switch_to_wal_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holder, other = (
        sqlite3.connect(tmp_path / "x.sqlite", timeout=0, isolation_level=None) for _ in range(2)
    )
    holder.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr(sqlite, "PATIENCE", 0.0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        sqlite.write_ahead(other)
    holder.close()
    other.close()
