"""Log lines as JSON: what each says, that each is one line, and that no secret stands in any."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.watched import PROMPT, watched
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.config import Config
from thinkedit.errors import EditorFailed
from thinkedit.server.watching.logs import ACCESS, JsonLines, log_as_json
from thinkedit.server.watching.redacting import Redaction, secrets_of
from thinkedit.server.watching.telling import at_work_on, session_at_hand

pytestmark = pytest.mark.anyio

SESSION = "20261125-0a1b2c3d4e5f"


@pytest.fixture
def jpeg(pictures: Path) -> bytes:
    return (pictures / "garden.jpg").read_bytes()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is logged as JSON inside the test; the process's own logging comes back after it."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in ("thinkedit", ACCESS)}
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    root.handlers[:] = []
    log_as_json(Redaction({"a-known-secret"}), lambda: "ada", stream)
    yield stream
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def parsed(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_when_how_grave_where_and_for_which_session(lines: io.StringIO) -> None:
    with at_work_on(SESSION):
        logging.getLogger("thinkedit.server").warning("two\nlines of %s", "text")
    logging.getLogger("another.package").info("not shown")
    (line,) = parsed(lines)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert abs(datetime.fromisoformat(line.pop("time")).timestamp() - datetime.now().timestamp()) < 60
    assert line == {
        "level": "warning",
        "logger": "thinkedit.server",
        "message": "two\nlines of text",
        "session_id": SESSION,
        "caller": "ada",
    }


def test_an_exception_is_a_field_of_its_line(lines: io.StringIO) -> None:
    try:
        raise ValueError("Authorization: Bearer abcdefgh12345678")
    except ValueError:
        logging.getLogger("thinkedit").exception("it failed")
    (line,) = parsed(lines)
    assert "Traceback (most recent call last)" in line["exception"]
    assert "ValueError" in line["exception"]
    assert "abcdefgh" not in line["exception"]


def test_a_session_is_only_what_looks_like_one() -> None:
    for value in (PROMPT, "", None, 7, f"{SESSION}\n"):
        with at_work_on(value):
            assert session_at_hand() == ""
    with at_work_on(SESSION):
        assert session_at_hand() == SESSION
    assert session_at_hand() == ""


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Authorization: Bearer te_Zm9vYmFyYmF6cXV4", "te_Zm9v"),
        ("headers {'authorization': 'Basic dXNlcjpwYXNz', 'accept': '*/*'}", "dXNlcjpwYXNz"),
        ('{"api_key": "sk-live-123", "model": "x"}', "sk-live-123"),
        ("password=hunter2&user=ada", "hunter2"),
        ("the key sk-proj-abcdefghijklmnop was refused", "abcdefghijklmnop"),
        ("jwt eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl here", "c2lnbmF0dXJl"),
        ("GET https://host/images/ab?X-Amz-Signature=abcdef&x=1 failed", "abcdef"),
        ("postgresql://ada:pa55word@db:5432/thinkedit is away", "pa55word"),
        ("asked for /sessions/x?token=abcdef", "abcdef"),
        (f"data:image/png;base64,{'iVBORw0KGgo' * 40}", "iVBORw0KGgo"),
        (f"picture {'QUJDREVGRw' * 40}==", "QUJDREVGRw"),
        (f"body {bytes(range(200))!r}", "\\x80"),
        ("it was a-known-secret all along", "a-known-secret"),
    ],
)
def test_what_must_not_stand_in_a_log_does_not(text: str, hidden: str) -> None:
    shown = Redaction({"a-known-secret"})(text)
    assert hidden not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "text",
    [
        "is this a question? yes, it is",
        "the basic settings of /home/ada/pictures/garden.jpg are read",
        "turn 3 of 4: semantic 8.5, quality 9.0, max_tokens 2048",
        f"there is no image thinkedit://images/{'ab' * 32}",
        "send it as the header Authorization: Bearer TOKEN",
        "b'abc' is no picture",
    ],
)
def test_what_may_stand_there_is_left_alone(text: str) -> None:
    assert Redaction()(text) == text


def test_a_long_text_is_cut_and_redacted_in_little_time(lines: io.StringIO) -> None:
    for text in ("b'" + "\\x41" * 100_000, "/" * 300_000, "a?" * 100_000, "://@" * 100_000, "token" * 60_000):
        logging.getLogger("thinkedit").warning("%s", text)
    for line in parsed(lines):
        assert len(line["message"]) <= 8_000


def test_the_secrets_of_a_configuration_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_OWN", "value-of-my-own")
    config = Config(
        database="postgresql://ada:pa55word@db/thinkedit",
        models={"m": {"kind": "chat", "api_key_env": "MY_OWN", "headers": {"X-Team": "team-secret"}}},
    )
    assert {"pa55word", "value-of-my-own", "team-secret"} <= secrets_of(config)


async def test_a_server_under_load_writes_nothing_but_json_and_no_secret(
    config: Config, tmp_path: Path, jpeg: bytes, lines: io.StringIO
) -> None:
    editor = ScriptedEditor(
        faults={1: EditorFailed("the server said Authorization: Bearer abcdefgh12345678"), 2: ValueError("x")}
    )
    async with watched(config, tmp_path / "d", editor) as served:
        uri = await served.upload(jpeg)
        headers = {"authorization": "Bearer te_abcdefgh12345678"}
        await served.web.get("/sessions/nothing?token=te_abcdefgh12345678", headers=headers)
        done = await served.call("think_edit", {"image": uri, "instruction": PROMPT})
        for path in ("/healthz", "/readyz", "/metrics"):
            await served.web.get(path)
        await served.web.post("/healthz")
    session_id = done.structured_content["session_id"]
    told = parsed(lines)
    text = lines.getvalue()
    for secret in ("te_abcdefgh", "abcdefgh1234", "token=", uri.rpartition("/")[2], PROMPT):
        assert secret not in text
    access = [line for line in told if line["logger"] == ACCESS]
    upload = next(line for line in access if line["route"] == "/images")
    assert (upload["method"], upload["status"]) == ("POST", 201)
    assert upload["ms"] > 0
    assert any(line["route"] == "/sessions/{session_id}" and line["status"] == 404 for line in access)
    assert [line["status"] for line in access if line["route"] == "/healthz"] == [405], (
        "probes that went well"
    )
    sessions = [line for line in told if line.get("session_id") == session_id]
    assert [line["message"] for line in sessions if line["message"].startswith("session ")] == [
        "session opened",
        "session began",
        "session ended: satisfied",
    ]
    failed = [line for line in sessions if "contract does not name" in line["message"]]
    assert "ValueError: x" in failed[0]["exception"]
    assert any(line["message"].startswith("edit by scripted: failed") for line in sessions)


def test_a_formatter_that_meets_what_is_no_json_writes_it_all_the_same() -> None:
    record = logging.makeLogRecord({"name": "thinkedit", "levelno": 20, "levelname": "INFO", "msg": "%s"})
    record.args, record.fields = (object(),), {"path": Path("a")}
    assert json.loads(JsonLines(str).format(record))["path"] == "a"


@pytest.mark.parametrize("way", ["flag", "variable"])
def test_serve_writes_json_from_its_first_line_to_its_last(way: str, tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "THINKEDIT_DATA": str(tmp_path / "data")}
    flags = ["--log-format", "json"] if way == "flag" else []
    if way == "variable":
        environment["THINKEDIT_SERVER__LOG_FORMAT"] = "json"
    command = [sys.executable, "-m", "thinkedit", "serve", "--http", "127.0.0.1:0", *flags]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment | {"PYTHONPATH": str(root)}, cwd=tmp_path
    ) as server:
        assert server.stderr is not None
        first = json.loads(server.stderr.readline())
        base = re.search(r"http://127\.0\.0\.1:\d+", first["message"])
        assert base is not None
        assert httpx.get(f"{base[0]}/sessions", timeout=60).status_code == 200
        server.terminate()
        rest = [json.loads(line) for line in server.stderr.read().splitlines()]
        assert server.wait(30) == 0
    assert {line["message"] for line in rest} >= {
        "GET /sessions 200",
        "stopping: sessions that run can be gone on with",
    }


def test_what_keeps_serve_from_starting_is_a_line_of_json_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "thinkedit", "serve", "--http", "203.0.113.9:1", "--log-format", "json"]
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment | {"PYTHONPATH": str(root)},
        cwd=tmp_path,
    )
    (line,) = [json.loads(line) for line in done.stderr.splitlines()]
    assert (line["level"], done.returncode) == ("critical", 2)
    assert "cannot listen on '203.0.113.9'" in line["message"]
