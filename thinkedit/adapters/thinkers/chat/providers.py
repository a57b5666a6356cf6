"""What is different between the providers of chat models, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["OTHERS", "PROVIDERS", "Provider", "provider_of"]

PNG, JPEG, WEBP = "image/png", "image/jpeg", "image/webp"


@dataclass(frozen=True)
class Provider:
    """One provider, by the name that LangChain has for it.

    package: import name of LangChain's integration. env: variables that its own client reads the key from,
    the usual one first. hosted: the endpoint where none is given; empty where there is none to give.
    address: variable that its own client reads another endpoint from.
    keyless: works without a key, as a server of one's own may. tokens, key, seed: what its class calls the
    most tokens of an answer, the key and the seed; empty where it has none.
    fixed: further arguments of the class. json: how an answer of a JSON schema is asked for.
    image_bytes: encoded bytes that one picture may have; request_bytes: those that all of a request may
    have together; image_side: pixels on the longer side. types: kinds of pictures that are taken.
    structured: whether "auto" asks for JSON where the prompt is our own.
    """

    name: str
    package: str
    env: tuple[str, ...] = ()
    hosted: str = ""
    address: str = ""
    keyless: bool = False
    tokens: str = "max_tokens"
    key: str = "api_key"
    seed: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    json: str = "response_format"
    image_bytes: int = 5_000_000
    request_bytes: int = 15_000_000
    image_side: int = 8_000
    types: frozenset[str] = frozenset({PNG, JPEG, WEBP})
    structured: bool = False

    @property
    def distribution(self) -> str:
        """What pip calls the package."""
        return self.package.replace("_", "-")


PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (
        # 20 MB a picture and 50 MB a request; servers that speak its protocol take less text in one message.
        Provider(
            "openai",
            "langchain_openai",
            env=("OPENAI_API_KEY",),
            hosted="https://api.openai.com/v1",
            address="OPENAI_BASE_URL",
            seed="seed",
            json="extra_body",
            image_bytes=15_000_000,
            request_bytes=37_000_000,
            structured=True,
        ),
        # 5 MB a picture, counted in base64, which is a third more; 32 MB a request; 8,000 pixels a side.
        # Claude writes tags well, and its JSON mode is not there for every model.
        Provider(
            "anthropic",
            "langchain_anthropic",
            env=("ANTHROPIC_API_KEY",),
            hosted="https://api.anthropic.com",
            address="ANTHROPIC_BASE_URL",
            json="output_config",
            image_bytes=3_900_000,
            request_bytes=22_000_000,
        ),
        # 20 MB a request, all pictures in base64 and the text together; 7 MB a picture on Vertex.
        Provider(
            "google_genai",
            "langchain_google_genai",
            env=("GOOGLE_API_KEY", "GEMINI_API_KEY"),
            hosted="https://generativelanguage.googleapis.com",
            tokens="max_output_tokens",
            seed="seed",
            json="response_schema",
            image_bytes=7_000_000,
            request_bytes=14_000_000,
            structured=True,
        ),
        # Small models on laptops: the grammar that a JSON schema turns into keeps them in form. What decodes
        # pictures there knows PNG and JPEG in every version.
        Provider(
            "ollama",
            "langchain_ollama",
            env=("OLLAMA_API_KEY",),
            hosted="http://127.0.0.1:11434",
            address="OLLAMA_HOST",
            keyless=True,
            tokens="num_predict",
            key="",
            seed="seed",
            json="format",
            image_bytes=20_000_000,
            request_bytes=60_000_000,
            types=frozenset({PNG, JPEG}),
            structured=True,
        ),
    )
}

OTHERS: dict[str, str] = {
    "anthropic_bedrock": "langchain_aws",
    "azure_ai": "langchain_azure_ai",
    "azure_openai": "langchain_openai",
    "baseten": "langchain_baseten",
    "bedrock": "langchain_aws",
    "bedrock_converse": "langchain_aws",
    "cohere": "langchain_cohere",
    "deepseek": "langchain_deepseek",
    "fireworks": "langchain_fireworks",
    "google_anthropic_vertex": "langchain_google_vertexai",
    "google_vertexai": "langchain_google_vertexai",
    "groq": "langchain_groq",
    "huggingface": "langchain_huggingface",
    "ibm": "langchain_ibm",
    "litellm": "langchain_litellm",
    "meta": "langchain_meta",
    "mistralai": "langchain_mistralai",
    "nvidia": "langchain_nvidia_ai_endpoints",
    "openrouter": "langchain_openrouter",
    "perplexity": "langchain_perplexity",
    "together": "langchain_together",
    "upstage": "langchain_upstage",
    "xai": "langchain_xai",
}
"""Providers that LangChain reaches through a package of their own, which the user installs."""


def provider_of(name: str) -> Provider | None:
    """The provider of that name; of those in OTHERS with careful limits. None for an unknown one."""
    if name in OTHERS:
        return Provider(name, OTHERS[name], keyless=True)
    return PROVIDERS.get(name)
