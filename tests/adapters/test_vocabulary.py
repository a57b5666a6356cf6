"""The vocabulary: sentences to clauses and back, and what is refused, word for word."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.vocabulary_refusals import REFUSED
from tests.adapters.vocabulary_sentences import SENTENCES
from thinkedit.adapters import masks
from thinkedit.adapters.editors.photo.palette import rgb_of
from thinkedit.adapters.vocabulary import OPERATIONS, Clause, parse, phrase, with_amount
from thinkedit.adapters.vocabulary.tokens import lexicon
from thinkedit.adapters.vocabulary.words import COLOURS, SHADES
from thinkedit.errors import UnsupportedEdit


def short(clause: Clause) -> str:
    """A clause as the table below writes it: operation and sign, amount if not plain, place, options."""
    parts = [clause.operation + {1: "+", -1: "-", 0: ""}[clause.direction]]
    if clause.given:
        parts.append(clause.given)
    elif clause.amount != 1:
        parts.append(f"{clause.amount:g}")
    if clause.region != "whole":
        parts.append(f"@{clause.region}")
    return " ".join([*parts, *(f"{key}={value}" for key, value in clause.options)])


@pytest.mark.parametrize(("sentence", "expected"), SENTENCES)
def test_a_sentence_is_read_as_its_clauses(sentence: str, expected: str) -> None:
    assert " | ".join(map(short, parse(sentence))) == expected


@pytest.mark.parametrize(("sentence", "expected"), SENTENCES)
def test_what_was_read_can_be_said_again(sentence: str, expected: str) -> None:
    clauses = parse(sentence)
    assert parse(phrase(clauses)) == clauses


@pytest.mark.parametrize(("sentence", "words"), REFUSED)
def test_what_is_not_understood_is_refused_by_name(sentence: str, words: tuple[str, ...]) -> None:
    with pytest.raises(UnsupportedEdit) as caught:
        parse(sentence)
    assert caught.value.words == words
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert " ".join(word.split())[:60] in message


@pytest.mark.parametrize("sentence", ["", "   ", "\n\t", ".", ", and then;"])
def test_nothing_said_is_refused(sentence: str) -> None:
    with pytest.raises(UnsupportedEdit, match=r"empty sentence|does not understand"):
        parse(sentence)


def test_one_bad_word_spoils_the_sentence() -> None:
    for place in range(4):
        pieces = ["make it warmer", "add a vignette", "sharpen it"]
        pieces.insert(place, "frobnicate it")
        with pytest.raises(UnsupportedEdit) as caught:
            parse(", ".join(pieces))
        assert caught.value.words == ("frobnicate",)


def test_the_refusal_says_what_comes_nearest_and_who_can_do_it() -> None:
    with pytest.raises(UnsupportedEdit, match=r'did you mean "brighter".*give one as editor'):
        parse("make it brigter")
    with pytest.raises(UnsupportedEdit, match=r'"add a vignette".*diffusers:MODEL \(docs/models.md\)'):
        parse("add a dog")


@pytest.mark.parametrize("sky", ["a stormy one", "a dramatic sky", "storm clouds"])
def test_a_sky_that_is_not_painted_is_refused_with_those_that_are(sky: str) -> None:
    with pytest.raises(
        UnsupportedEdit, match=r"the new sky can be clear, a sunset or overcast; .*an overcast one"
    ):
        parse(f"replace the sky with {sky}")


def test_amounts_are_said_in_whole_percents() -> None:
    (warmer,) = parse("make it warmer")
    for amount, said in ((0.578, "29 %"), (0.1234, "6.2 %"), (2.0, "100 %"), (1.2466, "62 %")):
        scaled = with_amount(warmer, amount)
        assert phrase([scaled]) == f"Make it warmer by {said}."
        assert scaled.amount == pytest.approx(float(said.split()[0]) / 50)
        assert parse(phrase([scaled])) == (scaled,)


def test_numbered_lists_and_lines_are_clauses() -> None:
    text = "1. brighten it\n2. blur the background\n- add a vignette"
    assert [short(c) for c in parse(text)] == ["exposure+", "blur @background", "vignette"]


def test_words_keep_the_part_as_written_and_do_not_count_for_equality() -> None:
    first, second = parse("Make it  much warmer, please add a vignette")
    assert (first.words, second.words) == ("Make it much warmer", "please add a vignette")
    assert first == parse("a lot warmer")[0]


def test_it_means_the_place_named_before_until_then_or_a_full_stop() -> None:
    assert parse("darken the sky and make it warmer")[1].region == "sky"
    assert parse("darken the sky and make the photo warmer")[1].region == "whole"
    assert parse("darken the sky, then make it warmer")[1].region == "whole"
    assert parse("darken the sky. Make it warmer.")[1].region == "whole"


def test_percentages_scale_as_the_table_says() -> None:
    def amount(sentence: str) -> float:
        return parse(sentence)[0].amount

    assert amount("warmer by 30 %") == pytest.approx(0.6)
    assert amount("30 % more saturation") == pytest.approx(1.0)
    assert amount("25 % more contrast") == pytest.approx(1.0)
    assert (
        amount("brighter by 100 %")
        == amount("twice as bright")
        == pytest.approx(amount("brighter by 1 stop"))
    )
    assert amount("darker by 50 %") == pytest.approx(amount("darker by 1 stop"))
    assert amount("half the saturation") == pytest.approx(50 / 30, abs=1e-3)
    assert amount("brighter by 0.6 stops") == pytest.approx(1.0)


def test_hundred_thousand_characters_are_refused_quickly_and_shortly() -> None:
    with pytest.raises(UnsupportedEdit) as caught:
        parse("brighten " + "zyx " * 25_000)
    assert len(str(caught.value)) < 500


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        clauses = parse(text)
    except UnsupportedEdit:
        return
    assert parse(phrase(clauses)) == clauses


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([" ".join(key) for key in lexicon()]), min_size=1, max_size=6))
def test_any_row_of_known_words_is_read_the_same_again_or_refused(words: list[str]) -> None:
    try:
        clauses = parse(" ".join(words))
    except UnsupportedEdit:
        return
    assert parse(phrase(clauses)) == clauses


def test_every_operation_can_be_asked_for_in_each_of_its_words() -> None:
    for op in OPERATIONS.values():
        if op.options or op.name in ("protect", "rotate"):
            continue
        for words, sign in ((op.more, 1), (op.more_verbs, 1), (op.less, -1), (op.less_verbs, -1)):
            for word in words:
                if word in ("noisy", "noisier", "grainy", "grainier"):
                    continue  # cannot be asked for; as a complaint they are
                clauses = parse(f"make it {word}")
                assert [c.operation for c in clauses] == [op.name], word
                assert clauses[0].direction == (sign if op.signed else 0), word


def test_colours_are_those_that_the_masks_find_and_the_palette_paints() -> None:
    assert set(COLOURS) == set(masks.COLOUR_NAMES)
    for place, words in COLOURS.items():
        for word in words:
            assert masks.canonical_colour(word) == place, word
            assert len(rgb_of(word)) == 3
            for shade in SHADES:
                assert len(rgb_of(f"{shade} {word}")) == 3
