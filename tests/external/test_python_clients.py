"""Clients in Python that are not the SDK's own, each in the environment that it needs."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.external.conftest import HERE

pytestmark = pytest.mark.external

TOOLS = ["think_edit", "continue_edit", "edit_image", "critique_image", "refine_instruction"]


@pytest.mark.parametrize("way", ["stdio", "http"])
@pytest.mark.parametrize("client", ["fastmcp", "langchain"])
def test_steps_through_a_session(
    request: pytest.FixtureRequest, server: dict[str, Any], garden: Path, client: str, way: str
) -> None:
    python = HERE / ".venv" / client / "bin" / "python"
    if not python.exists():
        reason = "run tests/external/install.sh first"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    target = server if way == "stdio" else {"url": request.getfixturevalue("url")}
    done = subprocess.run(
        [str(python), str(HERE / f"client_{client}.py"), json.dumps(target), str(garden)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["tools"] == TOOLS
    assert (said["status"], said["stop_reason"]) == ("paused", "stopped_by_caller")
    assert any("turn 1 of 4: scored semantic 5.5" in line for line in said["progress"])
    assert said["blocks"][:2] == ["text", "image"]
    assert said["whole"] > 1000
    assert "--allow" in said["error"]
