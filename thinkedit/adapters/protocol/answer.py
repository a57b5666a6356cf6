"""Reads a thinker's answer, strict about what it means and lenient about how it looks, and writes one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from thinkedit.adapters.base import Preference, SafetyVerdict
from thinkedit.adapters.protocol.scores import RANGES, parse_scores
from thinkedit.adapters.protocol.tags import Broken, blocks, clean, without_surrogates
from thinkedit.errors import AnswerError, SettingsError
from thinkedit.types import Critique

__all__ = [
    "MAX_ANSWER",
    "MAX_PROMPT",
    "parse_answer",
    "parse_expert_answer",
    "parse_plan",
    "parse_preference",
    "parse_safety",
    "render_critique",
]

MAX_ANSWER = 1_000_000
"""Characters of an answer that are read at all; a model's own limit is far below."""

MAX_PROMPT = 4_000
"""Characters that a prompt may have, as many as an instruction may."""

MAX_REASON = 600
"""Characters of a safety check's reason that are kept."""

_NOTHING = frozenset({"none", "null", "nil", "undefined", "n/a", "na", "empty"})

_PREFERRED = {
    "first": 1, "the first": 1, "image 1": 1, "1": 1,
    "second": 2, "the second": 2, "image 2": 2, "2": 2,
    "neither": 0, "tie": 0, "equal": 0, "both": 0, "0": 0,
}  # fmt: skip

T = TypeVar("T")


def parse_answer(text: str, *, score_range: int = 10) -> Critique:
    """A `scored` critique from `<think>…</think><score>…</score><answer>…</answer>`.

    The scores are read from 0 to `score_range` (10 or 25) and given back as 0-10.

    Blocks may come in any order and letter case; see `tags.blocks` and `scores.parse_scores` for the forms.
    Raises AnswerError, and nothing else, where a score or the next prompt is missing, cut off, out of
    range or ambiguous: an answer that cannot be read never counts as a good one.
    """
    if score_range not in RANGES:
        raise SettingsError(f"score_range is {score_range!r}: 10 or 25 is meant")
    return _read(text, lambda answer: _critique(answer, score_range))


def parse_expert_answer(text: str) -> Critique:
    """A critique without scores from JSON `{is_satisfied, reason, new_rewritten_prompt}`.

    This is the expert of the paper's data generation: `stop` is its is_satisfied. Raises AnswerError where
    that is not true or false, or where it is false and there is no new prompt.
    """
    return _read(text, _expert)


def parse_plan(text: str) -> str:
    """The first prompt from `<think>…</think><answer>…</answer>`, or from JSON `{"Rewritten": …}`.

    Raises AnswerError where there is none, or more than one.
    """
    return _read(text, _plan)


def parse_preference(text: str) -> Preference:
    """The better image, from `<think>…</think><answer>first|second|neither</answer>`. Raises AnswerError."""
    return _read(text, _preference)


def parse_safety(text: str) -> SafetyVerdict:
    """What a safety check says, from `<think>…</think><answer>allowed|refused</answer>`.

    Raises AnswerError for every other answer: one that cannot be read never counts as allowed.
    """
    return _read(text, _safety)


def render_critique(critique: Critique) -> str:
    """The canonical answer that gives this critique: what a thinker is trained to write.

    `parse_answer` gives back the scores, and reasoning and next prompt without outer whitespace and control
    characters. Raises AnswerError where it would not: no scores, no prompt, text that would end its block.
    """
    reasoning, prompt = (clean(without_surrogates(t)) for t in (critique.reasoning, critique.next_prompt))
    scores = ", ".join(
        f'"{name}": {json.dumps(int(value) if value == int(value) else value)}'
        for name, value in (("semantic", critique.semantic), ("quality", critique.quality))
        if value is not None
    )
    text = f"<think>{reasoning}</think><score>{{{scores}}}</score><answer>{prompt}</answer>"
    again = parse_answer(text)
    if (again.semantic, again.quality) != (critique.semantic, critique.quality):
        raise AnswerError("this critique's scores cannot be written: another score would be read", text)
    if (again.reasoning, again.next_prompt) != (reasoning, prompt):
        raise AnswerError("this critique's text cannot be written: a tag in it would end its block", text)
    return text


def _read(text: object, read: Callable[[str], T]) -> T:
    if not isinstance(text, str):
        raise AnswerError(f"the answer is {type(text).__name__}, not text")
    if len(text) > MAX_ANSWER:
        raise AnswerError(
            f"the answer has {len(text)} characters, more than {MAX_ANSWER}",
            without_surrogates(text[:MAX_PROMPT]),
        )
    text = without_surrogates(text)
    try:
        return read(text)
    except Broken as broken:
        raise AnswerError(str(broken), text) from None


