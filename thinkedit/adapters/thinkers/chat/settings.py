"""The options of a chat model, read and checked once."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from thinkedit.adapters.require import require
from thinkedit.adapters.secrets import Key, key_from, redacted, secrets_in
from thinkedit.adapters.thinkers.chat.providers import OTHERS, PROVIDERS, Provider, provider_of
from thinkedit.errors import SettingsError

__all__ = ["GUIDED", "ChatSettings", "read_settings"]

GUIDED = ("vllm", "sglang", "guided_regex")
"""How a server is told the form as a regular expression; the last is vLLM before 0.12."""

SHORT, LONG = 2048, 8192
"""Tokens of an answer: of a server of one's own, and of a provider, whose models may think first."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class ChatSettings:
    """Everything that a chat model is asked with. urls: its endpoints, empty for the provider's own.

    theirs: whether the key is looked for where the provider's own client would, in the provider's variable.
    temperature: None leaves it out, for models that take none. timeout: seconds that one request may take.
    guided: one of GUIDED, "all" for `guided = true`, or None.
    extra: further arguments of LangChain's class.
    """

    provider: Provider
    model: str
    urls: tuple[str, ...]
    key: Key | None
    theirs: bool
    structured: bool
    guided: str | None
    temperature: float | None
    max_tokens: int
    max_pixels: int
    timeout: float
    max_retries: int
    at_once: int | None
    extra: Mapping[str, Any]

    @property
    def key_advice(self) -> str:
        """What to do about a key that is missing or wrong."""
        if self.theirs and self.provider.env:
            return f"set the variable {self.provider.env[0]}, or name another one with api_key_env"
        return "name the variable that holds this server's key with api_key_env"

    @property
    def secrets(self) -> tuple[Key | str, ...]:
        return (*([self.key] if self.key is not None else []), *secrets_in(dict(self.extra)))

    @property
    def what(self) -> str:
        """For messages: `openai's gpt-4.1`."""
        return f"{self.provider.name}'s {self.model}"

    def identity(self, **more: object) -> str:
        """Names all that changes an answer: no endpoint, no key, no path."""
        facts: dict[str, object] = {
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "max_pixels": self.max_pixels,
            "structured": self.structured,
            "guided": self.guided,
            **more,
        }
        if self.extra:
            text = json.dumps(redacted(dict(self.extra)), sort_keys=True, default=str)
            facts["extra"] = hashlib.sha256(text.encode()).hexdigest()[:12]
        told = ", ".join(f"{name}={value}" for name, value in facts.items() if value is not None)
        return f"chat({self.provider.name}:{_nameless(self.model)}, {told})"


def read_settings(
    what: str,
    *,
    model: str,
    provider: str | None,
    base_url: str | Sequence[str] | None,
    api_key: str | Key | None,
    api_key_env: str | None,
    structured: bool | Literal["auto"],
    guided: bool | str,
    temperature: float | None,
    max_tokens: int | None,
    max_pixels: int,
    timeout: float,
    max_retries: int,
    at_once: int | None,
    extra: Mapping[str, Any] | None,
    own_prompt: bool,
) -> ChatSettings:
    """The settings. SettingsError for a value that cannot be, MissingExtra for a missing package.

    what: who asks, for messages. own_prompt: whether the prompt is ours, which JSON may be asked for with.
    """
    urls = _urls(base_url)
    found, name = _named(model, provider, bool(urls))
    _installed(what, found)
    theirs = all(urlsplit(url).hostname == urlsplit(found.hosted).hostname for url in urls)
    if not urls and (address := os.environ.get(found.address, "").strip() if found.address else ""):
        # Ollama's variable may be a host alone.
        urls = _urls(address if "://" in address else f"http://{address}" + ":11434" * (":" not in address))
    key = key_from(api_key, api_key_env, None)
    if key is None and theirs:  # a provider's key is for the provider: no other server is sent it unasked
        key = next((k for k in (key_from(None, None, env) for env in found.env) if k is not None), None)
    if key is None and not urls and not found.keyless:
        raise SettingsError(
            f"there is no API key for {found.name}: set the variable {' or '.join(found.env)}, or name "
            "another one with api_key_env"
        )
    if structured not in (True, False, "auto"):
        raise SettingsError(f'structured is {structured!r}: give true, false or "auto"')
    way = _guided(guided, found, bool(urls))
    if way is not None and structured is True:
        raise SettingsError("structured and guided are both true: one of them decides the form")
    if max_tokens is None:
        max_tokens = SHORT if urls or found.name == "ollama" else LONG
    numbers = {"max_tokens": max_tokens, "max_pixels": max_pixels, "timeout": timeout}
    for option, value in {**numbers, "max_retries": max_retries}.items():
        least = 0 if option == "max_retries" else 1
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < 1e9:
            raise SettingsError(f"{option} is {value!r}: give a number from {least} up")
        if option != "timeout" and value != int(value):
            raise SettingsError(f"{option} is {value!r}: give a whole number")
    if temperature is not None and not (_number(temperature) and 0 <= temperature <= 2):
        raise SettingsError(f"temperature is {temperature!r}: give a number from 0 to 2")
    if extra is not None and not (isinstance(extra, Mapping) and all(isinstance(k, str) for k in extra)):
        raise SettingsError(f"extra is {type(extra).__name__}: give a table of further arguments")
    # Servers of one's own may have been trained on the tags, and not all of them know schemas.
    auto = found.structured and own_prompt and (not urls or found.name != "openai") and way is None
    return ChatSettings(
        provider=found,
        model=name,
        urls=urls,
        key=key,
        theirs=theirs,
        structured=auto if structured == "auto" else structured,
        guided=way,
        temperature=None if temperature is None else float(temperature),
        max_tokens=int(max_tokens),
        max_pixels=int(max_pixels),
        timeout=float(timeout),
        max_retries=int(max_retries),
        at_once=at_once,
        extra=dict(extra or {}),
    )


