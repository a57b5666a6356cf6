"""Stores, databases and disks that fail in the middle: one clear line, nothing lost, and going on."""

from __future__ import annotations

import errno
import json
import multiprocessing
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from langgraph.checkpoint.memory import InMemorySaver

from tests.graph import limited
from tests.graph.kit import Seen, begun, edited, numbered, only_session, running, told
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.config import Config
from thinkedit.errors import LedgerError, NotFoundError, StoreError
from thinkedit.graph.runner import open_runner
from thinkedit.ledger import Ledger, sqlite
from thinkedit.store import Store
from thinkedit.tools import continue_edit
from thinkedit.types import EditResult, Status, StopReason

pytestmark = pytest.mark.anyio

SCRIPT = numbered(3, 5, 9)


class Countdown:
    """Raises at the n-th step, once."""

    def __init__(self, n: int, error: Exception) -> None:
        self.left, self.error = n, error

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise self.error


class FailingStore(Store):
    """A store whose n-th write fails."""

    countdown: Countdown

    def _put(self, key: str, data: bytes) -> None:
        self.countdown.step()
        super()._put(key, data)


class FailingLedger(Ledger):
    """A ledger in memory whose n-th transaction fails."""

    def __init__(self, countdown: Countdown) -> None:
        super().__init__(None)
        self.countdown = countdown

    async def _transaction(self, session_id: str, work: Any) -> Any:
        self.countdown.step()
        return await super()._transaction(session_id, work)


class FailingSaver(InMemorySaver):
    """Checkpoints of which the n-th is not written."""

    def __init__(self, countdown: Countdown) -> None:
        super().__init__()
        self.countdown = countdown

    async def aput(self, *args: Any, **options: Any) -> Any:
        self.countdown.step()
        return await super().aput(*args, **options)


def failing_store(n: int) -> dict[str, Any]:
    store = FailingStore.in_memory()
    store.countdown = Countdown(n, StoreError("the store is full: free some space"))
    return {"store": store}


def failing_ledger(n: int) -> dict[str, Any]:
    return {"ledger": FailingLedger(Countdown(n, LedgerError("the ledger is full")))}


def failing_saver(n: int) -> dict[str, Any]:
    full = sqlite3.OperationalError("database or disk is full")
    return {"checkpointer": FailingSaver(Countdown(n, full))}


def facts(result: EditResult) -> dict[str, Any]:
    value = told(result)
    turns = [{key: v for key, v in turn.items() if key != "seconds"} for turn in value["turns"]]
    return {**value, "session_id": "", "turns": turns}


@pytest.mark.parametrize(
    ("failing", "n", "error", "words"),
    [
        *((failing_store, n, StoreError, "the store is full") for n in range(1, 15)),
        *((failing_ledger, n, LedgerError, "the ledger is full") for n in range(1, 26)),
        *((failing_saver, n, LedgerError, "database or disk is full") for n in range(1, 13)),
    ],
)
async def test_what_fails_in_the_middle_is_told_in_one_line_and_gone_on_from(
    failing: Callable[[int], dict[str, Any]], n: int, error: Any, words: str
) -> None:
    whole = await edited(None, ScriptedThinker(SCRIPT))
    seen = Seen()
    async with running(seen.editor(), seen.thinker(SCRIPT), **failing(n)) as runner:
        with pytest.raises(error, match=words) as raised:
            await begun(runner)
        assert "\n" not in str(raised.value)
        if not await runner.ledger.sessions():
            assert not seen.edits, "a model was paid for before the session was there"
            return
        session_id = await only_session(runner)
        before = await runner.result(session_id)
        if before.status is not Status.RUNNING:
            assert facts(before) == facts(whole), "it failed after its end"
            return
        made = len(seen.edits)
        result = await continue_edit(session_id, runner=runner)
    assert facts(result) == facts(whole)
    assert [turn.image for turn in result.turns][: len(before.turns)] == [t.image for t in before.turns]
    assert made <= len(seen.edits) <= 4, "more than the call in flight was made again"
    assert len(seen.edits) + len(seen.critiques) <= 7


