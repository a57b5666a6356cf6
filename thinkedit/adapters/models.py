"""Editors and thinkers by name, each made once and kept loaded for as long as the process serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from thinkedit.adapters.base import Checkable, Closable, Editor, Thinker
from thinkedit.adapters.registry import create_editor, create_thinker
from thinkedit.errors import SettingsError

__all__ = ["Models"]


class Models:
    """What a name stands for.

    named: name -> {"kind": "kind" or "kind:model", **options}, as in the configuration file; any other
        name is a kind itself.
    editors, thinkers: ready objects by name, for callers that bring their own.
    """

    def __init__(
        self,
        named: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        editors: Mapping[str, Editor] | None = None,
        thinkers: Mapping[str, Thinker] | None = None,
    ) -> None:
        self._named = dict(named or {})
        self._editors: dict[str, Editor] = dict(editors or {})
        self._thinkers: dict[str, Thinker] = dict(thinkers or {})

    def editor(self, name: str) -> Editor:
        """The editor of that name. SettingsError for an unknown one."""
        if name not in self._editors:
            kind, options = self._resolve(name)
            self._editors[name] = create_editor(kind, options)
        return self._editors[name]

    def thinker(self, name: str) -> Thinker:
        """The thinker of that name. SettingsError for an unknown one."""
        if name not in self._thinkers:
            kind, options = self._resolve(name)
            self._thinkers[name] = create_thinker(kind, options)
        return self._thinkers[name]

    def _resolve(self, name: str) -> tuple[str, dict[str, Any]]:
        if name not in self._named:
            return name, {}
        options = dict(self._named[name])
        kind = options.pop("kind", None)
        if not isinstance(kind, str):
            raise SettingsError(
                f'the model {name!r} in the configuration has no kind: add a line such as kind = "photo"'
            )
        return kind, options

    async def check(self, editor: str, thinker: str) -> None:
        """Ask both models whether they can be reached, where they can say."""
        for model in (self.editor(editor), self.thinker(thinker)):
            if isinstance(model, Checkable):
                await model.check()

    async def aclose(self) -> None:
        for model in (*self._editors.values(), *self._thinkers.values()):
            if isinstance(model, Closable):
                await model.aclose()
