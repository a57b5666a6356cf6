"""Pictures by https URL: what is fetched, and everything that is not.

Names lead to public addresses here, and a wire of the tests brings what is sent to those to a server on
loopback: so nothing that the product checks is loosened for them.
"""

from __future__ import annotations

import gzip
import io
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpcore
import pytest
import trustme
from anyio.abc import ByteStream
from anyio.streams.buffered import BufferedByteReceiveStream
from PIL import Image

from tests.server.conftest import Serve, error_of, taken_apart
from thinkedit.config import Config, ServerConfig, UrlConfig
from thinkedit.errors import AccessError, BusyError, ImageError, InputError, ThinkEditError
from thinkedit.server.addresses import host_name, is_public
from thinkedit.server.fetching import Fetcher, addresses_of

pytestmark = pytest.mark.anyio

PUBLIC = "93.184.215.14"
OTHER = "8.8.8.8"
MOST = 200_000

Answering = Callable[["Request", ByteStream], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    line: str
    headers: dict[str, str]
    server_name: str


@dataclass
class Site:
    """An https server on loopback, reached as if it had public addresses and a name in the DNS."""

    answer: Answering
    names: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    port: int = 0

    async def resolve(self, name: str) -> list[str]:
        self.asked.append(name)
        return self.names.get(name, [])


class Wire(httpcore.AsyncNetworkBackend):
    def __init__(self, site: Site) -> None:
        self.site = site

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *_: Any, **__: Any
    ) -> httpcore.AsyncNetworkStream:
        self.site.dialled.append((host, port))
        if host in self.site.dead:
            raise httpcore.ConnectError("refused")
        return await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self.site.port, timeout)


def response(body: bytes, kind: str = "image/jpeg", status: str = "200 OK", **more: str) -> bytes:
    given = {name.replace("_", "-"): value for name, value in more.items()}
    headers = {"Content-Type": kind, "Content-Length": str(len(body)), **given}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body


def gives(data: bytes) -> Answering:
    async def answer(request: Request, stream: ByteStream) -> None:
        await stream.send(data)

    return answer


def redirects(*targets: str) -> Answering:
    """To each in turn, and then to the last again."""
    left = list(targets)

    async def answer(request: Request, stream: ByteStream) -> None:
        target = left.pop(0) if len(left) > 1 else left[0]
        await stream.send(response(b"", "text/html", "302 Found", Location=target))

    return answer


@dataclass
class Web:
    """Opens sites under one authority that fetchers believe."""

    authority: trustme.CA
    tls: ssl.SSLContext

    @asynccontextmanager
    async def site(
        self, answer: Answering, *certified: str, **names: list[str]
    ) -> AsyncIterator[tuple[Site, Callable[..., Fetcher]]]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(*(certified or ("pictures.example",))).configure_cert(context)
        seen: dict[int, str] = {}
        context.sni_callback = lambda connection, name, _: seen.__setitem__(id(connection), name or "")
        site = Site(
            answer, {"pictures.example": [PUBLIC], **{k.replace("_", "."): v for k, v in names.items()}}
        )

        async def handle(raw: ByteStream) -> None:
            try:
                stream = await anyio.streams.tls.TLSStream.wrap(
                    raw, ssl_context=context, server_side=True, standard_compatible=False
                )
                async with stream:
                    head = await BufferedByteReceiveStream(stream).receive_until(b"\r\n\r\n", 65536)
                    first, *lines = head.decode("latin-1").split("\r\n")
                    headers = dict(line.split(": ", 1) for line in lines)
                    connection = stream.extra(anyio.streams.tls.TLSAttribute.ssl_object)
                    site.requests.append(Request(first, headers, seen.get(id(connection), "")))
                    await site.answer(site.requests[-1], stream)
            except (anyio.BrokenResourceError, anyio.EndOfStream, anyio.IncompleteRead, ssl.SSLError):
                pass  # the fetcher has left, which is what most tests are about
            finally:
                await anyio.aclose_forcefully(raw)

        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        site.port = listener.extra(anyio.abc.SocketAttribute.local_port)

        def fetcher(**urls: Any) -> Fetcher:
            settings = UrlConfig(**{"enabled": True, "seconds": 10, **urls})
            return Fetcher(settings, resolve=site.resolve, wire=Wire(site), tls=self.tls)

        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, handle)
            yield site, fetcher
            tasks.cancel_scope.cancel()


@pytest.fixture(scope="module")
def web() -> Web:
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return Web(authority, context)


