"""Outside scorers for the dataset, the evaluation and the training: by name, as editors and thinkers are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from thinkedit.adapters.base import Judge
from thinkedit.adapters.registry import _create

__all__ = ["JUDGES", "create_judge"]

JUDGES: dict[str, str] = {
    "chat": "thinkedit.adapters.judges.chat:ChatJudge",
    "provingground": "thinkedit.provingground.judge:ProvingGroundJudge",
    "scripted": "thinkedit.adapters.judges.scripted:ScriptedJudge",
    "thinker": "thinkedit.adapters.judges.thinking:ThinkerJudge",
}


def create_judge(name: str, options: Mapping[str, Any] | None = None) -> Judge:
    """A judge by `kind` or `kind:model`; `thinker:KIND` scores as that thinker does.

    Raises SettingsError for an unknown kind, option or value, MissingExtra where a package is not installed.
    """
    return cast(Judge, _create("judge", JUDGES, name, options or {}))
