"""Whether the packages of an extra are installed, asked without importing them."""

from __future__ import annotations

import importlib.util

from thinkedit.errors import MissingExtra

__all__ = ["EXTRAS", "require"]

EXTRAS: dict[str, str] = {
    "accelerate": "local",
    "bitsandbytes": "quant",
    "datasets": "dataset",
    "diffusers": "local",
    "imagehash": "dataset",
    "langchain": "chat",
    "langchain_anthropic": "chat",
    "langchain_core": "chat",
    "langchain_google_genai": "chat",
    "langchain_ollama": "chat",
    "langchain_openai": "chat",
    "matplotlib": "evaluate",
    "openai": "openai",
    "peft": "train",
    "pyarrow": "dataset",
    "ray": "ray",
    "scipy": "evaluate",
    "torch": "local",
    "torchao": "quant",
    "torchvision": "local",
    "transformers": "local",
    "trl": "train",
}
"""The extra that brings a package, by the package's import name."""


def require(what: str, *packages: str) -> None:
    """Nothing, or MissingExtra with the line that installs what `what` needs.

    packages: import names, each of them in EXTRAS. None is imported.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(what, EXTRAS[package])
