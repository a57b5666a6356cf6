"""The inspector's command line against `thinkedit serve`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.external.conftest import MODULES

pytestmark = pytest.mark.external

TOOLS = ["think_edit", "continue_edit", "edit_image", "critique_image", "refine_instruction"]


def inspect(node: Path, target: list[str], *options: str, expected: int = 0) -> dict[str, Any]:
    """The result that the inspector printed; `expected` is its exit status."""
    command = [str(node), str(MODULES / ".bin" / "mcp-inspector"), "--cli", *target, "--format", "json", "-q"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == expected, (done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    result: dict[str, Any] = json.loads(done.stdout)["result"]
    return result


@pytest.fixture(params=["stdio", "http"])
def target(request: pytest.FixtureRequest, server: dict[str, Any]) -> list[str]:
    if request.param == "http":
        return [request.getfixturevalue("url")]
    settings = [option for pair in server["env"].items() for option in ("-e", "=".join(pair))]
    return [*settings, "--cwd", server["cwd"], server["command"], *server["args"]]


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_lists_and_calls(node: Path, target: list[str], garden: Path, era: str) -> None:
    at = ("--protocol-era", era)
    listed = inspect(node, target, *at, "--method", "tools/list", "--strict")
    assert [tool["name"] for tool in listed["tools"]] == TOOLS
    asked = {"image": str(garden), "instruction": "make it warmer"}
    options = ("--method", "tools/call", "--tool-name", "think_edit", "--tool-args-json", json.dumps(asked))
    called = inspect(node, target, *at, *options)
    assert called["structuredContent"]["stop_reason"] == "satisfied"
    assert [block["type"] for block in called["content"]] == ["text", "image", "resource_link"]
    uri = called["structuredContent"]["image"]["uri"]
    read = inspect(node, target, *at, "--method", "resources/read", "--uri", uri)
    assert read["contents"][0]["mimeType"] == "image/png"


def test_a_refused_file_is_an_error_result(node: Path, target: list[str]) -> None:
    asked = json.dumps({"image": "/etc/hostname", "prompt": "warmer"})
    options = ("--method", "tools/call", "--tool-name", "edit_image", "--tool-args-json", asked)
    refused = inspect(node, target, *options, expected=5)
    assert refused["isError"] is True
    assert "--allow" in refused["content"][0]["text"]
