"""The two sets as they are on disk, every row and every picture looked at before a model is loaded.

`sft_train.json`: a list of `{messages: [user, assistant], images: [source, edited]}`, or one such object on
each line of a .jsonl. `rl_train.jsonl`: `{origin_prompt, rewritten_prompt, origin_image_path,
edited_image_path, evaluation: {semantics, quality}}`. Layouts: docs/data.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from pydantic import BaseModel, Field, ValidationError

from thinkedit.adapters.base import CritiqueRequest
from thinkedit.adapters.protocol import Template, parse_answer, render, template_for
from thinkedit.errors import AnswerError, InputError
from thinkedit.journal import read_lines
from thinkedit.training.config import Common, GrpoConfig, SftConfig

__all__ = ["RlRow", "SftRow", "rl_rows", "sft_rows", "user_text"]

MARKER = re.compile(r"[ \t]*<image>[ \t]*\n?")

R = TypeVar("R")


@dataclass(frozen=True)
class SftRow:
    """text: of the user, without markers. answer: what is to be written. source, edited: files that exist.

    place: FILE:LINE.
    """

    text: str
    answer: str
    source: Path
    edited: Path
    place: str


@dataclass(frozen=True)
class RlRow:
    """text: of the user. instruction: T_s; prompt: T_t, of which `edited` was made.

    semantic, quality: the judge's scores of `edited`, 0-10. source, edited: files that exist.
    """

    text: str
    instruction: str
    prompt: str
    source: Path
    edited: Path
    semantic: float
    quality: float
    place: str


class _Message(BaseModel):
    role: Literal["user", "assistant"]
    content: str = Field(min_length=1)


class _Sft(BaseModel):
    messages: list[_Message] = Field(min_length=2, max_length=2)
    images: list[str] = Field(min_length=2, max_length=2)


class _Evaluation(BaseModel):
    semantics: float = Field(ge=0, le=10)
    quality: float = Field(ge=0, le=10)


class _Rl(BaseModel):
    origin_prompt: str = Field(min_length=1)
    rewritten_prompt: str = Field(min_length=1)
    origin_image_path: str = Field(min_length=1)
    edited_image_path: str = Field(min_length=1)
    evaluation: _Evaluation


def user_text(instruction: str, prompt: str, template: Template, threshold: float) -> str:
    """The text that goes with (source, edited): what the loop renders, without history."""
    nothing = cast(Any, None)  # the pictures travel apart and are not looked at
    request = CritiqueRequest(
        source=nothing, edited=nothing, instruction=instruction, prompt=prompt, threshold=threshold
    )
    return render(request, template)


def sft_rows(config: SftConfig) -> list[SftRow]:
    """Every row of the set. InputError with FILE:LINE for the first that cannot be learnt from."""
    made_by = (
        None if config.foreign_prompts else _form(template_for(config.prompt_template), config.threshold)
    )

    def read(value: Any, place: str, found: Callable[[str], Path]) -> SftRow:
        row = _valid(_Sft, value, place)
        user, assistant = row.messages
        if (user.role, assistant.role) != ("user", "assistant"):
            raise InputError(
                f"{place}: messages of {user.role} and {assistant.role}: first the user's is meant"
            )
        if (markers := user.content.count("<image>")) != 2:
            raise InputError(f"{place}: {markers} <image> markers for 2 pictures in the user's text")
        text = MARKER.sub("", user.content).lstrip()
        if made_by is not None and made_by.fullmatch(text) is None:
            raise InputError(
                f"{place}: the user's text was not made by {config.prompt_template or 'our template'}: name "
                "its template as prompt_template, or set foreign_prompts = true to take it as it is"
            )
        try:
            parse_answer(assistant.content)
        except AnswerError as error:
            raise InputError(f"{place}: the loop could not read the assistant's text: {error}") from None
        source, edited = map(found, row.images)
        return SftRow(text, assistant.content, source, edited, place)

    return _rows(config, read)


def rl_rows(config: GrpoConfig) -> list[RlRow]:
    """Every row of the set. InputError with FILE:LINE for the first that cannot be learnt from."""
    template = template_for(config.prompt_template)

    def read(value: Any, place: str, found: Callable[[str], Path]) -> RlRow:
        row = _valid(_Rl, value, place)
        return RlRow(
            text=user_text(row.origin_prompt, row.rewritten_prompt, template, config.threshold),
            instruction=row.origin_prompt,
            prompt=row.rewritten_prompt,
            source=found(row.origin_image_path),
            edited=found(row.edited_image_path),
            semantic=row.evaluation.semantics,
            quality=row.evaluation.quality,
            place=place,
        )

    return _rows(config, read)


def _rows(config: Common, read: Callable[[Any, str, Callable[[str], Path]], R]) -> list[R]:
    root = config.image_root or config.data.parent
    seen: dict[str, Path] = {}
    rows: list[R] = []
    try:
        values = _lines(config.data) if config.data.suffix == ".jsonl" else _items(config.data)
        for number, value in values:
            if config.limit is not None and len(rows) >= config.limit:
                break
            place = f"{config.data}:{number}"
            if isinstance(value, ValueError):
                raise InputError(f"{place}: {value}")

            def found(name: str, place: str = place) -> Path:
                if name not in seen:
                    seen[name] = _picture(root / name, place)
                return seen[name]

            rows.append(read(value, place, found))
    except OSError as error:
        raise InputError(f"the set {config.data} cannot be read: {error.strerror or error}") from error
    if not rows:
        raise InputError(f"the set {config.data} has no rows")
    return rows


def _picture(path: Path, place: str) -> Path:
    """The file, whose first bytes say that it is a picture."""
    from PIL import Image

    try:
        with Image.open(path):
            return path
    except FileNotFoundError:
        hint = "" if path.parent.is_dir() else ": set image_root to the folder that the paths are below"
        raise InputError(f"{place}: the picture {path} does not exist{hint}") from None
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{place}: {path} is no picture that can be read: {error}") from None


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    yield from read_lines(path)


def _items(path: Path) -> Iterator[tuple[int, Any]]:
    """(line, value) of each item of a JSON list, wherever its lines break; a ValueError where one is bad."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from None
    space = re.compile(r"\s*")
    at = space.match(text).end()  # type: ignore[union-attr]  # it matches nothing too
    if text[at : at + 1] != "[":
        raise InputError(f"{path} is no JSON list: give a list of rows, or name a .jsonl file")
    decoder, counted, line = json.JSONDecoder(), 0, 1
    at = space.match(text, at + 1).end()  # type: ignore[union-attr]
    while text[at : at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            yield error.lineno, ValueError(f"no JSON: {error.msg} at column {error.colno}")
            return
        yield line, value
        at = space.match(text, at).end()  # type: ignore[union-attr]
        if text[at : at + 1] == ",":
            at = space.match(text, at + 1).end()  # type: ignore[union-attr]
        elif text[at : at + 1] != "]":
            yield line, ValueError("the list breaks off behind this row")
            return


def _valid(model: type[Any], value: Any, place: str) -> Any:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the row"
        given = first["input"]
        shown = f" is {given!r:.80}" if isinstance(given, str | int | float | bool | None) else ""
        raise InputError(f"{place}: {where}{shown}: {first['msg'][:1].lower()}{first['msg'][1:]}") from None


def _form(template: Template, threshold: float) -> re.Pattern[str]:
    """What every text of this template fits."""
    instruction, prompt = "\ue000i\ue001", "\ue000p\ue001"  # private-use characters, which no template has
    text = user_text(instruction, prompt, template, threshold)
    pieces = re.split(f"{instruction}|{prompt}", text)
    return re.compile("(.*)".join(map(re.escape, pieces)), re.DOTALL)
