"""`ChatThinker`: any chat model that LangChain reaches, as critic, planner, comparer and refiner."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from thinkedit.adapters.base import CompareRequest, CritiqueRequest, PlanRequest, Preference, RefineRequest
from thinkedit.adapters.protocol import (
    render,
    render_compare,
    render_plan,
    render_refine,
    template_for,
)
from thinkedit.adapters.protocol.tags import clean, without_surrogates
from thinkedit.adapters.secrets import Key
from thinkedit.adapters.thinkers.chat.asking import Asker
from thinkedit.adapters.thinkers.chat.forms import PLAN, PREFERENCE, PROMPT, critique_form, expert_form
from thinkedit.adapters.thinkers.chat.settings import read_settings
from thinkedit.errors import SettingsError
from thinkedit.types import Critique

__all__ = ["ChatThinker"]


class ChatThinker:
    """A vision-language model behind an API.

        ChatThinker("openai:gpt-4.1")
        ChatThinker("EditThinker-8B", base_url=["http://a:8000/v1", "http://b:8000/v1"], guided=True)

    model: `PROVIDER:MODEL` as LangChain names them, or the model alone with `provider`, or with `base_url`
        for a server that speaks OpenAI's protocol.
    base_url: the server, or several among which the work is shared. at_once: requests that each has at the
        same time.
    api_key, api_key_env: the key, or the variable that holds it; else, for the provider's own address, the
        provider's own variable.
    prompt_template: file of the prompt template. score_range: 10 or 25.
    answers: `tags`, or `expert` for a model that gives no scores but says whether to stop.
    structured: true for JSON of a schema, which servers decode by a grammar; "auto" where the provider is
        better at that than at tags and the template is our own.
    guided: true to have vLLM or SGLang hold the tags by a regular expression; or "vllm", "sglang",
        "guided_regex" (vLLM before 0.12) for one of them alone.
    temperature: 0 repeats itself, None leaves it to the model; look_temperature: of further looks.
    max_tokens: of an answer; None for 2048, and 8192 of a provider, whose models may think first.
    max_pixels: of each picture; larger ones are reduced. timeout: seconds for one request.
    max_retries: tries after rate limits, overload and lost connections.
    corrective_retry: ask once more where the answer cannot be read.
    extra: further arguments of LangChain's class, such as {"num_ctx": 16384} or {"reasoning_effort": "low"}.

    Raises SettingsError for a value that cannot be and a key that is not there, MissingExtra where the extra
    `chat` is not installed. Nothing is imported or sent before the first question.
    """

    def __init__(
        self,
        model: str,
        *,
        provider: str | None = None,
        base_url: str | Sequence[str] | None = None,
        api_key: str | Key | None = None,
        api_key_env: str | None = None,
        prompt_template: str | os.PathLike[str] | None = None,
        score_range: int = 10,
        answers: Literal["tags", "expert"] = "tags",
        structured: bool | Literal["auto"] = "auto",
        guided: bool | str = False,
        temperature: float | None = 0.0,
        look_temperature: float = 0.7,
        max_tokens: int | None = None,
        max_pixels: int = 1024 * 1024,
        timeout: float = 120.0,
        max_retries: int = 4,
        at_once: int | None = None,
        corrective_retry: bool = True,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        if answers not in ("tags", "expert"):
            raise SettingsError(f'answers is {answers!r}: give "tags" or "expert"')
        self._template = template_for(prompt_template, score_range)
        self.template = self._template.hash
        settings = read_settings(
            "the thinker 'chat'",
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
            own_prompt=prompt_template is None,
        )
        self._range = score_range
        self._form = expert_form() if answers == "expert" else critique_form(score_range)
        # A template of one's own for an expert asks for its JSON itself.
        self._note = prompt_template is None if answers == "expert" else None
        self.asker = Asker(
            settings, look_temperature=look_temperature, corrective_retry=bool(corrective_retry)
        )
        self.identity = settings.identity(
            template=self.template[:12],
            score_range=score_range,
            answers=answers,
            look_temperature=look_temperature,
            corrective_retry=bool(corrective_retry),
        )

    def __repr__(self) -> str:
        return f"<ChatThinker {self.identity}>"

    async def critique(self, request: CritiqueRequest) -> Critique:
        """Raises AnswerError where the answer cannot be read, ThinkerFailed where there is none."""
        text = render(request, self._template, score_range=self._range)
        made, asked = await self.asker.ask(
            self._form, text, [request.source, request.edited], look=request.look, note=self._note
        )
        thought = made.reasoning or clean(without_surrogates(asked.reasoning))
        return made.model_copy(update={"reasoning": thought, "usage": asked.usage})

    async def plan(self, request: PlanRequest) -> str:
        """The first prompt, from the source alone. Errors as for `critique`."""
        made, _ = await self.asker.ask(PLAN, render_plan(request), [request.source])
        return made

    async def compare(self, request: CompareRequest) -> Preference:
        """Which of the two is better, in the order in which they are given. Errors as for `critique`."""
        pictures = [request.source, request.first, request.second]
        made, asked = await self.asker.ask(PREFERENCE, render_compare(request), pictures)
        return Preference(made.better, made.reasoning or clean(without_surrogates(asked.reasoning)))

    async def refine(self, request: RefineRequest) -> str:
        """The next prompt, from another's critique. Errors as for `critique`."""
        pictures = [request.source, request.edited]
        made, _ = await self.asker.ask(PROMPT, render_refine(request), pictures)
        return made

    async def check(self) -> None:
        """Whether an endpoint is there and takes the key; nothing paid is asked. Raises ThinkerFailed."""
        await self.asker.check()

    async def describe(self) -> list[str]:
        """What it is asked with, and what was seen of each endpoint. Raises ThinkerFailed."""
        return await self.asker.describe()

    async def aclose(self) -> None:
        await self.asker.aclose()
