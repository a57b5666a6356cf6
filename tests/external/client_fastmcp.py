"""fastmcp's client, run in an environment of its own: list, call, read, an error. Prints one line of JSON."""

import asyncio
import json
import sys
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StdioTransport


async def main(target: dict[str, Any], picture: str) -> dict[str, Any]:
    seen: list[str] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append(message or "")

    where = target["url"] if "url" in target else StdioTransport(**target)
    async with Client(where, progress_handler=note) as client:
        tools = [tool.name for tool in await client.list_tools()]
        asked = {"image": picture, "instruction": "make it warmer", "pause": "turn"}
        first = await client.call_tool("think_edit", asked)
        session = {"session_id": first.structured_content["session_id"]}
        picked = await client.call_tool("continue_edit", {**session, "action": "pick", "turn": 1})
        (whole,) = await client.read_resource(picked.structured_content["image"]["uri"])
        refused = {"image": "/etc/hostname", "prompt": "warmer"}
        error = await client.call_tool("edit_image", refused, raise_on_error=False)
    return {
        "tools": tools,
        "progress": seen,
        "status": first.structured_content["status"],
        "stop_reason": picked.structured_content["stop_reason"],
        "blocks": [block.type for block in picked.content],
        "whole": len(whole.blob),
        "error": error.content[0].text if error.is_error else None,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main(json.loads(sys.argv[1]), sys.argv[2]))) + "\n")
