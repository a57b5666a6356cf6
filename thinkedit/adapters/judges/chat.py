"""`ChatJudge`: a chat model as an outside scorer, by VIEScore's questions or by a benchmark's rubric."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from thinkedit.adapters.base import JudgeRequest, Question, Reply
from thinkedit.adapters.judges.viescore import judge_by_viescore
from thinkedit.adapters.protocol.viescore import AXES, render_viescore
from thinkedit.adapters.secrets import Key
from thinkedit.adapters.thinkers.chat.asking import Asker
from thinkedit.adapters.thinkers.chat.settings import read_settings
from thinkedit.types import Judgement

__all__ = ["ChatJudge"]

_WORDING = hashlib.sha256("".join(render_viescore(axis, "") for axis in AXES).encode()).hexdigest()[:12]


class ChatJudge:
    """A vision-language model behind an API as judge.

        ChatJudge("openai:gpt-4.1")

    temperature: 0 by default; None leaves it to the model, as some official scorers do. The other options
    are `ChatThinker`'s. Free text is asked for: a rubric says itself in what form it is answered.
    """

    def __init__(
        self,
        model: str,
        *,
        provider: str | None = None,
        base_url: str | Sequence[str] | None = None,
        api_key: str | Key | None = None,
        api_key_env: str | None = None,
        temperature: float | None = 0.0,
        max_tokens: int | None = None,
        max_pixels: int = 1024 * 1024,
        timeout: float = 120.0,
        max_retries: int = 4,
        at_once: int | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        settings = read_settings(
            "the judge 'chat'",
            model=model,
            provider=provider,
            base_url=base_url,
            api_key=api_key,
            api_key_env=api_key_env,
            structured=False,
            guided=False,
            temperature=temperature,
            max_tokens=max_tokens,
            max_pixels=max_pixels,
            timeout=timeout,
            max_retries=max_retries,
            at_once=at_once,
            extra=extra,
            own_prompt=False,
        )
        self.asker = Asker(settings)
        self.identity = "judge-" + settings.identity(wording=_WORDING)

    def __repr__(self) -> str:
        return f"<ChatJudge {self.identity}>"

    async def judge(self, request: JudgeRequest) -> Judgement:
        """By VIEScore's two questions. Raises AnswerError, ThinkerFailed."""
        return await judge_by_viescore(self, request)

    async def answer(self, question: Question) -> Reply:
        """Raises AnswerError for an answer that was cut off or withheld, ThinkerFailed without one."""
        said = await self.asker.say(question.parts)
        return Reply(said.text, said.usage)

    async def check(self) -> None:
        """Whether an endpoint can be reached and takes the key. Raises ThinkerFailed."""
        await self.asker.check()

    async def describe(self) -> list[str]:
        """What it is asked with, and what was seen of each endpoint. Raises ThinkerFailed."""
        return await self.asker.describe()

    async def aclose(self) -> None:
        await self.asker.aclose()
