"""The rewards against their definitions, over all scores and texts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.dataset.kit import halves
from thinkedit.adapters.protocol import parse_answer
from thinkedit.dataset.sampling import target, taught, told_score
from thinkedit.errors import AnswerError
from thinkedit.training.rewards import (
    Components,
    RewardConfig,
    Scores,
    components,
    critic_reward,
    edit_reward,
    format_reward,
    mix,
    read,
)

PAPER = RewardConfig()
CODE = RewardConfig(preset="code-compat")

points = st.floats(0, 10)
scores = st.builds(Scores, points, points)
tags = ["<think>", "</think>", "<score>", "</score>", "<answer>", "</answer>", "< think >"]
others = ['{"semantic": 3, "quality": 4}', "[3, 4]", "{}", "make it red", "and / or", "", " ", "11", "NaN"]
pieces = st.sampled_from(tags + others)
texts = st.text(max_size=80) | st.lists(pieces, max_size=12).map("".join)


def said(semantic: float, quality: float, prompt: str = "make it redder") -> str:
    told = f'{{"semantic": {semantic}, "quality": {quality}}}'
    return f"<think>so</think><score>{told}</score><answer>{prompt}</answer>"


@given(texts)
def test_the_loops_own_parser_decides_on_the_form(text: str) -> None:
    try:
        parse_answer(text)
        reads = 1.0
    except AnswerError:
        reads = 0.0
    assert format_reward(text) == reads
    assert (read(text) is not None) == bool(reads)


@given(scores, scores)
def test_the_critic_reward_is_the_negative_mean_distance_in_tens_of_points(
    one: Scores, other: Scores
) -> None:
    distance = (abs(one.semantic - other.semantic) + abs(one.quality - other.quality)) / 2
    assert critic_reward(one, other) == pytest.approx(-distance / 10)
    assert critic_reward(one, other) == critic_reward(other, one)
    assert -1 <= critic_reward(one, other) <= critic_reward(one, one) == 0


@given(scores, scores)
def test_the_edit_reward_is_the_gain_in_tens_of_points(before: Scores, after: Scores) -> None:
    overall = math.sqrt(after.semantic * after.quality) - math.sqrt(before.semantic * before.quality)
    mean = (after.semantic + after.quality - before.semantic - before.quality) / 2
    assert edit_reward(before, after) == pytest.approx(overall / 10)
    assert edit_reward(before, after, "mean") == pytest.approx(mean / 10)
    assert edit_reward(before, after, "semantic") == pytest.approx((after.semantic - before.semantic) / 10)
    assert edit_reward(before, after) == -edit_reward(after, before)
    assert edit_reward(before, before) == 0
    assert -1 <= edit_reward(before, after) <= 1


@given(texts, scores | st.none(), scores | st.none(), st.sampled_from([PAPER, CODE]))
def test_any_text_has_a_reward_within_its_range(
    text: str, shown: Scores | None, after: Scores | None, config: RewardConfig
) -> None:
    made = components(text, shown, after, config)
    low = 0.0 if config.as_coded else -1.0
    assert made.format in (0, 1)
    assert made.critic is None or low <= made.critic <= (1 if config.as_coded else 0)
    assert low <= made.edit <= 1
    assert low <= mix(made, config) <= 1


@given(scores, scores, scores, st.floats(0, 1), st.floats(0, 1))
def test_the_mix_is_the_weighted_sum(shown: Scores, guess: Scores, after: Scores, a: float, b: float) -> None:
    alpha, beta = a, (1 - a) * b
    config = RewardConfig(alpha=alpha, beta=beta, gamma=1 - alpha - beta)
    made = components(said(guess.semantic, guess.quality), shown, after, config)
    guessed = read(said(guess.semantic, guess.quality))
    assert guessed is not None
    assert guessed.semantic is not None
    assert guessed.quality is not None
    wanted = (
        alpha * 1
        + beta * critic_reward(Scores(guessed.semantic, guessed.quality), shown)
        + (1 - alpha - beta) * edit_reward(shown, after)
    )
    assert mix(made, config) == pytest.approx(wanted)


@given(texts, scores, scores, scores)
def test_no_answer_that_cannot_be_read_is_worth_more_than_one_that_can(
    text: str, guess: Scores, shown: Scores, after: Scores
) -> None:
    if format_reward(text):
        return
    readable = mix(components(said(guess.semantic, guess.quality), shown, after, PAPER), PAPER)
    assert mix(components(text, shown, None, PAPER), PAPER) <= readable


@given(scores, scores)
def test_better_critiques_and_better_images_are_worth_more(shown: Scores, after: Scores) -> None:
    exact = mix(components(said(shown.semantic, shown.quality), shown, after, PAPER), PAPER)
    off = mix(components(said(10 - shown.semantic, shown.quality), shown, after, PAPER), PAPER)
    assert off <= exact + 1e-9
    best = mix(components(said(5, 5), shown, Scores(10, 10), PAPER), PAPER)
    assert mix(components(said(5, 5), shown, after, PAPER), PAPER) <= best + 1e-9


def test_what_is_not_known_is_neutral_or_left_out() -> None:
    text, shown = said(7, 8), Scores(6, 8)
    assert components(text, shown, None, PAPER) == Components(1.0, -0.05, 0.0)
    assert components(text, shown, None, RewardConfig(neutral_edit=-0.25)).edit == -0.25
    assert components(text, None, None, PAPER) == Components(1.0, None, 0.0)
    assert components("nothing", None, None, PAPER) == Components(0.0, None, -1.0)
    assert components("nothing", shown, None, RewardConfig(unread_edit=0.0)) == Components(0.0, -1.0, 0.0)
    assert mix(Components(1.0, None, 0.0), PAPER) == pytest.approx(0.2)


texts_taught = st.text(st.characters(codec="utf-8"), max_size=200)


@given(reason=texts_taught, answer=texts_taught, semantic=halves, quality=halves, decimals=st.integers(0, 1))
def test_every_target_of_a_dataset_has_the_highest_rewards(
    reason: str, answer: str, semantic: float, quality: float, decimals: int
) -> None:
    step = taught(
        instruction="make the cup red",
        prompt="make the cup red",
        reason="well: " + reason,
        next_prompt="make " + answer,
        stop=False,
        unchanged=False,
        terminal=False,
        good=False,
    )
    if step.dropped is not None:
        return
    text = target(step.reason, step.answer, semantic, quality, decimals)
    shown = Scores(told_score(semantic, decimals), told_score(quality, decimals))
    assert components(text, shown, None, PAPER)[:2] == (1.0, 0.0)
    # What was rounded away is all that is missing from the highest where the scores have more digits.
    rounded = critic_reward(shown, Scores(semantic, quality))
    assert rounded >= -0.05 / 10**decimals - 1e-12
    if "<" not in step.reason + step.answer:  # the code's expressions would find the tags in a text
        assert components(text, shown, None, CODE)[:2] == (1.0, 1.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"alpha": 0.5}, "alpha 0.5, beta 0.3, gamma 0.5 sum to 1.3: they have to sum to 1"),
        ({"alpha": -0.2, "beta": 0.7}, "greater than or equal to 0"),
        ({"preset": "code-compat", "alpha": 0.2}, "leave them out"),
        ({"preset": "code"}, "'paper' or 'code-compat'"),
        ({"delta": 0.1}, "Extra inputs"),
    ],
)
def test_weights_that_mean_nothing_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        RewardConfig.model_validate(values)


def test_the_codes_weights_need_not_be_written() -> None:
    assert (CODE.alpha, CODE.beta, CODE.gamma) == (0.5, 0.0, 0.5)
    same = RewardConfig.model_validate({"preset": "code-compat", "alpha": 0.5, "beta": 0, "gamma": 0.5})
    assert same == CODE
