"""The command line with a chat model: what it prints and keeps holds no key, whatever the server says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.adapters.thinkers.chat.kit import KEY
from tests.adapters.thinkers.chat.wire import Reply, Wire, openai
from thinkedit.cli.app import run

pytestmark = pytest.mark.models


@pytest.fixture
def configured(tmp_path: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Path:
    """thinkedit.toml with a chat model, and a picture beside it; the key in a variable and in the file."""
    monkeypatch.setenv("MY_KEY", KEY)
    Image.linear_gradient("L").convert("RGB").resize((80, 60)).save(tmp_path / "photo.png")
    lines = [
        f"data = {json.dumps(str(tmp_path / 'data'))}",
        "[loop]",
        'editor = "photo"',
        "turns = 2",
        "retries = 0",
        "backoff = 0",
        "[models.env]",
        'kind = "chat:openai:m"',
        f'base_url = "{wire.url}/v1"',
        'api_key_env = "MY_KEY"',
        "max_retries = 0",
        "[models.file]",
        'kind = "chat:openai:m"',
        f'base_url = "{wire.url}/v1"',
        f'api_key = "{KEY}"',
        "max_retries = 0",
        "[models.broken]",
        'kind = "chat:openai:m"',
        f'api_key = "{KEY}"',
        "timeout = -1",
    ]
    path = tmp_path / "thinkedit.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def edited(configured: Path, thinker: str, capfd: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    arguments = ["edit", str(configured.parent / "photo.png"), "make it warmer", "--thinker", thinker]
    code = run([*arguments, "--config", str(configured), "--json"])
    said = capfd.readouterr()
    assert KEY not in said.out + said.err
    kept = configured.parent / "data"
    for file in kept.rglob("*") if kept.exists() else []:
        assert not file.is_file() or KEY.encode() not in file.read_bytes(), file
    return code, said.out, said.err


@pytest.mark.parametrize("thinker", ["env", "file"])
def test_a_session_with_tokens_counted(
    thinker: str, configured: Path, wire: Wire, capfd: pytest.CaptureFixture[str]
) -> None:
    good = '<think>x</think><score>{"semantic": 9, "quality": 9}</score><answer>warmer</answer>'
    wire.replies = [openai(good)]
    code, out, _ = edited(configured, thinker, capfd)
    result: dict[str, Any] = json.loads(out)
    assert code == 0
    assert (result["status"], result["stop_reason"]) == ("finished", "satisfied")
    assert result["turns"][0]["usage"] == {"input_tokens": 1200, "output_tokens": 80}
    assert KEY in wire.posts[0].headers["authorization"]


@pytest.mark.parametrize("thinker", ["env", "file"])
def test_a_server_that_repeats_the_key(
    thinker: str, configured: Path, wire: Wire, capfd: pytest.CaptureFixture[str]
) -> None:
    wire.replies = [Reply({"error": {"message": f"Incorrect API key provided: {KEY}"}}, 401)]
    code, out, err = edited(configured, thinker, capfd)
    assert code != 0
    assert "the API key was not accepted" in out + err
    assert "Traceback" not in err


def test_a_setting_that_cannot_be(configured: Path, wire: Wire, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = edited(configured, "broken", capfd)
    assert code != 0
    assert "timeout is -1" in out + err


def test_doctor_says_what_it_reached(configured: Path, wire: Wire, capfd: pytest.CaptureFixture[str]) -> None:
    wire.replies = [openai()]
    code = run(["doctor", "--editor", "photo", "--thinker", "env", "--config", str(configured)])
    said = capfd.readouterr()
    assert KEY not in said.out + said.err
    assert code == 0, said.out + said.err
    assert "reached" in said.out
