"""Over MCP from the OpenAI Agents SDK, which needs an environment of its own only for its size.

    pip install openai-agents
    python examples/mcp_openai_agents.py PHOTO "make it warmer" thinkedit serve --allow FOLDER

The words after the instruction start the server. The model is a scripted one, so that this runs without a
key; leave `model` out for one of OpenAI's.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

from agents import Agent, Model, ModelResponse, Runner, Usage, set_tracing_disabled
from agents.mcp import MCPServerStdio
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText


class Scripted(Model):
    """Asks for one edit, and then says what came of it."""

    def __init__(self, image: str, instruction: str) -> None:
        self.arguments = json.dumps({"image": image, "instruction": instruction})

    async def get_response(self, *given: Any, **more: Any) -> ModelResponse:
        history = more.get("input", given[1] if len(given) > 1 else "")
        answers = (
            [item for item in history if item.get("type") == "function_call_output"]
            if isinstance(history, list)
            else []
        )
        if not answers:
            call = ResponseFunctionToolCall(
                type="function_call", call_id="1", name="think_edit", arguments=self.arguments
            )
            return ModelResponse(output=[call], usage=Usage(), response_id=None)
        told = str(answers[-1]["output"])
        done = "satisfied" if "satisfied" in told else "not satisfied"
        text = ResponseOutputText(type="output_text", text=f"The editor was {done}.", annotations=[])
        message = ResponseOutputMessage(
            id="2", type="message", role="assistant", status="completed", content=[text]
        )
        return ModelResponse(output=[message], usage=Usage(), response_id=None)

    def stream_response(self, *given: Any, **more: Any) -> AsyncIterator[Any]:
        raise NotImplementedError("this example does not stream")


async def main(image: str, instruction: str, command: str, *arguments: str) -> None:
    set_tracing_disabled(True)
    server = MCPServerStdio(
        params={"command": command, "args": list(arguments)}, client_session_timeout_seconds=60
    )
    async with server:
        agent = Agent(
            name="photo desk",
            instructions="Edit photographs with think_edit, and say what is still wrong.",
            mcp_servers=[server],
            model=Scripted(image, instruction),
        )
        result = await Runner.run(agent, f"{instruction}: {image}")
        print(result.final_output)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
