"""The official MCP conformance suite against the real server, on each revision that it serves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from mcp.client import Client

from tests.external.conftest import HERE, MODULES

pytestmark = [pytest.mark.external, pytest.mark.anyio]

SCENARIOS = {"2025-06-18": 27, "2025-11-25": 33, "2026-07-28": 40}
"""How many the pinned version of the suite has for a server of this revision."""


@pytest.fixture(scope="module")
def fixtures() -> Iterator[str]:
    """The URL of the server with the suite's fixtures."""
    root = HERE.parents[1]
    command = [sys.executable, "-m", "tests.external.conformance_server"]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        try:
            assert running.stdout is not None
            yield running.stdout.readline().strip()
        finally:
            running.kill()


async def test_the_fixtures_are_there(fixtures: str) -> None:
    """Otherwise scenarios that call an unknown tool would pass: an error is an error."""
    async with Client(fixtures) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"test_simple_text", "test_error_handling", "think_edit", "continue_edit"} <= names
        failed = await client.call_tool("test_error_handling", {})
        assert "test_error_handling" in str(failed.content)
        assert not (await client.call_tool("test_simple_text", {})).is_error


@pytest.mark.parametrize("revision", SCENARIOS)
def test_every_scenario_passes(node: Path, fixtures: str, tmp_path: Path, revision: str) -> None:
    suite = [str(node), str(MODULES / ".bin" / "conformance"), "server", "--url", fixtures, "--suite", "all"]
    expected = ["--expected-failures", str(HERE / "expected-failures.yml")]
    done = subprocess.run(
        [*suite, "--spec-version", revision, *expected, "-o", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    checks: dict[str, Counter[str]] = defaultdict(Counter)
    for file in tmp_path.glob("*/checks.json"):
        for check in json.loads(file.read_text()):
            checks[file.parent.name][check["status"]] += 1
    assert len(checks) == SCENARIOS[revision]
    for scenario, found in checks.items():
        assert found["SUCCESS"] > 0, f"{scenario} checked nothing"
        assert not found["FAILURE"] + found["WARNING"], f"{scenario}: {found}"
