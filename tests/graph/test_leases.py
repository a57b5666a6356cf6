"""One runner at a time: claims, fences, rivals in other processes, and taking over from the dead."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.graph import crash, rivals
from tests.graph.kit import HeldEditor, begun, numbered, only_session, running, told
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.config import Config
from thinkedit.errors import LeaseLost, NotFoundError
from thinkedit.graph.runner import open_runner
from thinkedit.ledger import Call, Ledger, sqlite
from thinkedit.store import Store
from thinkedit.tools import continue_edit
from thinkedit.types import EditResult, Status, StopReason

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def processes() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.graph.crash"])
    return context


@pytest.fixture
def two(tmp_path: Path) -> Any:
    """Two ledgers over one file, as two processes have them."""
    pair = Ledger(tmp_path / "sessions.sqlite"), Ledger(tmp_path / "sessions.sqlite")
    yield pair
    for ledger in pair:
        ledger.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Moves the time that leases are counted by."""
    real = sqlite.time.time

    def forward(seconds: float) -> None:
        monkeypatch.setattr(sqlite.time, "time", lambda: real() + seconds)

    return forward


async def a_session(ledger: Ledger) -> str:
    async with running(ledger=ledger) as runner:
        session_id = (await begun(runner, turns=1)).session_id
    await ledger.change(await ledger.session(session_id), status=Status.RUNNING, stop_reason=None)
    return session_id


async def test_a_lease_is_with_one_until_it_is_given_back(two: Any) -> None:
    mine, theirs = two
    session_id = await a_session(mine)
    assert await mine.claim(session_id)
    assert not await theirs.claim(session_id)
    await mine.release(session_id)
    assert await theirs.claim(session_id)
    assert not await mine.claim(session_id)


async def test_a_lease_that_was_claimed_twice_is_given_back_twice(two: Any) -> None:
    mine, theirs = two
    session_id = await a_session(mine)
    assert await mine.claim(session_id)
    assert await mine.claim(session_id)
    await mine.release(session_id)
    assert not await theirs.claim(session_id)
    await mine.release(session_id)
    assert await theirs.claim(session_id)


async def test_giving_back_what_is_not_held_changes_nothing(two: Any) -> None:
    mine, theirs = two
    session_id = await a_session(mine)
    assert await theirs.claim(session_id)
    await mine.release(session_id)
    await theirs.update(session_id, why="still theirs")
    assert not await mine.claim(session_id)


async def test_a_lease_that_ran_out_can_be_taken(two: Any, clock: Any) -> None:
    mine, theirs = two
    session_id = await a_session(mine)
    assert await mine.claim(session_id)
    clock(29)
    assert not await theirs.claim(session_id)
    clock(31)
    assert await theirs.claim(session_id)


async def test_each_write_puts_the_end_of_the_lease_off(two: Any, clock: Any) -> None:
    mine, theirs = two
    session_id = await a_session(mine)
    assert await mine.claim(session_id)
    clock(20)
    await mine.update(session_id, why="")
    clock(45)
    assert not await theirs.claim(session_id)


CALL = Call("ok", "{}", None, 1.0)
LATE: dict[str, Any] = {
    "update": lambda ledger, s: ledger.update(s, why="late"),
    "put_turn": lambda ledger, s: ledger.put_turn(s, 9, "0" * 64, complete=True),
    "record": lambda ledger, s: ledger.record(s, "edit", 9, 0, "digest", CALL),
    "finish": lambda ledger, s: ledger.finish(s, [], 0, status=Status.FAILED),
    "take": lambda ledger, s: ledger.take(s),
    "delete": lambda ledger, s: ledger.delete(s),
}


@pytest.mark.parametrize("write", LATE)
async def test_who_lost_the_lease_can_write_no_more(write: str, two: Any, clock: Any) -> None:
    mine, theirs = two
    session_id = await a_session(mine)
    assert await mine.claim(session_id)
    clock(31)
    assert await theirs.claim(session_id)
    before = await theirs.session(session_id), await theirs.turns(session_id)
    with pytest.raises(LeaseLost, match="another process"):
        await LATE[write](mine, session_id)
    await mine.release(session_id)
    assert (await theirs.session(session_id), await theirs.turns(session_id)) == before
    await theirs.update(session_id, why="theirs")


