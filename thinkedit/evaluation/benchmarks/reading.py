"""Reading official files: JSON, prompts in Python modules, counts. Messages name the file and the fix."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from thinkedit.errors import InputError
from thinkedit.evaluation.base import Prompts
from thinkedit.images import Picture

__all__ = [
    "counted",
    "filled",
    "find",
    "fitted",
    "image_root",
    "official_prompts",
    "python_strings",
    "read_json",
    "relative",
]


def find(data: Path, names: Iterable[str]) -> Path | None:
    """The first of these paths below `data` that is there."""
    return next((data / name for name in names if (data / name).exists()), None)


def read_json(path: Path, problems: list[str]) -> Any:
    """A JSON file; a key that is there twice is told in `problems` (the first stays). Raises InputError."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in pairs:
            if key in made:
                problems.append(f"{path}: {key!r} is there twice; the first one is taken")
            else:
                made[key] = value
        return made

    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON ({error}): get the file again") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error


def relative(value: object) -> str | None:
    """A path below a folder as it stands in a record, or None for anything else."""
    if not isinstance(value, str) or not value.strip() or "\\" in value or "\0" in value:
        return None
    parts = PurePosixPath(value)
    return None if parts.is_absolute() or ".." in parts.parts else value


def image_root(roots: Sequence[Path], names: Iterable[str]) -> Path:
    """The folder of which most of these pictures are there; the first one where none has any."""
    wanted = list(names)[:50]
    return max(roots, key=lambda root: sum((root / name).is_file() for name in wanted))


def counted(what: str, found: Mapping[str, int], published: Mapping[str, int]) -> list[str]:
    """Notes where the counts are not the published ones."""
    notes = [
        f"{what}: {found.get(name, 0)} of {name}, {count} are published"
        for name, count in published.items()
        if found.get(name, 0) != count
    ]
    return notes if len(notes) <= 4 else [*notes[:3], f"{what}: {len(notes) - 3} more counts differ"]


def python_strings(path: Path) -> dict[str, str]:
    """The strings that a Python file gives names to, read and never run. Raises InputError."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{path} is no Python file with prompts ({error}): get it again") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    strings: dict[str, str] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            try:
                value = ast.literal_eval(statement.value)
            except ValueError:
                continue
            if isinstance(value, str):
                strings |= {target.id: value for target in statement.targets if isinstance(target, ast.Name)}
    return strings


def official_prompts(folder: Path, files: Sequence[str], wanted: Iterable[str], source: str) -> Prompts:
    """The wanted prompts from the first of `files` below `folder`, a JSON object or a Python module.

    source: where to get them. Raises InputError where the file or a prompt is missing.
    """
    path = find(folder, files)
    if path is None:
        raise InputError(f"{folder} has none of {', '.join(files)}: the official prompts are in {source}")
    found = read_json(path, []) if path.suffix == ".json" else python_strings(path)
    texts = {str(name): text for name, text in dict(found).items() if isinstance(text, str)}
    missing = [name for name in wanted if name not in texts]
    if missing:
        raise InputError(f"{path} has no prompt {missing[0]!r}: the official file is in {source}")
    return Prompts(texts, official=True)


def filled(prompts: Prompts, name: str, **facts: object) -> str:
    """A prompt with its placeholders in braces filled in. InputError where it is not there or has others."""
    if name not in prompts.texts:
        raise InputError(
            f"the file of judge prompts has no {name!r}, which this sample needs: get a newer one"
        )
    try:
        return prompts.texts[name].format(**facts)
    except (KeyError, IndexError, ValueError) as error:
        raise InputError(
            f"the judge prompt {name!r} has a placeholder that is not filled ({error}); "
            f"there are {', '.join(sorted(facts)) or 'none'}"
        ) from error


def fitted(picture: Picture, width: int, height: int) -> Picture:
    """The picture at exactly this size; itself where it has it. Blocks."""
    if (picture.width, picture.height) == (width, height):
        return picture
    from PIL import Image

    made = Image.fromarray(picture.pixels()).resize((width, height))
    import numpy as np

    return Picture.from_pixels(np.asarray(made))