async def test_a_file_system_that_fills_up_is_told_by_the_name_of_the_file() -> None:
    class Full(MemoryFileSystem):
        protocol = "full"
        store: dict[str, Any] = {}
        pseudo_dirs = [""]
        left = 6

        def pipe_file(self, path: str, value: bytes, **options: Any) -> None:
            type(self).left -= 1
            if self.left == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            super().pipe_file(path, value, **options)

    fsspec.register_implementation("full", Full, clobber=True)
    seen = Seen()
    store = Store("full://bucket")
    async with running(seen.editor(), seen.thinker(SCRIPT), store=store) as runner:
        with pytest.raises(StoreError, match=r"full:/.*No space left on device: free some space"):
            await begun(runner)
        result = await continue_edit(await only_session(runner), runner=runner)
    assert (result.stop_reason, len(result.turns)) == (StopReason.SATISFIED, 3)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n")])
@pytest.mark.parametrize("made", [1, 2])
async def test_an_image_that_was_lost_before_its_critique_is_made_again(
    damage: Any, made: int, tmp_path: Path
) -> None:
    seen, store, ledger = Seen(), Store(tmp_path), Ledger(None)
    options: dict[str, Any] = {"store": store, "ledger": ledger, "checkpointer": InMemorySaver()}
    thinker = seen.thinker(SCRIPT, faults={made: LedgerError("gone")})
    async with running(seen.editor(), thinker, **options) as runner:
        with pytest.raises(LedgerError):
            await begun(runner)
        session_id = await only_session(runner)
        lost = (await runner.result(session_id)).turns[-1].image
        assert lost is not None
        path = store.path(lost.sha256)
        assert path is not None
        damage(path)
    async with running(seen.editor(), seen.thinker(SCRIPT), **options) as runner:
        result = await continue_edit(session_id, runner=runner)
    assert (result.stop_reason, result.turns[made - 1].image) == (StopReason.SATISFIED, lost)
    assert len(seen.edits) == 4


def test_a_disk_that_fills_up_at_any_size(tmp_path: Path) -> None:
    sizes = [2_000, 8_000, 30_000, 44_000, 60_000, 80_000, 100_000, 130_000, 170_000]
    context = multiprocessing.get_context("forkserver")
    child = context.Process(target=limited.run, args=(tmp_path, sizes))
    child.start()
    child.join(120)
    assert child.exitcode == 0
    outcomes = json.loads((tmp_path / "outcomes.json").read_text())
    failed = [size for size, outcome in outcomes.items() if outcome["error"]]
    assert len(failed) >= 6, "the sizes are to be such that most fail"
    assert any("again" in o and o["again"] and o["error"] for o in outcomes.values())
    for outcome in outcomes.values():
        if not outcome["error"]:
            continue
        assert outcome["error"].startswith(("StoreError: ", "LedgerError: "))
        assert "\n" not in outcome["error"]
        assert outcome["again"] in (None, ["satisfied", 4])
        assert outcome["calls"] <= 5, "more than the call in flight was made again"


def models() -> Models:
    seen = Seen()
    return Models(editors={"e": seen.editor()}, thinkers={"t": seen.thinker(SCRIPT)})


async def opened(data: Path) -> None:
    async with open_runner(Config(data=data), models()) as runner:
        await begun(runner)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"this is no database, and longer than the header of one" * 3, "file is not a database"),
        (b"SQLite format 3\x00" + b"\xff" * 2000, "file is not a database"),
    ],
)
@pytest.mark.parametrize("name", ["sessions.sqlite", "checkpoints.sqlite"])
async def test_a_database_that_is_none_is_told_in_one_line(
    name: str, content: bytes, words: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LedgerError, match=f"{name}.*{words}.*move it away") as raised:
        await opened(tmp_path)
    assert "\n" not in str(raised.value)
    assert (tmp_path / name).read_bytes() == content, "nothing of it was overwritten"


async def test_a_database_of_another_version_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "sessions.sqlite") as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(LedgerError, match="is of version 99, this thinkedit reads 1"):
        await opened(tmp_path)


