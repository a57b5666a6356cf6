"""Answers in JSON, for providers that keep to a schema better than to tags, and guided decoding of the tags.

The fields of the JSON are the tags: think, score and answer, in the order in which a model should write.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from thinkedit.adapters.base import Preference, SafetyVerdict
from thinkedit.adapters.protocol import (
    parse_answer,
    parse_expert_answer,
    parse_plan,
    parse_preference,
    parse_safety,
)
from thinkedit.adapters.protocol.tags import clean, unfenced, without_surrogates
from thinkedit.errors import AnswerError
from thinkedit.types import Critique

__all__ = ["PLAN", "PREFERENCE", "PROMPT", "SAFETY", "Form", "critique_form", "expert_form"]

T = TypeVar("T")

_TEXT = "[^<]+"
_NUMBERS = {10: r"(10(\.0)?|[0-9](\.[0-9]{1,2})?)", 25: r"(25(\.0)?|(2[0-4]|1?[0-9])(\.[0-9]{1,2})?)"}


@dataclass(frozen=True)
class Form(Generic[T]):
    """How one kind of question is answered.

    name: that of a correction's form. schema: JSON schema of the answer, and note: what asks for it behind
    a prompt that asks for tags. regex: the tags, for guided decoding. parse: reads the text, and tagged:
    puts a JSON answer back into tags; the thinking apart, since it may hold anything.
    """

    name: Literal["critique", "prompt", "preference", "safety"]
    schema: dict[str, Any]
    note: str
    regex: str
    parse: Callable[[str], T]
    tagged: Callable[[dict[str, Any]], str] | None = field(default=None)

    def read(self, text: str) -> T:
        """What the answer says, in whichever of the two ways it was written. Raises AnswerError."""
        if self.tagged is None or not (body := unfenced(text.strip())).startswith("{"):
            return self.parse(text)
        try:
            answer = json.loads(body, object_pairs_hook=_once, strict=False)
        except (ValueError, RecursionError) as error:
            raise AnswerError(f"the answer is not one JSON object: {str(error)[:120]}", text) from None
        try:
            read = self.parse(self.tagged(answer))
        except AnswerError as error:
            raise AnswerError(str(error), text) from None
        return self._complete(read, answer.get("think"), text)

    @staticmethod
    def _complete(read: T, thought: object, text: str) -> T:
        reasoning = clean(without_surrogates(thought)) if isinstance(thought, str) else ""
        made: object = read
        if isinstance(read, Critique):
            made = read.model_copy(update={"reasoning": reasoning, "raw": without_surrogates(text)})
        elif isinstance(read, Preference):
            made = Preference(read.better, reasoning)
        elif isinstance(read, SafetyVerdict):
            made = SafetyVerdict(read.allowed, " ".join(reasoning.split())[:600])
        return made  # type: ignore[return-value]


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _text(description: str) -> dict[str, str]:
    return {"type": "string", "description": description}


def _note(form: str) -> str:
    return f"\n\nIn place of the tags, write one JSON object with the same contents:\n{form}\n"


def _tags(answer: dict[str, Any], *, score: bool) -> str:
    """The tags of a JSON answer, without its thinking. Raises AnswerError for a field of another type."""
    said = answer.get("answer")
    if not isinstance(said, str):
        raise AnswerError(f"answer is {type(said).__name__}, not text" if said is not None else "no answer")
    scores = f"<score>{json.dumps(answer.get('score', {}))}</score>" if score else ""
    return f"<think></think>{scores}<answer>{said}</answer>"


def critique_form(score_range: int) -> Form[Critique]:
    """Scores from 0 to score_range (10 or 25), given back as 0-10."""
    number = {"type": "number", "description": f"0 to {score_range}"}
    return Form(
        "critique",
        _object(
            {
                "think": _text("what you saw and why it is so"),
                "score": _object({"semantic": number, "quality": number}),
                "answer": _text("the next prompt"),
            }
        ),
        _note(
            '{"think": "what you saw and why it is so", "score": {"semantic": number, "quality": number}, '
            '"answer": "the next prompt"}'
        ),
        rf"<think>{_TEXT}</think>\n?<score>\{{\"semantic\": {_NUMBERS[score_range]}, "
        rf"\"quality\": {_NUMBERS[score_range]}\}}</score>\n?<answer>{_TEXT}</answer>".replace('\\"', '"'),
        lambda text: parse_answer(text, score_range=score_range),
        lambda answer: _tags(answer, score=True),
    )


def expert_form() -> Form[Critique]:
    """The paper's expert, which gives no scores: JSON in every case."""
    return Form(
        "critique",
        _object(
            {
                "reason": _text("what you saw and why it is so"),
                "is_satisfied": {"type": "boolean", "description": "whether the image is good enough"},
                "new_rewritten_prompt": _text("the next prompt"),
            }
        ),
        "\n\nIn place of the tags, write one JSON object and no scores:\n"
        '{"reason": "what you saw and why it is so", "is_satisfied": true or false, '
        '"new_rewritten_prompt": "the next prompt"}\n',
        r'\{"reason": "[^"\\]+", "is_satisfied": (true|false), "new_rewritten_prompt": "[^"\\]*"\}',
        parse_expert_answer,
    )


def _choice(name: Literal["preference", "safety"], why: str, words: tuple[str, ...], parse: Any) -> Form[Any]:
    listed = ", ".join(words[:-1]) + f" or {words[-1]}"
    return Form(
        name,
        _object({"think": _text(why), "answer": {"type": "string", "enum": list(words)}}),
        _note(f'{{"think": "{why}", "answer": "{listed}"}}'),
        rf"<think>{_TEXT}</think>\n?<answer>({'|'.join(words)})</answer>",
        parse,
        lambda answer: _tags(answer, score=False),
    )


PROMPT: Form[str] = Form(
    "prompt",
    _object({"think": _text("your reasoning"), "answer": _text("the prompt for the editor")}),
    _note('{"think": "your reasoning", "answer": "the prompt for the editor"}'),
    rf"<think>{_TEXT}</think>\n?<answer>{_TEXT}</answer>",
    parse_plan,
    lambda answer: _tags(answer, score=False) if "Rewritten" not in answer else json.dumps(answer),
)
PLAN = PROMPT
PREFERENCE: Form[Preference] = _choice(
    "preference", "what speaks for each", ("first", "second", "neither"), parse_preference
)
SAFETY: Form[SafetyVerdict] = _choice(
    "safety", "what you saw and why it decides", ("allowed", "refused"), parse_safety
)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key comes twice")
    return made
