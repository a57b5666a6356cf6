"""A server over HTTP that asks its callers who they are, in this process, and clients for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from thinkedit.config import Config
from thinkedit.server.serving import serve_http

ANNA = "te_anna-anna-anna-anna-anna"
BERT = "te_bert-bert-bert-bert-bert"


def token_file(folder: Path, **tokens: str) -> Path:
    """A file of callers that only this user may read."""
    path = folder / "tokens"
    path.write_text("".join(f"{name} {token}\n" for name, token in tokens.items()), encoding="utf-8")
    path.chmod(0o600)
    return path


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@dataclass
class Team:
    """base: the server's address."""

    base: str

    def web(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        known = {} if token is None else bearer(token)
        return httpx.AsyncClient(base_url=self.base, headers={**known, **headers}, timeout=30)

    @asynccontextmanager
    async def client(self, token: str | None, mode: Any = "auto", **options: Any) -> AsyncIterator[Client]:
        headers = {} if token is None else bearer(token)
        async with httpx2.AsyncClient(headers=headers, timeout=30) as web:
            way = streamable_http_client(f"{self.base}/mcp", http_client=web)
            async with Client(way, mode=mode, **options) as client:
                yield client

    async def upload(self, token: str, data: bytes) -> dict[str, Any]:
        async with self.web(token) as web:
            answer = await web.post("/images", content=data)
        assert answer.status_code == 201, answer.text
        entry: dict[str, Any] = answer.json()
        return entry


@asynccontextmanager
async def team(
    config: Config,
    server: Mapping[str, Any],
    host: str = "127.0.0.1",
    *,
    resume: bool = False,
    **changes: Any,
) -> AsyncIterator[Team]:
    """The server on a free port, with these settings of [server] and others."""
    ready = anyio.Event()
    urls: list[str] = []

    def on_ready(url: str) -> None:
        urls.append(url)
        ready.set()

    settings = {**config.server.model_dump(), **server}
    changed = Config.model_validate({**config.model_dump(), **changes, "server": settings})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(serve_http, changed, host, 0, on_ready, resume=resume))
        await ready.wait()
        yield Team(urls[0].removesuffix("/mcp").replace("0.0.0.0", "127.0.0.1"))
        tasks.cancel_scope.cancel()
