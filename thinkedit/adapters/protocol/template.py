"""Makes the text that a thinker is shown beside the images: source first, edited second."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter

from thinkedit.adapters.base import CompareRequest, CritiqueRequest, Past, PlanRequest
from thinkedit.adapters.protocol import wording
from thinkedit.errors import SettingsError

__all__ = ["DEFAULT_TEMPLATE", "Template", "render", "render_compare", "render_plan"]

_ALIASES = {"original_instruction": "instruction", "rewritten_prompt": "prompt"}
_NAMES = ("instruction", "prompt", "history", "threshold", "turn", "refusal")
_PLACEHOLDER = re.compile(r"\{(" + "|".join((*_NAMES, *_ALIASES)) + r")\}")
_MARKER = re.compile(r"[ \t]*<image>[ \t]*\n?")

MAX_FILE = 200_000
"""Bytes that a template file may have."""

MAX_REASONING = 600
"""Characters of an earlier turn's reasoning that are shown."""


@dataclass(frozen=True)
class Template:
    """A prompt for a thinker, with placeholders in braces.

    {instruction} or {original_instruction}: what the user asked; needed.
    {prompt} or {rewritten_prompt}: what the editor was told; needed.
    {history}, {turn}, {threshold}, {refusal} (why the editor refused the prompt): may be left out.

    Every other brace is text, so that JSON examples can stand as they are; a file written for str.format,
    in which they are doubled, is read as that. `<image>` markers are dropped, since images travel apart.
    hash: SHA-256 of the text as given, recorded with each turn.
    """

    text: str
    hash: str = field(init=False)

    def __post_init__(self) -> None:
        used = {_ALIASES.get(name, name) for name in _PLACEHOLDER.findall(self.text)}
        for name, alias in (("instruction", "original_instruction"), ("prompt", "rewritten_prompt")):
            if name not in used:
                raise SettingsError(f"the prompt template has neither {{{name}}} nor {{{alias}}}: put one in")
        object.__setattr__(
            self, "hash", hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()
        )

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Template:
        """The template in a UTF-8 file. Raises SettingsError where it cannot be read or used."""
        try:
            with Path(path).open("rb") as file:
                data = file.read(MAX_FILE + 1)
            text = data.decode("utf-8-sig")
        except OSError as error:
            raise SettingsError(
                f"the prompt template {os.fspath(path)!r} cannot be read: {error.strerror}"
            ) from error
        except UnicodeDecodeError as error:
            raise SettingsError(f"the prompt template {os.fspath(path)!r} is not UTF-8 text") from error
        if len(data) > MAX_FILE:
            raise SettingsError(f"the prompt template {os.fspath(path)!r} has more than {MAX_FILE} bytes")
        try:
            return cls(text.replace("\r\n", "\n"))
        except SettingsError as error:
            raise SettingsError(f"{os.fspath(path)}: {error}") from None

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with its placeholders replaced in one pass: braces in the values stay what they are."""
        text = _MARKER.sub("", self.text).lstrip()
        if _is_format_string(text):
            parts = []
            for literal, name, _, _ in Formatter().parse(text):
                parts += [literal, "" if name is None else values[_ALIASES.get(name, name)]]
            return "".join(parts)
        return _PLACEHOLDER.sub(lambda match: values[_ALIASES.get(match[1], match[1])], text)

    def shows(self, name: str) -> bool:
        """Whether the template has this placeholder."""
        return name in (_ALIASES.get(found, found) for found in _PLACEHOLDER.findall(self.text))


DEFAULT_TEMPLATE = Template(wording.CRITIQUE)


def render(request: CritiqueRequest, template: Template | None = None) -> str:
    """The text that goes with (source, edited). A refusal is told even where the template has no room."""
    template = template or DEFAULT_TEMPLATE
    refusal = wording.REFUSAL.replace("{error}", _line(request.error)) if request.error else ""
    turn = request.history[-1].turn + 1 if request.history else 1
    text = template.fill(
        {
            "instruction": request.instruction,
            "prompt": request.prompt,
            "history": _history(request.history),
            "threshold": f"{request.threshold:g}",
            "turn": str(turn),
            "refusal": refusal,
        }
    )
    return text if template.shows("refusal") or not refusal else f"{text.rstrip()}\n\n{refusal}"


def render_plan(request: PlanRequest) -> str:
    """The text that goes with the source alone, in modes `before` and `both`."""
    return wording.PLAN.replace("{instruction}", request.instruction)


def render_compare(request: CompareRequest) -> str:
    """The text that goes with (source, first, second)."""
    return wording.COMPARE.replace("{instruction}", request.instruction)


def _is_format_string(text: str) -> bool:
    """Whether every single brace is one of our placeholders and doubled ones stand for the others."""
    if "{{" not in text:
        return False
    try:
        fields = [(name, spec, kind) for _, name, spec, kind in Formatter().parse(text) if name is not None]
    except ValueError:
        return False
    return all(name in (*_NAMES, *_ALIASES) and not spec and not kind for name, spec, kind in fields)


def _history(past: Iterable[Past]) -> str:
    """One paragraph for each earlier turn, oldest first."""
    return "\n".join(map(_told, past)) or wording.NO_HISTORY


def _told(past: Past) -> str:
    told = f'Turn {past.turn}. Prompt: "{_line(past.prompt)}".'
    if past.error:
        return f"{told} The editor refused it: {_line(past.error)}"
    if past.semantic is not None and past.quality is not None:
        told += f" Scores: semantic {past.semantic:g}, quality {past.quality:g}."
    return f"{told} Judgement: {_line(past.reasoning)}" if past.reasoning else told


def _line(text: str) -> str:
    """On one line and not too long, so that a list of turns stays a list."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_REASONING else text[: MAX_REASONING - 1].rstrip() + "…"
