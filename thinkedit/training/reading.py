"""Reads a configuration of training from TOML; a fault is one line with the key, its value and the fix."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from thinkedit.errors import SettingsError
from thinkedit.training.config import Common

__all__ = ["read_config"]

C = TypeVar("C", bound=Common)

PATHS = ("data", "output", "image_root", "prompt_template")


def read_config(path: str | os.PathLike[str], method: type[C], changes: Iterable[str] = ()) -> C:
    """The configuration in a TOML file.

    method: SftConfig or GrpoConfig. changes: `key=value` or `table.key=value` that go over the file; a value
    is TOML, or a plain string. Paths of the file are relative to its folder, those of changes to the working
    folder. Raises SettingsError.
    """
    path = Path(path)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}") from error
    _below(values, path.parent)
    changed: set[str] = set()
    for change in changes:
        changed.add(_change(values, change))
    try:
        return method.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_explained(error, method, path, changed)) from error


def _below(values: dict[str, Any], folder: Path) -> None:
    """Paths made absolute from the file's folder; a model only where it is written as a path."""
    for name in PATHS:
        if isinstance(value := values.get(name), str) and value:
            values[name] = str((folder / Path(value).expanduser()).absolute())
    model = values.get("model")
    if isinstance(model, str) and model.startswith(("./", "../", "/", "~")):
        values["model"] = str((folder / Path(model).expanduser()).absolute())


def _change(values: dict[str, Any], change: str) -> str:
    """Put one `key=value` in; gives the key."""
    key, sign, text = change.partition("=")
    where = [part.strip() for part in key.split(".")]
    if not sign or not all(where):
        raise SettingsError(f"--set {change!r} is not key=value, such as batch=16 or lora.rank=32")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    table = values
    for part in where[:-1]:
        inner = table.setdefault(part, {})
        if not isinstance(inner, dict):
            raise SettingsError(f"--set {change!r}: {part!r} is no table")
        table = inner
    table[where[-1]] = value
    return ".".join(where)


def _explained(error: ValidationError, method: type[BaseModel], path: Path, changed: set[str]) -> str:
    first = error.errors(include_url=False)[0]
    where = [str(part) for part in first["loc"]]
    name = ".".join(where)
    origin = "from --set" if name in changed else f"in {path}"
    if first["type"] == "extra_forbidden":
        known = _keys(method, where[:-1])
        near = difflib.get_close_matches(where[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
        return f"there is no option {name!r} ({origin}): {hint}"
    if first["type"] == "missing":
        return f"{path} has no {name!r}, which is needed"
    message = first["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if not where:
        return f"{path}: {message}"
    value = first["input"]
    shown = f" has the value {value!r:.80}" if isinstance(value, str | int | float | bool) else ""
    if where[0] == "models":  # what stands for a model may have a key in it
        shown = ""
    return f"the option {name!r}{shown} ({origin}): {message}"


def _keys(model: type[BaseModel], where: list[str]) -> list[str]:
    for part in where:
        if part not in model.model_fields:
            break
        annotation = model.model_fields[part].annotation
        kinds: Mapping[Any, Any] = dict.fromkeys((annotation, *get_args(annotation)))
        model = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), model)
    return sorted(model.model_fields)
