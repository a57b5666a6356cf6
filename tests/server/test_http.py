"""The HTTP server on a real socket: MCP, upload and download, and whom it answers."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import jsonschema
import pytest
from anyio.streams.text import TextReceiveStream
from mcp.client import Client
from PIL import Image

from tests.server.conftest import Answer, Process, error_of, taken_apart
from thinkedit.config import Config
from thinkedit.errors import SettingsError
from thinkedit.server.loopback import bind
from thinkedit.server.serving import serve_http

pytestmark = pytest.mark.anyio

Started = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture
def started(config: Config) -> Started:
    """Starts the server on a free port of the loopback address; gives the address without /mcp."""

    @asynccontextmanager
    async def start(**changes: Any) -> AsyncIterator[str]:
        ready = anyio.Event()
        urls: list[str] = []

        def on_ready(url: str) -> None:
            urls.append(url)
            ready.set()

        changed = config.model_copy(update=changes)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve_http, changed, "127.0.0.1", 0, on_ready)
            await ready.wait()
            yield urls[0].removesuffix("/mcp")
            tasks.cancel_scope.cancel()

    return start


@pytest.fixture
def jpeg(pictures: Path) -> bytes:
    return (pictures / "garden.jpg").read_bytes()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_edits_an_upload_and_gives_it_back(started: Started, jpeg: bytes, mode: Any) -> None:
    seen: list[str] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append(message or "")

    async with started() as base, httpx.AsyncClient(base_url=base, timeout=30) as web:
        uploaded = await web.post("/images", content=jpeg, headers={"content-type": "image/jpeg"})
        assert uploaded.status_code == 201
        source = uploaded.json()
        assert (source["width"], source["height"]) == (320, 240)
        async with Client(f"{base}/mcp", mode=mode) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            result = await client.call_tool(
                "think_edit",
                {"image": source["uri"], "instruction": "make it warmer"},
                progress_callback=note,
            )
            answer = taken_apart(result)
            schema = tools["think_edit"].output_schema
            assert schema is not None
            jsonschema.validate(answer.data, schema)
            assert any("turn 2 of" in message for message in seen)
            sha = answer.data["image"]["uri"].rpartition("/")[2]
            got = await web.get(f"/images/{sha}")
            assert got.status_code == 200
            assert hashlib.sha256(got.content).hexdigest() == sha
            assert len(got.content) == answer.data["image"]["bytes"]
            assert f"{base}/images/{sha}" in answer.text
            assert answer.data["image"]["path"] is None
            for tool, arguments in {
                "continue_edit": {"session_id": answer.data["session_id"], "turns": 1},
                "edit_image": {"image": source["uri"], "prompt": "colder"},
                "critique_image": {"session_id": answer.data["session_id"], "turn": 1},
                "refine_instruction": {"session_id": answer.data["session_id"], "turn": 1},
            }.items():
                more = taken_apart(await client.call_tool(tool, arguments))
                jsonschema.validate(more.data, tools[tool].output_schema or {})


async def test_cancel_in_the_middle_and_go_on(started: Started, jpeg: bytes) -> None:
    models = {"slow": {"kind": "scripted", "latency": 0.15}}
    sessions: list[str] = []
    reached = anyio.Event()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        sessions.append((message or "").removeprefix("session ").partition(",")[0].partition(":")[0])
        if "turn 2" in (message or "") and ": editing" in (message or ""):
            reached.set()

    async with started(models=models) as base, httpx.AsyncClient(base_url=base, timeout=30) as web:
        uri = (await web.post("/images", content=jpeg)).json()["uri"]
        for mode in ("auto", "legacy"):
            async with Client(f"{base}/mcp", mode=mode) as client:  # type: ignore[arg-type]  # two eras
                asked = {"image": uri, "instruction": f"make it warmer {mode}", "editor": "slow"}
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(lambda: client.call_tool("think_edit", asked, progress_callback=note))  # noqa: B023  # awaited in this round
                    with anyio.fail_after(20):
                        await reached.wait()
                    tasks.cancel_scope.cancel()
                session_id = sessions[-1]
                with anyio.fail_after(20):
                    left = await finished(client, session_id)
                assert left["stop_reason"] == "cancelled"
                assert left["image"] is not None
                done = taken_apart(await client.call_tool("continue_edit", {"session_id": session_id}))
                assert done.data["stop_reason"] == "satisfied"
                assert done.data["turns"][0] == left["turns"][0]
            reached = anyio.Event()


async def finished(client: Client, session_id: str) -> dict[str, Any]:
    """The session's result once it no longer runs: a cancellation travels on its own."""
    while True:
        uri = f"thinkedit://sessions/{session_id}"
        (contents,) = (await client.read_resource(uri, cache_mode="bypass")).contents
        result: dict[str, Any] = json.loads(contents.text)  # type: ignore[union-attr]  # JSON comes as text
        if result["status"] != "running":
            return result
        await anyio.lowlevel.checkpoint()


