"""What looks at instructions, prompts and results: a function of the user's own, or a configured model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from thinkedit.adapters.base import Safety
from thinkedit.adapters.registry import _create
from thinkedit.adapters.safety.called import CalledSafety, as_safety
from thinkedit.errors import SettingsError

__all__ = ["SAFETY", "CalledSafety", "as_safety", "create_safety"]

SAFETY: dict[str, str] = {
    "chat": "thinkedit.adapters.thinkers.chat:ChatSafety",
    "python": "thinkedit.adapters.safety.named:named_safety",
    "scripted": "thinkedit.adapters.safety.scripted:ScriptedSafety",
}


def create_safety(name: str, options: Mapping[str, Any] | None = None) -> Safety:
    """A safety check by `kind` or `kind:model`, such as `python:mypackage.checks:review`.

    Raises SettingsError for an unknown kind, option or value, MissingExtra where a package is not installed.
    """
    made = _create("safety check", SAFETY, name, options or {})
    if not isinstance(made, Safety):
        raise SettingsError(f"{name!r} is no safety check: it has no identity or no review")
    return made
