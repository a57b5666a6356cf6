"""What can go wrong between here and a model, each as one clear line.

The clients of the providers have an error class for everything, each its own; what they have in common is a
status, a response with headers, a body, and names. So those are looked at, and no client is imported.
"""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from thinkedit.adapters.secrets import scrub
from thinkedit.adapters.thinkers.chat.settings import ChatSettings
from thinkedit.errors import AnswerError, ThinkerFailed

__all__ = ["Fault", "Foreign", "Refused", "explain", "is_html"]

LONGEST = 300
"""Characters of a provider's own message that are shown."""

_TIME_OUT = frozenset({"ModelTimeoutError", "APITimeoutError", "TimeoutException", "TimeoutError"})
_CONNECTION = frozenset({"ModelConnectionError", "APIConnectionError", "TransportError", "ConnectionError"})
_BAD_KEY = re.compile(r"api[ _-]?key not valid|invalid[ _](x-)?api[ _-]?key|incorrect api key", re.IGNORECASE)
_REFUSED = re.compile(
    r"content[ _]?(policy|filter|management)|responsible ?ai|safety system|prohibited", re.IGNORECASE
)
_QUOTA = re.compile(r"insufficient_quota|exceeded your current quota, please check your plan", re.IGNORECASE)
_CONTEXT = re.compile(
    r"context[ _](length|window)|prompt is too long|maximum number of tokens|token limit", re.IGNORECASE
)
_TITLE = re.compile(r"<title[^>]{0,100}>([^<]{1,200})", re.IGNORECASE)
_LEFT_OUT = re.compile(r"\b(temperature|seed|top_p)\b", re.IGNORECASE)


class Fault(ThinkerFailed):
    """A request that failed. message: one line that names the endpoint.

    again: whether the same request may go through in a moment. sick: whether it is the endpoint's fault, so
    that another one may do better. retry_after: seconds that the server asks to wait, or None.
    without: an argument that this model does not take.
    """

    def __init__(
        self,
        message: str,
        *,
        again: bool = False,
        sick: bool = False,
        retryable: bool | None = None,
        retry_after: float | None = None,
        without: str | None = None,
    ) -> None:
        super().__init__(message, retryable=again if retryable is None else retryable)
        self.again = again
        self.sick = sick
        self.retry_after = retry_after
        self.without = without


class Refused(Fault):
    """The model, or what watches over it, will not answer; trying again is no use."""


class Foreign(Exception):
    """The endpoint answered with a page for people; the text is its beginning."""


def is_html(content_type: str, text: str) -> bool:
    return "html" in content_type.lower() or text.lstrip()[:9].lower() in ("<!doctype", "<html>", "<html lan")


def explain(error: BaseException, settings: ChatSettings, where: str) -> Fault | AnswerError:
    """The fault in one line, without secrets. where: the endpoint's name."""
    chain = list(_chain(error))
    if (found := next((e for e in chain if isinstance(e, Fault | AnswerError)), None)) is not None:
        return found
    fault = _fault(chain, settings, f"{settings.what} at {where}")
    fault.args = (scrub(str(fault), *settings.secrets),)
    return fault


def _fault(chain: list[BaseException], settings: ChatSettings, what: str) -> Fault | AnswerError:
    names = {base.__name__ for error in chain for base in type(error).__mro__}
    status = next((s for s in map(_status, chain) if s is not None), None)
    said = _said(chain)
    foreign = next((e for e in chain if isinstance(e, Foreign)), None)
    if foreign is not None or (status is not None and _page(said)):
        title = _TITLE.search(str(foreign) if foreign is not None else said)
        page = f" ({' '.join(title[1].split())!r})" if title else ""
        said = f"an HTML page{page}"
        if status is None or status < 400:
            return Fault(
                f"{what} answered with {said}, and no chat API does: is base_url right? "
                "It usually ends in /v1 for servers that speak OpenAI's protocol",
                sick=True,
            )
    if "LengthFinishReasonError" in names:
        return AnswerError(f"{what}: the answer was cut off at max_tokens = {settings.max_tokens}: raise it")
    if "ContentFilterFinishReasonError" in names:
        return Refused(f"{what} refused to answer: its content filter stopped it")
    if status is not None:
        return _by_status(status, said, chain, settings, what)
    if names & _TIME_OUT:
        return Fault(
            f"{what} gave no answer within {settings.timeout:g} s (timeout)", sick=True, retryable=True
        )
    if names & _CONNECTION:
        return Fault(
            f"{what} cannot be reached: {_reason(chain)}: is the server running, and base_url right?",
            again=True,
            sick=True,
        )
    return Fault(
        f"{what} gave something that is no answer of a chat model: "
        f"{type(chain[0]).__name__}{f': {_short(said)}' if said else ''}",
        sick=True,
        retryable=True,
    )