async def test_two_clients_at_once(started: Started, jpeg: bytes) -> None:
    answers: dict[str, dict[str, Any]] = {}
    async with started() as base, httpx.AsyncClient(base_url=base, timeout=30) as web:
        uri = (await web.post("/images", content=jpeg)).json()["uri"]

        async def edit(instruction: str) -> None:
            async with Client(f"{base}/mcp") as client:
                result = await client.call_tool("think_edit", {"image": uri, "instruction": instruction})
                answers[instruction] = taken_apart(result).data

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(edit, "make it warmer")
            tasks.start_soon(edit, "make it colder")
    assert {answer["stop_reason"] for answer in answers.values()} == {"satisfied"}
    assert len({answer["session_id"] for answer in answers.values()}) == 2
    assert all(answer["instruction"] == instruction for instruction, answer in answers.items())


async def test_no_file_may_be_named(started: Started, config: Config, pictures: Path) -> None:
    closed = config.server.model_copy(update={"allow": []})
    async with started(server=closed) as base, Client(f"{base}/mcp") as client:
        for named in (pictures / "garden.jpg", (pictures / "garden.jpg").as_uri(), "garden.jpg"):
            asked = {"image": str(named), "prompt": "warmer"}
            assert "no files can be named here" in error_of(await client.call_tool("edit_image", asked))


async def test_upload_by_form(started: Started, jpeg: bytes) -> None:
    async with started() as base, httpx.AsyncClient(base_url=base, timeout=30) as web:
        raw = await web.post("/images", content=jpeg)
        form = await web.post("/images", files={"file": ("a.jpg", jpeg, "image/jpeg")}, data={"note": "x"})
        assert form.status_code == 201
        assert form.json() == raw.json()
        two = [("file", ("a.jpg", jpeg)), ("file", ("b.jpg", jpeg))]
        for bad in (
            await web.post("/images", files=two),
            await web.post("/images", files={"file": ("a.jpg", b"")}),
            await web.post(
                "/images", data={"a": "b"}, files={}, headers={"content-type": "multipart/form-data"}
            ),
            await web.post(
                "/images", content=b"x", headers={"content-type": "multipart/form-data; boundary=z"}
            ),
        ):
            assert bad.status_code == 400, bad.text
            assert list(bad.json()) == ["error"]


