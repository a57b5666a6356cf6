"""What the tests of chat models share: requests, thinkers of every provider, and waiting without time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from tests.adapters.thinkers.chat import wire as formats
from tests.adapters.thinkers.chat.wire import Wire
from tests.models import needed
from thinkedit.adapters.base import CritiqueRequest
from thinkedit.adapters.thinkers.chat import ChatThinker
from thinkedit.images import Picture

for package in ("langchain", "langchain_openai", "langchain_anthropic", "langchain_google_genai"):
    needed(package)
needed("langchain_ollama")

KEY = "sk-very-secret-1234567890"

MODELS = {
    "openai": "gpt-4.1",
    "anthropic": "claude-opus-4-8",
    "google_genai": "gemini-2.5-pro",
    "ollama": "qwen3-vl",
}
GOOD = {
    "openai": formats.openai,
    "anthropic": formats.anthropic,
    "google_genai": formats.gemini,
    "ollama": formats.ollama,
}
PROVIDERS = tuple(MODELS)


def url(provider: str, wire: Wire) -> str:
    return wire.url + ("/v1" if provider == "openai" else "")


def picture(width: int = 40, height: int = 30, seed: int = 0, channels: int = 3) -> Picture:
    noise = np.random.default_rng(seed).integers(0, 255, (height, width, channels), dtype=np.uint8)
    return Picture.from_pixels(noise)


def request(source: Picture | None = None, edited: Picture | None = None, **more: Any) -> CritiqueRequest:
    return CritiqueRequest(
        source or picture(seed=1), edited or picture(seed=2), "make the sky red", "a red sky", **more
    )


class Slept:
    """Stands for sleeping: notes the seconds and goes on at once."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@asynccontextmanager
async def thinking(provider: str, wire: Wire | str, **options: Any) -> AsyncIterator[ChatThinker]:
    """A thinker that asks the server, never really waits, and is closed at the end."""
    base = {"base_url": wire if isinstance(wire, str) else url(provider, wire), "api_key": KEY}
    thinker = ChatThinker(f"{provider}:{MODELS[provider]}", **{**base, **options})
    thinker.asker.waiting.sleep = Slept()
    thinker.asker.waiting.chance = lambda: 1.0
    try:
        yield thinker
    finally:
        await thinker.aclose()


def slept(thinker: Any) -> list[float]:
    seconds: list[float] = thinker.asker.waiting.sleep.seconds
    return seconds
