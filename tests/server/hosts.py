"""Agent hosts for tests: clients of either protocol revision, in this process and as one that can be killed.

As a program: `python -m tests.server.hosts REVISION TARGET TOOL ARGUMENTS`, where TARGET is a URL or the JSON
of a stdio server's parameters. It prints each line of progress and the answer as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import anyio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import CallToolResult, ImageContent, TextContent

REVISIONS = ("2025-06-18", "2026-07-28")
"""The oldest that hosts still speak, and the newest."""

Target = StdioServerParameters | str


@asynccontextmanager
async def connected(target: Target, revision: str, **options: Any) -> AsyncIterator[Client]:
    """A client that speaks exactly this revision."""
    mode = "legacy" if revision < "2026" else revision
    with mock.patch("mcp.client.session.LATEST_HANDSHAKE_VERSION", revision):
        client = Client(target, mode=mode, **options)
        async with client:
            assert client.session.protocol_version == revision
            yield client


@dataclass
class Said:
    """An answer, taken apart."""

    error: bool
    text: str
    data: dict[str, Any]
    pictures: list[str] = field(default_factory=list)
    size: int = 0

    @property
    def session_id(self) -> str:
        return str(self.data["session_id"])

    @property
    def prompts(self) -> list[str]:
        return [turn["prompt"] for turn in self.data["turns"]]


def said(result: CallToolResult) -> Said:
    texts = [block.text for block in result.content if isinstance(block, TextContent)]
    pictures = [block.data for block in result.content if isinstance(block, ImageContent)]
    data = result.structured_content or {}
    size = len(result.model_dump_json(by_alias=True).encode())
    return Said(bool(result.is_error), "\n".join(texts), data, pictures, size)  # type: ignore[arg-type]


def _line(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def _main(revision: str, target: str, tool: str, arguments: str) -> None:
    async def note(progress: float, total: float | None, message: str | None) -> None:
        _line({"progress": message})

    there: Target = target if target.startswith("http") else StdioServerParameters(**json.loads(target))
    async with connected(there, revision) as client:
        result = await client.call_tool(tool, json.loads(arguments), progress_callback=note)
    answer = said(result)
    _line({"error": answer.error, "text": answer.text, "data": answer.data})


if __name__ == "__main__":
    anyio.run(_main, *sys.argv[1:])