@pytest.mark.parametrize("write", [*LATE, "claim"])
async def test_a_session_that_is_not_there_is_unknown(write: str, two: Any) -> None:
    writes = {**LATE, "claim": lambda ledger, s: ledger.claim(s)}
    with pytest.raises(NotFoundError, match="no session 'nothing'"):
        await writes[write](two[0], "nothing")


async def test_closing_the_ledger_frees_what_it_held(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "sessions.sqlite")
    session_id = await a_session(first)
    assert await first.claim(session_id)
    first.close()
    second = Ledger(tmp_path / "sessions.sqlite")
    assert await second.claim(session_id)
    second.close()


@pytest.fixture
def dead(processes: Any) -> int:
    child = processes.Process(target=rivals.do_nothing)
    child.start()
    child.join()
    return int(child.pid)


@pytest.fixture
def zombie() -> Iterator[int]:
    """A process that has ended, and that its parent has not asked for."""
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        yield child.pid


async def test_the_lease_of_a_dead_process_of_this_machine_is_free_at_once(
    two: Any, dead: int, zombie: int
) -> None:
    mine, theirs = two
    session_id = await a_session(mine)
    here = theirs.runner.rpartition("/")[0]
    for runner, free in [
        (f"{here}/{dead}-x", True),
        (f"{here}/{zombie}-x", True),
        (f"{here}/{os.getpid()}-x", False),
        (f"elsewhere:1/{dead}-x", False),
    ]:
        theirs.runner = runner
        assert await theirs.claim(session_id)
        assert await mine.claim(session_id) is free, runner
        await theirs.release(session_id)
        if free:
            await mine.release(session_id)


async def test_a_model_call_longer_than_the_lease_keeps_it(tmp_path: Path) -> None:
    mine = Ledger(tmp_path / "sessions.sqlite", lease=0.6)
    theirs = Ledger(tmp_path / "sessions.sqlite")
    editor = ScriptedEditor(size="tiny", latency=1.4)
    got: list[bool] = []
    async with running(editor, ScriptedThinker(numbered(9)), ledger=mine) as runner:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: begun(runner))
            while not editor.behaviour.running:
                await anyio.lowlevel.checkpoint()
            session_id = await only_session(runner)
            while editor.behaviour.running:
                got.append(await theirs.claim(session_id))
        assert (await runner.result(session_id)).stop_reason is StopReason.SATISFIED
    assert len(got) > 3
    assert not any(got)
    for ledger in (mine, theirs):
        ledger.close()


async def test_a_run_that_lost_its_lease_gives_what_the_new_runner_came_to(
    two: Any, clock: Any, tmp_path: Path
) -> None:
    store = Store(tmp_path / "store")
    held, other = HeldEditor(2), ScriptedEditor(size="tiny")
    results: list[EditResult] = []
    async with (
        running(held, ScriptedThinker(numbered(3, 5, 9)), store=store, ledger=two[0]) as stale,
        running(other, ScriptedThinker(numbered(3, 5, 9)), store=store, ledger=two[1]) as fresh,
        anyio.create_task_group() as tasks,
    ):

        async def call() -> None:
            results.append(await begun(stale))

        tasks.start_soon(call)
        await held.held.there.wait()
        session_id = await only_session(stale)
        clock(31)
        results.append(await continue_edit(session_id, runner=fresh))
        held.held.go.set()
    assert told(results[0]) == told(results[1])
    assert results[0].stop_reason is StopReason.SATISFIED
    assert (held.calls, other.calls) == (2, 2), "the stale runner made no call after the one it was in"


