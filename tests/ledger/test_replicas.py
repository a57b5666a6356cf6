"""Processes over one PostgreSQL database: killed, rivals, taken over, cancelled, with clocks apart."""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.graph import crash
from tests.graph.crash import Instant
from tests.graph.kit import told
from tests.ledger import work
from tests.ledger.server import Server
from tests.ledger.test_ledger import session
from thinkedit.errors import LeaseLost
from thinkedit.graph.runner import open_runner
from thinkedit.ledger import Ledger
from thinkedit.server import resuming
from thinkedit.server.lifetime import FixedRunner
from thinkedit.tools import continue_edit
from thinkedit.types import EditResult, Status, StopReason

pytestmark = [pytest.mark.anyio, pytest.mark.external]

INSTANTS = [
    Instant("editor", "middle", 2),
    Instant("thinker", "middle", 3),
    Instant("editor", "middle", 3, candidates=2),
    Instant("image", "half", 2),
    Instant("record", "after-rename", 3),
    *(Instant("ledger", "inside", n) for n in (3, 7, 14)),
    *(Instant("ledger", "after", n) for n in (2, 8, 21)),
    *(Instant("checkpoint", "before", n) for n in (3, 9)),
    *(Instant("checkpoint", "after", n) for n in (2, 12)),
]


@pytest.fixture(scope="module")
def processes() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.ledger.work"])
    return context


@pytest.fixture
def url(postgres: Server, database: str) -> str:
    return postgres.url(database)


@pytest.fixture(scope="module")
def unkilled(tmp_path_factory: pytest.TempPathFactory) -> dict[int, EditResult]:
    """What an undisturbed run over SQLite gives, by the number of candidates."""
    results = {}
    for candidates in (1, 2):
        data = tmp_path_factory.mktemp("unkilled")
        results[candidates] = anyio.run(crash.begin, data, crash.models(data / "calls.log"), candidates)
    return results


def facts(result: EditResult | dict[str, Any]) -> dict[str, Any]:
    """Everything but the session's id and the times."""
    value = result if isinstance(result, dict) else told(result)
    turns = [{key: v for key, v in turn.items() if key != "seconds"} for turn in value["turns"]]
    return {**value, "turns": turns, "session_id": ""}


def calls_in(log: Path) -> Counter[tuple[str, str]]:
    """How often each call was begun, by role and request."""
    begun = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return Counter((call["role"], call["digest"]) for call in begun if call["event"] == "start")


async def ended(*children: Any) -> list[int | None]:
    for child in children:
        await anyio.to_thread.run_sync(child.join, 60)
    return [child.exitcode for child in children]


@pytest.mark.parametrize("instant", INSTANTS, ids=str)
async def test_a_killed_session_goes_on_and_repeats_no_recorded_call(
    instant: Instant,
    processes: Any,
    unkilled: dict[int, EditResult],
    postgres: Server,
    database: str,
    url: str,
    tmp_path: Path,
) -> None:
    log = tmp_path / "calls.log"
    child = processes.Process(target=work.run_and_die, args=(tmp_path, url, log, instant))
    child.start()
    assert await ended(child) == [-signal.SIGKILL], f"the instant {instant} was not reached"
    before = calls_in(log)
    [[session_id]] = postgres.sql("SELECT session_id FROM sessions", database=database)
    [[recorded]] = postgres.sql("SELECT count(*) FROM calls WHERE state = 'ok'", database=database)

    result = await work.resume(tmp_path, url, log, session_id)

    assert facts(result) == facts(unkilled[instant.candidates])
    after = calls_in(log)
    repeated = sum(after.values()) - len(after)
    assert repeated <= sum(before.values()) - recorded, "a recorded call was made again"
    assert repeated <= instant.candidates, "more than the calls in flight were made again"
    leases = postgres.sql("SELECT runner, lease_until FROM sessions", database=database)
    assert leases == [("", 0.0)]


