"""What somebody with bad intentions sends to a server, and what comes of it; tokens have their own tests."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import numpy as np
import pytest
from anyio.abc import SocketStream
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from PIL import Image

from tests.server.conftest import Serve, error_of, taken_apart
from tests.server.test_http import Started, started  # noqa: F401  # a fixture
from thinkedit.config import Config
from thinkedit.errors import ThinkEditError
from thinkedit.graph.sessions import new_session_id
from thinkedit.images import ImageLimits, load
from thinkedit.server import serving
from thinkedit.server.access import remote_policy
from thinkedit.server.slow import Patience, timed_protocol
from thinkedit.types import LoopSettings

pytestmark = pytest.mark.anyio

HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
JSON = {"content-type": "application/json", "accept": "application/json, text/event-stream"}


@pytest.fixture
def outside(pictures: Path) -> Path:
    """A valid picture beside the allowed folder, which no caller may see."""
    secret = pictures.parent / "secret.png"
    Image.effect_noise((64, 48), 90).save(secret)
    return secret


@pytest.fixture
def jpeg(pictures: Path) -> bytes:
    return (pictures / "garden.jpg").read_bytes()


# paths, in every argument and address that has one


def ways_out(pictures: Path, secret: Path) -> Iterator[str]:
    name = secret.name
    yield from (
        str(secret),
        f"{pictures}/../{name}",
        f"{pictures}/./x/../../{name}",
        f"{pictures}//..//{name}",
        f"../pictures/../{name}",
        f"~/../{name}",
        f"~root/{name}",
        f"~nobody-has-this-name/{name}",
        secret.as_uri(),
        f"FILE://{secret}",
        f"file://localhost{pictures}/%2e%2e/{name}",
        f"file://{pictures}/%2e%2e%2f{name}",
        f"file://{pictures}/..%2F{name}",
        f"file://evil.example{secret}",
        f"thinkedit:{secret}",
        f"thinkedit://{secret}",
        f"thinkedit://images/../../{name}",
        f"thinkedit://images/..%2f..%2f{name}",
        f"thinkedit://images/{'0' * 63}/",
        f"THINKEDIT:/../../{name}",
        f"Thinkedit:{name}",
        f"data:{secret}",
        f"{pictures}/garden.jpg\0/../../{name}",
        f"{pictures}\\..\\{name}",
        f"\\\\evil.example\\{name}",
        "/proc/self/environ",
        "/proc/self/fd/0",
        "/dev/zero",
        f"/proc/self/root{secret}",
        f"/proc/self/cwd/../{name}",
    )


@pytest.fixture
def odd_names(outside: Path, config: Config) -> None:
    """The working directory of a server may have anything in it."""
    folder = Path("Thinkedit:")
    folder.mkdir()
    for odd in (folder / outside.name, Path(f"Thinkedit:{outside.name}"), Path(outside.name)):
        shutil.copy(outside, odd)


@pytest.mark.usefixtures("odd_names")
@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_no_argument_leads_out_of_the_allowed_folders(
    serve: Serve, pictures: Path, outside: Path, transport: str
) -> None:
    garden = str(pictures / "garden.jpg")
    async with serve(transport=transport) as served:
        for way in ways_out(pictures, outside):
            for tool, arguments in {
                "think_edit": {"image": way, "instruction": "warmer"},
                "edit_image": {"image": way, "prompt": "warmer"},
                "critique_image": {"source": way, "edited": garden, "instruction": "warmer"},
                "refine_instruction": {"source": garden, "edited": way, "instruction": "warmer"},
            }.items():
                error_of(await served.client.call_tool(tool, arguments))
        taken = load(outside).picture.sha256
        assert not served.runner.store.has(taken)
        assert [stored.sha for stored in served.runner.store.listing()] == []


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_other_arguments_are_no_paths(serve: Serve, garden: str, transport: str) -> None:
    async with serve(transport=transport) as served:
        call = served.client.call_tool
        for value in (
            "../../etc/passwd",
            "/etc/passwd",
            "%2e%2e%2f",
            "a/b",
            "last",
            "*",
            "' OR 1=1 --",
            "\0",
        ):
            calls: dict[str, dict[str, Any]] = {
                "continue_edit": {"session_id": value},
                "critique_image": {"session_id": value, "turn": 1},
                "refine_instruction": {"session_id": value},
                "edit_image": {"image": garden, "prompt": "x", "editor": value},
                "think_edit": {"image": garden, "instruction": "x", "thinker": value},
            }
            for tool, arguments in calls.items():
                assert "root:" not in error_of(await call(tool, arguments))


async def test_remote_callers_are_not_told_where_a_path_leads(serve: Serve, config: Config) -> None:
    async with serve(transport="http") as served:
        said = [
            error_of(await served.client.call_tool("edit_image", {"image": image, "prompt": "x"}))
            for image in ("x.jpg", "~/x.jpg", "~root/x.jpg", "~no-such-user/x.jpg", "/etc/x.jpg")
        ]
    home = str(Path.home())
    for image, text in zip(("x.jpg", "~/x", "~root/x", "~no-such-user/x", "/etc/x"), said, strict=True):
        assert text.startswith(f"{image.removesuffix('.jpg')}.jpg may not be read")
        assert home not in text
        assert os.getcwd() not in text


@pytest.mark.parametrize(
    "uri",
    [
        "thinkedit://images/../../secret.png",
        "thinkedit://images/..%2f..%2fsecret.png",
        "thinkedit://images/%2e%2e",
        "thinkedit://sessions/../images",
        "thinkedit://sessions/..%2f..%2fsessions.sqlite",
        "thinkedit://sessions/%00",
        "thinkedit://elsewhere/x",
        "file:///etc/passwd",
        "ui://thinkedit/../../etc/passwd",
    ],
)
async def test_no_resource_leads_out(serve: Serve, uri: str) -> None:
    async with serve() as served:
        with pytest.raises(MCPError) as refused:
            await served.client.read_resource(uri)
    assert "root:" not in str(refused.value)


PATHS = [
    "/images/../../../etc/passwd",
    "/images/..%2f..%2f..%2fetc%2fpasswd",
    "/images/%2e%2e/%2e%2e/etc/passwd",
    "/images/..%5c..%5cetc%5cpasswd",
    "/images/..%c0%af..%c0%afetc%c0%afpasswd",
    "/images/%252e%252e%252fetc%252fpasswd",
    "/images//etc/passwd",
    "/images/" + "0" * 63 + "g",
    "/images/" + "0" * 64 + "%00.png",
    "/sessions/..%2f..%2fetc%2fpasswd",
    "/sessions/../images",
    "/sessions/%2e%2e/data",
    "/sessions/x%2fdata",
    "/sessions/%00/data",
    "/sessions/' OR 1=1 --",
    "//etc/passwd",
    "/../etc/passwd",
    "http://evil.example/images/x",
    "*",
]


async def test_no_address_leads_out(started: Started) -> None:  # noqa: F811
    async with started() as base:
        for path in PATHS:
            head = (
                f"GET {path.replace(' ', '%20')} HTTP/1.1\r\nHost: {host(base)}\r\nConnection: close\r\n\r\n"
            )
            answer = await raw(base, head)
            status, _, body = answer.partition(b"\r\n\r\n")
            assert status.split()[1] in (b"400", b"404"), (path, answer)
            assert b"root:" not in answer
            assert b"\n" not in body.strip()


def host(base: str) -> str:
    return urlsplit(base).netloc


async def connect(base: str) -> SocketStream:
    parts = urlsplit(base)
    assert parts.hostname is not None
    assert parts.port is not None
    return await anyio.connect_tcp(parts.hostname, parts.port)


async def raw(base: str, request: str | bytes) -> bytes:
    """The whole answer to a request that no client would send."""
    async with await connect(base) as stream:
        await stream.send(request.encode("latin-1") if isinstance(request, str) else request)
        with anyio.fail_after(10):
            return await the_rest(stream)


async def the_rest(stream: SocketStream) -> bytes:
    got = b""
    try:
        while True:
            got += await stream.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        return got


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_that_flips_all_the_time_never_shows_the_outside(
    pictures: Path, outside: Path, what: str
) -> None:
    """A thread swaps the picture, or its folder, for a link to the outside while it is read."""
    inner = pictures / "inner"
    inner.mkdir()
    good = (pictures / "garden.jpg").read_bytes()
    (inner / outside.name).write_bytes(good)
    bad = outside.read_bytes()
    place = inner / outside.name if what == "file" else inner
    target = outside if what == "file" else outside.parent
    spare, link = pictures.parent / "spare", pictures.parent / "link"
    done = threading.Event()

    def flip() -> None:
        link.symlink_to(target)
        while not done.is_set():
            os.rename(place, spare)
            os.rename(link, place)
            os.rename(place, link)
            os.rename(spare, place)

    policy = remote_policy([pictures])
    seen: dict[str, int] = {}
    flipping = threading.Thread(target=flip)
    flipping.start()
    try:
        for _ in range(1500):
            try:
                _, data = policy.read_bytes(str(inner / outside.name), 1_000_000)
            except ThinkEditError as error:
                seen[type(error).__name__] = seen.get(type(error).__name__, 0) + 1
            else:
                assert data != bad
                assert data == good
                seen["good"] = seen.get("good", 0) + 1
    finally:
        done.set()
        flipping.join()
    assert seen.get("AccessError", 0) > 0, seen
    assert sum(seen.values()) == 1500


# names of sessions


async def test_ids_of_sessions_cannot_be_guessed() -> None:
    """80 random bits: a thousand tries a second against a million sessions need 38 million years."""
    made = {new_session_id() for _ in range(2000)}
    assert len(made) == 2000
    assert all(re.fullmatch(r"\d{8}-[0-9a-f]{20}", one) for one in made)
    digits = [{one[9 + place] for one in made} for place in range(20)]
    assert all(len(seen) == 16 for seen in digits), "every digit is drawn"


async def test_ids_of_earlier_versions_still_work(serve: Serve, garden: str) -> None:
    async with serve() as served:
        runner = served.runner
        old = "20250102-0123456789ab"
        settings = LoopSettings(editor="scripted", thinker="scripted", backoff=0)
        assert await runner.open(load(garden), "make it warmer", settings, session_id=old) == old
        answer = taken_apart(await served.client.call_tool("continue_edit", {"session_id": old}))
        assert (answer.data["session_id"], answer.data["status"]) == (old, "finished")
        for part in (old[:-1], old + "0", old.upper().replace("-", "_"), "20250102", "20250102-%"):
            error_of(await served.client.call_tool("continue_edit", {"session_id": part}))


# bodies


async def chunks(size: int, sent: list[int]) -> AsyncIterator[bytes]:
    while sum(sent) < size:
        sent.append(50_000)
        yield b"x" * 50_000


@pytest.mark.parametrize("path", ["/mcp", "/images"])
async def test_oversize_bodies_are_cut_off(started: Started, config: Config, path: str) -> None:  # noqa: F811
    small = config.server.model_copy(update={"body_bytes": 200_000})
    async with started(server=small) as base, httpx.AsyncClient(base_url=base, timeout=30) as web:
        declared = await web.post(path, content=b"x" * 200_001, headers=JSON)
        assert "MB" in declared.json()["error"]
        assert declared.status_code == 413
        lying = f"POST {path} HTTP/1.1\r\nHost: {host(base)}\r\nContent-Type: application/json\r\n"
        for length in ("99999999999999999999", "-1", "1e3", "0x10", "10, 20"):
            answer = await raw(base, f"{lying}Content-Length: {length}\r\n\r\n{{}}")
            assert answer.split()[1] in (b"400", b"413"), answer
        both = f"{lying}Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"
        assert (await raw(base, both)).split()[1] in (b"400", b"406")
        sent: list[int] = []
        try:
            answered = await web.post(path, content=chunks(50_000_000, sent), headers=JSON)
        except (httpx.WriteError, httpx.ReadError):
            answered = None  # it hung up, which is as good
        assert answered is None or answered.status_code == 413
        assert sum(sent) < 50_000_000
        assert (await web.get("/sessions")).status_code == 200


def call(arguments: str) -> bytes:
    """A call of edit_image in the newest form, with these arguments as they are."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "x", "version": "1"},
    }
    return (
        f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"_meta":{json.dumps(meta)},'
        f'"name":"edit_image","arguments":{arguments}}}}}'
    ).encode()


