"""A LangChain model for one endpoint, made when it is first asked and once for each event loop.

Our own HTTP client is put under each integration where it takes one: those that they share between all
models of a process hold connections of an event loop that may be gone.
"""

from __future__ import annotations

import asyncio
import json
import weakref
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import anyio
from anyio.to_thread import run_sync

from thinkedit.adapters.secrets import scrub
from thinkedit.adapters.thinkers.chat.answers import Answer, read
from thinkedit.adapters.thinkers.chat.faults import Fault, Foreign, explain, is_html
from thinkedit.adapters.thinkers.chat.providers import PROVIDERS
from thinkedit.adapters.thinkers.chat.settings import ChatSettings

__all__ = ["Endpoint"]


@dataclass
class _Seen:
    """What the integrations drop of an answer: thinking that a server has taken out of the text."""

    reasoning: str = ""


_SEEN: ContextVar[_Seen | None] = ContextVar("seen", default=None)

Close = Callable[[], Awaitable[object]]


class Endpoint:
    """One address of a model. name: its address without user and password, for messages."""

    def __init__(self, settings: ChatSettings, url: str | None) -> None:
        self.settings = settings
        self.url = url
        self.name = scrub(url or settings.provider.hosted or settings.provider.name, *settings.secrets)
        self._models: dict[tuple[int, frozenset[str]], tuple[Any, Any, list[Close]]] = {}
        self._making: dict[int, anyio.Lock] = {}

    async def ask(
        self, messages: list[Any], arguments: Mapping[str, Any], without: frozenset[str] = frozenset()
    ) -> Answer:
        """One request. without: arguments that this model does not take.

        Raises Fault or AnswerError, each one line without secrets.
        """
        seen = _Seen()
        token = _SEEN.set(seen)
        try:
            model = await self._model(without)
            given = {name: value for name, value in arguments.items() if name not in without}
            with anyio.fail_after(self.settings.timeout):
                message = await model.ainvoke(messages, **given)
            return read(message, self.settings, self.name, seen.reasoning)
        except Exception as error:
            fault = explain(error, self.settings, self.name)
        finally:
            _SEEN.reset(token)
        # Raised here, so that no context is kept: a client's exception holds its request, key and pictures.
        raise fault

    async def _model(self, without: frozenset[str]) -> Any:
        loop = asyncio.get_running_loop()
        key = id(loop), without
        lock = self._making.setdefault(id(loop), anyio.Lock())
        async with lock:
            known = self._models.get(key)
            if known is None or known[0]() is not loop:
                # Importing an integration takes a second, and reads certificates.
                model, closers = await run_sync(self._made, without)
                known = weakref.ref(loop), model, closers
                self._models[key] = known
            return known[1]

    def _made(self, without: frozenset[str]) -> tuple[Any, list[Close]]:
        settings = self.settings
        try:
            return _made(settings, self.url, without)
        except Exception as error:  # whatever an integration makes of an argument that it does not like
            told = " ".join(scrub(str(error), *settings.secrets).split())[:300]
            raise Fault(f"{settings.what} cannot be set up: {told or type(error).__name__}") from None

    async def aclose(self) -> None:
        """Close the connections of this event loop; those of others went with theirs."""
        loop = asyncio.get_running_loop()
        for key, (owner, _, closers) in list(self._models.items()):
            del self._models[key]
            if owner() is loop:
                for close in closers:
                    with suppress(Exception):
                        await close()
        self._making.clear()


async def _look(response: Any) -> None:
    """Runs as each answer comes in: says of a page that it is one, and keeps the thinking."""
    if response.status_code >= 400:
        return
    kind = response.headers.get("content-type", "")
    if is_html(kind, ""):
        await response.aread()
        raise Foreign(response.text[:2000])
    seen = _SEEN.get()
    if seen is not None and "application/json" in kind:
        await response.aread()
        with suppress(ValueError, LookupError, TypeError, AttributeError):
            message = json.loads(response.content)["choices"][0]["message"]
            seen.reasoning = message.get("reasoning_content") or message.get("reasoning") or ""


def _made(settings: ChatSettings, url: str | None, without: frozenset[str]) -> tuple[Any, list[Close]]:
    """The model, and what closes its connections."""
    from langchain.chat_models import init_chat_model

    provider = settings.provider
    options: dict[str, Any] = {"max_retries": 0, "timeout": settings.timeout}
    options[provider.tokens] = settings.max_tokens
    if settings.temperature is not None:
        options["temperature"] = settings.temperature
    if url is not None:
        options["base_url"] = url
    if provider.key and (settings.key is not None or (url is not None and provider.name in PROVIDERS)):
        # The clients insist on a key, or take the provider's own from the environment; a server of one's own
        # may want none, and is not sent that one.
        options[provider.key] = settings.key.reveal() if settings.key is not None else "none"
    special = _SPECIAL.get(provider.name)
    closers: list[Close] = special(settings, url, options) if special is not None else []
    options |= settings.extra
    for name in without:
        options.pop(name, None)
    model = init_chat_model(settings.model, model_provider=provider.name, **options)
    finish = _FINISH.get(provider.name)
    return model, closers + (finish(model, settings) if finish is not None else [])


_HOOKS = {"response": [_look]}


def _openai(settings: ChatSettings, url: str | None, options: dict[str, Any]) -> list[Close]:
    import openai

    client = openai.DefaultAsyncHttpxClient(timeout=settings.timeout, event_hooks=_HOOKS)
    options["http_async_client"] = client
    if url is not None:
        options["use_responses_api"] = False
    return [client.aclose]


def _google(settings: ChatSettings, url: str | None, options: dict[str, Any]) -> list[Close]:
    options["client_args"] = {"event_hooks": _HOOKS}
    return []


def _ollama(settings: ChatSettings, url: str | None, options: dict[str, Any]) -> list[Close]:
    for name in ("timeout", "max_retries"):
        del options[name]
    arguments: dict[str, Any] = {"timeout": settings.timeout, "event_hooks": _HOOKS}
    if settings.key is not None:
        arguments["headers"] = {"Authorization": f"Bearer {settings.key.reveal()}"}
    options["async_client_kwargs"] = arguments
    return []


def _anthropic_client(model: Any, settings: ChatSettings) -> list[Close]:
    """Its class has no place for an HTTP client, only a property that is made once and kept."""
    import anthropic

    parameters = dict(model._client_params)
    http = anthropic.DefaultAsyncHttpxClient(
        base_url=parameters["base_url"] or settings.provider.hosted,
        timeout=settings.timeout,
        event_hooks=_HOOKS,
    )
    vars(model)["_async_client"] = anthropic.AsyncClient(**parameters, http_client=http)
    return [http.aclose]


def _google_client(model: Any, settings: ChatSettings) -> list[Close]:
    return [model.client.aio.aclose]


def _ollama_client(model: Any, settings: ChatSettings) -> list[Close]:
    return [model._async_client.close]


_SPECIAL: dict[str, Callable[[ChatSettings, str | None, dict[str, Any]], list[Close]]] = {
    "openai": _openai,
    "google_genai": _google,
    "ollama": _ollama,
}
_FINISH: dict[str, Callable[[Any, ChatSettings], list[Close]]] = {
    "anthropic": _anthropic_client,
    "google_genai": _google_client,
    "ollama": _ollama_client,
}