@pytest.fixture
def jpeg(pictures: Path) -> bytes:
    return (pictures / "garden.jpg").read_bytes()


async def refusal(fetcher: Fetcher, url: str, kind: type[ThinkEditError] = ImageError) -> str:
    with pytest.raises(kind) as refused:
        await fetcher.fetch(url, MOST)
    text = str(refused.value)
    assert "\n" not in text
    assert len(text) < 500
    return text


# what is fetched


async def test_fetches_over_tls_what_is_public(
    web: Web, jpeg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with web.site(gives(response(jpeg, Set_Cookie="a=b"))) as (site, fetcher):
        got = await fetcher().fetch("https://Pictures.Example./Sommer%20am%20Meer.jpg?size=1#x", MOST)
    assert got.data == jpeg
    assert got.name == "Sommer am Meer.jpg"
    assert site.dialled == [(PUBLIC, 443)]
    (request,) = site.requests
    assert request.line == "GET /Sommer%20am%20Meer.jpg?size=1 HTTP/1.1"
    assert request.server_name == "pictures.example"
    assert request.headers == {
        "Host": "pictures.example",
        "User-Agent": "thinkedit",
        "Accept": "image/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


async def test_a_name_of_many_alphabets_is_asked_for_by_idna(web: Web, jpeg: bytes) -> None:
    name = "xn--bcher-kva.example"
    async with web.site(gives(response(jpeg)), name) as (site, fetcher):
        site.names[name] = [PUBLIC]
        assert (await fetcher().fetch("https://bücher.example/a.jpg", MOST)).data == jpeg
    assert site.asked == [name]
    assert (site.requests[0].headers["Host"], site.requests[0].server_name) == (name, name)


async def test_without_a_length_in_chunks_and_as_plain_bytes(web: Web, jpeg: bytes) -> None:
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(jpeg), jpeg)
    more = {"Content-Length": "", "Transfer-Encoding": "chunked"}
    for kind in ("application/octet-stream", "binary/octet-stream", "Image/JPEG; charset=binary"):
        answer = response(b"", kind, **more) + chunked
        async with web.site(gives(answer)) as (_, fetcher):
            assert (await fetcher().fetch("https://pictures.example/a", MOST)).data == jpeg


async def test_tries_the_next_address_where_one_is_dead(web: Web, jpeg: bytes) -> None:
    async with web.site(gives(response(jpeg))) as (site, fetcher):
        site.names["pictures.example"] = ["2606:4700::1111", PUBLIC]
        site.dead.add("2606:4700::1111")
        assert (await fetcher().fetch("https://pictures.example/a.jpg", MOST)).data == jpeg
        assert [address for address, _ in site.dialled] == ["2606:4700::1111", PUBLIC]
        site.dead.add(PUBLIC)
        assert "no proper answer" in await refusal(fetcher(), "https://pictures.example/a.jpg")


async def test_follows_redirects_with_a_look_at_each(web: Web, jpeg: bytes) -> None:
    async def answer(request: Request, stream: ByteStream) -> None:
        where = {"/1": "/2", "/2": "//other.example/3"}.get(request.line.split()[1])
        found = response(b"", "text/html", "307 Temporary Redirect", Location=where or "")
        await stream.send(found if where else response(jpeg))

    async with web.site(answer, "pictures.example", "other.example", other_example=[OTHER]) as (
        site,
        fetcher,
    ):
        assert (await fetcher().fetch("https://pictures.example/1", MOST)).data == jpeg
    assert site.dialled == [(PUBLIC, 443), (PUBLIC, 443), (OTHER, 443)]
    assert [request.server_name for request in site.requests][2] == "other.example"


# hosts


STRANGE_HOSTS = [
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "017700000001",
    "0177.0.0.1",
    "127.1",
    "127.0.1",
    "0",
    "127.0.0.1.",
    "localhost.0x7f",
    "256.256.256.256",
    "1.2.3.4.5",
    "[fe80::1%25eth0]",
    "[fe80::1%eth0]",
    "[::1%25lo]",
    "[::g]",
    "[v1.x]",
    "１２７.0.0.1",
    "ex%61mple.com",
    "127.0.0.1%2f.example",
    "evil\\.example",
    "a b",
    "*.example",
    "a..b",
    ".",
    "",
    "x" * 64 + ".example",
    "a" * 300,
]


@pytest.mark.parametrize("host", STRANGE_HOSTS)
async def test_strange_hosts_are_refused_before_anything_is_asked(web: Web, host: str) -> None:
    async with web.site(gives(response(b"x"))) as (site, fetcher):
        await refusal(fetcher(), f"https://{host}/a.jpg", InputError)
        if host != "127.0.0.1.":  # a proper address with a dot after it, and refused as that
            assert site.asked == []
    assert site.dialled == []


INSIDE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "169.254.169.254",
    "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255",
    "168.63.129.16",
    "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe",
    "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8",
    "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:20::1", "2001:db8::1",
    "2002:7f00:1::", "2002:c0a8:101::1", "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1",
    "fd00:ec2::254", "fd20:ce::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
    "2606:4700::5efe:7f00:1", "2606:4700::200:5efe:10.0.0.1", "4000::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
async def test_no_address_inside_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [PUBLIC, OTHER, "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"],
)
async def test_what_is_public(address: str) -> None:
    assert is_public(address)