def _critique(text: str, score_range: int) -> Critique:
    found = blocks(text)
    scores = {parse_scores(block, score_range) for block in found.score}
    if len(scores) != 1:
        raise Broken(
            f"the answer has {len(scores)} different scores" if scores else "the answer has no score"
        )
    semantic, quality = scores.pop()
    return Critique(
        semantic=semantic,
        quality=quality,
        reasoning=_joined(found.think),
        next_prompt=_one_prompt(found.answer),
        raw=text,
    )


def _expert(text: str) -> Critique:
    answer = _object(text)
    satisfied, reason, prompt = (answer.get(k) for k in ("is_satisfied", "reason", "new_rewritten_prompt"))
    if not isinstance(satisfied, bool):
        raise Broken(f"is_satisfied is {str(satisfied)[:40]!r}, neither true nor false")
    if not isinstance(reason, str | None):
        raise Broken(f"reason is {type(reason).__name__}, not text")
    if not isinstance(prompt, str | None):
        raise Broken(f"new_rewritten_prompt is {type(prompt).__name__}, not text")
    empty = prompt is None or _is_nothing(clean(without_surrogates(prompt)))
    return Critique(
        stop=satisfied,
        reasoning=clean(without_surrogates(reason or "")),
        next_prompt="" if satisfied and empty else _prompt(prompt or ""),
        raw=text,
    )


def _plan(text: str) -> str:
    found = blocks(text)
    if found.answer:
        return _one_prompt(found.answer)
    plan = _object(text).get("Rewritten")
    if not isinstance(plan, str):
        raise Broken("the plan has no <answer> and no Rewritten")
    return _prompt(plan)


def _preference(text: str) -> Preference:
    found = blocks(text)
    words = {_word(answer) for answer in found.answer}
    better = {_PREFERRED.get(word) for word in words}
    if len(better) != 1 or None in better:
        raise Broken(f"the answer says {sorted(words)!r:.80}: first, second or neither was asked for")
    match better.pop():
        case 1:
            return Preference(1, _joined(found.think))
        case 2:
            return Preference(2, _joined(found.think))
        case _:
            return Preference(0, _joined(found.think))


def _safety(text: str) -> SafetyVerdict:
    found = blocks(text)
    words = {_word(answer) for answer in found.answer}
    if len(words) != 1 or not words <= {"allowed", "refused"}:
        raise Broken(f"the answer says {sorted(words)!r:.80}: allowed or refused was asked for")
    reason = " ".join(_joined(found.think).split())
    reason = reason if len(reason) <= MAX_REASON else reason[: MAX_REASON - 1].rstrip() + "…"
    return SafetyVerdict(words.pop() == "allowed", reason)


def _word(answer: str) -> str:
    return clean(answer).lower().strip(" \t\n.\"'*`")


def _object(text: str) -> dict[str, object]:
    """The JSON object after the thinking or in the answer block; prose or a code fence may surround it."""
    found = blocks(text)
    if len(found.answer) > 1:
        raise Broken(
            f"the answer has {len(found.answer)} <answer> blocks where one JSON object was asked for"
        )
    rest = found.answer[0] if found.answer else found.rest
    start, end = rest.find("{"), rest.rfind("}")
    if start < 0 or end < start:
        raise Broken("the answer has no complete JSON object")
    try:
        value = json.loads(rest[start : end + 1], object_pairs_hook=_unique, strict=False)
    except (ValueError, RecursionError) as error:
        raise Broken(f"the answer is not one JSON object: {str(error)[:120]}") from None
    if not isinstance(value, dict):
        raise Broken("the answer is not one JSON object")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise Broken(f"the answer's JSON has a key twice among {[key for key, _ in pairs]!r:.120}")
    return made


def _one_prompt(answers: list[str]) -> str:
    if not answers:
        raise Broken("the answer has no <answer>: there is no next prompt")
    prompts = {_prompt(answer) for answer in answers}
    if len(prompts) != 1:
        raise Broken(f"the answer has {len(prompts)} different next prompts")
    return prompts.pop()


def _prompt(text: str) -> str:
    prompt = clean(without_surrogates(text))
    if _is_nothing(prompt):
        raise Broken(f"the next prompt is {prompt[:40]!r}: nothing that an editor could do")
    if len(prompt) > MAX_PROMPT:
        raise Broken(f"the next prompt has {len(prompt)} characters, more than {MAX_PROMPT}")
    return prompt


def _is_nothing(prompt: str) -> bool:
    """Empty, a word for nothing, or without a single letter or digit."""
    return prompt.lower().strip(" .") in _NOTHING or not any(map(str.isalnum, prompt))


def _joined(thoughts: list[str]) -> str:
    return "\n\n".join(thought for thought in map(clean, thoughts) if thought)