def _by_status(
    status: int, said: str, chain: list[BaseException], settings: ChatSettings, what: str
) -> Fault:
    told = f" ({status}: {_short(said)})" if said else f" ({status})"
    if status == 401 or (status in (400, 403) and _BAD_KEY.search(said)):
        had = "was not accepted" if settings.key is not None else "is missing"
        return Fault(
            f"{what}: the API key {had}{told}: {settings.key_advice}",
            sick=len(settings.urls) > 1,
        )
    if status in (402, 429) and (_QUOTA.search(said) or status == 402):
        return Fault(f"{what}: the account has no credit left{told}: look at the provider's billing page")
    if status == 403:
        return Fault(f"{what}: this API key may not use the model{told}")
    if status == 404:
        return Fault(
            f"{what}: there is no such model or address{told}: look at model and base_url", sick=True
        )
    if status == 413:
        return Fault(f"{what}: the request is too large{told}: make max_pixels smaller")
    if status in (408, 409, 425, 429) or status >= 500:
        why = {429: "asks to slow down", 503: "is overloaded", 529: "is overloaded"}.get(status, "failed")
        again = status not in (501, 505)
        return Fault(f"{what} {why}{told}", again=again, sick=True, retry_after=_retry_after(chain))
    if _REFUSED.search(said):
        return Refused(f"{what} refused the request{told}")
    if _CONTEXT.search(said):
        return Fault(
            f"{what}: pictures and text are too long for this model{told}: "
            "make max_pixels or max_tokens smaller"
        )
    unwanted = _LEFT_OUT.search(said) if status in (400, 422) else None
    return Fault(f"{what} did not take the request{told}", without=unwanted[1].lower() if unwanted else None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    now: BaseException | None = error
    while now is not None and id(now) not in seen and len(seen) < 8:
        seen.add(id(now))
        yield now
        now = now.__cause__ or now.__context__


def _status(error: BaseException) -> int | None:
    response = getattr(error, "response", None)
    for value in (
        getattr(error, "status_code", None),
        getattr(error, "code", None),
        getattr(response, "status_code", None),
    ):
        if isinstance(value, int) and not isinstance(value, bool) and 400 <= value <= 999:
            return value
    return None


def _said(chain: list[BaseException]) -> str:
    """The provider's own words: of the body where there is one, else of the exception."""
    for error in chain:
        for body in (getattr(error, "body", None), getattr(error, "details", None)):
            if text := _message(body):
                return text
    for error in chain:
        body = getattr(error, "error", None)  # ollama's client keeps it there as text
        if isinstance(body, str) and body.strip():
            try:
                return _message(json.loads(body)) or body
            except ValueError:
                return body
    return next((text for text in map(str, chain) if text.strip()), "")


def _message(body: object) -> str:
    if isinstance(body, list) and body:
        body = body[0]
    if isinstance(body, Mapping):
        inner: Any = body.get("error", body)
        if isinstance(inner, Mapping):
            words = [inner.get("message") or inner.get("detail") or "", inner.get("code"), inner.get("type")]
            text = str(words[0])
            mark = next((w for w in words[1:] if isinstance(w, str) and w not in text), "")
            return f"{text} [{mark}]" if text and mark else text
        return str(inner)
    return body if isinstance(body, str) else ""


def _page(text: str) -> bool:
    return is_html("", text) or "<html" in text[:2000].lower()


def _retry_after(chain: list[BaseException]) -> float | None:
    for error in chain:
        headers = getattr(getattr(error, "response", None), "headers", None)
        if headers is not None and hasattr(headers, "get"):
            if (value := _number(headers.get("retry-after-ms"))) is not None:
                return value / 1000
            given = headers.get("retry-after")
            if (value := _number(given)) is not None:
                return value
            if given and (date := email.utils.parsedate_to_datetime(given) if "," in given else None):
                return max(0.0, date.timestamp() - time.time())
        if (value := _google_delay(getattr(error, "details", None))) is not None:
            return value
    return None


def _google_delay(details: object) -> float | None:
    """Of google.rpc.RetryInfo: `"retryDelay": "12s"`."""
    if isinstance(details, Mapping):
        inner = details.get("error", details)
        for one in inner.get("details", []) if isinstance(inner, Mapping) else []:
            delay = one.get("retryDelay") if isinstance(one, Mapping) else None
            if isinstance(delay, str):
                return _number(delay.removesuffix("s"))
    return None


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < 1e7 else None


def _reason(chain: list[BaseException]) -> str:
    """The innermost words, which say `Connection refused` where the outer ones say `Connection error.`"""
    return _short(next((str(e) for e in reversed(chain) if str(e).strip()), type(chain[0]).__name__))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"