@pytest.mark.parametrize("ahead", [(0.0, 0.0), (60.0, -60.0)], ids=["one clock", "clocks apart"])
async def test_rivals_for_one_session_make_each_call_once(
    ahead: tuple[float, float], processes: Any, unkilled: dict[int, EditResult], url: str, tmp_path: Path
) -> None:
    log = tmp_path / "calls.log"
    session_id = await work.opened(tmp_path, url, log)
    barrier = processes.Barrier(2)
    children = [
        processes.Process(target=work.go_on, args=(tmp_path, url, log, session_id, barrier, name, clock))
        for name, clock in zip(("one", "two"), ahead, strict=True)
    ]
    for child in children:
        child.start()
    assert await ended(*children) == [0, 0]
    one, two = (json.loads((tmp_path / name).read_text()) for name in ("one", "two"))
    assert one == two
    assert facts(one) == facts(unkilled[1])
    calls = calls_in(log)
    assert set(calls.values()) == {1}, "a model call was doubled"
    assert len(calls) == 10


@pytest.mark.parametrize("ahead", [60.0, -60.0])
async def test_a_session_of_a_machine_that_died_is_taken_over_when_its_lease_is_over(
    ahead: float, processes: Any, unkilled: dict[int, EditResult], url: str, tmp_path: Path
) -> None:
    """Its clock is a minute off; while it lives, it renews a lease of one second for longer than that."""
    log = tmp_path / "calls.log"
    session_id = await work.opened(tmp_path, url, log)
    ready = processes.Event()
    child = processes.Process(target=work.hang, args=(tmp_path, url, log, session_id, 3, ready, 1.0, ahead))
    child.start()
    await anyio.to_thread.run_sync(ready.wait, 60)
    results: list[EditResult] = []
    async with (
        open_runner(work.config(tmp_path, url), crash.models(log)) as runner,
        anyio.create_task_group() as tasks,
    ):

        async def watch() -> None:
            results.append(await continue_edit(session_id, "go_on", runner=runner))

        tasks.start_soon(watch)
        begun = anyio.current_time()
        while anyio.current_time() < begun + 2.5:  # longer than any lease that is not renewed
            assert not await runner.ledger.is_free(session_id)
            assert not runner.runs_here(session_id)
            await anyio.sleep(0.05)
        assert sum(calls_in(log).values()) == 6, "who watches makes no calls"
        child.kill()
        assert await ended(child) == [-signal.SIGKILL]
    assert facts(results[0]) == facts(unkilled[1])
    assert sorted(calls_in(log).values()) == [1] * 9 + [2], "only the call in flight was made again"


