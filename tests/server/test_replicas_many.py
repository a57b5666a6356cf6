"""100 sessions over two replicas behind a plain round-robin proxy, one of them killed in the middle."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.ledger.conftest import database, postgres
from tests.server.test_kill_many import AT_ONCE, CALLS, TURNS, Place, call, no_picture_is_torn

if TYPE_CHECKING:
    from tests.ledger.server import Server

__all__ = ["database", "postgres"]

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.external]

SESSIONS, CALLERS, CANCELLED = 100, 8, 10


@asynccontextmanager
async def round_robin(ports: list[int]) -> AsyncIterator[str]:
    """The address of a proxy that gives each connection to the next server, whatever is in it."""
    turns = itertools.cycle(ports)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for port in itertools.islice(turns, len(ports)):
            with suppress(OSError):
                server = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(pump(reader, server[1]), pump(server[0], writer))
                return
        writer.close()

    proxy = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}/mcp"
    finally:
        proxy.close()


async def asked(url: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The call's answer; asked again where the server that had it died.

    Another instruction then, where there is one: the first may have begun a session, which the other server
    takes up, so that two of them would ask for the same.
    """
    told, again = arguments, 0
    while True:
        with suppress(Exception):
            return await call(url, tool, told)
        again += 1
        if "instruction" in arguments:
            told = {**arguments, "instruction": f"{arguments['instruction']}, again {again}"}


async def test_one_dies_and_the_other_ends_what_both_began(
    tmp_path: Path, pictures: Path, database: str, postgres: Server
) -> None:
    place = Place(tmp_path, postgres.url(database), latency=0.05)
    image, ids, ended = str(pictures / "garden.jpg"), list[str](), dict[str, dict[str, Any]]()
    slots, killed = anyio.CapacityLimiter(CALLERS), list[float]()
    with ExitStack() as stack:
        (victim, one), (_, other) = (stack.enter_context(place.serving()) for _ in range(2))
        ports = [int(address.split(":")[2].split("/")[0]) for address in (one, other)]
        async with round_robin(ports) as url:

            async def begin(number: int) -> None:
                told = {"image": image, "instruction": f"make it warmer, {number}", "turns": TURNS}
                async with slots:
                    begun = await asked(url, "think_edit", {**told, "wait_seconds": 0})
                ids.append(begun["session_id"])
                if len(ids) == SESSIONS // 2:
                    killed.append(time.time())  # before: the other may take over in the same moment
                    victim.kill()
                    victim.wait()

            async def end(session_id: str, cancel: bool) -> None:
                told = {"session_id": session_id, "wait_seconds": 60}
                async with slots:
                    if cancel:  # refused where it has ended meanwhile
                        with suppress(Exception):
                            await call(url, "continue_edit", {**told, "action": "cancel"})
                    ended[session_id] = await asked(url, "continue_edit", {**told, "action": "wait"})

            with anyio.fail_after(150):
                async with anyio.create_task_group() as tasks:
                    for number in range(SESSIONS):
                        tasks.start_soon(begin, number)
                # Some of those begun last still run or wait.
                cancelled = random.Random(1).sample(ids[-20:], CANCELLED)
                async with anyio.create_task_group() as tasks:
                    for session_id in ids:
                        tasks.start_soon(end, session_id, session_id in cancelled)
    reasons = Counter(result["stop_reason"] for result in ended.values())
    assert reasons.keys() <= {"satisfied", "cancelled"}
    assert reasons["satisfied"] >= SESSIONS - CANCELLED
    assert all(ended[id_]["stop_reason"] == "satisfied" for id_ in ids if id_ not in cancelled)
    no_call_was_repeated(place, victim.pid, killed[0])
    no_picture_is_torn(tmp_path / "data" / "store" / "images")


def no_call_was_repeated(place: Place, victim: int, killed: float) -> None:
    """A call may have been made twice where the victim had it under way: then the other recorded it later."""
    created = {(role, instruction, turn): when for _, instruction, role, turn, when in place.rows(CALLS)}
    for role, model in (("edit", "e"), ("critique", "t")):
        asked_by: dict[str, list[int]] = defaultdict(list)
        for line in place.asked(model):
            if line["event"] == "start":
                asked_by[line["prompt"]].append(line["pid"])
        twice = {prompt: pids for prompt, pids in asked_by.items() if len(pids) > 1}
        assert len(asked_by) > SESSIONS
        assert len(twice) <= AT_ONCE, "no more than what was under way"
        for prompt, pids in twice.items():
            instruction, _, turn = prompt.removesuffix(")").partition(" (turn ")
            assert len(pids) == 2
            assert (pids[0], pids[1] == victim) == (victim, False)
            assert created.get((role, instruction, int(turn or 1)), killed + 1) > killed, (
                f"{prompt!r} had been recorded"
            )


async def test_a_cancel_reaches_the_replica_that_runs(
    tmp_path: Path, pictures: Path, database: str, postgres: Server
) -> None:
    place = Place(tmp_path, postgres.url(database), latency=30)
    told = {"image": str(pictures / "garden.jpg"), "instruction": "make it warmer", "wait_seconds": 0}
    with place.serving() as (_, one), place.serving() as (_, other):
        begun = await call(one, "think_edit", told)
        assert begun["status"] == "running"
        with anyio.fail_after(20):
            ended = await call(
                other, "continue_edit", {"session_id": begun["session_id"], "action": "cancel"}
            )
            assert (ended["status"], ended["stop_reason"]) == ("finished", "cancelled")
            seen = await call(one, "continue_edit", {"session_id": begun["session_id"], "action": "wait"})
            assert seen["stop_reason"] == "cancelled"