def _named(model: str, provider: str | None, own_server: bool) -> tuple[Provider, str]:
    if not isinstance(model, str) or not model.strip():
        raise SettingsError('a chat thinker needs a model: write "chat:openai:gpt-4.1", or model = "..."')
    model = model.strip()
    prefix, colon, rest = model.partition(":")
    if provider is None and colon and _NAME.fullmatch(prefix) and (found := provider_of(prefix)):
        if not rest:
            raise SettingsError(f"the chat model {model!r} names no model after the colon")
        return found, rest
    if provider is None and own_server:
        return PROVIDERS["openai"], model
    name = provider if provider is not None else prefix
    found = provider_of(name) if isinstance(name, str) and (colon or provider is not None) else None
    if found is not None:
        return found, model.removeprefix(f"{found.name}:")
    known = sorted([*PROVIDERS, *OTHERS])
    near = difflib.get_close_matches(str(name).lower(), known, n=1, cutoff=0.6)
    raise SettingsError(
        f"the chat model {model!r} is of no provider that is known"
        + (f": did you mean {near[0]!r}?" if near else "")
        + f' Write "PROVIDER:MODEL" with one of {", ".join(PROVIDERS)}; others: {", ".join(sorted(OTHERS))}; '
        "a server of your own needs base_url"
    )


def _installed(what: str, provider: Provider) -> None:
    require(what, "langchain", "langchain_core")
    if provider.name in PROVIDERS:
        require(f"{what} with {provider.name}", provider.package)
    elif importlib.util.find_spec(provider.package) is None:
        raise SettingsError(
            f"{what} with {provider.name} needs the package {provider.distribution}: "
            f"pip install {provider.distribution}"
        )


def _urls(given: str | Sequence[str] | None) -> tuple[str, ...]:
    urls = [] if given is None else [given] if isinstance(given, str) else list(given)
    if given is not None and not urls:
        raise SettingsError("base_url is empty: give an address, or several")
    found = []
    for url in urls:
        try:
            parts = urlsplit(url.strip()) if isinstance(url, str) else None
            good = parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
            good = good and parts is not None and (parts.port is None or parts.port > 0)
        except ValueError:
            good = False
        if not good:
            raise SettingsError(
                f"base_url is {redacted(url)!r}: give an address such as http://127.0.0.1:8000/v1"
            )
        found.append(url.strip().rstrip("/"))
    return tuple(found)


def _guided(given: bool | str, provider: Provider, own_server: bool) -> str | None:
    if given is False:
        return None
    if given is not True and given not in GUIDED:
        raise SettingsError(f"guided is {given!r}: give true, false or one of {', '.join(GUIDED)}")
    if provider.name != "openai" or not own_server:
        raise SettingsError(
            "guided needs a base_url of a server such as vLLM or SGLang; for a provider use structured = true"
        )
    return "all" if given is True else str(given)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _nameless(model: str) -> str:
    """A model that is named by a path of this machine keeps its last part."""
    return os.path.basename(model.rstrip("/\\")) if os.path.isabs(model) else model
