"""Over MCP, step by step, with the Python SDK: what an agent's host does underneath.

    python examples/mcp_client.py examples/photos/coffee.png "make it warmer" thinkedit serve --allow examples

The words after the instruction start the server; a URL (`thinkedit serve --http`) does as well.
"""

import asyncio
import sys
from typing import Any

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters


async def main(image: str, instruction: str, *server: str) -> None:
    here = server[0].startswith("http")
    target: Any = server[0] if here else StdioServerParameters(command=server[0], args=list(server[1:]))

    async def progress(done: float, total: float | None, message: str | None) -> None:
        print(f"  {message}")

    async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
        answer = await client.call_tool(tool, arguments, progress_callback=progress)
        if answer.is_error:
            raise RuntimeError(getattr(answer.content[0], "text", "the call failed"))
        assert isinstance(answer.structured_content, dict)
        return answer.structured_content

    async with Client(target) as client:
        result = await call(
            client, "think_edit", image=image, instruction=instruction, pause="turn", threshold=10
        )
        session: dict[str, Any] = {"session_id": result["session_id"]}
        print(f"{result['status']}; it would try {result['next']['prompt']!r}")
        result = await call(
            client, "continue_edit", **session, action="prompt", prompt=f"{instruction} and sharpen it"
        )
        result = await call(client, "continue_edit", **session, action="pick", turn=2)
        print(f"{result['stop_reason']}: {result['image']['uri']}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
