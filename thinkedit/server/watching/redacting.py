"""Taking out of log lines what must not stand there: secrets, pictures, and the queries of addresses.

Secrets that are known are found wherever they stand; those that are not, by where they stand (after
`Authorization:`, `token=`, in an address) or by their form (a JWT, a provider's key).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

from thinkedit.adapters.secrets import HIDDEN, scrub, secrets_in
from thinkedit.config import Config

__all__ = ["Redaction", "secrets_of"]

_NAMED = (
    r"authorization|proxy-authorization|cookie|x-api-key|api[-_]?key|access[-_]token|token|secret|password"
)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b((?i:bearer|basic|digest))\s+(?=\S*[A-Z0-9=])[A-Za-z0-9._~+/=:-]{6,}"), rf"\1 {HIDDEN}"),
    (
        re.compile(
            rf"""(\b(?:{_NAMED})\b["']?\s*[:=]\s*)(?!(?:bearer|basic)\b)(b?"[^"]*"|b?'[^']*'|[^\s,;&)]+)""",
            re.I,
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"data:[\w.+/-]*(?:;[\w=-]+)*,[A-Za-z0-9+/=_%-]*"), f"data:{HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), HIDDEN),  # a JWT
    (re.compile(r"\b(?:te_|sk-|pk-|gh[pousr]_|glpat-|xox[abp]-|AKIA|AIza|hf_)[A-Za-z0-9_-]{12,}"), HIDDEN),
    (re.compile(r"""\bb(?:'(?:[^'\\]|\\.){64,}'|"(?:[^"\\]|\\.){64,}")"""), f"b{HIDDEN}"),  # bytes, by repr
    (re.compile(r"[A-Za-z0-9+/_-]{200,}={0,2}"), HIDDEN),  # base64
    # Queries, of whole addresses and of paths; a question mark at the end of a sentence is none.
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s?#'\"<>]*)\?[^\s'\"<>]+", re.I), rf"\1?{HIDDEN}"),
    (re.compile(r"((?<![\w/:])/[\w./%~-]*)\?[^\s'\"<>]+"), rf"\1?{HIDDEN}"),
)


class Redaction:
    """known: secrets that are hidden wherever they stand."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = tuple(set(known))

    def __call__(self, text: str) -> str:
        text = scrub(text, *self._known)
        for pattern, shown in _PATTERNS:
            text = pattern.sub(shown, text)
        return text


def secrets_of(config: Config) -> set[str]:
    """The secrets that this configuration holds or names: keys of models, passwords in addresses."""
    found = set(secrets_in(config.models))
    found |= {value for name in _variables(config.models) if (value := os.environ.get(name, "").strip())}
    for url in (config.database, config.store):
        if url is not None and (password := re.search(r"://[^/@\s:]*:([^/@\s]+)@", url)):
            found.add(password[1])
    return found


def _variables(value: Any) -> set[str]:
    """The names of variables that hold keys: what `api_key_env` says, and those of the providers."""
    usual = {name for name in os.environ if name.endswith(("_API_KEY", "_TOKEN", "_SECRET_KEY"))}
    if not isinstance(value, dict):
        return usual
    named = {model.get("api_key_env") for model in value.values() if isinstance(model, dict)}
    return usual | {name for name in named if isinstance(name, str)}
