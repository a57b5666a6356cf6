"""Which editors and thinkers there are: a kind and the class that makes it, imported when it is asked for."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any, cast

from thinkedit.adapters.base import Editor, Thinker
from thinkedit.adapters.require import EXTRAS
from thinkedit.adapters.secrets import redacted, scrub, secrets_in
from thinkedit.errors import MissingExtra, SettingsError

__all__ = ["EDITORS", "THINKERS", "create_editor", "create_thinker"]

EDITORS: dict[str, str] = {
    "diffusers": "thinkedit.adapters.editors.diffusers:DiffusersEditor",
    "editthinker-api": "thinkedit.adapters.editors.editthinker_api:EditThinkerEditor",
    "openai-images": "thinkedit.adapters.editors.openai_images:OpenAIImagesEditor",
    "photo": "thinkedit.adapters.editors.photo:PhotoEditor",
    "provingground": "thinkedit.provingground.editor:ProvingGroundEditor",
    "scripted": "thinkedit.adapters.editors.scripted:ScriptedEditor",
}

THINKERS: dict[str, str] = {
    "chat": "thinkedit.adapters.thinkers.chat:ChatThinker",
    "host": "thinkedit.adapters.thinkers.host:HostThinker",
    "measured": "thinkedit.adapters.thinkers.measured:MeasuredThinker",
    "provingground": "thinkedit.provingground.expert:ProvingGroundExpert",
    "scripted": "thinkedit.adapters.thinkers.scripted:ScriptedThinker",
    "transformers": "thinkedit.adapters.thinkers.transformers:TransformersThinker",
}


def create_editor(name: str, options: Mapping[str, Any] | None = None) -> Editor:
    """An editor by `kind` or `kind:model`, with the options of its class.

    Raises SettingsError for an unknown kind, option or value, MissingExtra where a package is not installed.
    """
    return cast(Editor, _create("editor", EDITORS, name, options or {}))


def create_thinker(name: str, options: Mapping[str, Any] | None = None) -> Thinker:
    """A thinker by `kind` or `kind:model`; errors as for `create_editor`."""
    return cast(Thinker, _create("thinker", THINKERS, name, options or {}))


def _create(role: str, kinds: Mapping[str, str], name: str, options: Mapping[str, Any]) -> object:
    kind, colon, model = name.strip().partition(":")
    if kind not in kinds:
        raise SettingsError(f"unknown {role} {kind!r}{_suggest(kind, kinds)}")
    if colon and not model:
        raise SettingsError(f"{role} {name!r} names no model after the colon")
    made = _load(f"the {role} {kind!r}", kinds[kind])
    signature = inspect.signature(made)
    known = [
        p.name for p in signature.parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    anything = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    if colon and "model" not in known and not anything:
        raise SettingsError(f"{role} {kind!r} takes no model: write {kind!r} instead of {name!r}")
    if colon and "model" in options:
        raise SettingsError(
            f"{role} {name!r} names a model twice: leave out the option model={options['model']!r}"
        )
    for option in options:
        if option not in known and not anything:
            raise SettingsError(f"unknown option {option!r} of {role} {kind!r}{_suggest(option, known)}")
    given = {**options, "model": model} if colon else dict(options)
    try:
        signature.bind(**given)
    except TypeError as error:
        raise SettingsError(f"{role} {kind!r}: {error}") from error
    try:
        return made(**given)
    except ImportError as error:
        _explain(f"the {role} {kind!r}", error)
        raise
    except (TypeError, ValueError, SettingsError) as error:
        told = isinstance(error, SettingsError)
        text = str(error) if told else f"{role} {kind!r} cannot be made from {redacted(given)}: {error}"
        shown = scrub(text, *secrets_in(given))
        if shown == text and told:
            raise
        # The first error is left out where it shows a secret: a traceback would print it.
        raise SettingsError(shown) from (error if shown == text else None)


def _load(what: str, target: str) -> Any:
    module, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        _explain(what, error)
        raise


def _explain(what: str, error: ImportError) -> None:
    """Raise MissingExtra where an extra would bring the package; otherwise the installation is broken."""
    extra = EXTRAS.get((error.name or "").partition(".")[0])
    if extra is not None:
        raise MissingExtra(what, extra) from error


def _suggest(word: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.5)
    return (f": did you mean {near[0]!r}?" if near else ":") + f" known: {', '.join(names) or 'none'}"