BOMBS = {
    "deep and open": b"[" * 15_000,
    "deep and closed": b"[" * 9_000 + b"]" * 9_000,
    "deep objects": b'{"a":' * 9_000 + b"1" + b"}" * 9_000,
    "deep in an argument": call('{"prompt":"x","image":' + "[" * 9_000 + "]" * 9_000 + "}"),
    "a huge whole number": call('{"prompt":"x","image":"x","seed":' + "9" * 100_000 + "}"),
    "a huge exponent": call('{"prompt":"x","image":"x","seed":1e999999999}'),
    "no number": call('{"prompt":"x","image":"x","seed":NaN}'),
    "a huge id": b'{"jsonrpc":"2.0","id":' + b"9" * 5_000 + b',"method":"ping"}',
    "a huge text": call('{"image":"x","prompt":"' + "a" * 9_000_000 + '"}'),
    "a huge path": call('{"prompt":"x","image":"' + "a" * 9_000_000 + '"}'),
    "a huge uri": call('{"prompt":"x","image":"thinkedit:' + "a" * 9_000_000 + '"}'),
    "a huge url": call('{"prompt":"x","image":"https://' + "a" * 9_000_000 + '"}'),
    "a huge name": call('{"prompt":"x","image":"x","editor":"' + "a" * 9_000_000 + '"}'),
    "a huge key": call('{"prompt":"x","image":"x","' + "a" * 9_000_000 + '":1}'),
    "keys twice": b'{"jsonrpc":"2.0","id":1,"method":"ping","method":"nothing","id":2}',
    "half a character": call('{"image":"\\ud800","prompt":"\\udfff"}'),
    "no character": call('{"image":"a\\u0000b","prompt":"x\\u0000"}'),
    "no UTF-8": call('{"image":"a","prompt":"x"}').replace(b'"a"', b'"\xff\xfe"'),
    "a batch": b"[" + b",".join([b'{"jsonrpc":"2.0","id":1,"method":"ping"}'] * 1000) + b"]",
    "nothing": b"",
    "a null": b"null",
}
MANY = {
    "lists": call('{"prompt":"x","image":[' + "[]," * 10_000_000 + "1]}"),
    "keys": call("{" + ",".join(f'"k{n}":1' for n in range(300_000)) + "}"),
}


