"""Makes the text that a thinker is shown beside the images: source first, edited second."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter

from thinkedit.adapters.base import CritiqueRequest, Past
from thinkedit.adapters.protocol import wording
from thinkedit.adapters.protocol.scores import RANGES
from thinkedit.errors import SettingsError

__all__ = ["DEFAULT_TEMPLATE", "Template", "history_text", "one_line", "render", "template_for"]

_ALIASES = {"original_instruction": "instruction", "rewritten_prompt": "prompt"}
_NAMES = ("instruction", "prompt", "history", "threshold", "turn", "refusal")
_RANGE = r"range(?:\*0\.[0-9]{1,3})?"
_PLACEHOLDER = re.compile(r"\{(" + "|".join((*_NAMES, *_ALIASES, _RANGE)) + r")\}")
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
    {range}: the highest score, and {range*0.8} that part of it; thresholds and the scores of earlier turns
        are shown on the same scale. See `check` for a template without it.

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
                parts += [literal, "" if name is None else _value(name, values)]
            return "".join(parts)
        return _PLACEHOLDER.sub(lambda match: _value(match[1], values), text)

    def check(self, score_range: int) -> None:
        """Raises SettingsError where scores up to `score_range` would be read but are not asked for.

        Scores of 0-10 are what a template without {range} is taken to ask for; for another range it has to
        have the placeholder or name the number itself. A sentence put behind a text that says otherwise
        would leave the thinker with two scales, so none is.
        """
        if score_range not in RANGES:
            raise SettingsError(f"score_range is {score_range!r}: 10 or 25 is meant")
        asks = any(name.startswith("range") for name in _PLACEHOLDER.findall(self.text))
        if score_range != 10 and not asks and not re.search(rf"\b{score_range}\b", self.text):
            raise SettingsError(
                f"the prompt template does not ask for scores up to {score_range}: write {{range}} where it "
                "names the highest score, or leave score_range at 10"
            )

    def shows(self, name: str) -> bool:
        """Whether the template has this placeholder."""
        return name in (_ALIASES.get(found, found) for found in _PLACEHOLDER.findall(self.text))


DEFAULT_TEMPLATE = Template(wording.CRITIQUE)


def template_for(path: str | os.PathLike[str] | None, score_range: int = 10) -> Template:
    """The template in this file, or the default one, checked for the range. Raises SettingsError."""
    template = DEFAULT_TEMPLATE if path is None else Template.from_file(path)
    try:
        template.check(score_range)
    except SettingsError as error:
        raise SettingsError(f"{os.fspath(path)}: {error}" if path is not None else str(error)) from None
    return template


def render(request: CritiqueRequest, template: Template | None = None, *, score_range: int = 10) -> str:
    """The text that goes with (source, edited). A refusal is told even where the template has no room.

    Every score in it is on the scale 0 to `score_range` (10 or 25), the threshold and earlier turns' too.
    Raises SettingsError where the template does not ask for that range.
    """
    template = template or DEFAULT_TEMPLATE
    template.check(score_range)
    refusal = wording.REFUSAL.replace("{error}", one_line(request.error)) if request.error else ""
    turn = request.history[-1].turn + 1 if request.history else 1
    text = template.fill(
        {
            "instruction": request.instruction,
            "prompt": request.prompt,
            "history": history_text(request.history, score_range),
            "threshold": _scaled(request.threshold, score_range),
            "turn": str(turn),
            "refusal": refusal,
            "range": str(score_range),
        }
    )
    return text if template.shows("refusal") or not refusal else f"{text.rstrip()}\n\n{refusal}"


def _is_format_string(text: str) -> bool:
    """Whether every single brace is one of our placeholders and doubled ones stand for the others."""
    if "{{" not in text:
        return False
    try:
        fields = [(name, spec, kind) for _, name, spec, kind in Formatter().parse(text) if name is not None]
    except ValueError:
        return False
    return all(_PLACEHOLDER.fullmatch(f"{{{name}}}") and not spec and not kind for name, spec, kind in fields)


def _value(name: str, values: Mapping[str, str]) -> str:
    whole, _, part = name.partition("*")
    if part:
        return f"{float(values[whole]) * float(part):g}"
    return values[_ALIASES.get(name, name)]


def _scaled(score: float, score_range: int) -> str:
    return f"{score * (score_range / 10):.5g}"


def history_text(past: Iterable[Past], score_range: int = 10) -> str:
    """One line for each earlier turn, oldest first."""
    return "\n".join(_told(one, score_range) for one in past) or wording.NO_HISTORY


def _told(past: Past, score_range: int) -> str:
    told = f'Turn {past.turn}. Prompt: "{one_line(past.prompt)}".'
    if past.error:
        return f"{told} The editor refused it: {one_line(past.error)}"
    if past.semantic is not None and past.quality is not None:
        semantic, quality = (_scaled(score, score_range) for score in (past.semantic, past.quality))
        told += f" Scores: semantic {semantic}, quality {quality}."
    return f"{told} Judgement: {one_line(past.reasoning)}" if past.reasoning else told


def one_line(text: str) -> str:
    """On one line and not too long, so that a list of turns stays a list."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_REASONING else text[: MAX_REASONING - 1].rstrip() + "…"