async def test_a_server_takes_up_what_the_one_beside_it_left_though_nobody_asks(
    processes: Any,
    unkilled: dict[int, EditResult],
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At any time, not only at its own start."""
    for name in ("_EVERY", "_BESIDE"):
        monkeypatch.setattr(resuming, name, 0.05)
    monkeypatch.setattr(resuming, "_QUIET", 1.0)
    log = tmp_path / "calls.log"
    ready = processes.Event()
    session_id = await work.opened(tmp_path, url, log)
    child = processes.Process(target=work.hang, args=(tmp_path, url, log, session_id, 3, ready, 1.0))
    child.start()
    await anyio.to_thread.run_sync(ready.wait, 60)
    async with (
        open_runner(work.config(tmp_path, url), crash.models(log)) as runner,
        anyio.create_task_group() as tasks,
    ):
        look, looks = runner.ledger.left, anyio.Event()

        async def left(quiet: float) -> list[str]:
            if quiet == 1.0:
                looks.set()  # the time after its own start is over
            return await look(quiet)

        monkeypatch.setattr(runner.ledger, "left", left)
        runner.ledger.lease = 0.0
        tasks.start_soon(resuming.take_up, FixedRunner(runner), True)
        await looks.wait()
        runner.ledger.lease = 30.0
        assert not runner.runs_here(session_id)
        child.kill()
        assert await ended(child) == [-signal.SIGKILL]
        with anyio.fail_after(20):
            while (await runner.ledger.session(session_id)).status is Status.RUNNING:  # noqa: ASYNC110
                await anyio.sleep(0.02)
        assert facts(await runner.result(session_id)) == facts(unkilled[1])
        tasks.cancel_scope.cancel()
    assert sorted(calls_in(log).values()) == [1] * 9 + [2], "only the call in flight was made again"


async def test_one_replica_cancels_and_goes_on_with_what_another_runs(
    processes: Any, url: str, tmp_path: Path
) -> None:
    log = tmp_path / "calls.log"
    session_id = await work.opened(tmp_path, url, log)
    ready = processes.Event()
    child = processes.Process(target=work.hang, args=(tmp_path, url, log, session_id, 2, ready, 30.0))
    child.start()
    await anyio.to_thread.run_sync(ready.wait, 60)
    async with open_runner(work.config(tmp_path, url), crash.models(log)) as runner:
        result = await continue_edit(session_id, "cancel", runner=runner)
        assert await ended(child) == [0], "the cancelled call returned its result"
        assert (result.stop_reason, result.selected_turn, len(result.turns)) == ("cancelled", 1, 2)
        again = await continue_edit(session_id, turns=1, runner=runner)
    assert (again.stop_reason, len(again.turns)) == (StopReason.MAX_TURNS, 2)
    assert sorted(calls_in(log).values()) == [1, 1, 1, 2]


@pytest.mark.parametrize("ahead", [60.0, -60.0])
async def test_leases_are_counted_by_the_database_s_clock(
    ahead: float, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process's clock is a minute off: the other neither takes what it holds nor waits longer for it."""
    wrong, right = Ledger(url, lease=1.0), Ledger(url, lease=1.0)
    await right.create(session())
    with monkeypatch.context() as patch:
        real = work.time.time
        patch.setattr(work.time, "time", lambda: real() + ahead)
        begun = anyio.current_time()
        assert await wrong.claim("s")
    assert not await right.claim("s")
    assert not await right.is_free("s")
    with anyio.fail_after(10):
        while not await right.claim("s"):  # noqa: ASYNC110  # nobody is told that a lease is over
            await anyio.sleep(0.02)
    assert 0.9 < anyio.current_time() - begun < 3.0
    with monkeypatch.context() as patch:
        patch.setattr(work.time, "time", lambda: real() + ahead)
        assert not await wrong.claim("s")
        with pytest.raises(LeaseLost, match="another process"):
            await wrong.update("s", why="late")
    await right.update("s", why="mine")
    wrong.close()
    right.close()


async def test_a_name_that_machines_share_does_not_make_a_process_look_dead(url: str) -> None:
    """The host's name and the namespace's number may be equal, where this process id is nobody's."""
    mine, theirs = Ledger(url), Ledger(url)
    await mine.create(session())
    host, _, namespace = mine.runner.rpartition("/")[0].split(":")
    theirs.runner = f"{host}:another-boot:{namespace}/4194305-x"
    assert await theirs.claim("s")
    assert not await mine.claim("s")
    await theirs.release("s")
    theirs.runner = f"{mine.runner.rpartition('/')[0]}/4194305-x"  # more than Linux gives out
    assert await theirs.claim("s")
    assert await mine.claim("s")
    mine.close()
    theirs.close()


async def test_many_processes_make_the_tables_at_once(
    processes: Any, postgres: Server, database: str, url: str, tmp_path: Path
) -> None:
    barrier = processes.Barrier(4)
    children = [processes.Process(target=work.open_database, args=(url, tmp_path, barrier)) for _ in range(4)]
    for child in children:
        child.start()
    assert await ended(*children) == [0] * 4
    assert postgres.sql("SELECT version FROM thinkedit", database=database) == [(1,)]
    migrations = postgres.sql("SELECT v FROM checkpoint_migrations ORDER BY v", database=database)
    assert [v for (v,) in migrations] == list(range(len(migrations)))
    assert migrations
    broken = postgres.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid", database=database)
    assert broken == [(0,)]
