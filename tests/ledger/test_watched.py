"""Readiness and counts over PostgreSQL: not ready while the server is away, ready when it is back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest

from thinkedit.config import Config
from thinkedit.ledger import Ledger
from thinkedit.ledger.statuses import statuses
from thinkedit.server.lifetime import SharedRunner
from thinkedit.server.watching import health
from thinkedit.server.watching.health import Readiness

if TYPE_CHECKING:
    from tests.ledger.server import Server

pytestmark = [pytest.mark.anyio, pytest.mark.external]


async def test_ready_only_while_the_server_answers(
    postgres: Server, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_FRESH", 0.0)
    monkeypatch.setattr(health, "_PATIENCE", 0.5)
    async with SharedRunner(Config(data=tmp_path, database=postgres.url(database))) as source:
        readiness = Readiness(source)
        with anyio.fail_after(30):
            while await readiness.what_is_wrong() is not None:  # the first look opens it
                await anyio.lowlevel.checkpoint()
        await anyio.to_thread.run_sync(postgres.stop)
        try:
            assert await readiness.what_is_wrong() == "ledger"
        finally:
            await anyio.to_thread.run_sync(postgres.start)
        with anyio.fail_after(60):
            while await readiness.what_is_wrong() is not None:
                await anyio.lowlevel.checkpoint()


async def test_sessions_are_counted_by_status(postgres: Server, database: str) -> None:
    ledger = Ledger(postgres.url(database))
    try:
        assert await statuses(ledger) == {}
    finally:
        ledger.close()