@pytest.mark.parametrize("name", ["sessions.sqlite", "checkpoints.sqlite"])
async def test_a_database_that_was_damaged_later_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    await opened(tmp_path)
    whole = {n: (tmp_path / n).read_bytes() for n in ("sessions.sqlite", "checkpoints.sqlite")}
    told_of: list[str] = []
    for page in range(4096, len(whole[name]), 4096):
        restore(tmp_path, whole)
        (tmp_path / name).write_bytes(whole[name][:page] + b"\xa5" * 4096 + whole[name][page + 4096 :])
        try:
            async with open_runner(Config(data=tmp_path), models()) as runner:
                for session in await runner.ledger.sessions():
                    await continue_edit(session.session_id, "prompt", prompt="mine", runner=runner)
        except (LedgerError, NotFoundError) as error:
            told_of.append(str(error))
    assert told_of
    assert not [words for words in told_of if "\n" in words]


def restore(folder: Path, files: dict[str, bytes]) -> None:
    for left in folder.glob("*.sqlite*"):
        left.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)


async def test_without_its_checkpoints_a_session_goes_on_from_the_ledger(tmp_path: Path) -> None:
    seen = Seen()
    both = Models(
        editors={"e": seen.editor()}, thinkers={"t": seen.thinker([*numbered(3, 4, 5, 6, 7, 8.5), *SCRIPT])}
    )
    async with open_runner(Config(data=tmp_path), both) as runner:
        result = await begun(runner, turns=2)
    for turns, prompt in [(3, None), (4, "mine"), (5, None)]:
        restore(tmp_path, {"sessions.sqlite": (tmp_path / "sessions.sqlite").read_bytes()})
        async with open_runner(Config(data=tmp_path), both) as runner:
            result = await continue_edit(result.session_id, turns=1, prompt=prompt, runner=runner)
        assert len(result.turns) == len(seen.edits) == turns
        assert [turn.critique is not None for turn in result.turns] == [True] * turns
    assert [turn.prompt for turn in result.turns][1:] == ["prompt 2", "prompt 3", "mine", "prompt 5"]


@pytest.mark.parametrize("folder", ["file/below", "/proc/nowhere"])
async def test_a_folder_that_cannot_be_written_is_told_in_one_line(folder: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    data = tmp_path / folder
    with pytest.raises(LedgerError, match=str(data / "sessions.sqlite")) as raised:
        await opened(data)
    assert "\n" not in str(raised.value)


async def test_a_database_that_another_process_holds_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite, "PATIENCE", 0.01)
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **o: connect(*a, **{**o, "timeout": 0.01}))
    await opened(tmp_path)
    holder = connect(tmp_path / "sessions.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError, match=r"locked.*another process holds it; try again"):
        await opened(tmp_path)
    holder.execute("ROLLBACK")
    holder.close()
    await opened(tmp_path)


async def test_ten_turns_with_long_reasonings_have_small_checkpoints(tmp_path: Path) -> None:
    reasoning = ("The sky is warmer now, but the skin has turned orange and the white wall is yellow. " * 9)[
        :750
    ]
    script = [
        SCRIPT[0].model_copy(update={"reasoning": reasoning, "next_prompt": f"{reasoning[:200]} {turn}"})
        for turn in range(10)
    ]
    both = Models(editors={"e": Seen().editor()}, thinkers={"t": ScriptedThinker(script)})
    async with open_runner(Config(data=tmp_path), both) as runner:
        result = await begun(runner, turns=10)
    assert len(result.turns) == 10
    assert checkpoint_bytes(tmp_path / "checkpoints.sqlite") <= 80_000


def checkpoint_bytes(path: Path) -> int:
    db = sqlite3.connect(path)
    total = 0
    for table, columns in [("checkpoints", ("checkpoint", "metadata")), ("writes", ("value",))]:
        lengths = "+".join(f"COALESCE(LENGTH({column}),0)" for column in columns)
        total += db.execute(f"SELECT COALESCE(SUM({lengths}),0) FROM {table}").fetchone()[0]
    db.close()
    return total
