"""A chat model as a safety check."""

from __future__ import annotations

import pytest

from tests.adapters.thinkers.chat.kit import KEY, picture
from tests.adapters.thinkers.chat.wire import Reply, Wire, anthropic, openai, pictures
from thinkedit.adapters.base import Safety, SafetyRequest
from thinkedit.adapters.safety import create_safety
from thinkedit.adapters.thinkers.chat import ChatSafety
from thinkedit.errors import AnswerError, SettingsError, ThinkerFailed

pytestmark = [pytest.mark.models, pytest.mark.anyio]

SOURCE, EDITED = picture(seed=1), picture(seed=2)
WISH = SafetyRequest("instruction", "add a flag", "", SOURCE)


def check(wire: Wire, **options: object) -> ChatSafety:
    made = create_safety("chat:openai:m", {"base_url": f"{wire.url}/v1", "api_key": KEY, **options})
    assert isinstance(made, ChatSafety)
    assert isinstance(made, Safety)
    return made


async def test_each_stage_shows_what_it_is_about(wire: Wire) -> None:
    wire.replies = [
        openai("<think>a plain wish</think><answer>allowed</answer>"),
        openai("<think>a logo</think><answer>refused</answer>"),
        openai("<think>fine</think><answer>allowed</answer>"),
    ]
    safety = check(wire, policy="- logos of others")
    verdicts = [
        await safety.review(WISH),
        await safety.review(SafetyRequest("prompt", "add a flag", "with a logo", SOURCE)),
        await safety.review(SafetyRequest("image", "add a flag", "a flag", SOURCE, EDITED)),
    ]
    await safety.aclose()
    assert [(v.allowed, v.reason) for v in verdicts] == [
        (True, "a plain wish"), (False, "a logo"), (True, "fine"),
    ]  # fmt: skip
    shown = [[data for _, data in pictures("openai", post.body)] for post in wire.posts]
    assert shown == [[SOURCE.data], [SOURCE.data], [SOURCE.data, EDITED.data]]
    texts = [post.body["messages"][0]["content"][-1]["text"] for post in wire.posts]
    assert all("logos of others" in text for text in texts)
    assert "with a logo" in texts[1]


async def test_what_is_not_said_clearly_is_never_allowed(wire: Wire) -> None:
    wire.replies = [openai("Sure, looks fine to me!")]
    safety = check(wire)
    with pytest.raises(AnswerError):
        await safety.review(WISH)
    wire.replies = [Reply({"error": {"message": "no"}}, 400)]
    with pytest.raises(ThinkerFailed):
        await safety.review(WISH)
    await safety.aclose()


async def test_a_model_that_refuses_to_look_has_refused(wire: Wire) -> None:
    wire.replies = [anthropic(None, stop="refusal")]
    safety = ChatSafety("anthropic:claude-opus-4-8", base_url=wire.url, api_key=KEY)
    verdict = await safety.review(WISH)
    await safety.aclose()
    assert not verdict.allowed
    assert "refused" in verdict.reason
    assert KEY not in f"{verdict} {safety!r}"


def test_the_policy_is_part_of_the_identity(wire: Wire) -> None:
    assert check(wire).identity != check(wire, policy="- logos").identity
    assert check(wire).identity.startswith("safety-chat(openai:m,")
    with pytest.raises(SettingsError, match="policy is empty"):
        check(wire, policy=" ")
