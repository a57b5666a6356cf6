"""What other processes do with a session that several want at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio

from tests.graph import crash
from thinkedit.config import Config
from thinkedit.graph.runner import open_runner
from thinkedit.images import load
from thinkedit.ledger import Ledger
from thinkedit.tools import continue_edit


async def opened(data: Path, log: Path) -> str:
    """A session that is there and that nobody runs yet."""
    async with open_runner(Config(data=data), crash.models(log)) as runner:
        return await runner.open(load(crash.PHOTO), "make it warmer", crash.SETTINGS)


def go_on(data: Path, log: Path, session_id: str, barrier: Any, name: str) -> None:
    """Go on with the session as soon as all are there, and write down what came of it."""

    async def work() -> str:
        async with open_runner(Config(data=data), crash.models(log)) as runner:
            await anyio.to_thread.run_sync(barrier.wait)
            result = await continue_edit(session_id, "go_on", runner=runner)
            return result.model_dump_json()

    (data / name).write_text(anyio.run(work))


def hang(data: Path, log: Path, session_id: str, n: int, ready: Any) -> None:
    """Run the session up to the thinker's n-th call, say so, and stay there."""

    def fault(number: int, request: Any) -> Any:
        if number != n:
            return None
        ready.set()
        return "hang"

    async def work() -> None:
        models = crash.models(log, {"thinker": fault})
        async with open_runner(Config(data=data), models) as runner:
            await continue_edit(session_id, "go_on", runner=runner)

    anyio.run(work)


def open_databases(folder: Path, count: int, barrier: Any) -> None:
    """Open new databases, each together with the other processes."""
    for number in range(count):
        barrier.wait()
        Ledger(folder / str(number) / "sessions.sqlite").close()


def do_nothing() -> None: ...
