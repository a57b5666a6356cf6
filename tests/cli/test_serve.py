"""`thinkedit serve` and `thinkedit upload`, against each other and against servers that misbehave."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
import typer

from thinkedit.cli.serve import parse_address

from .conftest import Invoke, Place


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8321", ("127.0.0.1", 8321)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:80", ("::1", 80)),
        (":8321", ("127.0.0.1", 8321)),
        ("8321", ("127.0.0.1", 8321)),
    ],
)
def test_addresses(text: str, expected: tuple[str, int]) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    "text", ["", "localhost", "::1", "a:b", "127.0.0.1:70000", "http://localhost:1/", "-1"]
)
def test_no_addresses(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_address(text)


def test_upload_to_a_server(place: Place, invoke: Invoke) -> None:
    with place.spawn("serve", "--http", "127.0.0.1:0") as server:
        assert server.stderr is not None
        lines = iter(server.stderr.readline, "")
        line = next(line for line in lines if line.startswith("serving MCP at"))
        url = line.split()[3]
        try:
            done = invoke("upload", place.photo, "--server", url)
            assert (done.code, done.err) == (0, "")
            uri = done.out.strip()
            document = invoke("upload", place.photo, "--server", url.removesuffix("/mcp"), "--json").json
            assert document["uri"] == uri
            picture = httpx.get(url.removesuffix("mcp") + "images/" + uri.rpartition("/")[2])
            assert picture.content.startswith(b"\xff\xd8\xff")
            (place.folder / "text.jpg").write_text("no picture")
            refused = invoke("upload", "text.jpg", "--server", url)
            assert refused.code == 2
            assert "refused text.jpg" in refused.err
        finally:
            server.send_signal(signal.SIGTERM)
            server.communicate()
    assert server.returncode == 0
    assert invoke("edit", uri, "x", "--turns", "1").code == 0, "the upload is there for the command line too"


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (200, b"<html>hello</html>", 2, "is it a thinkedit server?"),
        (404, b"not here", 2, "HTTP status 404"),
        (413, json.dumps({"error": "too large"}).encode(), 2, "too large"),
        (500, json.dumps({"error": "the store is full"}).encode(), 5, "the store is full"),
        (503, json.dumps({"error": "busy"}).encode(), 5, "busy"),
    ],
)
def test_what_another_server_says(
    place: Place, invoke: Invoke, status: int, body: bytes, code: int, said: str
) -> None:
    with answering(status, body) as address:
        done = invoke("upload", place.photo, "--server", address)
    assert done.code == code
    assert said in done.err
    assert done.err.count("\n") == 1


def test_serving_without_the_extra_says_how_to_install_it(
    place: Place, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(sys.modules):
        if name == "mcp" or name.startswith(("mcp.", "thinkedit.server.")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    done = invoke("serve")
    assert done.code == 2
    assert 'pip install "thinkedit[mcp]"' in done.err