async def test_a_session_that_has_ended_is_not_run_again_by_who_waited(tmp_path: Path) -> None:
    """The watcher looks just as the other process ends and frees its lease."""

    class Late(Ledger):
        first = True

        async def claim(self, session_id: str) -> bool:
            if self.first:
                self.first = False
                editor.held.go.set()
                while (await self.session(session_id)).status is Status.RUNNING:
                    await anyio.lowlevel.checkpoint()
            return await super().claim(session_id)

    editor, again = HeldEditor(), ScriptedEditor(size="tiny")
    ledgers = Ledger(tmp_path / "sessions.sqlite"), Late(tmp_path / "sessions.sqlite")
    store = Store(tmp_path / "store")
    async with (
        running(editor, ScriptedThinker(numbered(9)), store=store, ledger=ledgers[0]) as runner,
        running(again, store=store, ledger=ledgers[1]) as watcher,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(lambda: begun(runner))
        await editor.held.there.wait()
        result = await continue_edit(await only_session(runner), runner=watcher)
    assert (result.stop_reason, len(result.turns), again.calls) == (StopReason.SATISFIED, 1, 0)
    for ledger in ledgers:
        ledger.close()


# real processes


def calls_in(log: Path) -> Counter[tuple[str, str]]:
    begun_calls = [json.loads(line) for line in log.read_text().splitlines()]
    return Counter((call["role"], call["digest"]) for call in begun_calls if call["event"] == "start")


def facts(result: Any) -> dict[str, Any]:
    value = result if isinstance(result, dict) else told(result)
    turns = [{key: v for key, v in turn.items() if key != "seconds"} for turn in value["turns"]]
    return {**value, "turns": turns, "session_id": ""}


async def test_two_processes_asked_for_one_session_make_each_call_once(
    processes: Any, tmp_path: Path
) -> None:
    log = tmp_path / "calls.log"
    session_id = await rivals.opened(tmp_path, log)
    barrier = processes.Barrier(2)
    children = [
        processes.Process(target=rivals.go_on, args=(tmp_path, log, session_id, barrier, name))
        for name in ("one", "two")
    ]
    for child in children:
        child.start()
    for child in children:
        await anyio.to_thread.run_sync(child.join, 60)
        assert child.exitcode == 0
    one, two = (json.loads((tmp_path / name).read_text()) for name in ("one", "two"))
    assert one == two
    assert (one["stop_reason"], len(one["turns"])) == ("max_turns", 5)
    calls = calls_in(log)
    assert set(calls.values()) == {1}, "a model call was doubled"
    assert len(calls) == 10


async def watched(data: Path, log: Path, session_id: str, started: anyio.Event) -> EditResult:
    async with open_runner(Config(data=data), crash.models(log)) as runner:
        started.set()
        return await continue_edit(session_id, runner=runner)


async def test_who_watches_takes_over_when_the_runner_is_killed(processes: Any, tmp_path: Path) -> None:
    log = tmp_path / "calls.log"
    session_id = await rivals.opened(tmp_path, log)
    ready = processes.Event()
    child = processes.Process(target=rivals.hang, args=(tmp_path, log, session_id, 3, ready))
    child.start()
    await anyio.to_thread.run_sync(ready.wait, 60)
    results: list[EditResult] = []
    started = anyio.Event()
    async with anyio.create_task_group() as tasks:

        async def watch() -> None:
            results.append(await watched(tmp_path, log, session_id, started))

        tasks.start_soon(watch)
        await started.wait()
        assert sum(calls_in(log).values()) == 6, "who watches makes no calls"
        child.kill()
        await anyio.to_thread.run_sync(child.join, 60)
    whole = await crash.begin(tmp_path / "whole", crash.models(tmp_path / "whole.log"), 1)
    assert facts(results[0]) == facts(whole)
    calls = calls_in(log)
    assert sorted(calls.values()) == [1] * 9 + [2], "only the call in flight was made again"


async def test_another_process_cancels_what_a_process_runs(processes: Any, tmp_path: Path) -> None:
    log = tmp_path / "calls.log"
    session_id = await rivals.opened(tmp_path, log)
    ready = processes.Event()
    child = processes.Process(target=rivals.hang, args=(tmp_path, log, session_id, 2, ready))
    child.start()
    await anyio.to_thread.run_sync(ready.wait, 60)
    async with open_runner(Config(data=tmp_path), crash.models(log)) as runner:
        result = await continue_edit(session_id, "cancel", runner=runner)
        await anyio.to_thread.run_sync(child.join, 60)
        assert child.exitcode == 0, "the cancelled call returned its result"
        assert (result.stop_reason, result.selected_turn, len(result.turns)) == ("cancelled", 1, 2)
        again = await continue_edit(session_id, turns=1, runner=runner)
    assert (again.stop_reason, len(again.turns)) == (StopReason.MAX_TURNS, 2)
    assert sorted(calls_in(log).values()) == [1, 1, 1, 2]


def test_many_processes_open_a_new_database_at_once(processes: Any, tmp_path: Path) -> None:
    barrier = processes.Barrier(4)
    children = [
        processes.Process(target=rivals.open_databases, args=(tmp_path, 20, barrier)) for _ in range(4)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0] * 4
