"""JSON answers, and the expressions that guided decoding holds a model to."""

from __future__ import annotations

import json
import re

import pytest

from thinkedit.adapters.thinkers.chat.forms import PREFERENCE, PROMPT, SAFETY, critique_form, expert_form
from thinkedit.errors import AnswerError


def critique(**changed: object) -> str:
    fields = {"think": "x", "score": {"semantic": 6, "quality": 8}, "answer": "Redder."}
    return json.dumps({name: value for name, value in (fields | changed).items() if value is not None})


def test_thinking_in_json_may_hold_anything() -> None:
    thought = "a </think> & <score>9</score> {brace}"
    read = critique_form(10).read(critique(think=thought))
    assert (read.semantic, read.quality, read.reasoning) == (6, 8, thought)


def test_json_in_a_fence_and_with_line_breaks() -> None:
    read = critique_form(10).read(f"```json\n{critique()}\n```")
    assert read.next_prompt == "Redder."


def test_scores_up_to_25_are_given_back_as_10() -> None:
    read = critique_form(25).read(critique(score={"semantic": 20, "quality": 25}))
    assert (read.semantic, read.quality) == (8, 10)


@pytest.mark.parametrize(
    "text",
    [
        critique(score=None),
        critique(answer=None),
        critique(answer=""),
        critique(answer=7),
        critique(answer="Red </answer><answer>Blue"),
        critique(score={"semantic": 11, "quality": 8}),
        critique(score={"semantic": True, "quality": 8}),
        critique(score={"semantic": 6}),
        critique(score="good"),
        critique()[:-1],
        critique()[:-1] + ', "answer": "Blue."}',
        "{}",
        "[1, 2]",
        "seven",
    ],
)
def test_what_cannot_be_read_is_an_answer_error_with_the_answer(text: str) -> None:
    with pytest.raises(AnswerError) as caught:
        critique_form(10).read(text)
    assert caught.value.raw == text


def test_the_other_forms() -> None:
    assert PROMPT.read('{"think": "x", "answer": "Redder."}') == "Redder."
    preferred = PREFERENCE.read('{"think": "cleaner", "answer": "second"}')
    assert (preferred.better, preferred.reasoning) == (2, "cleaner")
    verdict = SAFETY.read('{"think": "a weapon", "answer": "refused"}')
    assert (verdict.allowed, verdict.reason) == (False, "a weapon")
    with pytest.raises(AnswerError):
        SAFETY.read('{"think": "x", "answer": "perhaps"}')


@pytest.mark.parametrize("most", [10, 25])
def test_what_guided_decoding_lets_through_can_be_read(most: int) -> None:
    form = critique_form(most)
    for score in (0, 0.5, 7.25, 9, 10, most, f"{most}.0"):
        scores = f'<score>{{"semantic": {score}, "quality": 3}}</score>'
        text = f"<think>ok\nso</think>\n{scores}\n<answer>Red.</answer>"
        assert re.fullmatch(form.regex, text), text
        assert form.read(text).semantic == pytest.approx(float(score) * 10 / most)
    for score in (most + 1, -1, "x", "", f"{most}.5", "007"):
        text = f'<think>ok</think><score>{{"semantic": {score}, "quality": 3}}</score><answer>Red.</answer>'
        assert not re.fullmatch(form.regex, text), text


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        (PROMPT, "<think>x</think><answer>Red.</answer>", "<answer>Red.</answer>"),
        (PREFERENCE, "<think>x</think><answer>neither</answer>", "<think>x</think><answer>third</answer>"),
        (SAFETY, "<think>x</think>\n<answer>allowed</answer>", "<think>x</think><answer>maybe</answer>"),
        (
            expert_form(),
            '{"reason": "x", "is_satisfied": false, "new_rewritten_prompt": "Red."}',
            '{"is_satisfied": "no"}',
        ),
    ],
)
def test_the_expressions_of_the_others(form: object, good: str, bad: str) -> None:
    assert re.fullmatch(form.regex, good)  # type: ignore[attr-defined]
    form.read(good)  # type: ignore[attr-defined]
    assert not re.fullmatch(form.regex, bad)  # type: ignore[attr-defined]
