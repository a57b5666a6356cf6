"""What the openai client raises, as one clear line of ours. No line shows a key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from thinkedit.adapters.editors.remote.servers import PAGE, ServerTrouble, is_page, retry_after, said
from thinkedit.adapters.secrets import Key, scrub
from thinkedit.errors import EditError, EditorFailed, EditRefused

__all__ = ["Asked", "late", "page", "told"]

_REFUSED = re.compile(
    r"moderation|safety|content[_ -]?policy|content[_ -]?filter|policy_violation|responsible_ai|nsfw", re.I
)
_USED_UP = re.compile(r"insufficient_quota|billing|hard limit|credit", re.I)
ENDING = "it should end in /v1"


@dataclass(frozen=True)
class Asked:
    """Who was asked for what, for errors. secrets: never to be shown. key: how to set the right one."""

    server: str
    model: str
    timeout: float
    key: str
    secrets: tuple[Key, ...]

    def clean(self, text: str) -> str:
        return scrub(text, *self.secrets)


def page(asked: Asked, status: int | None = None) -> ServerTrouble:
    """A web page where JSON should be."""
    code = "" if status in (None, 200) else f" ({status})"
    broken = status is not None and status >= 500  # a proxy's page: what is behind it may come back
    text = f"{asked.server} {PAGE}{code}" if broken else f"{asked.server} {PAGE} {ENDING}{code}"
    return ServerTrouble(text, retryable=broken, again=broken)


def late(asked: Asked) -> ServerTrouble:
    """Its time was over."""
    return ServerTrouble(
        f"{asked.server} gave no picture within {asked.timeout:g} s: set timeout higher, "
        "or use fewer steps or a smaller area"
    )


def told(error: Exception, asked: Asked) -> EditError:
    """The error of ours for one that the openai client raised."""
    import openai

    slow_to_connect = type(error.__cause__).__name__ == "ConnectTimeout"
    if isinstance(error, openai.APITimeoutError) and not slow_to_connect:
        return late(asked)
    if isinstance(error, openai.APIConnectionError):
        cause = asked.clean(said(str(error.__cause__ or error))).rstrip(".") or "no connection in time"
        return ServerTrouble(
            f"{asked.server} cannot be reached ({cause}): is it running, and is the base_url right?",
            again=True,
        )
    if isinstance(error, openai.APIStatusError):
        text = error.response.text if error.response.is_stream_consumed else ""
        if is_page(error.response.headers.get("content-type"), text):
            return page(asked, error.status_code)
        return _status(error.status_code, error.body, error.response.headers, asked)
    return ServerTrouble(f"{asked.server} gave no usable answer: {asked.clean(said(str(error)))}")


def _status(status: int, body: Any, headers: Mapping[str, str], asked: Asked) -> EditError:
    words = asked.clean(said(body))
    what = f": {words}" if words else ""
    codes = (
        " ".join(str(body.get(name) or "") for name in ("code", "type")) if isinstance(body, Mapping) else ""
    )
    if status in (400, 403, 422, 451) and _REFUSED.search(f"{codes} {words}"):
        return EditRefused(f"{asked.server} refuses this edit{what}")
    if status in (401, 403):
        # Without the server's words: they quote a part of the key.
        return ServerTrouble(
            f"{asked.server} does not accept the API key ({status}): {asked.key}", retryable=False
        )
    if status == 404:
        if "model" in f"{codes} {words}".lower():
            text = f"{asked.server} does not have the model {asked.model!r} (404){what}"
        else:
            text = f"{asked.server} has no images API there (404): is the base_url right? {ENDING}{what}"
        return ServerTrouble(text, retryable=False)
    if status == 405:
        return ServerTrouble(f"{asked.server} does not edit images (405){what}", retryable=False)
    if status == 413:
        return EditorFailed(
            f"{asked.server} finds the picture too large (413): set area lower{what}", retryable=False
        )
    if status == 429:
        if _USED_UP.search(f"{codes} {words}"):
            return ServerTrouble(
                f"{asked.server} says that the account is used up (429){what}", retryable=False
            )
        wait = retry_after(headers)
        soon = "" if wait is None else f", try again in {wait:g} s"
        return ServerTrouble(
            f"{asked.server} is asked too often (429){soon}{what}", again=True, retry_after=wait
        )
    if status in (408, 409) or status >= 500:
        return ServerTrouble(
            f"{asked.server} failed ({status}){what}", again=True, retry_after=retry_after(headers)
        )
    hint = ' (if it does not know the field seed, set seed = "none")' if "seed" in words.lower() else ""
    return EditorFailed(f"{asked.server} does not accept the request ({status}){what}{hint}", retryable=False)
