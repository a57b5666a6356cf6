"""The kind `python`: a function or a class of the user's own, named in the configuration."""

from __future__ import annotations

import importlib
from typing import Any

from thinkedit.adapters.base import Safety
from thinkedit.adapters.safety.called import CalledSafety, as_safety
from thinkedit.errors import SettingsError

__all__ = ["named_safety"]


def named_safety(model: str, **options: Any) -> Safety:
    """What `package.module:name` (or `package.module.name`) names.

    A class is made with the options; a function takes none and is called with each SafetyRequest. The
    module is imported, so name only what you would run. Raises SettingsError where it is not there.
    """
    module, colon, name = model.partition(":")
    if not colon:
        module, _, name = model.rpartition(".")
    if not module or not name:
        raise SettingsError(f"the safety check {model!r} names no function: write package.module:function")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except ImportError as error:
        raise SettingsError(f"the safety check {model!r} cannot be imported: {error}") from error
    except AttributeError as error:
        raise SettingsError(f"the safety check {model!r} is not there: {error}") from error
    if isinstance(found, type):
        return as_safety(found(**options))
    if options:
        raise SettingsError(
            f"the safety check {model!r} is a function and takes no option {next(iter(options))!r}: "
            "name a class for that"
        )
    if isinstance(found, Safety):
        return found
    if not callable(found):
        raise SettingsError(
            f"the safety check {model!r} is {type(found).__name__}: name a function or a class"
        )
    return CalledSafety(found, f"{module}:{name}")
