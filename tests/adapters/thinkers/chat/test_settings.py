"""The options of a chat model: what they mean, and what is said of those that cannot be."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Any

import pytest

from tests.adapters.thinkers.chat.kit import KEY
from thinkedit.adapters.base import Checkable, Closable, Comparer, Describable, Planner, Refiner, Thinker
from thinkedit.adapters.models import Models
from thinkedit.adapters.registry import create_thinker
from thinkedit.adapters.thinkers.chat import ChatThinker
from thinkedit.adapters.thinkers.chat.providers import OTHERS, PROVIDERS
from thinkedit.errors import MissingExtra, SettingsError

pytestmark = pytest.mark.models

LOCAL = "http://127.0.0.1:8000/v1"


def made(model: str, **options: Any) -> ChatThinker:
    thinker = create_thinker(f"chat:{model}", options)
    assert isinstance(thinker, ChatThinker)
    return thinker


@pytest.mark.parametrize(
    ("model", "options", "provider", "name"),
    [
        ("openai:gpt-4.1", {"api_key": KEY}, "openai", "gpt-4.1"),
        ("anthropic:claude-opus-4-8", {"api_key": KEY}, "anthropic", "claude-opus-4-8"),
        ("google_genai:gemini-2.5-pro", {"api_key": KEY}, "google_genai", "gemini-2.5-pro"),
        ("ollama:qwen3-vl:8b", {}, "ollama", "qwen3-vl:8b"),
        ("openai:EditThinker-8B", {"base_url": LOCAL}, "openai", "EditThinker-8B"),
        ("EditThinker-8B", {"base_url": LOCAL}, "openai", "EditThinker-8B"),
        ("org/model:Q4", {"base_url": LOCAL}, "openai", "org/model:Q4"),
        ("qwen3-vl:8b", {"provider": "ollama"}, "ollama", "qwen3-vl:8b"),
        ("openai:gpt-4.1", {"provider": "openai", "api_key": KEY}, "openai", "gpt-4.1"),
    ],
)
def test_a_name_is_a_provider_and_a_model(
    model: str, options: dict[str, Any], provider: str, name: str
) -> None:
    settings = made(model, **options).asker.settings
    assert (settings.provider.name, settings.model) == (provider, name)


def test_it_is_all_that_a_thinker_can_be() -> None:
    thinker = made("ollama:qwen3-vl")
    for contract in (Thinker, Planner, Comparer, Refiner, Checkable, Describable, Closable):
        assert isinstance(thinker, contract)


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        ("opnai:gpt-4.1", {"api_key": KEY}, "did you mean 'openai'"),
        ("gpt-4.1", {"api_key": KEY}, "PROVIDER:MODEL"),
        ("openai:", {"api_key": KEY}, "names no model"),
        ("openai:gpt-4.1", {}, "OPENAI_API_KEY"),
        ("anthropic:claude", {}, "ANTHROPIC_API_KEY"),
        ("google_genai:gemini", {}, "GOOGLE_API_KEY or GEMINI_API_KEY"),
        ("openai:m", {"api_key_env": "NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE"),
        ("openai:m", {"base_url": "localhost:8000"}, "give an address such as"),
        ("openai:m", {"base_url": []}, "base_url is empty"),
        ("openai:m", {"base_url": [LOCAL, LOCAL]}, "named twice"),
        ("openai:m", {"base_url": LOCAL, "at_once": 0}, "at_once is 0"),
        ("openai:m", {"base_url": LOCAL, "structured": "yes"}, "structured is 'yes'"),
        ("openai:m", {"base_url": LOCAL, "guided": "lmql"}, "guided is 'lmql'"),
        ("openai:m", {"base_url": LOCAL, "guided": True, "structured": True}, "one of them"),
        ("openai:m", {"api_key": KEY, "guided": True}, "guided needs a base_url"),
        ("openai:m", {"base_url": LOCAL, "score_range": 100}, "score_range is 100"),
        ("openai:m", {"base_url": LOCAL, "temperature": -1}, "temperature is -1"),
        ("openai:m", {"base_url": LOCAL, "max_tokens": 0}, "max_tokens is 0"),
        ("openai:m", {"base_url": LOCAL, "max_pixels": "big"}, "max_pixels is 'big'"),
        ("openai:m", {"base_url": LOCAL, "timeout": 0}, "timeout is 0"),
        ("openai:m", {"base_url": LOCAL, "answers": "json"}, "answers is 'json'"),
        ("openai:m", {"base_url": LOCAL, "extra": [1]}, "extra is list"),
        ("openai:m", {"base_url": LOCAL, "prompt_template": "/no/such/file"}, "/no/such/file"),
        ("mistralai:pixtral", {"api_key": KEY}, "pip install langchain-mistralai"),
    ],
)
def test_what_cannot_be_is_one_line(model: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        made(model, **options)
    assert words in str(caught.value)
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("package", "words"),
    [("langchain", '"thinkedit[chat]"'), ("langchain_openai", '"thinkedit[chat]"')],
)
def test_a_missing_package_names_the_line_that_brings_it(
    package: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else there(name))
    with pytest.raises(MissingExtra) as caught:
        made("openai:m", base_url=LOCAL)
    assert words in str(caught.value)
    assert "'chat'" in str(caught.value)


def test_keys_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    key = made("google_genai:gemini-2.5-pro").asker.settings.key
    assert key is not None
    assert key.reveal() == KEY
    monkeypatch.setenv("MINE", "another-key")
    key = made("google_genai:gemini-2.5-pro", api_key_env="MINE").asker.settings.key
    assert key is not None
    assert key.reveal() == "another-key"


@pytest.mark.parametrize(
    ("model", "variable", "value", "url"),
    [
        ("openai:m", "OPENAI_BASE_URL", "http://gateway:1/v1/", "http://gateway:1/v1"),
        ("anthropic:m", "ANTHROPIC_BASE_URL", "http://gateway:1", "http://gateway:1"),
        ("ollama:m", "OLLAMA_HOST", "gpu-box", "http://gpu-box:11434"),
        ("ollama:m", "OLLAMA_HOST", "gpu-box:9", "http://gpu-box:9"),
    ],
)
def test_addresses_come_from_the_environment_too(
    model: str, variable: str, value: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    assert made(model, api_key=KEY).asker.settings.urls == (url,)
    assert made(model, api_key=KEY, base_url=LOCAL).asker.settings.urls == (LOCAL,)


def test_identity_names_what_changes_an_answer_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    base = made("openai:m", base_url=LOCAL).identity
    same = [{"base_url": "http://elsewhere:9/v1"}, {"api_key": KEY}, {"timeout": 9}, {"max_retries": 1}]
    other: list[dict[str, Any]] = [
        {"temperature": 0.5}, {"max_tokens": 99}, {"max_pixels": 99}, {"structured": True}, {"guided": True},
        {"score_range": 25}, {"answers": "expert"}, {"extra": {"top_p": 0.5}}, {"look_temperature": 1.0},
    ]  # fmt: skip
    for options in same:
        assert made("openai:m", **{"base_url": LOCAL, **options}).identity == base
    found = {made("openai:m", **{"base_url": LOCAL, **options}).identity for options in other}
    assert len(found | {base}) == len(other) + 1
    assert "127.0.0.1" not in base
    secret = made("openai:m", base_url=LOCAL, extra={"default_headers": {"authorization": KEY}})
    assert KEY not in secret.identity
    assert made("/data/models/EditThinker-8B", base_url=LOCAL).identity.startswith(
        "chat(openai:EditThinker-8B,"
    )


@pytest.mark.parametrize(
    ("model", "options", "structured"),
    [
        ("openai:gpt-4.1", {"api_key": KEY}, True),
        ("openai:m", {"base_url": LOCAL}, False),
        ("openai:m", {"base_url": LOCAL, "structured": True}, True),
        ("anthropic:claude-opus-4-8", {"api_key": KEY}, False),
        ("google_genai:gemini-2.5-pro", {"api_key": KEY}, True),
        ("ollama:qwen3-vl", {"base_url": "http://127.0.0.1:11434"}, True),
    ],
)
def test_json_is_asked_for_where_the_provider_is_better_at_it(
    model: str, options: dict[str, Any], structured: bool
) -> None:
    assert made(model, **options).asker.settings.structured is structured


def test_providers_whose_models_think_first_have_room_for_it() -> None:
    assert made("google_genai:gemini-2.5-pro", api_key=KEY).asker.settings.max_tokens == 8192
    assert made("openai:m", base_url=LOCAL).asker.settings.max_tokens == 2048
    assert made("openai:m", base_url=LOCAL, max_tokens=99).asker.settings.max_tokens == 99


def test_a_template_of_ones_own_is_not_turned_into_json(tmp_path: Any) -> None:
    path = tmp_path / "template.txt"
    path.write_text("{instruction} {prompt}", encoding="utf-8")
    thinker = made("openai:gpt-4.1", api_key=KEY, prompt_template=path)
    assert not thinker.asker.settings.structured
    assert thinker.template != made("openai:gpt-4.1", api_key=KEY).template


def test_a_block_of_the_configuration() -> None:
    models = Models({"local": {"kind": "chat:openai:EditThinker-8B", "base_url": LOCAL}})
    assert models.refiner("local").identity.startswith("chat(openai:EditThinker-8B")  # type: ignore[attr-defined]


def test_making_one_imports_no_langchain() -> None:
    code = (
        "import sys; from thinkedit.adapters.registry import create_thinker\n"
        f"create_thinker('chat:openai:m', {{'base_url': '{LOCAL}'}})\n"
        "heavy = {'langchain', 'langchain_core', 'openai', 'torch', 'cv2'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_langchain_still_calls_its_providers_so() -> None:
    from langchain.chat_models import base

    known = base._BUILTIN_PROVIDERS
    for name, package in {**OTHERS, **{p.name: p.package for p in PROVIDERS.values()}}.items():
        assert known[name][0].partition(".")[0] == package
