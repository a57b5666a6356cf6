"""What a step teaches, and that its target is read back as the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dataset.kit import halves
from thinkedit.adapters.protocol import parse_answer
from thinkedit.dataset.sampling import REASONS, score_bin, target, taught, told_score

STEP: dict[str, Any] = {
    "instruction": "make the cup red",
    "prompt": "make the cup red",
    "reason": "the saucer is red too",
    "next_prompt": "make the cup red and leave the saucer as it is",
    "stop": False,
    "unchanged": False,
    "terminal": False,
    "good": False,
}

texts = st.text(st.characters(codec="utf-8"), max_size=200) | st.sampled_from(
    ["", "none", "<answer>no</answer>", "```\nx\n```", "a < b", "\x00", "<image>", " none. ", "…", "</think>"]
)


@given(reason=texts, answer=texts, prompt=texts, semantic=halves, quality=halves, decimals=st.integers(0, 1))
def test_whatever_is_taught_is_read_back(
    reason: str, answer: str, prompt: str, semantic: float, quality: float, decimals: int
) -> None:
    """Format reward 1 and critic reward 1: both scores are those that were told."""
    said = taught(**{**STEP, "reason": reason, "next_prompt": answer, "prompt": prompt})
    if said.dropped is not None:
        assert said.dropped in REASONS
        return
    read = parse_answer(target(said.reason, said.answer, semantic, quality, decimals))
    assert (read.reasoning, read.next_prompt) == (said.reason, said.answer)
    assert (read.semantic, read.quality) == (told_score(semantic, decimals), told_score(quality, decimals))


@pytest.mark.parametrize(
    ("change", "dropped", "answer"),
    [
        ({}, None, STEP["next_prompt"]),
        ({"stop": True}, "stop_before_end", None),
        ({"next_prompt": " make the cup red "}, "repeats_prompt", None),
        ({"next_prompt": None}, "no_answer", None),
        ({"reason": " "}, "no_critique", None),
        ({"reason": "see <image>"}, "image_marker", None),
        ({"reason": "a </think> b"}, "unrenderable", None),
        ({"next_prompt": "none"}, "unrenderable", None),
        ({"terminal": True}, "terminal_not_good", None),
        ({"terminal": True, "good": True}, None, "make the cup red"),
        ({"terminal": True, "good": True, "policy": "drop"}, "terminal", None),
        ({"terminal": True, "policy": "expert"}, None, STEP["next_prompt"]),
        ({"unchanged": True}, "edited_is_source", None),
        ({"instruction": "put <image> in"}, "image_marker", None),
    ],
)
def test_each_kind_of_step(change: dict[str, Any], dropped: str | None, answer: str | None) -> None:
    said = taught(**{**STEP, **change})
    assert said.dropped == dropped
    if dropped is None:
        assert said.answer == answer


def test_what_needs_no_target_is_a_sample_for_rl() -> None:
    assert taught(**{**STEP, "terminal": True}).unseen is None
    assert taught(**{**STEP, "reason": ""}).unseen is None
    assert taught(**{**STEP, "unchanged": True}).unseen == "edited_is_source"
    assert taught(**{**STEP, "prompt": "<image>"}).unseen == "image_marker"


@given(st.floats(0, 10))
def test_bins_are_two_wide_and_ten_has_its_own(overall: float) -> None:
    number = score_bin(overall)
    assert 0 <= number <= 5
    assert 2 * number <= overall
    assert overall < 2 * number + 2
    assert (number == 5) == (overall == 10)


@pytest.mark.parametrize(
    ("score", "decimals", "told"),
    [(7.25, 1, 7.3), (7.5, 0, 8.0), (6.5, 0, 7.0), (10.0, 0, 10.0), (0.04, 1, 0.0), (9.96, 1, 10.0)],
)
def test_scores_are_rounded_half_up(score: float, decimals: int, told: float) -> None:
    assert told_score(score, decimals) == told
