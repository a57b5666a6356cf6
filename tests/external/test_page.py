"""The page of a session in a real Chromium: keyboard, light and dark, a phone, hostile text, and axe."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.external.conftest import HERE
from tests.graph.kit import SOURCE, Seen, begun, running, scored
from thinkedit.page import app_page, page_data, session_page
from thinkedit.types import EditResult

pytestmark = pytest.mark.external

HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">'


@pytest.fixture
def chromium() -> str:
    """Skips where there is none, but fails where CI=true."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        reason = "run tests/external/install.sh first (it installs Chromium where it may)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return program


def drive(node: Path, chromium: str, url: str, shots: Path, *more: str) -> dict[str, Any]:
    done = subprocess.run(
        [str(node), str(HERE / "browser.mjs"), chromium, url, str(shots), *more],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["dialogs"] == 0
    assert said["errors"] == []
    return said


async def _made() -> tuple[dict[str, Any], EditResult]:
    thinker = Seen().thinker(
        [scored(3, next_prompt=HOSTILE), scored(6, next_prompt="b"), scored(9, next_prompt="c")]
    )
    async with running(thinker=thinker) as runner:
        result = await begun(runner, instruction=f"make it warmer {HOSTILE}")
        return page_data(runner.store, result), result


def test_it_is_used_by_keyboard_and_passes_axe(node: Path, chromium: str, tmp_path: Path) -> None:
    data, _ = anyio.run(_made)
    page = tmp_path / "page.html"
    page.write_text(session_page(data), encoding="utf-8")
    said = drive(node, chromium, page.as_uri(), tmp_path)
    assert {url.partition("#")[0] for url in said["requests"]} == {page.as_uri()}, "nothing else was loaded"
    assert said["axe"] == {"light-1200": [], "dark-1200": [], "light-360": []}
    assert all(over <= 0 for over in said["overflow"].values()), said["overflow"]
    first, moved, turned = said["first"], said["moved"], said["turned"]
    assert first["heading"] == f"make it warmer {HOSTILE}"
    assert first["status"] == "satisfied after 3 turns"
    assert (first["current"], first["width"], first["change"]) == ("3", 24, False)
    assert "chosen" in first["turns"][2]
    assert moved["line"] == "55%"
    assert (turned["current"], turned["change"]) == ("2", True)
    assert HOSTILE in turned["panel"]


def test_a_host_of_apps_hands_it_a_result(node: Path, chromium: str, tmp_path: Path) -> None:
    _, result = anyio.run(_made)
    page = tmp_path / "app.html"
    page.write_text(app_page(), encoding="utf-8")
    import base64

    preview = {"type": "image", "data": base64.b64encode(SOURCE).decode(), "mimeType": "image/png"}
    told = {"content": [preview], "structuredContent": result.model_dump(mode="json", by_alias=True)}
    answer = tmp_path / "result.json"
    answer.write_text(json.dumps(told), encoding="utf-8")
    said = drive(node, chromium, str(page), tmp_path, "host", str(answer))
    assert said["seen"] == {"heading": f"make it warmer {HOSTILE}", "turns": 3}
    assert {"ui/initialize", "ui/notifications/initialized", "resources/read"} <= set(said["heard"])


def test_it_follows_a_session_on_a_server(
    node: Path, chromium: str, url: str, garden: Path, tmp_path: Path
) -> None:
    from mcp.client import Client

    async def begin() -> str:
        async with Client(url) as client:
            asked = {
                "image": str(garden),
                "instruction": "make it warmer",
                "editor": "slow",
                "wait_seconds": 0,
            }
            result = await client.call_tool("think_edit", asked)
            return str((result.structured_content or {})["session_id"])

    session_id = anyio.run(begin)
    base = url.removesuffix("/mcp")
    said = drive(node, chromium, f"{base}/sessions/{session_id}", tmp_path, "live")
    assert said["first"]["status"] == "satisfied after 3 turns"
    assert all(asked.startswith(base) for asked in said["requests"])
