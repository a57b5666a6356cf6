"""`ChatSafety`: a chat model that decides whether an instruction, a prompt or a result is allowed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from thinkedit.adapters.base import SafetyRequest, SafetyVerdict
from thinkedit.adapters.protocol import render_safety
from thinkedit.adapters.protocol.tags import clean, without_surrogates
from thinkedit.adapters.secrets import Key
from thinkedit.adapters.thinkers.chat.asking import Asker
from thinkedit.adapters.thinkers.chat.faults import Refused
from thinkedit.adapters.thinkers.chat.forms import SAFETY
from thinkedit.adapters.thinkers.chat.settings import read_settings
from thinkedit.errors import SettingsError

__all__ = ["ChatSafety"]


class ChatSafety:
    """A vision-language model behind an API as a safety check.

        ChatSafety("anthropic:claude-sonnet-4-5", policy="- logos of other companies")

    policy: what is refused, in words, instead of the default rules. The other options are `ChatThinker`'s.

    A model that refuses to look at all has given its verdict: that counts as refused.
    """

    def __init__(
        self,
        model: str,
        *,
        policy: str | None = None,
        provider: str | None = None,
        base_url: str | Sequence[str] | None = None,
        api_key: str | Key | None = None,
        api_key_env: str | None = None,
        structured: bool | Literal["auto"] = "auto",
        guided: bool | str = False,
        temperature: float | None = 0.0,
        max_tokens: int | None = None,
        max_pixels: int = 1024 * 1024,
        timeout: float = 60.0,
        max_retries: int = 4,
        at_once: int | None = None,
        corrective_retry: bool = True,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        if policy is not None and (not isinstance(policy, str) or not policy.strip()):
            raise SettingsError(
                "policy is empty: write what is refused, or leave it out for the default rules"
            )
        settings = read_settings(
            "the safety check 'chat'",
            model=model,
            provider=provider,
            base_url=base_url,
            api_key=api_key,
            api_key_env=api_key_env,
            structured=structured,
            guided=guided,
            temperature=temperature,
            max_tokens=max_tokens,
            max_pixels=max_pixels,
            timeout=timeout,
            max_retries=max_retries,
            at_once=at_once,
            extra=extra,
            own_prompt=True,
        )
        self._policy = policy
        self.asker = Asker(settings, corrective_retry=bool(corrective_retry))
        rules = hashlib.sha256((policy or "default").encode("utf-8", "surrogatepass")).hexdigest()[:12]
        self.identity = "safety-" + settings.identity(policy=rules, corrective_retry=bool(corrective_retry))

    def __repr__(self) -> str:
        return f"<ChatSafety {self.identity}>"

    async def review(self, request: SafetyRequest) -> SafetyVerdict:
        """Raises AnswerError where the answer is neither allowed nor refused, ThinkerFailed without one."""
        pictures = [request.source]
        if request.stage == "image" and request.edited is not None:
            pictures.append(request.edited)
        try:
            made, asked = await self.asker.ask(SAFETY, render_safety(request, self._policy), pictures)
        except Refused as error:
            return SafetyVerdict(False, str(error))
        reason = made.reason or " ".join(clean(without_surrogates(asked.reasoning)).split())[:600]
        return SafetyVerdict(made.allowed, reason)

    async def check(self) -> None:
        """Whether an endpoint can be reached and takes the key. Raises ThinkerFailed."""
        await self.asker.check()

    async def describe(self) -> list[str]:
        """What it is asked with, and what was seen of each endpoint. Raises ThinkerFailed."""
        return await self.asker.describe()

    async def aclose(self) -> None:
        await self.asker.aclose()
