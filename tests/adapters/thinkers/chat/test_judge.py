"""A chat model as a judge."""

from __future__ import annotations

import pytest

from tests.adapters.thinkers.chat.kit import KEY, picture
from tests.adapters.thinkers.chat.wire import Reply, Wire, openai, pictures
from thinkedit.adapters.base import Judge, JudgeRequest, Question, VisionModel
from thinkedit.adapters.judges import create_judge
from thinkedit.adapters.judges.chat import ChatJudge
from thinkedit.errors import AnswerError, ThinkerFailed

pytestmark = [pytest.mark.models, pytest.mark.anyio]

SOURCE, EDITED = picture(seed=1), picture(seed=2)
WISH = JudgeRequest(SOURCE, EDITED, "add a flag")


def judge(wire: Wire, **options: object) -> ChatJudge:
    made = create_judge("chat:openai:m", {"base_url": f"{wire.url}/v1", "api_key": KEY, **options})
    assert isinstance(made, ChatJudge)
    assert isinstance(made, Judge)
    assert isinstance(made, VisionModel)
    return made


async def test_two_questions_and_the_smaller_numbers(wire: Wire) -> None:
    wire.replies = [openai('{"score": [9, 7]}'), openai('{"score": [6, 8]}')]
    asked = judge(wire)
    made = await asked.judge(WISH)
    await asked.aclose()
    assert (made.semantic, made.quality) == (7, 6)
    assert made.usage is not None
    shown = [[data for _, data in pictures("openai", post.body)] for post in wire.posts]
    assert shown == [[SOURCE.data, EDITED.data], [EDITED.data]]
    assert all(post.body["temperature"] == 0 for post in wire.posts)


async def test_a_rubric_is_sent_in_its_own_order_and_read_by_nobody(wire: Wire) -> None:
    wire.replies = [openai("Brief reasoning: fine\nPrompt Compliance: 4")]
    asked = judge(wire, temperature=None, max_tokens=1400)
    reply = await asked.answer(
        Question(("This is the source:", SOURCE, "and this the result:", EDITED, "Rate."))
    )
    await asked.aclose()
    assert reply.text == "Brief reasoning: fine\nPrompt Compliance: 4"
    [post] = wire.posts
    kinds = [part["type"] for part in post.body["messages"][0]["content"]]
    assert kinds == ["text", "image_url", "text", "image_url", "text"]
    assert "temperature" not in post.body


async def test_no_answer_and_half_an_answer(wire: Wire) -> None:
    wire.replies = [Reply({"error": {"message": "no"}}, 400)]
    asked = judge(wire)
    with pytest.raises(ThinkerFailed):
        await asked.judge(WISH)
    wire.replies = [openai('{"score": [9,', finish="length")]
    with pytest.raises(AnswerError):
        await asked.judge(WISH)
    await asked.aclose()
    assert KEY not in repr(asked)
    assert judge(wire).identity != judge(wire, temperature=1.0).identity
