"""Whether an endpoint is there and takes the key, asked in ways that cost nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from thinkedit.adapters.secrets import scrub
from thinkedit.adapters.thinkers.chat.faults import Foreign, explain, is_html
from thinkedit.adapters.thinkers.chat.settings import ChatSettings
from thinkedit.errors import ThinkerFailed

__all__ = ["reach"]

SECONDS = 10.0

Asked = tuple[str, dict[str, str]]
"""An address and headers."""


async def reach(settings: ChatSettings, url: str | None, where: str) -> str:
    """A line that says what was seen. Raises ThinkerFailed where the endpoint or the key is no good.

    OpenAI's protocol, Anthropic and Gemini list their models for nothing; Ollama lists those it has. Other
    providers are not asked anything.
    """
    ask = _WAYS.get(settings.provider.name)
    if ask is None:
        return f"{where}: nothing was asked, since {settings.provider.name} has no question that is free"
    key = settings.key.reveal() if settings.key is not None else ""
    address, headers = ask(url or settings.provider.hosted, key)
    try:
        async with httpx.AsyncClient(timeout=min(SECONDS, settings.timeout), follow_redirects=True) as client:
            response = await client.get(address, headers=headers)
        if response.status_code in (404, 405, 500, 501) and settings.urls and not _html(response):
            return f"{where}: reached; it does not list its models ({response.status_code})"
        if response.status_code in (403, 429) and not _html(response):
            # Some keys may ask a model and not list them; and a limit is over by the first critique.
            why = (
                "it asks to slow down" if response.status_code == 429 else "this key may not list its models"
            )
            return f"{where}: reached; {why} ({response.status_code})"
        if _html(response) and response.status_code < 500:
            raise Foreign(response.text[:2000])
        response.raise_for_status()
        names = _names(response.json())
    except ThinkerFailed:
        raise
    except Exception as error:
        fault = explain(_with_body(error), settings, where)
        if isinstance(fault, ThinkerFailed):
            raise fault from None
        raise ThinkerFailed(str(fault)) from None
    return scrub(_seen(settings, names, where), *settings.secrets)


def _seen(settings: ChatSettings, names: list[str], where: str) -> str:
    wanted = settings.model
    if not names:
        return f"{where}: reached, the key is taken; it lists no models"
    if settings.provider.name == "ollama":
        if wanted in names or f"{wanted}:latest" in names:
            return f"{where}: reached, and has {wanted}"
        raise ThinkerFailed(
            f"{settings.what} at {where}: there is no such model there: run `ollama pull {wanted}`",
            retryable=False,
        )
    if any(name.removeprefix("models/") == wanted.removeprefix("models/") for name in names):
        return f"{where}: reached, the key is taken, and it lists {wanted}"
    few = ", ".join(names[:6]) + (" …" if len(names) > 6 else "")
    return f"{where}: reached, the key is taken; {wanted} is not among the models it lists: {few}"


def _names(answer: Any) -> list[str]:
    listed = answer.get("data") or answer.get("models") or [] if isinstance(answer, dict) else []
    found = [one.get("id") or one.get("name") for one in listed if isinstance(one, dict)]
    return [name for name in found if isinstance(name, str)]


def _html(response: httpx.Response) -> bool:
    return is_html(response.headers.get("content-type", ""), response.text[:200])


def _with_body(error: Exception) -> Exception:
    """httpx says only the status; the words are in the body."""
    if isinstance(error, httpx.HTTPStatusError):
        try:
            error.body = error.response.json()  # type: ignore[attr-defined]
        except ValueError:
            error.body = error.response.text[:2000]  # type: ignore[attr-defined]
    return error


def _openai(url: str, key: str) -> Asked:
    return f"{url.rstrip('/')}/models", {"Authorization": f"Bearer {key}"} if key else {}


def _anthropic(url: str, key: str) -> Asked:
    headers = {"anthropic-version": "2023-06-01"} | ({"x-api-key": key} if key else {})
    return f"{url.rstrip('/')}/v1/models?limit=1000", headers


def _google(url: str, key: str) -> Asked:
    return f"{url.rstrip('/')}/v1beta/models?pageSize=1000", {"x-goog-api-key": key} if key else {}


def _ollama(url: str, key: str) -> Asked:
    return f"{url.rstrip('/')}/api/tags", {"Authorization": f"Bearer {key}"} if key else {}


_WAYS: dict[str, Callable[[str, str], Asked]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "google_genai": _google,
    "ollama": _ollama,
}
