"""Connections that are cut at the worst instant: the statement was kept, and nobody was told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.ledger.proxy import Proxy
from tests.ledger.server import Server
from tests.ledger.test_ledger import DONE, FAILED, IMAGE, SHA, session
from thinkedit.errors import LedgerError, NotFoundError
from thinkedit.ledger import Call, Ledger, Spent, TurnEntry
from thinkedit.ledger.upkeep import RecordedCall, restore
from thinkedit.types import Status, StopReason

pytestmark = [pytest.mark.anyio, pytest.mark.external]


@pytest.fixture
def proxy(postgres: Server) -> Iterator[Proxy]:
    made = Proxy(postgres.port)
    yield made
    made.close()


@pytest.fixture
def ledger(postgres: Server, database: str, proxy: Proxy) -> Iterator[Ledger]:
    made = Ledger(postgres.url(database).replace(f":{postgres.port}/", f":{proxy.port}/"))
    yield made
    made.close()


@pytest.fixture
def other(postgres: Server, database: str) -> Iterator[Ledger]:
    """Another process's, over connections that nobody cuts."""
    made = Ledger(postgres.url(database))
    yield made
    made.close()


async def test_a_call_is_recorded_once_though_its_commit_was_not_heard_of(
    ledger: Ledger, proxy: Proxy
) -> None:
    await ledger.create(session())
    await ledger.claim("s")
    for call, image in [(FAILED, None), (FAILED, None), (DONE, IMAGE)]:
        proxy.cut_at("COMMIT")
        await ledger.record("s", "edit", 1, 0, "digest", call, image)
    assert proxy.cuts == 3
    assert await ledger.recorded("s", "edit", 1, 0, "digest") == (DONE, [FAILED, FAILED])
    assert await ledger.spent(await ledger.session("s")) == Spent(3.0, 3)


async def test_equal_calls_are_told_apart_from_one_that_is_done_again(ledger: Ledger, proxy: Proxy) -> None:
    await ledger.create(session())
    await ledger.claim("s")
    await ledger.record("s", "edit", 1, 0, "digest", FAILED)
    proxy.cut_at("INSERT INTO calls")  # before the commit: this one was not kept
    await ledger.record("s", "edit", 1, 0, "digest", FAILED)
    assert proxy.cuts == 1
    assert await ledger.recorded("s", "edit", 1, 0, "digest") == (None, [FAILED, FAILED])


async def test_a_claim_is_one_claim(ledger: Ledger, other: Ledger, proxy: Proxy) -> None:
    await ledger.create(session())
    proxy.cut_at("COMMIT")
    assert await ledger.claim("s")
    assert (await ledger.session("s")).fence == 1
    assert not await other.claim("s")
    proxy.cut_at("COMMIT")
    await ledger.update("s", why="mine")
    proxy.cut_at("COMMIT")
    await ledger.release("s")
    assert proxy.cuts == 3
    assert await other.claim("s")
    assert (await other.session("s")).why == "mine"


async def test_a_change_that_was_kept_is_not_taken_for_another_call_s(ledger: Ledger, proxy: Proxy) -> None:
    await ledger.create(session(status=Status.FINISHED, stop_reason=StopReason.SATISFIED))
    seen = await ledger.session("s")
    proxy.cut_at("COMMIT")
    assert await ledger.change(seen, leg=2, status=Status.RUNNING, stop_reason=None, wanted="")
    assert proxy.cuts == 1
    assert not await ledger.change(seen, leg=2, status=Status.RUNNING)


async def test_what_is_made_or_deleted_is_so_once(ledger: Ledger, proxy: Proxy) -> None:
    proxy.cut_at("INSERT INTO sessions")
    await ledger.create(session())
    with pytest.raises(LedgerError, match="duplicate key"):
        await ledger.create(session())
    proxy.cut_at("COMMIT")
    await ledger.delete("s")
    with pytest.raises(NotFoundError):
        await ledger.delete("s")
    proxy.cut_at("COMMIT")
    called = RecordedCall("edit", 1, 0, "digest", Call("ok", SHA, None, 1.0))
    await restore(ledger, session(), [TurnEntry(1, "a", True)], [called], [IMAGE])
    assert proxy.cuts == 3
    assert await ledger.turns("s") == [TurnEntry(1, "a", True)]
    assert await ledger.recorded("s", "edit", 1, 0, "digest") == (called.call, [])


async def test_a_session_ends_once_and_is_free(ledger: Ledger, other: Ledger, proxy: Proxy) -> None:
    await ledger.create(session())
    await ledger.take("s")
    await ledger.put_turn("s", 1, "a", complete=False)
    proxy.cut_at("COMMIT")
    await ledger.pause("s")
    await ledger.take("s")
    proxy.cut_at("COMMIT")
    ended: dict[str, Any] = {"status": Status.FINISHED, "stop_reason": StopReason.MAX_TURNS}
    await ledger.finish("s", ["b"], 0, **ended)
    assert proxy.cuts == 2
    read = await other.session("s")
    assert (read.status, read.stop_reason, read.runner) == ("finished", "max_turns", "")
    assert await other.turns("s") == [TurnEntry(1, "b", True)]
    assert await other.claim("s")
