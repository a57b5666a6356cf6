"""Editors, thinkers and safety checks by name, each made once and kept while the process serves."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from thinkedit.adapters.base import Checkable, Closable, Editor, Judge, Refiner, Safety, Thinker
from thinkedit.adapters.judges import create_judge
from thinkedit.adapters.registry import THINKERS, create_editor, create_thinker
from thinkedit.adapters.safety import as_safety, create_safety
from thinkedit.adapters.safety.called import Check, target_of
from thinkedit.errors import SettingsError, ThinkEditError

__all__ = ["Models"]


class Models:
    """What a name stands for.

    named: name -> {"kind": "kind" or "kind:model", **options}, as in the configuration file; any other
        name is a kind itself.
    editors, thinkers, safeties, judges: ready objects by name, for callers that bring their own; a safety
        check may be a function of a SafetyRequest.
    """

    def __init__(
        self,
        named: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        editors: Mapping[str, Editor] | None = None,
        thinkers: Mapping[str, Thinker] | None = None,
        safeties: Mapping[str, Safety | Check] | None = None,
        judges: Mapping[str, Judge] | None = None,
    ) -> None:
        self._named = dict(named or {})
        self._editors: dict[str, Editor] = dict(editors or {})
        self._thinkers: dict[str, Thinker] = dict(thinkers or {})
        self._safeties: dict[str, Safety] = {
            name: as_safety(check) for name, check in (safeties or {}).items()
        }
        self._judges: dict[str, Judge] = dict(judges or {})
        self._adopted: dict[str, object] = {}

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

    def refiner(self, name: str) -> Refiner:
        """The thinker of that name, seen to be one that rewrites prompts. SettingsError where it is not."""
        thinker = self.thinker(name)
        if not isinstance(thinker, Refiner):
            able = ", ".join(repr(kind) for kind in _refining()) or "none here"
            raise SettingsError(
                f"the refiner {name!r} is a thinker that cannot write prompts from another's critique; "
                f"kinds that can: {able}"
            )
        return thinker

    def safety(self, name: str) -> Safety:
        """The safety check of that name. SettingsError for an unknown one."""
        if name not in self._safeties:
            kind, options = self._resolve(name)
            self._safeties[name] = create_safety(kind, options)
        return self._safeties[name]

    def judge(self, name: str) -> Judge:
        """The judge of that name. SettingsError for an unknown one."""
        if name not in self._judges:
            kind, options = self._resolve(name)
            self._judges[name] = create_judge(kind, options)
        return self._judges[name]

    def adopt_safety(self, check: Safety | Check) -> str:
        """Take a check that a caller brings; returns the name by which settings name it.

        For a function of a module that is `python:module:name`, so that another process that goes on with
        the session finds it again; any other check is known to this process alone.
        """
        target = target_of(check)
        findable = inspect.isfunction(check) and "<" not in target
        base = name = f"python:{target}" if findable else f"given:{target}"
        number = 1
        while name in self._safeties and self._adopted.get(name) is not check:
            number += 1
            name = f"{base}#{number}"
        if name not in self._safeties:
            self._safeties[name] = as_safety(check)
            self._adopted[name] = check
        return name

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

    async def check(
        self, editor: str, thinker: str, refiner: str | None = None, safety: str | None = None
    ) -> None:
        """Ask the models whether they can be reached, where they can say."""
        models: list[object] = [self.editor(editor), self.thinker(thinker)]
        models += [self.refiner(refiner)] if refiner is not None else []
        models += [self.safety(safety)] if safety is not None else []
        for model in models:
            if isinstance(model, Checkable):
                await model.check()

    async def aclose(self) -> None:
        made = (self._editors, self._thinkers, self._safeties, self._judges)
        for model in (model for models in made for model in models.values()):
            if isinstance(model, Closable):
                await model.aclose()


def _refining() -> list[str]:
    """The kinds of thinkers whose class has `refine`; those that cannot be looked at are left out."""
    able = []
    for kind, target in THINKERS.items():
        module, _, name = target.partition(":")
        with suppress(ImportError, AttributeError, ThinkEditError):
            if hasattr(getattr(importlib.import_module(module), name), "refine"):
                able.append(kind)
    return able
