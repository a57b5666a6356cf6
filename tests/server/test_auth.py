"""Whom the HTTP server lets in, by tokens of a file: every path, every way to send one, and our clients."""

from __future__ import annotations

import base64
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError

from tests.server.conftest import Process, error_of, taken_apart
from tests.server.hosts import REVISIONS, connected
from tests.server.team import ANNA, BERT, bearer, team, token_file
from tests.server.test_stepwise import bridge, serving
from thinkedit.config import Config, OAuth
from thinkedit.errors import SettingsError
from thinkedit.server.loopback import bind
from thinkedit.server.serving import serve_http

pytestmark = pytest.mark.anyio

SHA = "0" * 64
CLOSED = [
    ("POST", "/mcp"),
    ("GET", "/mcp"),
    ("DELETE", "/mcp"),
    ("POST", "/images"),
    ("GET", f"/images/{SHA}"),
    ("GET", "/sessions"),
    ("GET", "/sessions/20260101-0123456789ab"),
    ("GET", "/sessions/20260101-0123456789ab/data"),
    ("GET", "/.well-known/other"),
    ("GET", "/healthz/../sessions"),
    ("OPTIONS", "/images"),
    ("GET", "/"),
]


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    return token_file(tmp_path, anna=ANNA, bert=BERT)


WRONG = [
    {},
    bearer("te_nobody-nobody-nobody-nobody"),
    bearer(ANNA[:-1]),
    bearer(ANNA + "x"),
    bearer(ANNA.upper()),
    {"authorization": "Bearer"},
    bearer("x" * 20_000),
    bearer("anna"),
    {"authorization": ANNA},
    {"authorization": f"Token {ANNA}"},
    {"authorization": "Basic " + base64.b64encode(b"anna:wrong-wrong-wrong-wrong-wrong").decode()},
    {
        "cookie": f"token={ANNA}",
        "x-api-key": ANNA,
        "x-forwarded-user": "anna",
        "x-forwarded-for": "127.0.0.1",
    },
]


async def test_nothing_without_a_token(config: Config, tokens: Path) -> None:
    async with team(config, {"tokens": tokens}) as served, served.web() as web:
        for method, path in CLOSED:
            for headers in WRONG:
                answer = await web.request(method, path, headers=headers, content=b"{}")
                assert answer.status_code == 401, (method, path, headers, answer.text)
                assert answer.headers["www-authenticate"].startswith("Bearer ")
                assert list(answer.json()) == ["error"]
        assert not (config.data / "sessions.sqlite").exists()
        for path in ("/healthz", "/readyz"):
            assert (await web.get(path)).status_code == 200
        passed_on = {"x-forwarded-for": "192.0.2.7"}
        assert (await web.get("/metrics", headers=passed_on)).status_code == 401


async def test_a_token_lets_in_everywhere(config: Config, tokens: Path) -> None:
    async with team(config, {"tokens": tokens}) as served, served.web(ANNA) as web:
        for method, path in CLOSED:
            assert (await web.request(method, path, content=b"{}")).status_code not in (401, 403)
        assert (await web.get("/sessions", headers={"authorization": f"bearer {ANNA}"})).status_code == 200


@pytest.mark.parametrize("name", ["access_token", "token", "Access_Token", "api_key", "access%5Ftoken"])
async def test_a_token_in_an_address(
    config: Config, tokens: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.DEBUG)
    async with team(config, {"tokens": tokens}) as served, served.web() as web:
        for headers in ({}, bearer(ANNA)):
            for path in ("/sessions", "/mcp", f"/images/{SHA}"):
                answer = await web.get(f"{path}?{name}={BERT}", headers=headers)
                assert answer.status_code == 400
                assert "Authorization: Bearer" in answer.json()["error"]
                assert BERT not in answer.text
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert not any(BERT in record.getMessage() for record in ours)


