"""OpenAI's newer API, which some of its models need: LangChain chooses it, or `extra` asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.adapters.thinkers.chat.kit import request, thinking
from tests.adapters.thinkers.chat.wire import GOOD, Reply, Wire
from thinkedit.errors import AnswerError, ThinkerFailed
from thinkedit.types import Usage

pytestmark = [pytest.mark.models, pytest.mark.anyio]

EXTRA = {"use_responses_api": True}


def responses(content: list[dict[str, Any]], **more: Any) -> Reply:
    message = {
        "type": "message",
        "id": "msg_1",
        "status": "completed",
        "role": "assistant",
        "content": content,
    }
    return Reply(
        {
            "id": "resp_1",
            "object": "response",
            "created_at": 1_760_000_000,
            "status": "completed",
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "model": "gpt-4.1",
            "output": [message],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "metadata": {},
            "usage": {
                "input_tokens": 1200,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": 80,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": 1280,
            },
        }
        | more
    )


def text(said: str) -> dict[str, Any]:
    return {"type": "output_text", "text": said, "annotations": []}


async def test_a_critique(wire: Wire) -> None:
    wire.replies = [responses([text(GOOD)])]
    asked = request()
    async with thinking("openai", wire, extra=EXTRA, structured=True) as thinker:
        critique = await thinker.critique(asked)
    assert critique.semantic == 6
    assert critique.usage == Usage(input_tokens=1200, output_tokens=80)
    [post] = wire.posts
    assert post.path == "/v1/responses"
    kinds = [part["type"] for part in post.body["input"][0]["content"]]
    assert kinds == ["input_image", "input_image", "input_text"]
    assert post.body["text"]["format"]["type"] == "json_schema"


async def test_a_refusal_and_a_cut(wire: Wire) -> None:
    async with thinking("openai", wire, extra=EXTRA, corrective_retry=False) as thinker:
        wire.replies = [responses([{"type": "refusal", "refusal": "I cannot judge this."}])]
        with pytest.raises(ThinkerFailed, match="refused to answer: I cannot judge this") as caught:
            await thinker.critique(request())
        assert not caught.value.retryable
        cut = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
        wire.replies = [responses([text("<think>The sky")], **cut)]
        with pytest.raises(AnswerError, match="cut off at max_tokens"):
            await thinker.critique(request())
        filtered = {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
        wire.replies = [responses([text("")], **filtered)]
        with pytest.raises(ThinkerFailed, match="content_filter"):
            await thinker.critique(request())
