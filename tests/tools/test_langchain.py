"""The tools as LangChain tools, called as an agent's graph calls them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from tests.graph.kit import INSTRUCTION, SOURCE, Seen, numbered, running
from thinkedit.tools.langchain import PREVIEW_BYTES, thinkedit_tools
from thinkedit.types import EditResult

pytestmark = pytest.mark.anyio

BAD = {"semantic": 4, "quality": 7, "reasoning": "too cold", "next_prompt": "much warmer"}


@pytest.fixture
def photo(tmp_path: Path) -> str:
    path = tmp_path / "photo.png"
    path.write_bytes(SOURCE)
    return str(path)


async def call(tools: list[Any], name: str, **arguments: Any) -> ToolMessage:
    tool = next(tool for tool in tools if tool.name == name)
    message = await tool.ainvoke({"type": "tool_call", "id": "1", "name": name, "args": arguments})
    assert isinstance(message, ToolMessage)
    return message


async def test_an_agent_edits_steps_and_looks(photo: str) -> None:
    thinker = Seen().thinker(numbered(3, 4, 9))
    async with (
        running(thinker=thinker) as runner,
        thinkedit_tools(runner, editor="e", thinker="t") as tools,
    ):
        first = await call(tools, "think_edit", image=photo, instruction=INSTRUCTION, pause="turn")
        assert isinstance(first.artifact, EditResult)
        assert first.artifact.status == "paused"
        text, image = first.content
        assert '"status":"paused"' in text["text"]  # type: ignore[index]
        assert image["type"] == "image"  # type: ignore[index]
        assert len(base64.b64decode(image["base64"])) <= PREVIEW_BYTES  # type: ignore[index]
        session = first.artifact.session_id
        again = await call(tools, "continue_edit", session_id=session, action="critique", critique=BAD)
        assert again.artifact.turns[1].prompt == "much warmer"
        done = await call(tools, "continue_edit", session_id=session)
        assert done.artifact.stop_reason == "satisfied"
        looked = await call(tools, "critique_image", session_id=session, turn=1)
        assert looked.artifact.semantic == 4
        refined = await call(tools, "refine_instruction", session_id=session, turn=1)
        assert refined.artifact.prompt == "much warmer"
        edited = await call(tools, "edit_image", image=done.artifact.source.uri, prompt="colder")
        assert edited.artifact.image.uri in edited.content[0]["text"]  # type: ignore[index]


async def test_a_model_that_takes_no_images_gets_text(photo: str) -> None:
    async with running() as runner, thinkedit_tools(runner, images=False, editor="e", thinker="t") as tools:
        done = await call(tools, "think_edit", image=photo, instruction=INSTRUCTION)
        assert isinstance(done.content, str)
        assert "satisfied" in done.content


async def test_the_host_is_shown_both_pictures(photo: str) -> None:
    async with running() as runner, thinkedit_tools(runner) as tools:
        tool = {"image": photo, "instruction": INSTRUCTION, "editor": "e", "thinker": "host"}
        asked = await call(tools, "think_edit", **tool)
        assert [block["type"] for block in asked.content] == ["text", "image", "image"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "arguments", "line"),
    [
        ("think_edit", {"image": "/nowhere.png", "instruction": "x"}, "no such file"),
        ("continue_edit", {"session_id": "s", "action": "wait"}, "there is no session 's'"),
    ],
)
async def test_what_cannot_be_is_a_message_and_no_traceback(name: str, arguments: Any, line: str) -> None:
    async with running() as runner, thinkedit_tools(runner) as tools:
        calls = [{"type": "tool_call", "id": "1", "name": name, "args": arguments}]
        agent = (
            StateGraph(MessagesState).add_node("tools", ToolNode(tools)).add_edge(START, "tools").compile()
        )
        message = (await agent.ainvoke({"messages": [AIMessage(content="", tool_calls=calls)]}))["messages"][
            -1
        ]
        assert message.status == "error"
        assert line in message.content
        assert "\n" not in message.content


async def test_arguments_are_described_and_no_others_are_taken() -> None:
    async with running() as runner, thinkedit_tools(runner) as tools:
        assert len(tools) == 5
        for tool in tools:
            schema = tool.args_schema.model_json_schema()  # type: ignore[union-attr]
            assert schema["additionalProperties"] is False
            assert len(tool.description) > 100