async def test_a_browser_gives_it_as_a_password(config: Config, tokens: Path) -> None:
    basic = {"authorization": "Basic " + base64.b64encode(f"whoever:{ANNA}".encode()).decode()}
    async with team(config, {"tokens": tokens}) as served, served.web() as web:
        asked = await web.get("/sessions", headers={"accept": "text/html,*/*"})
        assert (asked.status_code, asked.headers["www-authenticate"][:12]) == (401, "Basic realm=")
        assert (await web.get("/sessions", headers=basic)).status_code == 200
        assert (await web.head("/sessions", headers=basic)).status_code == 200
        for method, path in (
            ("POST", "/sessions"),
            ("POST", "/images"),
            ("POST", "/mcp"),
            ("GET", f"/images/{SHA}"),
            ("GET", "/sessionsX"),
        ):
            assert (await web.request(method, path, headers=basic)).status_code == 401, path
        for broken in ("Basic", "Basic !!!", "Basic " + base64.b64encode(ANNA.encode()).decode()):
            assert (await web.get("/sessions", headers={"authorization": broken})).status_code == 401


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_revoked_token_ends_at_once(
    config: Config, tokens: Path, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A connection of an older protocol was opened with it: each of its requests is asked again."""
    caplog.set_level(logging.WARNING)
    async with team(config, {"tokens": tokens}) as served, served.web(ANNA) as web:
        async with served.client(ANNA, mode) as client:
            await client.read_resource("thinkedit://sessions")
            token_file(tokens.parent, bert=BERT)
            assert (await web.get("/sessions")).status_code == 401
            with pytest.raises(MCPError, match="error response"):
                await client.read_resource("thinkedit://sessions", cache_mode="bypass")
        async with served.client(BERT, mode) as client:
            await client.read_resource("thinkedit://sessions")
        await anyio.Path(tokens).unlink()
        async with served.web(BERT) as other:
            assert (await other.get("/sessions")).status_code == 401
            token_file(tokens.parent, anna=ANNA, bert=BERT)
            assert (await other.get("/sessions")).status_code == 200
            await anyio.Path(tokens).chmod(0o644)
            assert (await other.get("/sessions")).status_code == 401
    assert "chmod 600" in caplog.text
    assert ANNA not in caplog.text


HOSTS: list[tuple[str, str | None, int]] = [
    ("edit.example.org", "https://edit.example.org", 200),
    ("edit.example.org:443", None, 200),
    ("EDIT.example.org", None, 200),
    ("edit.example.org", "http://edit.example.org", 403),
    ("edit.example.org", "https://edit.example.org.evil.example", 403),
    ("edit.example.org", "null", 403),
    ("edit.example.org:8443", None, 421),
    ("evil.example", None, 421),
    ("127.0.0.1", None, 200),
]


async def test_the_public_address_is_right_too(config: Config, tokens: Path) -> None:
    server = {"tokens": tokens, "public_url": "https://edit.example.org/"}
    forwarded = {"x-forwarded-host": "edit.example.org", "forwarded": "host=edit.example.org"}
    async with team(config, server) as served, served.web(ANNA) as web:
        for host, origin, status in HOSTS:
            headers = {"host": host, **({} if origin is None else {"origin": origin})}
            assert (await web.get("/sessions", headers=headers)).status_code == status, (host, origin)
        assert (await web.get("/sessions", headers={"host": "evil.example", **forwarded})).status_code == 421


async def test_links_are_of_the_public_address(config: Config, tokens: Path, garden: str) -> None:
    asked = {"image": garden, "prompt": "warmer"}
    for server, link in (
        ({"public_url": "https://edit.example.org"}, "download: https://edit.example.org/images/"),
        ({}, "download: http://127.0.0.1:"),
    ):
        async with team(config, {"tokens": tokens, **server}) as served, served.client(ANNA) as client:
            answer = taken_apart(await client.call_tool("edit_image", asked))
            assert link in answer.text


@pytest.mark.parametrize(
    "url",
    ["edit.example.org", "ftp://x.org", "https://", "https://x.org/path", "https://u:p@x.org", "https://x:0"],
)
async def test_a_public_address_that_is_none(config: Config, tokens: Path, url: str) -> None:
    changed = config.model_copy(
        update={"server": config.server.model_copy(update={"public_url": url, "tokens": tokens})}
    )
    with pytest.raises(SettingsError, match=r"server\.public_url"):
        await serve_http(changed, "127.0.0.1", 0)


async def test_listens_to_all_only_when_it_asks(
    config: Config, tokens: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1"):
        with pytest.raises(SettingsError, match="--tokens FILE"):
            await serve_http(config, host, 0)
    with pytest.raises(SettingsError, match="IP address"):
        bind("example.org", 0, asks_who=True)
    async with team(config, {"tokens": tokens}, "0.0.0.0") as served, served.web(ANNA) as web:
        assert (await web.get("/sessions")).status_code == 200
        assert (await web.get("/sessions", headers={"host": "localhost"})).status_code == 200
        for host in ("evil.example", "127.0.0.9:1", "127.0.0.1.evil.example"):
            assert (await web.get("/sessions", headers={"host": host})).status_code == 421
        other = web.base_url.copy_with(host="127.0.0.3")  # an address of this machine that nobody named
        assert (await web.get(other.join("/sessions"))).status_code == 200
    assert "server.public_url" in caplog.text


BAD_FILES = [
    ("anna short", "at least 24"),
    (f"anna {ANNA}\nanna {BERT}", "twice"),
    (f"anna {ANNA}\nbert {ANNA}", "another caller"),
    ("anna", "NAME TOKEN"),
    (f"anna {ANNA} more", "NAME TOKEN"),
    (f"../anna {ANNA}", "no name"),
    (f"anna {ANNA}§", "other characters"),
    ("anna sha256:1234", "64 hexadecimal"),
    ("# nobody", "names no caller"),
]


@pytest.mark.parametrize(("text", "why"), BAD_FILES)
async def test_a_file_of_tokens_that_is_none(config: Config, tmp_path: Path, text: str, why: str) -> None:
    path = token_file(tmp_path, x=ANNA)
    path.write_text(text, encoding="utf-8")
    changed = config.model_copy(update={"server": config.server.model_copy(update={"tokens": path})})
    with pytest.raises(SettingsError, match=why) as raised:
        await serve_http(changed, "127.0.0.1", 0)
    assert ANNA not in str(raised.value)
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        await serve_http(changed, "127.0.0.1", 0)


@pytest.mark.parametrize("algorithms", [["none"], ["HS256"], ["RS256", "hs256"], [], [""]])
async def test_algorithms_that_let_anybody_in(config: Config, algorithms: list[str]) -> None:
    oauth = OAuth(issuer="https://issuer.example", audience="x", algorithms=algorithms)
    changed = config.model_copy(update={"server": config.server.model_copy(update={"oauth": oauth})})
    with pytest.raises(SettingsError, match="algorithms"):
        await serve_http(changed, "127.0.0.1", 0)


def command(
    *arguments: str, token: str | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    known = {} if token is None else {"THINKEDIT_TOKEN": token}
    return subprocess.run(
        [sys.executable, "-m", "thinkedit", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **known},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def server(process: Process, tokens: Path) -> Iterator[tuple[StdioServerParameters, str]]:
    parameters = process(latency=0.05)
    with serving(parameters, "--tokens", str(tokens)) as url:
        yield parameters, url


def test_commands_send_the_token_of_the_environment(
    server: tuple[StdioServerParameters, str], pictures: Path
) -> None:
    _, url = server
    edit = ["edit", "garden.jpg", "make it warmer", "--server", url]
    upload = ["upload", "garden.jpg", "--server", url.removesuffix("/mcp")]
    for arguments in (edit, upload):
        done = command(*arguments, token=ANNA, cwd=pictures)
        assert done.returncode == 0, done.stderr
        for token in (None, BERT + "x"):
            refused = command(*arguments, token=token, cwd=pictures)
            assert refused.returncode == 2
            assert "THINKEDIT_TOKEN" in refused.stderr
            assert len(refused.stderr.strip().splitlines()) == 1
            assert BERT not in refused.stderr
    assert (pictures / "garden-edited.jpg").is_file()
    uri = command(*upload, token=ANNA, cwd=pictures).stdout.strip()
    of_anna = command("edit", uri, "make it warmer", "--server", url, token=BERT, cwd=pictures)
    assert of_anna.returncode == 2
    assert "there is no image" in of_anna.stderr


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_bridge_sends_it_too(
    server: tuple[StdioServerParameters, str], pictures: Path, tmp_path: Path, revision: str
) -> None:
    parameters, url = server
    asked = {"image": str(pictures / "garden.jpg"), "instruction": "make it warmer"}
    for token, words in ((None, "asks who you are: set THINKEDIT_TOKEN"), (ANNA + "x", "THINKEDIT_TOKEN")):
        through = bridge(parameters, url)
        through.env = {**(through.env or {}), **({} if token is None else {"THINKEDIT_TOKEN": token})}
        async with connected(through, revision) as client:
            assert len((await client.list_tools()).tools) == 5
            assert words in error_of(await client.call_tool("think_edit", asked))
    through = bridge(parameters, url)
    through.env = {**(through.env or {}), "THINKEDIT_TOKEN": ANNA}
    async with connected(through, revision) as client:
        answer = taken_apart(await client.call_tool("think_edit", asked))
        assert Path(answer.data["image"]["path"]).parent == tmp_path / "results"
        assert "download:" not in answer.text


def test_a_new_token_and_its_line(tmp_path: Path) -> None:
    done = command("token", "anna")
    assert done.returncode == 0
    shown, line = done.stdout.splitlines()
    token = shown.partition("THINKEDIT_TOKEN=")[2]
    line = line.partition(":  ")[2]
    assert len(token) > 40
    assert token not in line
    assert command("token", "anna").stdout != done.stdout
    assert command("token", "no name").returncode == 2
    from thinkedit.server.tokens import TokenFile

    path = tmp_path / "tokens"
    path.write_text(f"# the team\n{line}  # since today\nbert {BERT}\n", encoding="utf-8")
    path.chmod(0o600)
    known = TokenFile(path)
    assert [known.caller(t) for t in (token, BERT, token + "x", "", "\udcff")] == [
        "anna",
        "bert",
        None,
        None,
        None,
    ]


async def test_http_without_tokens_is_as_before(config: Config) -> None:
    async with team(config, {}) as served, httpx.AsyncClient(base_url=served.base, timeout=30) as web:
        assert (await web.get("/sessions")).status_code == 200
        assert (await web.get("/.well-known/oauth-protected-resource")).status_code == 404
