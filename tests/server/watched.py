"""A watched server on a real socket, over scripted models that tests bring."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
import uvicorn
from mcp.client import Client
from prometheus_client.parser import text_string_to_metric_families

from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.config import Config
from thinkedit.graph.runner import Runner
from thinkedit.ledger import Ledger
from thinkedit.server.app import create_server
from thinkedit.server.lifetime import FixedRunner
from thinkedit.server.loopback import bind
from thinkedit.server.serving import http_app
from thinkedit.server.watching import Watching
from thinkedit.store import Store

PROMPT = "make the lantern glow like a secret sunrise"
"""Nothing that watches may say this."""


@dataclass
class Watched:
    base: str
    web: httpx.AsyncClient
    runner: Runner
    watching: Watching

    async def call(self, tool: str, arguments: dict[str, Any], **options: Any) -> Any:
        async with Client(f"{self.base}/mcp") as client:
            return await client.call_tool(tool, arguments, **options)

    async def upload(self, data: bytes) -> str:
        return str((await self.web.post("/images", content=data)).json()["uri"])

    async def scraped(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """(name of a sample, its labels) -> value, as a scraper reads the page."""
        answer = await self.web.get("/metrics")
        assert answer.status_code == 200
        families = text_string_to_metric_families(answer.text)
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }


def value(page: dict[tuple[str, frozenset[tuple[str, str]]], float], name: str, **labels: str) -> float:
    return page.get((name, frozenset(labels.items())), 0.0)


@asynccontextmanager
async def watched(
    config: Config,
    folder: Path,
    editor: ScriptedEditor | None = None,
    thinker: ScriptedThinker | None = None,
    watching: Watching | None = None,
) -> AsyncIterator[Watched]:
    """Serves on a free port of the loopback address; sessions and pictures lie in `folder`."""
    watching = watching or Watching.here({})
    ledger = Ledger(folder / "sessions.sqlite")
    runner = Runner(
        store=Store(folder / "store"),
        ledger=ledger,
        models=Models(
            editors={"scripted": editor or ScriptedEditor()},
            thinkers={"scripted": thinker or ScriptedThinker()},
        ),
        config=config,
        watcher=watching.watcher,
    )
    source = FixedRunner(runner)
    app = http_app(
        create_server(source, config, transport="http", watching=watching), source, config, watching=watching
    )
    with bind("127.0.0.1", 0) as listening:
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        async with watching, runner, anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: server.serve(sockets=[listening]))
            async with httpx.AsyncClient(base_url=base, timeout=30) as web:
                yield Watched(base, web, runner, watching)
            server.should_exit = True
    ledger.close()
