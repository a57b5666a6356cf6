"""Spans on their way to a collector on the loopback address, from a server that is a process of its own."""

from __future__ import annotations

import gzip
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from mcp.client import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]


@pytest.fixture
def collector() -> Iterator[tuple[str, queue.Queue[ExportTraceServiceRequest]]]:
    """(its address, what it was sent)."""
    sent: queue.Queue[ExportTraceServiceRequest] = queue.Queue()

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces"
            sent.put(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *values: object) -> None: ...  # noqa: A002  # its name

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}", sent
        server.shutdown()
        serving.join()


@contextmanager
def serving(endpoint: str, folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    environment = {
        "HOME": str(folder),
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "THINKEDIT_DATA": str(folder / "data"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_SERVICE_NAME": "thinkedit-test",
    }
    command = [sys.executable, "-m", "thinkedit", "serve", "--http", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd=folder) as server:
        try:
            assert server.stderr is not None
            base = re.search(r"http://127\.0\.0\.1:\d+/mcp", server.stderr.readline())
            assert base is not None
            yield base[0], server
        finally:
            server.kill()


async def test_the_last_spans_arrive_when_the_server_is_told_to_end(
    collector: tuple[str, queue.Queue[ExportTraceServiceRequest]], tmp_path: Path
) -> None:
    endpoint, sent = collector
    with serving(endpoint, tmp_path) as (url, server):
        async with Client(url) as client:
            assert (await client.call_tool("continue_edit", {"session_id": "none"})).is_error
        server.terminate()
        assert server.wait(30) == 0
    spans, services = set(), set()
    while not sent.empty():
        for resource in sent.get().resource_spans:
            services |= {
                a.value.string_value for a in resource.resource.attributes if a.key == "service.name"
            }
            spans |= {span.name for scope in resource.scope_spans for span in scope.spans}
    assert "tools/call continue_edit" in spans
    assert services == {"thinkedit-test"}


async def test_a_collector_that_is_away_holds_nobody_up(tmp_path: Path) -> None:
    with serving("http://127.0.0.1:9", tmp_path) as (url, server):
        async with Client(url) as client:
            assert (await client.call_tool("continue_edit", {"session_id": "none"})).is_error
        began = time.monotonic()
        server.terminate()
        assert server.wait(30) == 0
        assert time.monotonic() - began < 15