@pytest.mark.parametrize("newest", [True, False], ids=["newest", "older"])
async def test_json_bombs_are_refused_in_few_words(started: Started, newest: bool) -> None:  # noqa: F811
    async with started() as base, httpx.AsyncClient(base_url=base, timeout=60) as web:
        headers = await _headers(web, newest)
        for name, bomb in BOMBS.items():
            answer = await web.post("/mcp", content=bomb, headers=headers)
            assert answer.status_code in (200, 202, 400, 404, 413), name
            assert len(answer.text) < 3000, name
            assert "failed in a way it should not" not in answer.text, (name, answer.text)
        for name, bomb in MANY.items():
            began = time.monotonic()
            try:
                answer = await web.post("/mcp", content=bomb, headers=headers)
            except (httpx.WriteError, httpx.ReadError):
                pass  # it hung up while it was still sent
            else:
                assert answer.status_code == 413, name
                assert "parts" in answer.json()["error"]
            assert time.monotonic() - began < 3, name
        async with Client(f"{base}/mcp") as client:
            assert len((await client.list_tools()).tools) == 5


async def _headers(web: httpx.AsyncClient, newest: bool) -> dict[str, str]:
    if newest:
        said = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "edit_image"}
        return {**JSON, **said}
    params = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "x", "version": "1"},
    }
    begin = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
    answer = await web.post("/mcp", json=begin, headers=JSON)
    return {
        **JSON,
        "mcp-protocol-version": "2025-06-18",
        "mcp-session-id": answer.headers["mcp-session-id"],
    }


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_no_error_repeats_what_was_sent_at_length(serve: Serve, garden: str, transport: str) -> None:
    long = "a" * 1_000_000
    async with serve(transport=transport) as served:
        tools = (await served.client.list_tools()).tools
        for tool in tools:
            for name, schema in tool.input_schema["properties"].items():
                if '"string"' not in json.dumps(schema):
                    continue
                for value in (
                    long,
                    f"thinkedit:{long}",
                    f"a:{long}",
                    f"/{long}",
                    f"data:{long}",
                    f"{long}\n",
                ):
                    needed = {"image": garden, "instruction": "x", "prompt": "x", "session_id": "x"}
                    given = {key: needed[key] for key in tool.input_schema.get("required", [])}
                    error_of(await served.client.call_tool(tool.name, {**given, name: value}))


