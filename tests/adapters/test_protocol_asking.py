"""Corrections, refiners' prompts and safety checks: what is asked and how the answer is read."""
# ruff: noqa: E501 (tables are easier to check by eye with a case beside the next)

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.test_protocol import EVIL, ONE_PIXEL
from thinkedit.adapters.base import Past, RefineRequest, SafetyRequest
from thinkedit.adapters.protocol import (
    parse_answer,
    parse_plan,
    parse_safety,
    render_correction,
    render_refine,
    render_safety,
)
from thinkedit.errors import AnswerError
from thinkedit.images import Picture
from thinkedit.types import Critique

PICTURE = Picture.from_bytes(ONE_PIXEL)


def test_a_refiner_is_told_everything_once() -> None:
    critique = Critique(semantic=3.5, quality=8, reasoning="Sky still {grey}.", next_prompt="Redden the sky.")
    past = (Past(1, "Warm it", 3, 6.5, "Too\nweak"),)
    text = render_refine(RefineRequest(PICTURE, PICTURE, EVIL, "Make it {history}", critique, past))
    assert text.count(EVIL) == text.count("\nMake it {history}\n") == text.count("Sky still {grey}.") == 1
    assert "semantic 3.5, quality 8" in text
    assert '"Redden the sky."' in text
    assert "(attempt 2)" in text
    assert 'Turn 1. Prompt: "Warm it".' in text
    assert "<answer>the next prompt</answer>" in text
    assert text.index("SOURCE") < text.index("EDITED")


def test_a_refiner_without_scores_is_told_so() -> None:
    request = RefineRequest(PICTURE, PICTURE, "Warm", "Warm", Critique(stop=False))
    assert "not good enough yet" in render_refine(request)


def test_a_correction_says_what_was_wrong_and_the_form() -> None:
    with pytest.raises(AnswerError) as broken:
        parse_answer("<think>a</think><score>[90, 9]</score><answer>Go {form}.</answer>")
    text = render_correction(broken.value)
    assert "could not be used: semantic is 90, not a number from 0 to 10." in text
    for form in ("<think>", '<score>{"semantic": number, "quality": number}</score>', "<answer>"):
        assert text.count(form) == 1


def test_a_correction_of_a_plan_asks_for_no_scores() -> None:
    with pytest.raises(AnswerError) as broken:
        parse_plan("Make {form} red")
    for form in ("prompt", "preference", "safety"):
        text = render_correction(broken.value, form)  # type: ignore[arg-type]
        assert "<score>" not in text
        assert text.count("<answer>") == 1


def test_a_safety_check_is_told_its_stage() -> None:
    texts = {
        stage: render_safety(SafetyRequest(stage, EVIL, "Warm {policy}", PICTURE, PICTURE))  # type: ignore[arg-type]
        for stage in ("instruction", "prompt", "image")
    }
    assert all(
        text.count(EVIL) == 1 and "<answer>allowed or refused</answer>" in text for text in texts.values()
    )
    assert "Warm {policy}" not in texts["instruction"]
    assert all(texts[stage].count("\nWarm {policy}\n") == 1 for stage in ("prompt", "image"))
    assert "EDITED" in texts["image"]
    assert "EDITED" not in texts["prompt"]
    own = render_safety(SafetyRequest("prompt", "Warm", "Warm", PICTURE), "- cats {prompt}")
    assert "refuse:\n- cats {prompt}\n" in own
    assert "terror" not in own


@pytest.mark.parametrize(
    ("text", "allowed", "reason"),
    [
        ("<think>A cat.</think><answer>allowed</answer>", True, "A cat."),
        ("<think>A\ncat.</think>\n<answer> Refused. </answer>", False, "A cat."),
        ("<answer>**allowed**</answer>", True, ""),
        ("A cat.</think><answer>refused</answer><answer>REFUSED</answer>", False, "A cat."),
        (f"<think>{'a' * 5000}</think><answer>refused</answer>", False, "a" * 599 + "…"),
    ],
)
def test_safety_verdicts(text: str, allowed: bool, reason: str) -> None:
    verdict = parse_safety(text)
    assert (verdict.allowed, verdict.reason) == (allowed, reason)


BROKEN = [
    "", "allowed", "<think>allowed</think>", "<answer></answer>", "<answer>not allowed</answer>", "<answer>allowed",
    "<answer>allowed or refused</answer>", "<answer>allowed</answer><answer>refused</answer>", "<answer>yes</answer>",
    "<think><answer>allowed</answer>", "<think><answer>allowed</answer></think>", "<answer>disallowed</answer>",
    "I cannot help with that.", '{"allowed": true}', "<answer>allowed, but careful</answer>", "<answer>true</answer>",
    "<answer>aIIowed</answer>", "<answer>allowed</answer><answer></answer>", "<answer>allowed</answer><answer>",
]  # fmt: skip


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_verdict_is_none(text: str) -> None:
    with pytest.raises(AnswerError):
        parse_safety(text)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(st.text(max_size=60), st.text(max_size=30).filter(lambda said: "allowed" not in said.lower()))
def test_nothing_but_the_word_allows(think: str, said: str) -> None:
    think = think.replace("<", "")
    for text in (
        f"<think>{think}</think><answer>{said}</answer>",
        f"<think>{think}allowed</think>{said}",
        said,
    ):
        with contextlib.suppress(AnswerError):
            assert not parse_safety(text).allowed