async def test_hosts_have_one_form() -> None:
    assert host_name("EXAMPLE.com.") == "example.com"
    assert host_name("0:0:0:0:0:0:0:1") == "::1"
    assert host_name("8.8.8.8.") == "8.8.8.8"
    assert host_name("8.8.8.8..") is None


@pytest.mark.parametrize("literal", ["127.0.0.1", "169.254.169.254", "[::1]", "[::]", "[::ffff:127.0.0.1]"])
async def test_addresses_inside_are_not_asked_by_the_real_resolver(web: Web, literal: str) -> None:
    async with web.site(gives(response(b"x"))) as (site, _):
        real = Fetcher(UrlConfig(enabled=True), resolve=addresses_of, wire=Wire(site), tls=web.tls)
        assert "no public address" in await refusal(real, f"https://{literal}/latest/meta-data")
        assert "no public address" in await refusal(real, "https://localhost/")
    assert site.dialled == []


async def test_the_real_resolver_knows_this_machine_and_no_nonsense() -> None:
    assert set(await addresses_of("localhost")) <= {"127.0.0.1", "::1"} != set()
    assert await addresses_of("::1") == ["::1"]
    assert await addresses_of("no-such-name.invalid") == []


@pytest.mark.parametrize(
    "addresses", [["10.1.2.3"], [PUBLIC, "10.1.2.3"], ["::1", PUBLIC], [PUBLIC, "fe80::1%eth0"], []]
)
async def test_one_address_inside_spoils_a_name(web: Web, addresses: list[str]) -> None:
    async with web.site(gives(response(b"x"))) as (site, fetcher):
        site.names["pictures.example"] = addresses
        said = await refusal(fetcher(), "https://pictures.example/a.jpg")
        site.names.clear()
        # A name that is not there reads the same: nobody learns which names there are inside.
        assert await refusal(fetcher(), "https://pictures.example/a.jpg") == said
    assert site.dialled == []


async def test_an_answer_that_changes_does_not_help(web: Web, jpeg: bytes) -> None:
    answers = [[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]]
    count = 0

    async with web.site(gives(response(jpeg))) as (site, _):

        async def changing(name: str) -> list[str]:
            nonlocal count
            count += 1
            return answers[count - 1]

        fetcher = Fetcher(UrlConfig(enabled=True), resolve=changing, wire=Wire(site), tls=web.tls)
        assert (await fetcher.fetch("https://pictures.example/a.jpg", MOST)).data == jpeg
        assert count == 1
        assert site.dialled == [(PUBLIC, 443)]
        await refusal(fetcher, "https://pictures.example/a.jpg")
        assert (count, len(site.dialled)) == (2, 1)


async def test_an_answer_that_changes_between_two_redirects(web: Web) -> None:
    answers = [[PUBLIC], ["169.254.169.254"]]
    async with web.site(redirects("/again")) as (site, _):

        async def changing(name: str) -> list[str]:
            return answers.pop(0)

        fetcher = Fetcher(UrlConfig(enabled=True), resolve=changing, wire=Wire(site), tls=web.tls)
        await refusal(fetcher, "https://pictures.example/a.jpg")
    assert (answers, site.dialled) == ([], [(PUBLIC, 443)])


# URLs


