"""Secrets of adapters: held where nothing prints them, and taken out of whatever is shown."""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from thinkedit.errors import SettingsError

__all__ = ["HIDDEN", "Key", "is_secret", "key_from", "redacted", "scrub", "secrets_in"]

HIDDEN = "***"

SECRET_WORDS = ("key", "token", "secret", "password", "authorization", "headers", "credential", "database")
"""An option whose name holds one of these is never shown; `thinkedit.config` has the same list."""

NO_SECRETS = frozenset({"api_key_env", "max_tokens", "min_tokens", "max_new_tokens"})
"""Names that hold such a word and no secret."""

SHORTEST = 4
"""A secret of fewer characters is not looked for in texts: it would be found everywhere."""

_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+|[A-Z]{1,20}")
_USER = re.compile(r"(?<=://)[^/@\s'\"]+@")


class Key:
    """An API key. Printing, formatting, pickling and comparing it show nothing of it; `reveal` gives it.

    spaces: whether it may hold spaces, as the values of headers do.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str, *, spaces: bool = False) -> None:
        value = value.strip()
        if not value:
            raise SettingsError("an API key is empty: leave it out where the server needs none")
        for position, letter in enumerate(value):
            if not "!" <= letter <= "~" and not (spaces and letter == " "):
                raise SettingsError(
                    f"an API key holds a character that no key has, at position {position + 1}: copy it again"
                )
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __reduce__(self) -> tuple[object, ...]:
        return Key, (HIDDEN,)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Key):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash((Key, self._value))


def key_from(api_key: str | Key | None, api_key_env: str | None, default_env: str | None) -> Key | None:
    """The key that was given, or the one in the environment; None where there is none.

    api_key_env: the variable to read; SettingsError where it is not set. default_env: the provider's own
    variable, which need not be set.
    """
    if api_key is not None and api_key_env is not None:
        raise SettingsError("api_key and api_key_env are both given: leave one of them out")
    if isinstance(api_key, Key):
        return api_key
    if api_key is not None:
        if not isinstance(api_key, str):
            raise SettingsError(f"api_key is a {type(api_key).__name__}: give text")
        return Key(api_key) if api_key.strip() else None
    if api_key_env is not None:
        if not isinstance(api_key_env, str) or not _VARIABLE.fullmatch(api_key_env):
            # Not shown: whoever puts the key itself there should not find it in a log.
            raise SettingsError(
                'api_key_env is no name of a variable, such as "OPENAI_API_KEY": '
                "put the key into a variable, and the variable's name there"
            )
        value = os.environ.get(api_key_env, "")
        if not value.strip():
            raise SettingsError(
                f"api_key_env names the variable {api_key_env}, which is not set: set it to the API key"
            )
        return Key(value)
    value = os.environ.get(default_env, "") if default_env else ""
    return Key(value) if value.strip() else None


def scrub(text: str, *keys: Key | str | None) -> str:
    """The text without these secrets, and without user names and passwords of URLs."""
    values = {key.reveal() if isinstance(key, Key) else key for key in keys if key is not None}
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= SHORTEST:
            text = text.replace(value, HIDDEN)
    return _USER.sub(f"{HIDDEN}@", text)


def is_secret(name: str) -> bool:
    """Whether the value of an option of this name must not be shown."""
    lowered = name.lower()
    return lowered not in NO_SECRETS and any(word in lowered for word in SECRET_WORDS)


def redacted(value: Any, name: str = "") -> Any:
    """A copy of options for showing: what a secret name stands for is hidden, at any depth."""
    if value is None or isinstance(value, bool):
        return value
    if is_secret(name):
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: redacted(below, str(key)) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(redacted(below) for below in value) if type(value) in (list, tuple) else value
    return _USER.sub(f"{HIDDEN}@", value) if isinstance(value, str) else value


def secrets_in(value: Any, name: str = "") -> Iterator[str]:
    """The texts that `redacted` hides."""
    if isinstance(value, Key):
        yield value.reveal()
    elif isinstance(value, Mapping):
        for key, below in value.items():
            yield from secrets_in(below, name if is_secret(name) else str(key))
    elif isinstance(value, list | tuple):
        for below in value:
            yield from secrets_in(below, name)
    elif isinstance(value, str) and is_secret(name):
        yield value
