"""200 sessions over a real server process that is killed again and again at random instants.

The models take next to no time, so that most instants lie inside commits, checkpoints and the writing of
pictures.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from anyio.to_thread import run_sync
from mcp.client import Client

from tests.ledger.conftest import database, postgres

if TYPE_CHECKING:
    from tests.ledger.server import Server

__all__ = ["database", "postgres"]

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SESSIONS, KILLS, CALLERS, AT_ONCE, TURNS = 200, 12, 8, 24, 3
SEED = 20261125
CALLS = (
    "SELECT session_id, instruction, role, turn, calls.created FROM calls"
    " JOIN sessions USING (session_id) WHERE state='ok'"
)
_numbers = itertools.count()


@dataclass
class Place:
    """A server's folder, its configuration, and the processes that served from it."""

    folder: Path
    database: str | None = None
    latency: float = 0.002
    lives: list[tuple[int, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        stored = "" if self.database is None else f"database = {json.dumps(self.database)}\n"
        scripted = f'kind = "scripted"\nlatency = {self.latency}\nlog = "{self.folder}'
        (self.folder / "thinkedit.toml").write_text(
            f'data = "data"\n{stored}[limits]\nsessions = {AT_ONCE}\n'
            '[loop]\neditor = "e"\nthinker = "t"\nbackoff = 0\n'
            f'[models.e]\nsize = "tiny"\n{scripted}/e.jsonl"\n[models.t]\n{scripted}/t.jsonl"\n'
        )

    @contextmanager
    def serving(self) -> Iterator[tuple[subprocess.Popen[str], str]]:
        """A process that serves until the block ends, and is killed then; and its address."""
        command = [sys.executable, "-m", "thinkedit", "serve", "--http", "127.0.0.1:0", "--resume"]
        command += ["--allow", str(self.folder / "pictures")]
        environment = {**os.environ, "THINKEDIT_CONFIG": str(self.folder / "thinkedit.toml")}
        began = time.time()
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            self.lives.append((process.pid, began))
            try:
                lines = iter(process.stderr.readline, "")
                yield process, next(line.split()[3] for line in lines if line.startswith("serving MCP at"))
            finally:
                process.kill()
                process.stderr.close()

    def life_at(self, moment: float) -> int:
        return sum(began <= moment for _, began in self.lives) - 1

    def asked(self, model: str) -> list[dict[str, Any]]:
        lines = (self.folder / f"{model}.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def rows(self, statement: str) -> Sequence[tuple[Any, ...]]:
        if self.database is not None:
            import psycopg

            with psycopg.connect(self.database) as connection:
                return connection.execute(statement.encode()).fetchall()
        with closing(sqlite3.connect(self.folder / "data" / "sessions.sqlite")) as db:
            return db.execute(statement).fetchall()


async def call(url: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    async with Client(url) as client:
        answer = await client.call_tool(tool, arguments)
        assert not answer.is_error, answer.content
        assert isinstance(answer.structured_content, dict)
        return answer.structured_content


async def begin(url: str, image: str, ids: list[str], until: float) -> None:
    """Callers who begin sessions, and begin anew where the server went away in the middle of a call."""

    async def one() -> None:
        while len(ids) < SESSIONS and time.monotonic() < until:
            told = {"image": image, "instruction": f"make it warmer, {next(_numbers)}", "turns": TURNS}
            with suppress(Exception):
                ids.append((await call(url, "think_edit", {**told, "wait_seconds": 0}))["session_id"])

    with anyio.move_on_at(anyio.current_time() + until - time.monotonic()):
        async with anyio.create_task_group() as callers:
            for _ in range(CALLERS):
                callers.start_soon(one)


@pytest.mark.parametrize("where", ["sqlite", pytest.param("postgres", marks=pytest.mark.external)])
async def test_nothing_recorded_is_lost_or_paid_for_twice(
    where: str, tmp_path: Path, pictures: Path, request: pytest.FixtureRequest
) -> None:
    url = None
    if where == "postgres":
        name: str = request.getfixturevalue("database")
        server: Server = request.getfixturevalue("postgres")
        url = server.url(name)
    place, rng = Place(tmp_path, url), random.Random(SEED)
    image, ids = str(pictures / "garden.jpg"), list[str]()
    for _ in range(KILLS):
        with place.serving() as (process, address):
            await begin(address, image, ids, time.monotonic() + rng.uniform(0.3, 2.0))
            process.kill()
    with place.serving() as (_, address):
        while len(ids) < SESSIONS:
            await begin(address, image, ids, time.monotonic() + 60)
        slots = anyio.CapacityLimiter(CALLERS)

        async def collect(session_id: str) -> None:
            async with slots:
                told = {"session_id": session_id, "action": "wait", "wait_seconds": 120}
                ended[session_id] = await call(address, "continue_edit", told)

        ended: dict[str, dict[str, Any]] = {}
        async with anyio.create_task_group() as callers:
            for session_id in ids:
                callers.start_soon(collect, session_id)
        reached = await run_sync(httpx.get, address.replace("/mcp", "/sessions"))
        assert reached.status_code == 200

    assert Counter(result["stop_reason"] for result in ended.values()) == {"satisfied": len(ids)}
    assert {len(result["turns"]) for result in ended.values()} == {TURNS}
    await run_sync(no_call_was_repeated, place, set(ids))
    await run_sync(no_picture_is_torn, tmp_path / "data" / "store" / "images")


def no_call_was_repeated(place: Place, ids: set[str]) -> None:
    """Each prompt is one session's and one turn's: a call was repeated where it began in a later life of the
    server than the one that recorded it, or ended twice in that one."""
    rows = place.rows(CALLS)
    counted = Counter((session_id, role, turn) for session_id, _, role, turn, _ in rows)
    needed = {(s, role, t) for s in ids for role in ("edit", "critique") for t in range(1, TURNS + 1)}
    assert set(counted.values()) == {1}
    assert needed <= set(counted)
    lives = {pid: number for number, (pid, _) in enumerate(place.lives)}
    for role, model in (("edit", "e"), ("critique", "t")):
        asked: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for line in place.asked(model):
            asked[line["prompt"]].append((line["event"], lives[line["pid"]]))
        lost = 0
        for _, instruction, of, turn, created in rows:
            if of == role:
                prompt = instruction if turn == 1 else f"{instruction} (turn {turn})"
                life, events = place.life_at(created), asked[prompt]
                assert max(number for _, number in events) == life, f"{prompt!r} was asked for again"
                assert events.count(("end", life)) == 1
                lost += sum(event == "start" for event, _ in events) - 1
        assert lost <= AT_ONCE * KILLS, "no more than what was under way"


def no_picture_is_torn(images: Path) -> None:
    files = [path for path in images.rglob("*") if path.is_file()]
    assert len(files) > SESSIONS
    for path in files:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.stem
