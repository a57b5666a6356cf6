"""One question to a model: which endpoint, how long to wait, when to try again.

The retries of the providers' own clients are off, so that all waiting is here: after rate limits (as long
as the server asks), overload and lost connections, with a random part, and bounded.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import anyio
from anyio.to_thread import run_sync

from thinkedit.adapters.pool import Pool
from thinkedit.adapters.protocol import render_correction
from thinkedit.adapters.thinkers.chat.answers import Answer
from thinkedit.adapters.thinkers.chat.connecting import Endpoint
from thinkedit.adapters.thinkers.chat.faults import Fault
from thinkedit.adapters.thinkers.chat.forms import Form
from thinkedit.adapters.thinkers.chat.pictures import Shower
from thinkedit.adapters.thinkers.chat.reaching import reach
from thinkedit.adapters.thinkers.chat.settings import ChatSettings
from thinkedit.errors import AnswerError, ThinkerFailed
from thinkedit.images import Picture
from thinkedit.types import Usage

__all__ = ["Asked", "Asker", "Waiting"]

T = TypeVar("T")


@dataclass
class Waiting:
    """How long to wait before another try: doubling from `first` to `longest` seconds, half of it random.

    sleep, chance (0 to 1) are asyncio's and random's; a test may put its own in their place.
    """

    first: float = 0.5
    longest: float = 20.0
    sleep: Callable[[float], Awaitable[object]] = field(default=anyio.sleep)
    chance: Callable[[], float] = field(default=random.random)

    def seconds(self, tries: int, asked: float | None) -> float:
        """Before the next try; tries: those made. asked: what the server wants, never less than that."""
        pause = min(self.longest, self.first * 2.0 ** min(tries - 1, 20))
        pause *= 0.5 + 0.5 * self.chance()
        return pause if asked is None else max(pause, asked * (1 + 0.1 * self.chance()))


@dataclass(frozen=True)
class Asked:
    """What a question came to: the raw text, the tokens of all tries, the thinking apart from the text."""

    text: str
    usage: Usage | None
    reasoning: str


class Asker:
    """A model behind one or several endpoints.

    look_temperature: at which a second look at the same picture is sampled. corrective_retry: whether an
    answer that cannot be read is asked for once more, with what was wrong.
    """

    def __init__(
        self, settings: ChatSettings, *, look_temperature: float = 0.7, corrective_retry: bool = True
    ) -> None:
        self.settings = settings
        self.waiting = Waiting()
        self._look_temperature = look_temperature
        self._corrective_retry = corrective_retry
        self._shower = Shower(settings.provider, settings.max_pixels)
        endpoints = [Endpoint(settings, url) for url in settings.urls or (None,)]
        self.pool: Pool[Endpoint] = Pool([(e.name, e) for e in endpoints], at_once=settings.at_once)
        self._without: frozenset[str] = frozenset()

    async def ask(
        self,
        form: Form[T],
        text: str,
        pictures: list[Picture],
        *,
        look: int = 0,
        note: bool | None = None,
    ) -> tuple[T, Asked]:
        """What the answer says. note: whether JSON is asked for in words; None where JSON is what is wanted.

        Raises AnswerError where the answer cannot be read, ThinkerFailed where there is none.
        """
        json_wanted = self.settings.structured
        told = form.note if (json_wanted if note is None else note) else ""
        shown = [one.block() for one in await run_sync(self._shower.show, pictures)]
        content: list[Any] = [*shown, {"type": "text", "text": text + told}]
        arguments = {**self._looking(look), **self._forming(form)}
        messages = await run_sync(_said, [("human", content)])
        usage: list[Usage | None] = []
        for last in (False, True) if self._corrective_retry else (True,):
            answer = await self._answered(messages, arguments)
            usage.append(answer.usage)
            try:
                if answer.problem:
                    raise AnswerError(answer.problem, answer.text)
                return form.read(answer.text), Asked(answer.text, Usage.total(usage), answer.reasoning)
            except AnswerError as error:
                if last:
                    raise AnswerError(str(error), error.raw, Usage.total(usage)) from None
                correction = render_correction(error, form.name) + told
                if answer.text.strip():
                    said = [("human", content), ("ai", answer.text), ("human", correction)]
                else:  # an empty message is taken by no provider
                    said = [("human", [*content, {"type": "text", "text": correction}])]
                messages = await run_sync(_said, said)
        raise AssertionError("the last try either answers or raises")

    async def say(self, parts: Sequence[str | Picture]) -> Asked:
        """The answer to texts and pictures in this order, in whatever form. Raises as `ask`, asks once."""
        pictures = [part for part in parts if not isinstance(part, str)]
        shown = iter(await run_sync(self._shower.show, pictures))
        content: list[Any] = [
            {"type": "text", "text": part} if isinstance(part, str) else next(shown).block() for part in parts
        ]
        answer = await self._answered(await run_sync(_said, [("human", content)]), {})
        if answer.problem:
            raise AnswerError(answer.problem, answer.text, answer.usage)
        return Asked(answer.text, answer.usage, answer.reasoning)

    async def check(self) -> list[str]:
        """A line of what was seen, for each endpoint. Raises ThinkerFailed where none can be reached."""
        lines, faults = [], []
        for endpoint in self.pool.values:
            try:
                lines.append(await reach(self.settings, endpoint.url, endpoint.name))
            except ThinkerFailed as error:
                faults.append(error)
                lines.append(str(error))
        if len(faults) == len(lines):
            raise faults[0]
        return lines

    async def describe(self) -> list[str]:
        settings = self.settings
        form = "JSON of a schema" if settings.structured else "the tags"
        if settings.guided:
            form = f"the tags, by guided decoding ({settings.guided})"
        return [
            f"{settings.what} through LangChain; answers in {form}",
            *await self.check(),
            f"pictures up to {settings.max_pixels / 1e6:.2g} megapixels and "
            f"{settings.provider.image_bytes / 1e6:.3g} MB each; larger ones are reduced",
            f"{settings.timeout:g} s for a request, {settings.max_retries} more tries after rate limits and "
            "overload"
            + (f", {settings.at_once} at once for each endpoint" if settings.at_once is not None else ""),
            *(self.pool.state() if len(self.pool.values) > 1 else []),
        ]

    async def aclose(self) -> None:
        for endpoint in self.pool.values:
            await endpoint.aclose()

    async def _answered(self, messages: list[Any], arguments: Mapping[str, Any]) -> Answer:
        tries, waited = 0, 0.0
        while True:
            without = self._without
            try:
                return await self.pool.run(partial(_asked, messages, arguments, without), sick=_sick)
            except Fault as fault:
                if fault.without is not None and fault.without not in without:
                    self._without = without | {fault.without}  # some models take no temperature
                    continue
                tries += 1
                if not fault.again or tries > self.settings.max_retries:
                    raise
                pause = self.waiting.seconds(tries, fault.retry_after)
                if waited + pause > self.settings.timeout:
                    raise Fault(
                        f"{fault}; it would be {pause:.0f} s until the next try, more than is waited here "
                        f"(timeout = {self.settings.timeout:g})",
                        retryable=True,
                        retry_after=fault.retry_after,
                    ) from None
                waited += pause
            await self.waiting.sleep(pause)

    def _looking(self, look: int) -> dict[str, Any]:
        """A second look has to differ from the first: it is sampled, with its number as the seed."""
        if look == 0:
            return {}
        warm = self.settings.temperature or self._look_temperature
        seed = self.settings.provider.seed
        chosen: dict[str, Any] = {"temperature": warm, **({seed: look} if seed else {})}
        if self.settings.provider.name == "ollama":  # takes them only together with all its other options
            more = {k: v for k, v in self.settings.extra.items() if k in _OLLAMA}
            return {"options": {**more, "num_predict": self.settings.max_tokens, **chosen}}
        return chosen

    def _forming(self, form: Form[Any]) -> dict[str, Any]:
        """The arguments that hold the model to the form."""
        settings = self.settings
        if settings.guided is not None:
            ways: dict[str, dict[str, Any]] = {
                "vllm": {"structured_outputs": {"regex": form.regex}},
                "sglang": {"regex": form.regex},
                "guided_regex": {"guided_regex": form.regex},
            }
            # Each server passes over what only the other knows.
            chosen = {**ways["vllm"], **ways["sglang"]} if settings.guided == "all" else ways[settings.guided]
            return {"extra_body": {**settings.extra.get("extra_body", {}), **chosen}}
        if not settings.structured:
            return {}
        named = {"name": f"{form.name}_answer", "schema": form.schema, "strict": True}
        wanted: dict[str, Any] = {"type": "json_schema", "json_schema": named}
        match settings.provider.json:
            case "extra_body" if not settings.extra.get("use_responses_api"):
                # Asked for in LangChain's own way, its client would read the answer and hide why it cannot.
                body = settings.extra.get("extra_body", {})
                return {"extra_body": {**body, "response_format": wanted}}
            case "output_config":
                more = settings.extra.get("output_config", {})
                return {"output_config": {**more, "format": {"type": "json_schema", "schema": form.schema}}}
            case "response_schema":
                return {"response_mime_type": "application/json", "response_schema": form.schema}
            case "format":
                return {"format": form.schema}
            case _:
                return {"response_format": wanted}


_OLLAMA = frozenset(
    {
        "mirostat", "mirostat_eta", "mirostat_tau", "num_ctx", "num_gpu", "num_thread", "repeat_last_n",
        "repeat_penalty", "stop", "tfs_z", "top_k", "top_p",
    }
)  # fmt: skip


async def _asked(
    messages: list[Any], arguments: Mapping[str, Any], without: frozenset[str], endpoint: Endpoint
) -> Answer:
    return await endpoint.ask(messages, arguments, without)


def _sick(error: Exception) -> bool:
    return isinstance(error, Fault) and error.sick


def _said(parts: list[tuple[str, Any]]) -> list[Any]:
    """LangChain's messages; imports it where that has not been done."""
    from langchain_core.messages import AIMessage, HumanMessage

    kinds = {"human": HumanMessage, "ai": AIMessage}
    return [kinds[who](content=content) for who, content in parts]
