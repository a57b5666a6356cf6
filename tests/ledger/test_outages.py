"""PostgreSQL restarted, crashed, or cutting its connections while sessions run; and gone for good."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync

from tests.graph import crash
from tests.graph.kit import scored
from tests.ledger import work
from tests.ledger.server import Server
from tests.ledger.test_ledger import session
from thinkedit.adapters.base import CritiqueRequest
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.errors import LedgerError
from thinkedit.graph.runner import Runner, open_runner
from thinkedit.ledger import Ledger, postgres
from thinkedit.tools import think_edit
from thinkedit.types import Critique, EditResult, StopReason

pytestmark = [pytest.mark.anyio, pytest.mark.external]

SESSIONS, TURNS = 4, 6


@pytest.fixture
def running(postgres: Server, database: str) -> Any:
    """The server, which runs again when the test is over."""
    yield postgres
    if not postgres.answers():
        postgres.start()


class Calls:
    """The models' log, and how many critiques have begun."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "calls.log"
        self.begun = 0
        self._waiting: list[tuple[int, anyio.Event]] = []

    def models(self) -> Models:
        def count(number: int, request: Any) -> None:
            self.begun += 1
            for wanted, there in self._waiting:
                if self.begun >= wanted:
                    there.set()

        thinker = ScriptedThinker(script, latency=0.05, log=self.log, faults=count)
        editor = ScriptedEditor(size="tiny", latency=0.05, log=self.log)
        return Models(editors={"scripted": editor}, thinkers={"scripted": thinker})

    async def reach(self, count: int) -> None:
        there = anyio.Event()
        self._waiting.append((count, there))
        if self.begun < count:
            with anyio.fail_after(60):
                await there.wait()

    def made(self) -> Counter[tuple[str, str]]:
        """How often each call was begun, by role and request."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return Counter((line["role"], line["digest"]) for line in lines if line["event"] == "start")


def script(request: CritiqueRequest) -> Critique:
    """Satisfied in the last turn; no two sessions ask the editor for the same."""
    turn = len(request.history) + 1
    return scored(9 if turn == TURNS else 2 + turn / 2, next_prompt=f"{request.instruction}, {turn + 1}")


async def through(
    runner: Runner, calls: Calls, disturb: Callable[[], Any], errors: list[LedgerError] | None = None
) -> list[EditResult]:
    """Sessions, each with an instruction of its own, that are disturbed in the middle.

    errors: takes those that calls end with; without it they are raised.
    """
    results: list[EditResult] = []

    async def one(number: int) -> None:
        settings = crash.SETTINGS.model_copy(update={"turns": TURNS, "patience": TURNS})
        try:
            results.append(
                await think_edit(crash.PHOTO, f"make it warmer {number}", settings=settings, runner=runner)
            )
        except LedgerError as error:
            if errors is None:
                raise
            errors.append(error)

    async with anyio.create_task_group() as tasks:
        for number in range(SESSIONS):
            tasks.start_soon(one, number)
        await calls.reach(SESSIONS + 1)
        await disturb()
    return results


def all_is_well(results: list[EditResult], calls: Calls) -> None:
    assert [(r.stop_reason, len(r.turns)) for r in results] == [(StopReason.SATISFIED, TURNS)] * SESSIONS
    assert set(calls.made().values()) == {1}, "a model call was made twice"
    assert len(calls.made()) == SESSIONS * TURNS * 2


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_a_restart_in_the_middle_ends_no_session(
    mode: str, running: Server, database: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    calls = Calls(tmp_path)

    async def restart() -> None:
        await run_sync(running.stop, mode)
        await anyio.sleep(1.5)  # for so long it is away
        await run_sync(running.start)

    async with open_runner(work.config(tmp_path, running.url(database)), calls.models()) as runner:
        all_is_well(await through(runner, calls, restart), calls)
    assert caplog.text.count("trying again for 15 s") == 1, "an outage is told of once"
    assert running.sql("SELECT DISTINCT runner FROM sessions", database=database) == [("",)]


async def test_cut_connections_end_no_session(running: Server, database: str, tmp_path: Path) -> None:
    calls, cut = Calls(tmp_path), 0

    async def cut_all() -> None:
        nonlocal cut
        for more in range(2, 2 + TURNS):
            cut += await run_sync(running.cut, database)
            await calls.reach(SESSIONS * (more - 1))

    async with open_runner(work.config(tmp_path, running.url(database)), calls.models()) as runner:
        all_is_well(await through(runner, calls, cut_all), calls)
    assert cut >= TURNS


async def test_a_database_that_stays_away_is_said_in_one_line_and_nothing_is_lost(
    running: Server, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "RIDE_OUT", 0.5)
    calls, url = Calls(tmp_path), running.url(database)
    async with open_runner(work.config(tmp_path, url), calls.models()) as runner:
        errors: list[LedgerError] = []
        assert await through(runner, calls, lambda: run_sync(running.stop, "immediate"), errors) == []
        said = (
            f"the session database {database!r} at 127.0.0.1:{running.port}: Connection refused: "
            "start it, or correct the setting 'database'"
        )
        assert [str(error) for error in errors] == [said] * SESSIONS
        running.start()
        ids = running.sql("SELECT session_id FROM sessions", database=database)
        assert len(ids) == SESSIONS
        for (session_id,) in ids:
            await runner.follow(session_id)
        results = [await runner.result(session_id) for (session_id,) in ids]
    assert [(r.stop_reason, len(r.turns)) for r in results] == [(StopReason.SATISFIED, TURNS)] * SESSIONS
    again = {key: count for key, count in calls.made().items() if count > 1}
    assert sum(again.values()) - len(again) <= SESSIONS, "only the calls in flight were made again"


async def test_a_ledger_gives_up_when_its_time_is_over_and_works_again_after(
    running: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "RIDE_OUT", 1.0)
    ledger = Ledger(running.url(database))
    await ledger.create(session())
    running.stop()
    begun = anyio.current_time()
    with pytest.raises(LedgerError, match="Connection refused: start it"):
        await ledger.claim("s")
    assert 0.4 < anyio.current_time() - begun < 5
    running.start()
    assert await ledger.claim("s")
    await ledger.update("s", why="works")
    running.stop()
    ledger.close()  # frees what it can, and does not wait


async def test_closing_does_not_wait_for_a_database_that_is_away(running: Server, database: str) -> None:
    ledger = Ledger(running.url(database))
    await ledger.create(session())
    await ledger.claim("s")
    running.stop()
    begun = anyio.current_time()
    ledger.close()
    assert anyio.current_time() - begun < 5


async def test_a_process_that_stands_still_keeps_nobody_out_for_long(
    running: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stopped in the middle of a transaction, with the session's row locked."""
    monkeypatch.setattr(postgres, "_ON_CONNECTING", postgres._ON_CONNECTING.replace("10s", "1s"))
    still, other = Ledger(running.url(database)), Ledger(running.url(database))
    await still.create(session())
    there, go = anyio.Event(), anyio.Event()

    def stand_still(db: Any) -> None:
        db.execute("SELECT 1 FROM sessions WHERE session_id=? FOR UPDATE", ("s",))
        if not there.is_set():
            anyio.from_thread.run_sync(there.set)
            anyio.from_thread.run(go.wait)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(still._transaction, "s", stand_still)
        await there.wait()
        with anyio.fail_after(8):
            assert await other.claim("s")
        go.set()
    still.close()
    other.close()


def test_the_pool_logs_nothing_of_its_own(running: Server, database: str) -> None:
    Ledger(running.url(database)).close()
    assert not logging.getLogger("psycopg.pool").isEnabledFor(logging.WARNING)
