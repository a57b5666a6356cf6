"""Servers as editors meet them: their addresses, what goes wrong with them, and when to try again."""

from __future__ import annotations

import asyncio
import email.utils
import json
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import anyio

from thinkedit.adapters.secrets import Key
from thinkedit.errors import EditError, EditorFailed, SettingsError

__all__ = [
    "PAGE",
    "PerLoop",
    "ServerTrouble",
    "addresses",
    "checked_number",
    "header_keys",
    "is_page",
    "is_sick",
    "one_answers",
    "patiently",
    "retry_after",
    "said",
    "standing",
]

T = TypeVar("T")

LONGEST_WAIT = 120.0
"""Seconds: a server that asks for more is not waited for."""

PAGE = "answered with a web page: is the base_url right?"


class ServerTrouble(EditorFailed):
    """A server could not do it. retryable: for the loop, as in every EditorFailed.

    sick: another server may do what this one could not. again: so may this one in a moment.
    retry_after: seconds that the server asked for.
    """

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = True,
        sick: bool = True,
        again: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, retryable=retryable)
        self.sick = sick
        self.again = again
        self.retry_after = retry_after


def is_sick(error: Exception) -> bool:
    """For `Pool.run`: whether the work may go through at another server."""
    return isinstance(error, ServerTrouble) and error.sick


def addresses(base_url: str | Sequence[str]) -> list[str]:
    """One address or several, checked, without a slash at the end."""
    given = [base_url] if isinstance(base_url, str) else base_url
    if not isinstance(given, list | tuple) or not given:
        raise SettingsError(f"base_url is {base_url!r}: give the address of a server, or a list of them")
    return [_address(one) for one in given]


def _address(url: object) -> str:
    if not isinstance(url, str):
        raise SettingsError(f"base_url holds {url!r}: give addresses such as http://127.0.0.1:8000")
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError as error:
        raise SettingsError(
            f"a base_url is no address ({error}): give one like http://127.0.0.1:8000"
        ) from error
    if parts.username is not None or parts.password is not None:
        # Not shown, since it holds a password; and an address is written into logs by every HTTP library.
        raise SettingsError(
            "a base_url holds a user name or password: leave it out and use api_key or headers"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError(f"base_url is {url!r}: give an address that starts with http:// or https://")
    if parts.query or parts.fragment:
        raise SettingsError(f"base_url {url.split('?')[0]!r} ends in ? or #: give the address alone")
    return url.strip().rstrip("/")


def checked_number(
    name: str, value: Any, *, least: float, most: float = 1e9, whole: bool = False, optional: bool = False
) -> Any:
    """The option's value, or SettingsError where it is no number of its range.

    optional: None stays None. whole: a fraction is refused.
    """
    if value is None and optional:
        return None
    kinds = int if whole else int | float
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        of = "a whole number" if whole else "a number"
        raise SettingsError(f"{name} is {value!r}: give {of} from {least:g} to {most:g}")
    return value


def header_keys(headers: Mapping[str, str] | None) -> dict[str, Key]:
    """The option `headers`, checked; each value is a secret. SettingsError shows none of them."""
    given = {} if headers is None else headers
    if not isinstance(given, Mapping) or not all(isinstance(v, str) for pair in given.items() for v in pair):
        raise SettingsError("headers are no table of names and texts")
    if not all(re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) for name in given):
        raise SettingsError("headers hold a name that no header can have")
    return {name: Key(value, spaces=True) for name, value in given.items()}


def is_page(content_type: str | None, text: str) -> bool:
    """Whether an answer is a web page, as log-in pages, proxies and wrong paths give."""
    start = text.lstrip()[:200].lower()
    return "text/html" in (content_type or "").lower() or start.startswith(("<!doctype html", "<html"))


def said(body: Any, limit: int = 300) -> str:
    """What a server says went wrong, as one short line: of OpenAI's, FastAPI's and plain answers."""
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            return _line(body, limit)
    if isinstance(body, Mapping):
        for name in ("error", "detail", "message", "msg"):
            if body.get(name):
                return said(body[name], limit)
        return ""
    if isinstance(body, list):
        return _line("; ".join(filter(None, (said(one, limit) for one in body))), limit)
    return "" if body is None else _line(str(body), limit)


def _line(text: str, limit: int) -> str:
    line = re.sub(r"[\x00-\x20\x7f]+", " ", text).strip()
    return line if len(line) <= limit else f"{line[: limit - 3]}..."


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait, in any of the forms that there are."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        if not (wait := headers.get("retry-after")):
            return None
        if re.fullmatch(r"\s*\d+(\.\d+)?\s*", wait):
            return float(wait)
        return max(0.0, email.utils.parsedate_to_datetime(wait).timestamp() - time.time())
    except ValueError:
        return None


async def one_answers(looks: Sequence[Callable[[], Awaitable[object]]]) -> None:
    """Look at all servers at once and return when one is well. Raises the first's EditError where none is."""
    troubles: dict[int, EditError] = {}

    async def look(index: int) -> None:
        try:
            await looks[index]()
        except EditError as error:
            troubles[index] = error
        else:
            group.cancel_scope.cancel()  # one that hangs need not be waited for

    async with anyio.create_task_group() as group:
        for index in range(len(looks)):
            group.start_soon(look, index)
    if len(troubles) == len(looks):
        raise troubles[0]


def standing(state: str, trouble: EditError) -> str:
    """A line on a server that does not answer now; state: the pool's, which may not know that yet."""
    return str(trouble) if ": healthy" in state else f"{state}; {trouble}"


async def patiently(attempt: Callable[[], Awaitable[T]], *, retries: int) -> T:
    """Do it, and again after a while where a server was only busy: `retries` times at most.

    Waits as long as the server asks, else half a second, one, two and so on.
    """
    for number in range(retries):
        try:
            return await attempt()
        except ServerTrouble as trouble:
            if not trouble.again or (trouble.retry_after or 0) > LONGEST_WAIT:
                raise
            wait = trouble.retry_after
            if wait is None:
                wait = min(8.0, 0.5 * 2**number) * random.uniform(0.75, 1.25)
        await _sleep(wait)
    return await attempt()


_sleep = anyio.sleep


class PerLoop(Generic[T]):
    """One client for each event loop, since connections belong to the loop that opened them."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: WeakKeyDictionary[asyncio.AbstractEventLoop, T] = WeakKeyDictionary()

    def get(self) -> T:
        loop = asyncio.get_running_loop()
        if loop not in self._made:
            self._made[loop] = self._make()
        return self._made[loop]

    def pop(self) -> T | None:
        """The running loop's client, to be closed; None where it has none."""
        return self._made.pop(asyncio.get_running_loop(), None)
