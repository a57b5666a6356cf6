"""What other processes do with sessions in a PostgreSQL database; `tests.graph.crash` does it in SQLite."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio

from tests.graph import crash
from tests.graph.crash import Instant
from thinkedit.config import Config
from thinkedit.graph import postgres_checkpoints
from thinkedit.graph.runner import Runner, open_runner
from thinkedit.images import load
from thinkedit.ledger.postgres import Postgres
from thinkedit.tools import continue_edit, think_edit
from thinkedit.types import EditResult


def config(data: Path, url: str) -> Config:
    return Config(data=data, database=url)


async def opened(data: Path, url: str, log: Path) -> str:
    """A session that is there and that nobody runs yet."""
    async with open_runner(config(data, url), crash.models(log)) as runner:
        return await runner.open(load(crash.PHOTO), "make it warmer", crash.SETTINGS)


async def resume(data: Path, url: str, log: Path, session_id: str) -> EditResult:
    async with open_runner(config(data, url), crash.models(log)) as runner:
        return await continue_edit(session_id, "go_on", runner=runner)


def run_and_die(data: Path, url: str, log: Path, instant: Instant) -> None:
    """Begin a session, and be killed at the instant."""
    faults: dict[str, Any] = {}
    if instant.place in ("editor", "thinker"):
        faults[instant.place] = crash._in_the_middle(instant.n)
    elif instant.place in ("image", "record"):
        crash._arm_store(instant)
    else:
        _ARM[instant.place](instant)

    async def work() -> None:
        async with open_runner(config(data, url), crash.models(log, faults)) as runner:
            settings = crash.SETTINGS.model_copy(update={"candidates": instant.candidates})
            await think_edit(crash.PHOTO, "make it warmer", settings=settings, runner=runner)

    anyio.run(work)


def _arm_ledger(instant: Instant) -> None:
    """Die in the n-th transaction of the ledger: before its commit, or after it."""
    reached, transaction = crash._counted(instant.n), Postgres.transaction

    def dying(self: Postgres, work: Callable[[Any], Any]) -> Any:
        now = reached()

        def inside(db: Any) -> Any:
            done = work(db)
            if now and instant.moment == "inside":
                _die()
            return done

        done = transaction(self, inside)
        if now:
            _die()
        return done

    Postgres.transaction = dying  # type: ignore[method-assign]


def _arm_checkpoints(instant: Instant) -> None:
    """Die before or after the n-th write or read of checkpoints."""
    reached, run = crash._counted(instant.n), postgres_checkpoints._Saver._run

    async def dying(self: Any, work: Callable[[Any], Any]) -> Any:
        now = reached()
        if now and instant.moment == "before":
            _die()
        done = await run(self, work)
        if now:
            _die()
        return done

    postgres_checkpoints._Saver._run = dying  # type: ignore[method-assign]


_ARM = {"ledger": _arm_ledger, "checkpoint": _arm_checkpoints}


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def set_clock(ahead: float) -> None:
    """Let this process believe that it is `ahead` seconds later."""
    real = time.time
    time.time = lambda: real() + ahead


def move_elsewhere(runner: Runner, lease: float) -> None:
    """Let others take this process for one of another machine, whose death they cannot see."""
    runner.ledger.runner = f"elsewhere:{os.getpid()}/{os.getpid()}-x"
    runner.ledger.lease = lease


def go_on(
    data: Path, url: str, log: Path, session_id: str, barrier: Any, name: str, ahead: float = 0.0
) -> None:
    """Go on with the session as soon as all are there, and write down what came of it."""
    set_clock(ahead)

    async def work() -> str:
        async with open_runner(config(data, url), crash.models(log)) as runner:
            move_elsewhere(runner, 30.0)
            await anyio.to_thread.run_sync(barrier.wait)
            result = await continue_edit(session_id, "go_on", runner=runner)
            return result.model_dump_json()

    (data / name).write_text(anyio.run(work))


def hang(
    data: Path, url: str, log: Path, session_id: str, n: int, ready: Any, lease: float, ahead: float = 0.0
) -> None:
    """Run the session up to the thinker's n-th call, say so, and stay there with the lease kept alive."""
    set_clock(ahead)

    def fault(number: int, request: Any) -> Any:
        if number != n:
            return None
        ready.set()
        return "hang"

    async def work() -> None:
        models = crash.models(log, {"thinker": fault})
        async with open_runner(config(data, url), models) as runner:
            move_elsewhere(runner, lease)
            await continue_edit(session_id, "go_on", runner=runner)

    anyio.run(work)


def open_database(url: str, data: Path, barrier: Any) -> None:
    """Open the database together with the other processes, checkpoints and all."""

    async def work() -> None:
        async with open_runner(config(data, url), crash.models(data / "calls.log")):
            pass

    barrier.wait()
    anyio.run(work)
