"""deploy/nginx.conf in front of two servers over one PostgreSQL, as compose.yaml puts them together."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from tests.external.conftest import HERE
from tests.ledger.server import Server, programs
from tests.server.team import ANNA, BERT, bearer, token_file

pytestmark = [pytest.mark.external, pytest.mark.anyio]

CONFIGURATION = """
database = "{database}"
store = "{folder}/store"
[loop]
editor = "scripted"
thinker = "scripted"
turns = 4
[server]
tokens = "{tokens}"
public_url = "https://edit.example.com"
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@dataclass
class Site:
    """base: the proxy. servers: the processes behind it."""

    base: str
    servers: list[subprocess.Popen[str]]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    postgres = programs()
    if nginx is None or postgres is None:
        reason = f"{'nginx' if nginx is None else 'PostgreSQL'} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with ExitStack() as stack:
        database = Server(postgres)
        stack.callback(database.remove)
        settings = tmp_path / "thinkedit.toml"
        tokens = token_file(tmp_path, anna=ANNA, bert=BERT)
        settings.write_text(CONFIGURATION.format(database=database.url(), folder=tmp_path, tokens=tokens))
        started = [started_server(stack, settings, tmp_path) for _ in range(2)]
        ports = [port for _, port in started]
        port = free_port()
        text = (HERE.parents[1] / "deploy" / "nginx.conf").read_text("utf-8")
        text = text.replace("/tmp/", f"{tmp_path}/").replace("listen 8080", f"listen 127.0.0.1:{port}")
        both = " ".join(f"server 127.0.0.1:{one} max_fails=1 fail_timeout=10s;" for one in ports)
        text = text.replace("server thinkedit:8321 max_fails=1 fail_timeout=10s;", both)
        assert text.count(both) == 2
        (tmp_path / "nginx.conf").write_text("daemon off;\n" + text)
        command = [nginx, "-e", "stderr", "-c", str(tmp_path / "nginx.conf")]
        proxy = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        stack.callback(proxy.wait, 20)
        stack.callback(proxy.terminate)
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as web:
            assert web.get(f"{base}/healthz").status_code == 200
        yield Site(base, [server for server, _ in started])


def started_server(stack: ExitStack, settings: Path, folder: Path) -> tuple[subprocess.Popen[str], int]:
    server = subprocess.Popen(
        [sys.executable, "-m", "thinkedit", "serve", "--http", "127.0.0.1:0", "--config", str(settings)],
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    stack.callback(server.communicate)
    stack.callback(server.kill)
    assert server.stderr is not None
    line = next(line for line in iter(server.stderr.readline, "") if "serving MCP at" in line)
    return server, int(line.partition("127.0.0.1:")[2].partition("/")[0])


def picture(folder: Path) -> bytes:
    Image.linear_gradient("L").resize((64, 48)).convert("RGB").save(folder / "photo.jpg")
    return (folder / "photo.jpg").read_bytes()


async def answers(
    site: Site, mode: Any, calls: list[tuple[str, dict[str, Any]]], token: str = ANNA
) -> list[Any]:
    headers = {**bearer(token), "host": "edit.example.com"}
    web = httpx2.AsyncClient(headers=headers, timeout=60)
    async with web, Client(streamable_http_client(f"{site.base}/mcp", http_client=web), mode=mode) as client:
        return [await client.call_tool(tool, arguments) for tool, arguments in calls]


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_one_site_to_clients_of_either_protocol(site: Site, tmp_path: Path, mode: str) -> None:
    async with httpx.AsyncClient(base_url=site.base, headers=bearer(ANNA)) as web:
        sent = await web.post("/images", content=picture(tmp_path))
    assert sent.status_code == 201
    asked = {"image": sent.json()["uri"], "instruction": "make it warmer", "pause": "turn"}
    # More calls than replicas, each on the connection that the proxy chose.
    (first, *_) = await answers(site, mode, [("think_edit", asked)] * 3)
    assert first.structured_content["status"] == "paused"
    session = {"session_id": first.structured_content["session_id"]}
    calls = [
        ("continue_edit", {**session, "action": "go_on"}),
        ("critique_image", {**session, "turn": 1}),
    ] * 2
    gone_on = await answers(site, mode, calls)
    assert [one.structured_content.get("turns") is not None for one in gone_on] == [True, False, True, False]
    (theirs,) = await answers(site, mode, [("critique_image", {**session, "turn": 1})], token=BERT)
    assert theirs.is_error


async def test_when_one_server_is_gone_the_other_goes_on(site: Site, tmp_path: Path) -> None:
    async with httpx.AsyncClient(base_url=site.base, headers=bearer(ANNA)) as web:
        sent = await web.post("/images", content=picture(tmp_path))
    asked = {"image": sent.json()["uri"], "instruction": "make it warmer", "pause": "turn"}
    (paused,) = await answers(site, "2026-07-28", [("think_edit", asked)])
    session = {"session_id": paused.structured_content["session_id"], "action": "go_on"}
    site.servers[0].kill()
    site.servers[0].wait(20)
    for mode in ("2026-07-28", "legacy"):
        (gone_on,) = await answers(site, mode, [("continue_edit", session)])
        assert gone_on.structured_content["status"] in ("paused", "finished"), json.dumps(
            gone_on.structured_content
        )
