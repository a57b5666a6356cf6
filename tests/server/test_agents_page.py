"""docs/agents.md says what is so: its calls fit the tools' schemas, its tables are the code's."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.server.conftest import Serve, error_of
from thinkedit.tools import ACTIONS
from thinkedit.types import Status

pytestmark = pytest.mark.anyio

PAGE = (Path(__file__).parents[2] / "docs" / "agents.md").read_text(encoding="utf-8")
CALLS: list[dict[str, Any]] = [
    found
    for block in re.findall(r"```json\n(.*?)```", PAGE, re.S)
    if "arguments" in (found := json.loads(block))
]
ROWS = [json.loads("{" + row + "}") for row in re.findall(r'^\|[^|]*\| `("action"[^`]*)`', PAGE, re.M)]


async def test_each_call_fits_its_tool(serve: Serve) -> None:
    assert len(CALLS) >= 3
    assert len(ROWS) >= 7
    async with serve() as served:
        schemas = {tool.name: tool.input_schema for tool in (await served.client.list_tools()).tools}
        for call in CALLS:
            jsonschema.validate(call["arguments"], {**schemas[call["name"]], "additionalProperties": False})
        for row in ROWS:
            jsonschema.validate({"session_id": "x", **row}, schemas["continue_edit"])
            line = error_of(await served.client.call_tool("continue_edit", {"session_id": "x", **row}))
            assert "there is no session 'x'" in line


@pytest.mark.parametrize("status", list(Status))
def test_the_table_of_what_may_follow_is_the_codes(status: Status) -> None:
    [row] = re.findall(rf"^\| `{status.value}` \| (.*) \|$", PAGE, re.M)
    assert set(re.findall(r"`(\w+)`", row)) == set(ACTIONS[status])
