"""The official TypeScript clients, the current one and the one before it, against `thinkedit serve`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.external.conftest import HERE

pytestmark = pytest.mark.external

TOOLS = ["think_edit", "continue_edit", "edit_image", "critique_image", "refine_instruction"]


@pytest.mark.parametrize("transport", ["stdio", "http"])
@pytest.mark.parametrize("generation", ["current", "classic"])
def test_lists_calls_reads_and_cancels(
    node: Path,
    server: dict[str, Any],
    garden: Path,
    generation: str,
    transport: str,
    request: pytest.FixtureRequest,
) -> None:
    where = server if transport == "stdio" else {"url": request.getfixturevalue("url")}
    task = {"image": str(garden), "cancelAt": "turn 2 of 4"}
    done = subprocess.run(
        [str(node), str(HERE / "client.mjs"), generation, json.dumps(where), json.dumps(task)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout)
    assert seen["tools"] == TOOLS
    assert any("turn 1 of 4: scored" in message for message in seen["progress"])
    result = seen["result"]["structuredContent"]
    assert result["stop_reason"] == "satisfied"
    assert seen["resourceBytes"] == result["image"]["bytes"]
    assert seen["error"]["isError"] is True
    assert seen["cancelled"]
    assert seen["left"]["stop_reason"] == "cancelled"
    assert seen["left"]["image"] is not None
    gone_on = seen["goneOn"]["structuredContent"]
    assert gone_on["stop_reason"] == "satisfied"
    assert gone_on["turns"][0] == seen["left"]["turns"][0]
