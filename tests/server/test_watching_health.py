"""/healthz and /readyz: what makes a server unfit to work, how it is told, and that it is found fit again."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.server.watched import PROMPT, watched
from thinkedit.config import Config
from thinkedit.graph.runner import Runner
from thinkedit.server.app import create_server
from thinkedit.server.lifetime import SharedRunner
from thinkedit.server.serving import http_app
from thinkedit.server.watching import Watching, health
from thinkedit.server.watching.routes import open_to_anybody

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_FRESH", 0.0)


@pytest.fixture
def jpeg(pictures: Path) -> bytes:
    return (pictures / "garden.jpg").read_bytes()


async def verdict(web: httpx.AsyncClient) -> tuple[int, str | None]:
    answer = await web.get("/readyz")
    assert "\n" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json().get("part")


async def test_a_database_that_is_gone_or_spoiled_and_back_again(config: Config, tmp_path: Path) -> None:
    database = tmp_path / "d" / "sessions.sqlite"
    async with watched(config, tmp_path / "d") as served:
        assert await verdict(served.web) == (200, None)
        database.rename(tmp_path / "away")
        assert await verdict(served.web) == (503, "ledger")
        assert (await served.web.get("/healthz")).json() == {"alive": True}
        (tmp_path / "away").rename(database)
        assert await verdict(served.web) == (200, None)
        content = database.read_bytes()
        database.write_bytes(b"no database at all" * 1000)
        assert await verdict(served.web) == (503, "ledger")
        database.write_bytes(content)
        assert await verdict(served.web) == (200, None)


async def test_a_store_that_is_gone_and_back_again(config: Config, tmp_path: Path, jpeg: bytes) -> None:
    store = tmp_path / "d" / "store"
    async with watched(config, tmp_path / "d") as served:
        assert await verdict(served.web) == (200, None), (
            "a store that nothing was put into is none that fails"
        )
        uri = await served.upload(jpeg)
        assert not (await served.call("think_edit", {"image": uri, "instruction": PROMPT})).is_error
        store.rename(tmp_path / "away")
        assert await verdict(served.web) == (503, "store")
        store.write_text("a file in its place")
        assert await verdict(served.web) == (503, "store")
        store.unlink()
        (tmp_path / "away").rename(store)
        assert await verdict(served.web) == (200, None)
    (tmp_path / "d" / "store").rename(tmp_path / "away")
    async with watched(config, tmp_path / "d") as served:
        assert await verdict(served.web) == (503, "store"), "there are sessions, so there were pictures"
        assert not store.exists()


async def test_the_answer_tells_strangers_no_path(
    config: Config, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with watched(config, tmp_path / "d") as served:
        (tmp_path / "d" / "sessions.sqlite").rename(tmp_path / "away")
        for _ in range(3):
            answer = await served.web.get("/readyz")
        assert answer.json() == {
            "ready": False,
            "part": "ledger",
            "why": "the session database does not answer",
        }
        (tmp_path / "away").rename(tmp_path / "d" / "sessions.sqlite")
        await served.web.get("/readyz")
    told = [record.getMessage() for record in caplog.records if "not ready" in record.getMessage()]
    assert told == ["not ready: the session database does not answer"], "said once, and not with each probe"
    assert any(str(tmp_path) in record.getMessage() for record in caplog.records)


async def test_probes_cost_one_look_a_second(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_FRESH", 60.0)
    looks: list[Runner] = []

    async def counted(runner: Runner) -> None:
        looks.append(runner)

    monkeypatch.setattr(health, "_ledger_answers", counted)
    async with watched(config, tmp_path / "d") as served, anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(served.web.get, "/readyz")
    assert len(looks) == 1


async def test_a_database_that_hangs_is_not_waited_for(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_PATIENCE", 0.05)
    let_go = threading.Event()
    async with watched(config, tmp_path / "d") as served:
        assert await verdict(served.web) == (200, None)
        # A reader that holds the connection, as one does that waits for a dead disk.
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(served.runner.ledger._run, lambda db: let_go.wait(30))
            with anyio.fail_after(20):
                while await verdict(served.web) != (503, "ledger"):
                    await anyio.lowlevel.checkpoint()
            assert (await served.web.get("/healthz")).status_code == 200
            let_go.set()
        with anyio.fail_after(20):
            while await verdict(served.web) != (200, None):
                await anyio.lowlevel.checkpoint()


async def test_healthz_opens_nothing_and_readyz_does(config: Config) -> None:
    watching = Watching.here({})
    async with SharedRunner(config, watching.watcher) as source:
        server = create_server(source, config, transport="http", watching=watching)
        app = http_app(server, source, config, watching=watching)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as web:
            assert (await web.get("/healthz")).status_code == 200
            assert not config.data.exists()
            assert await verdict(web) == (200, None)
            assert (config.data / "sessions.sqlite").exists()
            await source.close()
            assert await verdict(web) == (503, "shutdown")


async def test_a_replica_that_cannot_open_its_database_is_not_ready(config: Config) -> None:
    config.data.parent.mkdir(exist_ok=True, parents=True)
    config.data.write_text("a file where the folder should be")
    watching = Watching.here({})
    async with SharedRunner(config, watching.watcher) as source:
        server = create_server(source, config, transport="http", watching=watching)
        transport = httpx.ASGITransport(http_app(server, source, config, watching=watching))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as web:
            assert await verdict(web) == (503, "ledger")
            config.data.unlink()
            assert await verdict(web) == (200, None)


@pytest.mark.parametrize(
    ("path", "client", "headers", "is_open"),
    [
        ("/healthz", "203.0.113.9", [], True),
        ("/readyz", "203.0.113.9", [(b"x-forwarded-for", b"198.51.100.1")], True),
        ("/metrics", "127.0.0.1", [], True),
        ("/metrics", "::1", [], True),
        ("/metrics", "203.0.113.9", [], False),
        ("/metrics", "127.0.0.1", [(b"x-forwarded-for", b"198.51.100.1")], False),
        ("/metrics", "127.0.0.1", [(b"forwarded", b"for=198.51.100.1")], False),
        ("/metrics", "127.0.0.1", [(b"host", b"127.0.0.1:8321")], True),
        ("/metrics", "::1", [(b"host", b"[::1]:8321")], True),
        ("/metrics", "127.0.0.1", [(b"host", b"edit.example.org")], False),
        ("/metrics", "127.0.0.1", [(b"host", b"[")], False),
        ("/metrics", "not an address", [], False),
        ("/sessions", "127.0.0.1", [], False),
        ("/metrics/", "127.0.0.1", [], False),
    ],
)
def test_who_needs_no_token(path: str, client: str, headers: list[Any], is_open: bool) -> None:
    scope = {"type": "http", "path": path, "client": (client, 1), "headers": headers}
    assert open_to_anybody(scope) is is_open
    assert not open_to_anybody({**scope, "path": "/metrics", "client": None})
