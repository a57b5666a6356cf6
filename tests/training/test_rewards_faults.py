"""What the published rewards do wrong: the preset `code-compat` shows it, and the default does not do it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkedit.training import rewards_as_coded as coded
from thinkedit.training.next_step import Kind, Step, next_step
from thinkedit.training.rewards import RewardConfig, Scores, components, format_reward, mix

PAPER = RewardConfig()
CODE = RewardConfig(preset="code-compat")
SHOWN = Scores(4, 6)

points = st.floats(0, 10)
scores = st.builds(Scores, points, points)


def said(scores: str = '{"semantic": 4, "quality": 6}', prompt: str = "make the cup red") -> str:
    return f"<think>so</think><score>{scores}</score><answer>{prompt}</answer>"


def worth(text: str, after: Scores | None, config: RewardConfig, shown: Scores = SHOWN) -> float:
    return mix(components(text, shown, after, config), config)


def test_the_prompt_reaches_the_editor_as_it_was_written() -> None:
    text = said(prompt="black and / or white, 3 < 4")
    assert next_step(text, "", SHOWN, CODE).prompt == "black and/or white, 3<4"
    assert next_step(text, "", SHOWN, PAPER).prompt == "black and / or white, 3 < 4"


def test_the_weight_of_the_format_counts() -> None:
    """The published argument for it is read nowhere."""
    text, shown = said('{"semantic": 10, "quality": 10}'), Scores(0, 0)  # as wrong as no critique at all
    for alpha in (0.1, 0.4):
        config = RewardConfig(alpha=alpha, beta=0.5 - alpha, unread_edit=0.0)
        gap = worth(text, None, config, shown) - worth("no answer", None, config, shown)
        assert gap == pytest.approx(alpha)


@given(scores)
def test_skipping_what_is_good_goes_by_the_square_root_of_the_product(shown: Scores) -> None:
    config = RewardConfig(skip_above=8.0)
    skipped = next_step(said(), "", shown, config).kind is Kind.SKIPPED
    assert skipped == (math.sqrt(shown.semantic * shown.quality) >= 8)
    # The published rule, as it stands, is never met.
    assert math.sqrt(shown.semantic + shown.quality) < 8


def test_nine_and_nine_is_skipped() -> None:
    assert next_step(said(), "", Scores(9, 9), RewardConfig(skip_above=8.0)).kind is Kind.SKIPPED
    assert next_step(said(), "", Scores(9, 9), CODE).kind is None
    assert next_step(said(), "", None, RewardConfig(skip_above=8.0)).kind is None


def test_the_critique_counts_where_the_edit_went_well() -> None:
    after, wrong = Scores(9, 9), said('{"semantic": 9, "quality": 1}')
    assert worth(said(), after, PAPER) > worth(wrong, after, PAPER) + 0.1
    assert worth(said(), after, CODE) == worth(wrong, after, CODE)


def test_the_quality_of_the_new_image_counts() -> None:
    good, bad = Scores(8, 9), Scores(8, 1)
    assert worth(said(), good, PAPER) > worth(said(), bad, PAPER) + 0.1
    assert worth(said(), good, CODE) == worth(said(), bad, CODE)


def test_a_critique_that_is_far_off_is_better_than_one_that_is_further_off() -> None:
    shown = Scores(0, 6)
    far, further = (said(f'{{"semantic": {semantic}, "quality": 6}}') for semantic in (5, 9))
    assert worth(far, None, PAPER, shown) > worth(further, None, PAPER, shown)
    assert coded.critic(far, shown) == coded.critic(further, shown) == 0


@pytest.mark.parametrize("scores", ['{"semantic": 11, "quality": 6}', '{"semantic": -1, "quality": 1e9}'])
def test_scores_out_of_range_are_no_good_form(scores: str) -> None:
    assert coded.form(said(scores)) == 1
    assert format_reward(said(scores)) == 0


@pytest.mark.parametrize("prompt", ["", " ", "none", "…"])
def test_an_answer_without_a_prompt_is_neither_good_form_nor_satisfied(prompt: str) -> None:
    assert coded.form(said(prompt=prompt)) == 1
    assert format_reward(said(prompt=prompt)) == 0
    assert next_step(said(prompt=prompt), "", SHOWN, PAPER) == Step(Kind.UNREAD)


@pytest.mark.parametrize("scores", ["{}", "", '{"semantic": 9}', '{"semantic": "high", "quality": 9}'])
def test_scores_that_are_missing_do_not_pass_for_a_critique(scores: str) -> None:
    made = components(said(scores), Scores(0, 0), None, PAPER)
    assert (made.format, made.critic) == (0, -1)
    assert next_step(said(scores), "", SHOWN, PAPER).kind is Kind.UNREAD


def test_a_score_under_the_name_of_the_data_is_read() -> None:
    """The set says `semantics`, the answer `semantic`; the published critic knows the second alone."""
    text = said('{"semantics": 4, "quality": 9}')
    assert components(text, Scores(4, 9), None, PAPER)[:2] == (1.0, 0.0)
    assert coded.form(text) == 0


def test_an_answer_that_ends_the_loop_costs_no_edit() -> None:
    text = said('{"semantic": 8, "quality": 9}')
    assert next_step(text, "", SHOWN, PAPER).kind is Kind.SATISFIED
    assert next_step(text, "", SHOWN, PAPER, threshold=8.5).kind is None
    assert next_step(text, "", SHOWN, CODE).kind is None


def test_a_prompt_that_is_repeated_below_the_threshold_is_no_stop() -> None:
    again = " make the cup red "
    assert next_step(said(), again, SHOWN, PAPER) == Step(None, "make the cup red", later=1)
    assert next_step(said(), again, SHOWN, PAPER, seeded=False).kind is Kind.REPEATED
    assert next_step(said(), again, SHOWN, CODE) == Step(None, "make the cup red")


class TestAsCoded:
    """The letter of the published code."""

    @given(scores, scores)
    def test_the_edit_reward(self, before: Scores, after: Scores) -> None:
        e_sem = ((after.semantic - before.semantic) / 10 + 1) / 2
        assert worth(said(), after, CODE, before) == pytest.approx(0.5 + 0.5 * e_sem)
        assert worth("nothing", after, CODE, before) == pytest.approx(0.5 * e_sem)

    @given(points, points, scores)
    def test_without_an_edit(self, semantic: float, quality: float, shown: Scores) -> None:
        text = said(f'{{"semantic": {semantic!r}, "quality": {quality!r}}}')
        mse = ((semantic - shown.semantic) ** 2 + (quality - shown.quality) ** 2) / 2
        a = max(0.0, 10 - mse) / 10
        assert coded.critic(text, shown) == pytest.approx(a)
        assert worth(text, None, CODE, shown) == pytest.approx(0.5 + 0.5 * (0.2 * a + 0.6 * 0.5 + 0.2 * 0.5))
        assert worth("nothing", None, CODE, shown) == pytest.approx(0.2)

    @pytest.mark.parametrize(
        ("text", "form"),
        [
            (said(), 1),
            ('< think >a< / think > < score > {"semantic": 1, "quality": 2} < /score><answer>b</answer>', 1),
            ('<score>{"semantic": 1, "quality": 2}</score><think>a</think><answer>b</answer>', 0),
            (said("[4, 6]"), 0),
            (said('{"semantic": 4}'), 0),
            (said('{"semantic": NaN, "quality": 1}'), 0),
            (said('{"semantic": ' + "9" * 400 + ', "quality": 1}'), 0),
            ("<think>a</think><score>{}</score><answer>b", 0),
            ("", 0),
        ],
    )  # fmt: skip
    def test_the_form(self, text: str, form: int) -> None:
        assert coded.form(text) == form

    def test_one_score_of_two_is_compared_alone(self) -> None:
        assert coded.critic(said('{"quality": 4}'), SHOWN) == pytest.approx(0.6)
        assert coded.critic(said("{}"), SHOWN) == 0
        assert coded.critic(said(), None) == 0

    @given(st.text())
    def test_nothing_raises(self, text: str) -> None:
        for told in (text, f"<score>{text}</score><answer>{text}</answer>", said(text)):
            assert 0 <= worth(told, None, CODE) <= 1
            assert coded.without_spaces(coded.without_spaces(told)) == coded.without_spaces(told)
