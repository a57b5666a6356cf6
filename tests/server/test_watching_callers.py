"""A watched server that asks callers who they are: whom its log names, and who may look at what."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.conftest import taken_apart
from tests.server.team import ANNA, BERT, team, token_file
from thinkedit.config import Config
from thinkedit.server.callers import caller
from thinkedit.server.watching.logs import ACCESS, log_as_json
from thinkedit.server.watching.redacting import Redaction

pytestmark = pytest.mark.anyio


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is logged as JSON inside the test; the process's own logging comes back after it."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in ("thinkedit", ACCESS)}
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    root.handlers[:] = []
    log_as_json(Redaction(), caller, stream)
    yield stream
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


async def test_lines_name_the_caller_and_never_the_token(
    config: Config, tmp_path: Path, pictures: Path, lines: io.StringIO
) -> None:
    tokens = token_file(tmp_path, anna=ANNA, bert=BERT)
    async with team(config, {"tokens": tokens}) as served:
        entry = await served.upload(ANNA, (pictures / "garden.jpg").read_bytes())
        async with served.client(ANNA) as client:
            asked = {"image": entry["uri"], "instruction": "make it warmer"}
            session_id = taken_apart(await client.call_tool("think_edit", asked)).data["session_id"]
        async with served.web(BERT) as web:
            assert (await web.get(f"/sessions/{session_id}")).status_code == 404
            page = (await web.get("/metrics")).text
        async with served.web() as web:
            assert (await web.get("/sessions")).status_code == 401
            for path in ("/healthz", "/readyz"):
                assert (await web.get(path)).status_code == 200
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    sessions = {line["message"]: line for line in told if line.get("session_id") == session_id}
    assert {line["caller"] for line in sessions.values()} == {"anna"}
    assert "session ended: satisfied" in sessions, "the run is the caller's too"
    access = [line for line in told if line["logger"] == ACCESS]
    by = {(line["route"], line["status"]): line.get("caller") for line in access}
    assert by["/images", 201] == "anna"
    assert by["/mcp", 200] == "anna"
    assert by["/sessions/{session_id}", 404] == "bert"
    assert by["/sessions", 401] is None
    for token in (ANNA, BERT):
        assert token not in lines.getvalue()
    for name in ("anna", "bert"):
        assert name not in page, "a metric has no caller"


async def test_who_asks_for_metrics_from_elsewhere_needs_a_token(config: Config, tmp_path: Path) -> None:
    tokens = token_file(tmp_path, anna=ANNA)
    passed_on = {"x-forwarded-for": "203.0.113.9"}
    async with team(config, {"tokens": tokens}) as served:
        async with served.web() as web:
            assert (await web.get("/metrics")).status_code == 200, "this machine itself"
        async with served.web(**passed_on) as web:
            assert (await web.get("/metrics")).status_code == 401
        async with served.web(ANNA, **passed_on) as web:
            answer = await web.get("/metrics")
            assert answer.status_code == 200
    assert 'thinkedit_http_requests_total{method="GET",route="/metrics",status="401"} 1.0' in answer.text