# slow clients


@asynccontextmanager
async def impatient(start: Started, monkeypatch: pytest.MonkeyPatch, **limits: Any) -> AsyncIterator[str]:
    patience = Patience(**{"head": 1.5, "body": 60, "silence": 60, "waiting": 1000, **limits})
    monkeypatch.setattr(serving, "timed_protocol", lambda: timed_protocol(patience))
    async with start() as base:
        yield base


async def ended(stream: SocketStream) -> bytes:
    """What came until the server hung up, which it does within the limits."""
    with anyio.fail_after(10):
        return await the_rest(stream)


async def drip(stream: SocketStream, data: bytes) -> None:
    try:
        for _ in range(1000):
            await stream.send(data)
            await anyio.sleep(0.05)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return
    raise AssertionError("nobody ended it")


async def test_a_client_that_says_nothing_is_left(
    started: Started,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with impatient(started, monkeypatch) as base, await connect(base) as silent:
        assert await ended(silent) == b""


@pytest.mark.parametrize("first", ["", "GET /sessions HTTP/1.1\r\nHost: {host}\r\n\r\n"], ids=["new", "kept"])
async def test_headers_in_drops_are_cut_off(
    started: Started,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    first: str,
) -> None:
    async with impatient(started, monkeypatch) as base, await connect(base) as stream:
        if first:
            await stream.send(first.format(host=host(base)).encode())
            assert (await stream.receive()).startswith(b"HTTP/1.1 200")
        await stream.send(b"GET / HTTP/1.1\r\n")
        with anyio.fail_after(10):
            await drip(stream, b"x: y\r\n")


@pytest.mark.parametrize("path", ["/images", "/mcp"])
@pytest.mark.parametrize("limits", [{"body": 0.6}, {"silence": 0.3}], ids=["drops", "silence"])
async def test_a_body_that_does_not_come_is_not_waited_for(
    started: Started,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    jpeg: bytes,
    path: str,
    limits: dict[str, float],
) -> None:
    async with impatient(started, monkeypatch, **limits) as base, await connect(base) as stream:
        head = f"POST {path} HTTP/1.1\r\nHost: {host(base)}\r\nContent-Type: application/json\r\n"
        await stream.send(f"{head}Accept: */*\r\nContent-Length: 100000\r\n\r\n{{".encode())
        with anyio.fail_after(10):
            if "body" in limits:
                await drip(stream, b" ")
            else:
                await ended(stream)
        async with httpx.AsyncClient(base_url=base, timeout=30) as web:
            assert (await web.post("/images", content=jpeg)).status_code == 201
    assert "Traceback" not in caplog.text


async def test_a_client_that_does_not_read_is_left(
    started: Started,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (1800, 2400, 3), dtype=np.uint8)
    stream = load(Image.fromarray(noise)).picture.data
    assert len(stream) > 10_000_000  # more than the buffers of a system take
    async with impatient(started, monkeypatch, silence=2) as base:
        async with httpx.AsyncClient(base_url=base, timeout=60) as web:
            where = (await web.post("/images", content=stream)).headers["location"]
        async with await connect(base) as deaf:
            await deaf.send(f"GET {where} HTTP/1.1\r\nHost: {host(base)}\r\n\r\n".encode())
            await anyio.sleep(5)  # not reading is what this client does
            assert len(await ended(deaf)) < len(stream)


async def test_many_idle_connections_stop_nobody(
    started: Started,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    jpeg: bytes,
) -> None:
    async with impatient(started, monkeypatch, head=60, waiting=20) as base:
        idle = [await connect(base) for _ in range(150)]
        try:
            async with httpx.AsyncClient(base_url=base, timeout=30) as web:
                assert (await web.post("/images", content=jpeg)).status_code == 201
            for stream in idle[:100]:  # the oldest had to make room
                assert await ended(stream) == b""
        finally:
            for stream in idle:
                await anyio.aclose_forcefully(stream)


async def test_a_quiet_stream_of_events_is_not_ended(
    started: Started,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = {"head": 0.2, "body": 0.2, "silence": 0.2}
    async with (
        impatient(started, monkeypatch, **limits) as base,
        httpx.AsyncClient(base_url=base, timeout=30) as web,
    ):
        headers = await _headers(web, newest=False)
        async with web.stream("GET", "/mcp", headers=headers) as events:
            assert events.status_code == 200
            with anyio.move_on_after(1) as waited:
                async for _ in events.aiter_bytes():
                    pass
            assert waited.cancelled_caught, "it was ended"


# names and texts


async def test_a_file_name_in_a_form_goes_nowhere(started: Started, jpeg: bytes) -> None:  # noqa: F811
    names = [
        b"a.jpg\r\nX-Evil: 1\r\n\r\nx",
        b'../../../tmp/evil.jpg"; x="',
        b"a.jpg\n\x1b[2J",
        HOSTILE.replace('"', "").encode(),
        b"\xff\xfe.jpg",
        b"a" * 5000,
    ]
    async with started() as base, httpx.AsyncClient(base_url=base, timeout=30) as web:
        for name in names:
            body = (
                b'--z\r\nContent-Disposition: form-data; name="file"; filename="' + name + b'"\r\n'
                b"Content-Type: image/jpeg\r\n\r\n" + jpeg + b"\r\n--z--\r\n"
            )
            headers = {"content-type": "multipart/form-data; boundary=z"}
            answer = await web.post("/images", content=body, headers=headers)
            assert answer.status_code in (201, 400), name
            assert "x-evil" not in answer.headers
            assert "evil" not in answer.text.lower()
            assert "\n" not in answer.text
            if answer.status_code == 201:
                assert re.fullmatch(r"/images/[0-9a-f]{64}", answer.headers["location"])
        for where in ("/images/x%0d%0aX-Evil:%201", "/sessions/%0d%0aX-Evil:1", "/%0d%0aX-Evil:%201"):
            answer = await web.get(where)
            assert answer.status_code == 404
            assert "x-evil" not in answer.headers
            assert "\n" not in answer.text


async def test_a_file_name_with_new_lines_writes_no_lines(
    serve: Serve, pictures: Path, jpeg: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    named = pictures / "a\nERROR root: you are owned\x1b[2J\u202egpj.jpg"
    named.write_bytes(jpeg)
    async with serve() as served:
        asked = {"image": str(named), "instruction": "make it warmer"}
        answer = taken_apart(await served.client.call_tool("think_edit", asked))
        written = Path(answer.data["image"]["path"])
        assert written in list((tmp_path / "results").iterdir())
        assert written.name.isprintable()
        assert "\nERROR" not in answer.text
        assert "\x1b" not in answer.text
        (tmp_path / "results").rename(tmp_path / "elsewhere")
        (tmp_path / "results").write_text("in the way")
        taken_apart(await served.client.call_tool("think_edit", asked))
    assert any("was not written" in record.getMessage() for record in caplog.records)
    assert all("\nERROR" not in record.getMessage() for record in caplog.records)


async def test_hosts_and_origins_cannot_write_into_the_log(
    started: Started,  # noqa: F811
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with started() as base:
        with caplog.at_level(logging.DEBUG):
            for name in ("Host", "Origin"):
                usual = "" if name == "Host" else f"Host: {host(base)}\r\n"
                evil = "evil\x1b[2J\x85ERROR root: owned" + "x" * 10_000
                await raw(
                    base, f"GET /sessions HTTP/1.1\r\n{usual}{name}: {evil}\r\nConnection: close\r\n\r\n"
                )
                two = f"GET /sessions HTTP/1.1\r\nHost: {host(base)}\r\nHost: evil.example\r\n\r\n"
                assert (await raw(base, two)).split()[1] == b"400"
    for record in caplog.records:
        assert record.getMessage().isprintable()
        assert len(record.getMessage()) < 1000


async def test_pages_show_hostile_words_as_words(started: Started, jpeg: bytes) -> None:  # noqa: F811
    async with started() as base, httpx.AsyncClient(base_url=base, timeout=30) as web:
        uri = (await web.post("/images", content=jpeg)).json()["uri"]
        async with Client(f"{base}/mcp") as client:
            asked = {"image": uri, "instruction": f"make it warmer {HOSTILE}"}
            answer = taken_apart(await client.call_tool("think_edit", asked))
            critique = {"session_id": answer.data["session_id"], "prompt": HOSTILE, "turns": 1}
            taken_apart(await client.call_tool("continue_edit", critique))
        where = f"/sessions/{answer.data['session_id']}"
        for path in ("/sessions", where):
            page = await web.get(path)
            assert page.headers["content-type"].startswith("text/html")
            assert page.headers["x-content-type-options"] == "nosniff"
            policy = page.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src" not in policy or "unsafe" not in policy
            assert "<script>alert" not in page.text
            assert "<img src=x" not in page.text
            assert "</title><script" not in page.text
        data = await web.get(f"{where}/data")
        assert data.headers["content-type"] == "application/json"
        assert data.headers["x-content-type-options"] == "nosniff"
        assert data.json()["turns"][-1]["prompt"] == HOSTILE


@pytest.mark.parametrize("path", ["/mcp", "/images", "/sessions", "/sessions/x", "/sessions/x/data"])
async def test_pages_of_others_and_names_of_others_are_refused(started: Started, path: str) -> None:  # noqa: F811
    strange: list[tuple[dict[str, str], int]] = [
        ({"host": "evil.example"}, 421),
        ({"host": "localhost.evil.example"}, 421),
        ({"host": "127.0.0.1@evil.example"}, 421),
        ({"host": "0x7f.1"}, 421),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost@evil.example"}, 403),
        ({"origin": "http://evil.example#http://localhost"}, 403),
        ({"origin": "file://"}, 403),
        ({"origin": "HTTP://EVIL.example"}, 403),
    ]
    async with started() as base, httpx.AsyncClient(base_url=base, timeout=30) as web:
        for headers, status in strange:
            for method in ("GET", "POST", "OPTIONS", "DELETE"):
                answer = await web.request(method, path, headers={**JSON, **headers})
                assert answer.status_code == status, (method, headers)
                assert "access-control-allow-origin" not in answer.headers


async def test_what_is_served_is_what_was_checked(started: Started, jpeg: bytes) -> None:  # noqa: F811
    """A picture that is a page too: it is made anew, and served as a picture that nobody sniffs at."""
    async with started() as base, httpx.AsyncClient(base_url=base, timeout=30) as web:
        both = jpeg + b"<html><script>alert(1)</script></html>"
        uploaded = await web.post("/images", content=both, headers={"content-type": "text/html"})
        assert uploaded.status_code == 201
        got = await web.get(uploaded.headers["location"], headers={"accept": "text/html"})
        assert got.headers["content-type"] == "image/jpeg"
        assert got.headers["x-content-type-options"] == "nosniff"
        assert b"<script>" not in got.content
        assert uploaded.json()["uri"].endswith(hashlib.sha256(got.content).hexdigest())


async def test_limits_of_the_caller_are_the_operators(serve: Serve, garden: str) -> None:
    """No argument names a limit on pictures, a folder to write to or a safety check."""
    async with serve() as served:
        for tool in (await served.client.list_tools()).tools:
            for name in (
                "output",
                "output_dir",
                "path",
                "store",
                "data",
                "safety",
                "limits",
                "config",
                "owner",
            ):
                assert name not in tool.input_schema["properties"], tool.name
                arguments = {"image": garden, "instruction": "x", "prompt": "x", name: "/tmp/x"}
                needed = tool.input_schema.get("required", [])
                given = {key: arguments.get(key, "x") for key in (*needed, name)}
                assert "has no argument" in error_of(await served.client.call_tool(tool.name, given))
    assert ImageLimits() == ImageLimits(max_bytes=25_000_000, max_pixels=50_000_000)
