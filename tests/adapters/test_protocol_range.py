"""Scores up to 25: asked for, shown, read and refused on one scale."""
# ruff: noqa: E501 (tables are easier to check by eye with a case on a line)

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.test_protocol import ONE_PIXEL
from tests.adapters.test_protocol_broken import ANSWERS, SCORE_BLOCKS, broken_answers, scored
from thinkedit.adapters.base import CritiqueRequest, Past
from thinkedit.adapters.protocol import DEFAULT_TEMPLATE, Template, parse_answer, render, template_for
from thinkedit.errors import AnswerError, SettingsError
from thinkedit.images import Picture


def request(**more: object) -> CritiqueRequest:
    picture = Picture.from_bytes(ONE_PIXEL)
    return CritiqueRequest(picture, picture, "Warm it", "Make it warm", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("block", "semantic", "quality"),
    [
        ("[20, 25]", 8, 10), ('{"semantic": 21, "quality": 12.5}', 8.4, 5), ("semantic: 5/25, quality: 10/25", 2, 4),
        ('["20/25", "25 out of 25"]', 8, 10), ("[0, -0.0]", 0, 0), ('{"semantic": "19.75", "quality": 1}', 7.9, 0.4),
    ],
)  # fmt: skip
def test_scores_up_to_25_are_given_back_as_0_to_10(block: str, semantic: float, quality: float) -> None:
    critique = parse_answer(scored(block), score_range=25)
    assert (critique.semantic, critique.quality) == (semantic, quality)


@pytest.mark.parametrize(
    "block",
    ["[26, 9]", "[9, 25.01]", "[9/10, 9/10]", '["24 out of 30", 9]', "[90%, 9]", '{"semantic": 2.6e1, "quality": 9}', "[-1, 9]"],
)  # fmt: skip
def test_what_is_not_on_the_wide_scale_is_refused(block: str) -> None:
    with pytest.raises(AnswerError):
        parse_answer(scored(block), score_range=25)


def test_a_score_above_ten_is_refused_where_ten_is_the_highest() -> None:
    for block in ("[20, 20]", "[9/25, 9/25]", "[24, 25]"):
        with pytest.raises(AnswerError, match="from 0 to 10"):
            parse_answer(scored(block))
    with pytest.raises(AnswerError, match="from 0 to 25"):
        parse_answer(scored("[26, 26]"), score_range=25)


# Every fault of the narrow scale that does not lie in a number above ten is one of the wide scale too.
OTHERS = [b for why, found in SCORE_BLOCKS.items() if why != "out of range" for b in found]
WHOLE = [text for texts in ANSWERS.values() for text in texts]


@pytest.mark.parametrize("block", OTHERS)
def test_a_broken_score_block_is_broken_on_the_wide_scale(block: str) -> None:
    with pytest.raises(AnswerError):
        parse_answer(scored(block), score_range=25)


@pytest.mark.parametrize("text", WHOLE, ids=range(len(WHOLE)))
def test_a_broken_answer_is_broken_on_the_wide_scale(text: str) -> None:
    with pytest.raises(AnswerError):
        parse_answer(text, score_range=25)


wide_bad = st.one_of(
    st.sampled_from(["null", "true", "NaN", "Infinity", '""', "[]", "nine", '"20,5"', '"80%"', '"9/10"', '"30/30"', ""]),
    st.floats(min_value=25.001, max_value=1e300).map(repr),
    st.floats(min_value=-1e300, max_value=-0.001).map(repr),
    st.integers(min_value=26).map(str),
    st.integers(min_value=26, max_value=99).map(lambda n: f'"{n}/25"'),
)  # fmt: skip
wide_high = st.sampled_from(["20", "25", "24.5", '"25"', '"23/25"'])


@settings(max_examples=1000, derandomize=True, deadline=None, database=None)
@given(broken_answers(wide_high, wide_bad))
def test_no_generated_broken_answer_passes_on_the_wide_scale(text: str) -> None:
    with pytest.raises(AnswerError):
        parse_answer(text, score_range=25)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(st.floats(0, 25), st.floats(0, 25))
def test_what_is_read_stays_in_order_and_in_range(one: float, two: float) -> None:
    one, two = round(one, 3), round(two, 3)
    critique = parse_answer(scored(f'{{"semantic": {one:.3f}, "quality": {two:.3f}}}'), score_range=25)
    assert critique.semantic is not None
    assert critique.quality is not None
    assert 0 <= critique.semantic <= 10
    assert 0 <= critique.quality <= 10
    assert (critique.semantic <= critique.quality) == (one <= two)
    assert critique.semantic * 2.5 == pytest.approx(one)


def test_everything_shown_is_on_the_wide_scale() -> None:
    text = render(request(threshold=7.5, history=(Past(1, "Warm it", 3, 6.5, "Weak"),)), score_range=25)
    assert "two scores from 0 to 25" in text
    assert "both scores are at least 18.75" in text
    assert "semantic 7.5, quality 16.25" in text
    assert "20: a careful person" in text
    assert "12.5: half done" in text
    assert "5: hardly" in text
    assert "{" not in text.replace('{"semantic": number, "quality": number}', "")


def test_the_narrow_scale_is_what_is_shown_by_default() -> None:
    text = render(request())
    assert text == render(request(), score_range=10)
    assert "two scores from 0 to 10" in text
    assert "8: a careful person" in text
    assert "at least 8." in text


def test_a_template_says_the_range_itself(tmp_path: Path) -> None:
    file = tmp_path / "template.txt"
    file.write_text("{instruction} {prompt}: 0 to {range}, good from {range*0.8}, bar {threshold}. {range*2}")
    assert render(request(), template_for(file, 25), score_range=25) == (
        "Warm it Make it warm: 0 to 25, good from 20, bar 20. {range*2}"
    )
    doubled = Template('{instruction}{prompt}{range*0.5}{{"semantic": n}}')
    assert render(request(), doubled, score_range=25) == 'Warm itMake it warm12.5{"semantic": n}'


def test_a_template_that_asks_for_another_range_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "template.txt"
    file.write_text("{instruction} {prompt} Scores from 0 to 10.")
    with pytest.raises(
        SettingsError, match=r"template\.txt: .* does not ask for scores up to 25: write \{range\}"
    ):
        template_for(file, 25)
    with pytest.raises(SettingsError, match="does not ask for scores up to 25"):
        render(request(), Template.from_file(file), score_range=25)
    assert render(request(), template_for(file, 10)).endswith("0 to 10.")
    file.write_text("{instruction} {prompt} Scores from 0 to 25.")
    assert render(request(), template_for(file, 25), score_range=25).endswith("0 to 25.")


@pytest.mark.parametrize("score_range", [0, 5, 100, -25, "25", None])
def test_another_range_is_refused(score_range: int) -> None:
    for use in (
        lambda: render(request(), score_range=score_range),
        lambda: parse_answer(scored("[9, 9]"), score_range=score_range),
        lambda: template_for(None, score_range),
    ):
        with pytest.raises(SettingsError, match=r"score_range is .*: 10 or 25"):
            use()
    assert template_for(None) is DEFAULT_TEMPLATE