@pytest.mark.parametrize(
    "url",
    [
        "http://pictures.example/a.jpg",
        "HTTP://pictures.example/a.jpg",
        "https://pictures.example:80/a.jpg",
        "https://pictures.example:8443/a.jpg",
        "https://pictures.example:0/a.jpg",
        "https://pictures.example:99999/a.jpg",
        "https://pictures.example:x/a.jpg",
        "https://good@pictures.example/a.jpg",
        "https://good:secret@pictures.example/a.jpg",
        "https://@pictures.example/a.jpg",
        "https://:@pictures.example/a.jpg",
        "https://good%40pictures.example\\@pictures.example/",
        "https:///a.jpg",
        "https:pictures.example/a.jpg",
        "https://pictures.example/a\r\nHost: inside\r\n\r\n",
        "https://pictures.example/" + "a" * 3000,
        "file:///etc/passwd",
        "gopher://pictures.example/",
    ],
)
async def test_only_plain_https_urls(web: Web, url: str) -> None:
    async with web.site(gives(response(b"x"))) as (site, fetcher):
        said = await refusal(fetcher(), url, AccessError)
    assert "secret" not in said
    assert (site.asked, site.dialled) == ([], [])


@pytest.mark.parametrize(
    "target",
    [
        "https://127.0.0.1/secret",
        "https://inside.example/secret",
        "https://[::1]/secret",
        "https://2130706433/secret",
        "http://pictures.example/a.jpg",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "thinkedit://images/" + "0" * 64,
        "https://u:p@pictures.example/a.jpg",
        "https://pictures.example:22/a.jpg",
        "\\\\inside\\share",
        "https://x y/",
        "\xff\xfe",
    ],
)
async def test_redirects_to_where_nothing_is_fetched(web: Web, target: str) -> None:
    async with web.site(redirects(target), inside_example=["10.0.0.5"]) as (site, fetcher):
        site.names.update({"127.0.0.1": ["127.0.0.1"], "::1": ["::1"]})
        said = await refusal(fetcher(), "https://pictures.example/a.jpg")
    assert "secret" not in said
    assert {address for address, _ in site.dialled} == {PUBLIC}


async def test_a_chain_of_redirects_is_cut(web: Web) -> None:
    async with web.site(redirects("/round")) as (site, fetcher):
        said = await refusal(fetcher(redirects=2), "https://pictures.example/a.jpg")
        assert "redirects more than 2 times" in said
        assert len(site.requests) == 3
        await refusal(fetcher(redirects=0), "https://pictures.example/a.jpg")
    assert len(site.requests) == 4


# what comes back


async def test_another_certificate_is_not_believed(web: Web, jpeg: bytes) -> None:
    async with web.site(gives(response(jpeg)), "other.example") as (site, fetcher):
        assert "no proper answer" in await refusal(fetcher(), "https://pictures.example/a.jpg")
        stranger = Fetcher(UrlConfig(enabled=True), resolve=site.resolve, wire=Wire(site))
        assert "no proper answer" in await refusal(stranger, "https://pictures.example/")
    assert site.requests == []


@pytest.mark.parametrize("length", ["", str(MOST + 1), "9" * 30], ids=["chunked", "declared", "absurd"])
async def test_too_large_is_cut_off(web: Web, length: str) -> None:
    sent = 0

    async def answer(request: Request, stream: ByteStream) -> None:
        nonlocal sent
        chunked = {"Transfer-Encoding": "chunked"} if not length else {}
        await stream.send(response(b"", **{"Content-Length": length, **chunked}))
        while sent < 50_000_000:
            block = b"x" * 20_000
            await stream.send(b"4e20\r\n%b\r\n" % block if not length else block)
            sent += len(block)

    async with web.site(answer) as (_, fetcher):
        said = await refusal(fetcher(), "https://pictures.example/a.jpg")
    assert "MB" in said or "no proper answer" in said
    assert sent < 20_000_000


async def test_a_slow_drip_is_cut_off(web: Web) -> None:
    ended = anyio.Event()

    async def answer(request: Request, stream: ByteStream) -> None:
        try:
            await stream.send(response(b"", Content_Length="1000"))
            while True:
                await stream.send(b"x")
                await anyio.sleep(0.05)
        finally:
            ended.set()

    async with web.site(answer) as (_, fetcher):
        began = time.monotonic()
        said = await refusal(fetcher(seconds=0.5), "https://pictures.example/a.jpg")
        assert time.monotonic() - began < 5
        assert "0.5 s" in said
        with anyio.fail_after(5):
            await ended.wait()


async def test_a_server_that_says_nothing_is_left(web: Web) -> None:
    async def answer(request: Request, stream: ByteStream) -> None:
        await anyio.sleep_forever()

    async with web.site(answer) as (_, fetcher):
        assert "0.3 s" in await refusal(fetcher(seconds=0.3), "https://pictures.example/a.jpg")


