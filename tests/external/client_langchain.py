"""LangChain's MCP adapter, run in an environment of its own: as the script beside it for fastmcp."""

import asyncio
import json
import sys
from typing import Any

from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient


async def main(target: dict[str, Any], picture: str) -> dict[str, Any]:
    seen: list[str] = []

    async def note(progress: float, total: float | None, message: str | None, context: Any) -> None:
        seen.append(message or "")

    transport = "http" if "url" in target else "stdio"
    servers: Any = {"thinkedit": {"transport": transport, **target}}
    client = MultiServerMCPClient(servers, callbacks=Callbacks(on_progress=note))
    tools = {tool.name: tool for tool in await client.get_tools()}

    async def call(tool: str, **arguments: Any) -> Any:
        message = {"type": "tool_call", "id": "1", "name": tool, "args": arguments}
        return await tools[tool].ainvoke(message)

    first = await call("think_edit", image=picture, instruction="make it warmer", pause="turn")
    paused = first.artifact["structured_content"]
    picked = await call("continue_edit", session_id=paused["session_id"], action="pick", turn=1)
    done = picked.artifact["structured_content"]
    (whole,) = await client.get_resources("thinkedit", uris=[done["image"]["uri"]])
    error = await call("edit_image", image="/etc/hostname", prompt="warmer")
    return {
        "tools": list(tools),
        "progress": seen,
        "status": paused["status"],
        "stop_reason": done["stop_reason"],
        "blocks": [block["type"] for block in picked.content],
        "whole": len(whole.as_bytes()),
        "error": error.content[0]["text"] if error.status == "error" else None,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(main(json.loads(sys.argv[1]), sys.argv[2]))) + "\n")
