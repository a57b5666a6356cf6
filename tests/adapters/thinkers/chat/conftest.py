"""A server that answers as the providers' APIs do."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def server() -> Iterator[Any]:
    from tests.adapters.thinkers.chat.wire import serving

    with serving() as started:
        yield started


@pytest.fixture
def wire(server: Any) -> Any:
    """The server, with nothing to answer yet and nothing seen."""
    server.reset()
    return server


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is taken from the environment of whoever runs the tests."""
    for name in (
        "OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "GOOGLE_API_KEY",
        "GEMINI_API_KEY", "OLLAMA_API_KEY", "OLLAMA_HOST", "LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2",
    ):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
