"""A secret is used and never seen."""

import copy
import json
import logging
import pickle
from pathlib import Path

import pytest

from thinkedit import config
from thinkedit.adapters import secrets
from thinkedit.adapters.secrets import Key, is_secret, key_from, redacted, scrub, secrets_in
from thinkedit.errors import SettingsError

SECRET = "sk-proj-4f9aQ7x"


def test_a_key_shows_itself_to_nobody() -> None:
    key = Key(SECRET)
    shown = [
        str(key),
        repr(key),
        f"{key} {key!r} {key:>20}",
        "%s" % key,  # noqa: UP031 - one of the ways
        repr({"key": key}),
        pickle.dumps(key).decode("latin-1"),
        json.dumps({"key": key}, default=str),
        logging.makeLogRecord({"msg": "using %s", "args": (key,)}).getMessage(),
    ]
    assert all(SECRET not in text for text in shown)
    assert all("***" in text for text in shown)
    with pytest.raises(TypeError):
        json.dumps(key)
    assert key.reveal() == SECRET
    assert copy.copy(key).reveal() == "***"
    assert pickle.loads(pickle.dumps(key)).reveal() == "***"


def test_keys_are_compared_by_what_they_hold() -> None:
    assert Key(SECRET) == Key(f" {SECRET}\n")
    assert Key(SECRET) != Key("other")
    assert Key(SECRET) != SECRET
    assert len({Key(SECRET), Key(SECRET)}) == 1


@pytest.mark.parametrize("value", ["sk-proj one", "sk-prój", "sk-\x00key", "sk-key\r\nX-Header: 1"])
def test_what_cannot_be_a_key_is_refused_unseen(value: str) -> None:
    with pytest.raises(SettingsError, match="copy it again") as caught:
        Key(value)
    assert "sk-" not in str(caught.value)


def test_where_a_key_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "from-mine")
    monkeypatch.setenv("DEFAULT_KEY", "from-default")
    monkeypatch.delenv("NO_KEY", raising=False)

    def found(*given: str | Key | None) -> str | None:
        key = key_from(*given)
        return None if key is None else key.reveal()

    assert found("given", None, "DEFAULT_KEY") == "given"
    assert found(Key("given"), None, None) == "given"
    assert found(None, "MY_KEY", "DEFAULT_KEY") == "from-mine"
    assert found(None, None, "DEFAULT_KEY") == "from-default"
    assert found(None, None, "NO_KEY") is None
    assert found(None, None, None) is None
    assert found("", None, "DEFAULT_KEY") is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((None, "NO_KEY", None), r"variable NO_KEY, which is not set"),
        ((SECRET, "MY_KEY", None), r"both given"),
        ((None, SECRET, None), r"no name of a variable"),
        ((None, "4F9A0C" * 6, None), r"no name of a variable"),
        ((None, SECRET.replace("-", ""), None), r"no name of a variable"),
        ((17, None, None), r"api_key is a int: give text"),
    ],
)
def test_a_key_that_is_not_there_is_told_without_showing_one(
    given: tuple[str | None, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_KEY", raising=False)
    with pytest.raises(SettingsError, match=message) as caught:
        key_from(*given)
    assert SECRET[3:] not in str(caught.value)
    assert "4F9A0C" not in str(caught.value)


def test_texts_are_scrubbed() -> None:
    text = f"401: {SECRET} is wrong; Bearer {SECRET}; tried http://me:hunter2@host:8000/v1"
    assert scrub(text, Key(SECRET), None) == ("401: *** is wrong; Bearer ***; tried http://***@host:8000/v1")
    assert scrub("abc", "b") == "abc"
    assert scrub("abcdefgh", "abcd", "abcdefgh") == "***"


def test_options_are_shown_without_what_their_names_make_secret() -> None:
    options = {
        "model": "gpt-image-2",
        "api_key": SECRET,
        "api_key_env": "OPENAI_API_KEY",
        "max_tokens": 2048,
        "hf_token": SECRET,
        "headers": {"X-Anything": SECRET},
        "base_url": ["https://me:hunter2@host/v1"],
        "extra": {"Authorization": SECRET, "steps": 4, "nested": [{"password": SECRET}]},
        "structured_key": None,
        "keep": True,
    }
    assert redacted(options) == {
        "model": "gpt-image-2",
        "api_key": "***",
        "api_key_env": "OPENAI_API_KEY",
        "max_tokens": 2048,
        "hf_token": "***",
        "headers": "***",
        "base_url": ["https://***@host/v1"],
        "extra": {"Authorization": "***", "steps": 4, "nested": [{"password": "***"}]},
        "structured_key": None,
        "keep": True,
    }
    assert set(secrets_in(options)) == {SECRET}
    assert set(secrets_in({"headers": {"X": ["a", "b"]}, "api_key": Key("k-1")})) == {"a", "b", "k-1"}


@pytest.mark.parametrize("name", ["api_key", "API_KEY", "hf_token", "Authorization", "default_headers"])
def test_names_that_make_a_value_secret(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", ["api_key_env", "max_tokens", "model", "extra", "timeout"])
def test_names_that_do_not(name: str) -> None:
    assert not is_secret(name)


def test_the_configuration_hides_the_same_names() -> None:
    assert config.SECRET_WORDS == secrets.SECRET_WORDS


@pytest.mark.parametrize(
    "text",
    [
        '[models]\nkontext = "sk-live-51H8"',
        '[models.kontext]\nkind = "photo"\n[models.kontext.sub]\n[loop]\napi_key = "sk-live-51H8"',
        '[server]\nbody_bytes = "https://me:sk-live-51H8@host"',
        'models = "sk-live-51H8"',
    ],
)
def test_errors_of_the_configuration_show_no_secret(text: str, tmp_path: Path) -> None:
    (tmp_path / "thinkedit.toml").write_text(text)
    with pytest.raises(SettingsError, match=r"models|api_key|body_bytes") as caught:
        config.load_config(tmp_path / "thinkedit.toml")
    assert "sk-live" not in str(caught.value)