async def test_a_resolver_that_says_nothing_is_left() -> None:
    async def silent(name: str) -> list[str]:
        await anyio.sleep_forever()
        raise AssertionError

    fetcher = Fetcher(UrlConfig(enabled=True, seconds=0.2), resolve=silent)
    assert "0.2 s" in await refusal(fetcher, "https://pictures.example/a.jpg")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (response(b"<html>", "text/html"), "text/html"),
        (response(b"x", ""), "nothing in particular"),
        (response(b"x", "x" * 500), "..."),
        (response(gzip.compress(b"0" * 10_000_000), Content_Encoding="gzip"), "packed"),
        (response(gzip.compress(b"0" * 10_000_000), Content_Encoding="br, gzip"), "packed"),
        (response(b"x", status="404 Not Found\x1b[2J"), "404"),
        (response(b"x", status="206 Partial Content"), "206"),
        (response(b"", status="304 Not Modified"), "304"),
        (response(b"short", Content_Length="100"), "no proper answer"),
        (b"SSH-2.0-OpenSSH_9\r\n", "no proper answer"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 50_000, "no proper answer"),
        (b"", "no proper answer"),
    ],
)
async def test_answers_that_are_no_picture(web: Web, answer: bytes, words: str) -> None:
    async with web.site(gives(answer)) as (_, fetcher):
        said = await refusal(fetcher(), "https://pictures.example/a.jpg")
    assert words in said
    assert said.isprintable()


async def test_eight_at_once_and_then_busy(web: Web) -> None:
    asked = anyio.Event()
    count = 0

    async def answer(request: Request, stream: ByteStream) -> None:
        nonlocal count
        count += 1
        if count == 8:
            asked.set()
        await anyio.sleep_forever()

    async with web.site(answer) as (_, fetcher):
        held = fetcher(seconds=60)
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(held.fetch, "https://pictures.example/a.jpg", MOST)
            with anyio.fail_after(10):
                await asked.wait()
            held._urls = UrlConfig(enabled=True, seconds=0.2)
            assert "try again in" in await refusal(held, "https://pictures.example/a.jpg", BusyError)
            tasks.cancel_scope.cancel()
    assert count == 8


# by the tools


async def test_a_tool_takes_a_url_where_the_operator_allows(
    web: Web, serve: Serve, config: Config, jpeg: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config.server.urls = UrlConfig(enabled=True)
    async with web.site(gives(response(jpeg))) as (site, fetcher):
        monkeypatch.setattr("thinkedit.server.app.Fetcher", lambda urls: fetcher())
        async with serve() as served:
            asked = {"image": "https://pictures.example/Boat.jpg", "instruction": "make it warmer"}
            answer = taken_apart(await served.client.call_tool("think_edit", asked))
            assert answer.data["source"]["width"] == 320
            assert Path(answer.data["image"]["path"]).name == "Boat-edited.jpg"
            site.answer = gives(response(b"<svg/>", "image/svg+xml"))
            said = error_of(await served.client.call_tool("think_edit", asked))
            assert "https://pictures.example/Boat.jpg" in said
            bomb = io.BytesIO()
            Image.new("1", (30_000, 30_000)).save(bomb, "PNG")
            site.answer = gives(response(bomb.getvalue(), "image/png"))
            said = error_of(
                await served.client.call_tool("edit_image", {"image": asked["image"], "prompt": "x"})
            )
            assert "30,000" in said or "900" in said
            said = error_of(
                await served.client.call_tool(
                    "critique_image",
                    {"source": "https://10.0.0.1/", "edited": "https://10.0.0.1/", "instruction": "x"},
                )
            )
            assert "no public address" in said


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_off_by_default_with_a_word_on_the_setting(serve: Serve, transport: str) -> None:
    async with serve(transport=transport) as served:
        for url in ("https://pictures.example/a.jpg", "HTTPS://pictures.example/a.jpg"):
            asked = {"image": url, "prompt": "warmer"}
            assert "server.urls.enabled" in error_of(await served.client.call_tool("edit_image", asked))


def test_the_setting_is_read(tmp_path: Path) -> None:
    settings = ServerConfig.model_validate(json.loads('{"urls": {"enabled": true, "seconds": 3}}'))
    assert (settings.urls.enabled, settings.urls.seconds, settings.urls.redirects) == (True, 3.0, 3)
    assert ServerConfig().urls.enabled is False