async def test_download(started: Started, jpeg: bytes) -> None:
    async with started() as base, httpx.AsyncClient(base_url=base, timeout=30) as web:
        uploaded = await web.post("/images", content=jpeg)
        where = uploaded.headers["location"]
        got = await web.get(where)
        assert got.headers["content-type"] == "image/jpeg"
        assert got.headers["x-content-type-options"] == "nosniff"
        assert "immutable" in got.headers["cache-control"]
        assert Image.open(io.BytesIO(got.content)).size == (320, 240)
        again = await web.get(where, headers={"if-none-match": got.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        head = await web.head(where)
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) == len(got.content)


BAD: list[tuple[str, str, bytes, int, str]] = [
    ("GET", f"/images/{'0' * 64}", b"", 404, "no image"),
    ("GET", "/images/..%2f..%2fetc%2fpasswd", b"", 404, "nothing"),
    ("GET", "/images/short", b"", 404, "no image"),
    ("GET", "/", b"", 404, "/mcp"),
    ("DELETE", "/images", b"", 405, "DELETE"),
    ("PUT", f"/images/{'0' * 64}", b"", 405, "PUT"),
    ("POST", "/images", b"", 400, "empty"),
    ("POST", "/images", b"hello", 400, "no picture"),
    ("POST", "/images", b"\xff\xd8\xff\xe0" + b"\0" * 100, 400, "picture"),
    ("POST", "/images", b"x" * 300_000, 413, "0.3 MB"),
]


async def test_bad_requests_are_one_line(started: Started, config: Config) -> None:
    small = config.server.model_copy(update={"body_bytes": 200_000})
    async with started(server=small) as base, httpx.AsyncClient(base_url=base, timeout=30) as web:
        for method, path, body, status, words in BAD:
            answer = await web.request(method, path, content=body)
            assert answer.status_code == status, (method, path, answer.text)
            assert words in answer.json()["error"]
            assert "\n" not in answer.text


async def test_a_body_without_a_length_is_cut_off(started: Started, config: Config) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            sent += 50_000
            yield b"x" * 50_000

    small = config.server.model_copy(update={"body_bytes": 200_000})
    async with started(server=small) as base, httpx.AsyncClient(base_url=base, timeout=30) as web:
        try:
            answer = await web.post("/images", content=endless())
        except (httpx.WriteError, httpx.ReadError):  # the server may hang up while we still send
            answer = None
    assert answer is None or answer.status_code == 413
    assert sent < 50_000_000


async def test_a_bomb_is_refused_before_it_is_decoded(started: Started) -> None:
    stream = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(stream, "PNG")
    async with started() as base, httpx.AsyncClient(base_url=base, timeout=30) as web:
        answer = await web.post("/images", content=stream.getvalue())
    assert answer.status_code == 400
    assert "30,000 x 30,000" in answer.json()["error"] or "900" in answer.json()["error"]


STRANGERS: list[tuple[dict[str, str], int]] = [
    ({"host": "evil.example"}, 421),
    ({"host": "127.0.0.1.evil.example:80"}, 421),
    ({"host": "127.0.0.1:evil"}, 421),
    ({"host": ""}, 421),
    ({"origin": "https://evil.example"}, 403),
    ({"origin": "null"}, 403),
    ({"origin": "https://127.0.0.1:8000"}, 403),
    ({"origin": "http://localhost.evil.example"}, 403),
]


async def test_strangers_are_refused_everywhere(started: Started, config: Config) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    async with started() as base, httpx.AsyncClient(base_url=base, timeout=30) as web:
        for path in ("/mcp", "/images", f"/images/{'0' * 64}", "/elsewhere"):
            for headers, status in STRANGERS:
                answer = await web.post(path, json=body, headers=headers)
                assert answer.status_code == status, (path, headers)
    assert not config.data.exists()


async def test_this_machine_is_no_stranger(started: Started, jpeg: bytes) -> None:
    async with started() as base, httpx.AsyncClient(base_url=base, timeout=30) as web:
        for host in ("localhost", "localhost:1", "127.0.0.1:99", "[::1]:8000"):
            headers = {"host": host, "origin": "http://localhost:6274"}
            assert (await web.post("/images", content=jpeg, headers=headers)).status_code == 201


async def test_mcp_takes_a_picture_in_an_argument(started: Started) -> None:
    """Larger than the SDK's own limit of 4 MiB for a request."""
    import base64

    noise = io.BytesIO()
    Image.effect_noise((2200, 1500), 90).convert("RGB").save(noise, "PNG", compress_level=0)
    assert len(noise.getvalue()) > 9_000_000
    uri = "data:image/png;base64," + base64.b64encode(noise.getvalue()).decode()
    async with started() as base, Client(f"{base}/mcp") as client:
        answer = taken_apart(await client.call_tool("edit_image", {"image": uri, "prompt": "warmer"}))
    assert answer.data["source"]["width"] == 2200


@pytest.mark.parametrize("mode", ["auto", pytest.param("legacy", marks=pytest.mark.slow)])
async def test_the_command_serves_and_ends_in_order(process: Process, pictures: Path, mode: Any) -> None:
    """A signal in the middle of a call: the call answers, and the process ends well and says no more."""
    started = process(latency=0.4)
    running = await anyio.open_process(
        [started.command, *started.args, "--http", "127.0.0.1:0"],
        env=started.env,
        cwd=started.cwd,
        stdin=subprocess.DEVNULL,
    )
    async with running:
        assert running.stderr is not None
        said = TextReceiveStream(running.stderr)
        line = await said.receive()
        url = next(word for word in line.split() if word.startswith("http://127.0.0.1:"))
        under_way = anyio.Event()
        answers: list[Answer] = []

        async def note(progress: float, total: float | None, message: str | None) -> None:
            if "turn 2 of 4: editing" in (message or ""):
                under_way.set()

        async def edit(client: Client) -> None:
            asked = {"image": str(pictures / "garden.jpg"), "instruction": "make it warmer"}
            answers.append(taken_apart(await client.call_tool("think_edit", asked, progress_callback=note)))

        with anyio.fail_after(30):
            async with Client(url, mode=mode) as client, anyio.create_task_group() as tasks:
                tasks.start_soon(edit, client)
                await under_way.wait()
                running.terminate()
            assert await running.wait() == 0
        rest = "".join([text async for text in said])
    assert answers[0].data["status"] == "running"
    assert len(answers[0].data["turns"]) == 1
    assert "Traceback" not in rest


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.4", "example.org", "", "127.0.0.1.evil.example"]
)
def test_listens_on_this_machine_only(host: str) -> None:
    with pytest.raises(SettingsError, match="cannot listen on"):
        bind(host, 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_loopback_addresses(host: str) -> None:
    with bind(host, 0) as listening:
        assert listening.getsockname()[0].startswith("127.")


def test_a_port_in_use_and_a_port_that_is_none() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match="choose another port"):
            bind("127.0.0.1", port)
    with pytest.raises(SettingsError, match="70000"):
        bind("127.0.0.1", 70000)
