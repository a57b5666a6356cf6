"""Answers that say nothing certain: none of them may be read, and above all none may pass for a good one.

Each case is broken by what a person would say about it, which stands beside it, not by what the parser does.
All would be satisfying at 9 and 9 if their fault were overlooked.
"""
# ruff: noqa: E501 (tables are easier to check by eye with a case beside the next)

import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from thinkedit.adapters.protocol import parse_answer, parse_expert_answer, parse_plan, parse_preference
from thinkedit.errors import AnswerError

NINES = '{"semantic": 9, "quality": 9}'
THINK, SCORE, ANSWER = (
    "<think>The sky is right.</think>",
    f"<score>{NINES}</score>",
    "<answer>Make the sky red.</answer>",
)
GOOD = THINK + SCORE + ANSWER


def scored(block: str) -> str:
    return f"{THINK}<score>{block}</score>{ANSWER}"


# Why it is broken -> what stands between <score> and </score>.
SCORE_BLOCKS: dict[str, list[str]] = {
    "nothing": ["", " ", "\n\t", "{}", "[]", "()", "``````", "```json\n```", "null", '""', ",", "{,}", "[,]"],
    "only one of the two": [
        '{"semantic": 9}', '{"quality": 9}', "[9]", "9", '"9"', "semantic: 9", "quality: 9", "9/10", "[9,]",
        '{"semantic": 9, "overall": 9}', '{"sem": 9, "qual": 9}', '{"overall": 9}', "overall: 9", "[[9], [9]]",
        '{"score": 9}', "[9, ]", "semantic and quality: 9", '{"semantic": 9, "": 9}',
    ],
    "more than two in a list": ["[9, 9, 9]", "9, 9, 9", "[9, 9, 9, 9]", "9\n9\n9", "[9, [9], 9]"],
    "not numbers": [
        '{"semantic": "nine", "quality": "nine"}', "[nine, nine]", '{"semantic": "high", "quality": "high"}',
        '{"semantic": "", "quality": 9}', '{"semantic": 9, "quality": " "}', '{"semantic": "n", "quality": "n"}',
        '{"semantic": n, "quality": n}', '{"semantic": number, "quality": number}', "excellent", "good, good",
        '{"semantic": [9], "quality": 9}', '{"semantic": {"value": 9}, "quality": 9}', '["A", "A"]',
        '{"semantic": "9a", "quality": 9}', '{"semantic": "0x9", "quality": 9}', '{"semantic": "IX", "quality": "IX"}',
        '{"semantic": "٩", "quality": "٩"}', '{"semantic": "９", "quality": "９"}', '{"semantic": "⑨", "quality": 9}',
        '{"semantic": "9;9", "quality": 9}', '{"semantic": "?", "quality": 9}', "[9, ?]", "[_, _]", "9 9 9 9", "[*, *]",
    ],
    "true, false, null": [
        '{"semantic": true, "quality": true}', '{"semantic": null, "quality": null}', "[true, true]", "[null, null]",
        '{"semantic": 9, "quality": true}', '{"semantic": null, "quality": 9}', '{"semantic": 9, "quality": false}',
        "{'semantic': None, 'quality': None}", "{'semantic': True, 'quality': True}", "semantic: yes, quality: yes",
    ],
    "no finite number": [
        '{"semantic": NaN, "quality": NaN}', '{"semantic": Infinity, "quality": Infinity}', "[NaN, 9]", "[9, inf]",
        '{"semantic": -Infinity, "quality": 9}', '{"semantic": "nan", "quality": "nan"}', '{"semantic": 9, "quality": 1e999}',
        '{"semantic": "inf", "quality": "inf"}', "semantic: nan, quality: 9", f'{{"semantic": {"9" * 400}, "quality": 9}}',
    ],
    "out of range": [
        '{"semantic": 11, "quality": 9}', '{"semantic": 9, "quality": 10.01}', '{"semantic": 90, "quality": 90}',
        '{"semantic": -9, "quality": 9}', '{"semantic": 9, "quality": -0.5}', "[95, 95]", "[-9, -9]", "[9, 10.5]",
        '{"semantic": "11", "quality": "9"}', '{"semantic": "-9", "quality": "9"}', "semantic: -9, quality: 9",
        "semantic: 99, quality: 99", '{"semantic": 1e1000, "quality": 9}', '{"semantic": 2e1, "quality": 9}', "[9, 9e9]",
    ],
    "another scale": [
        '{"semantic": "90%", "quality": "90%"}', '{"semantic": "4/5", "quality": "4/5"}', "[9/5, 9/5]", "90/100, 90/100",
        '{"semantic": "9/100", "quality": "9/100"}', '{"semantic": "9/9", "quality": "9/9"}', "semantic: 9/20, quality: 9/20",
    ],
    "a range or a guess, not a number": [
        '{"semantic": "8-9", "quality": "8-9"}', "[8-9, 9]", '{"semantic": "~9", "quality": 9}', '{"semantic": "9?", "quality": 9}',
        '{"semantic": ">8", "quality": ">8"}', '{"semantic": "9 or 3", "quality": 9}', "semantic: 9 or 2, quality: 9",
        '{"semantic": "at least 8", "quality": 9}', '{"semantic": "9 -> 3", "quality": 9}', "semantic: 3 9, quality: 9",
    ],
    "not clearly one number": [
        '{"semantic": "9,5", "quality": "9,5"}', '{"semantic": "9.5.1", "quality": 9}', '{"semantic": "9.", "quality": 9}',
        '{"semantic": ".9", "quality": ".9"}', '{"semantic": 9., "quality": 9}', '{"semantic": "1 0", "quality": 9}',
        '{"semantic": "1\x000", "quality": 9}', '{"semantic": 1*0, "quality": 9}', "semantic: 1`0, quality: 9", "[1\u200b0, 9]",
        '{"semantic": "--9", "quality": 9}', '{"semantic": "9e", "quality": 9}', '{"semantic": "1_0", "quality": 9}',
    ],
    "said twice": [
        '{"semantic": 3, "semantic": 9, "quality": 9}', '{"semantic": 9, "semantic": 3, "quality": 9}',
        '{"semantic": 9, "quality": 9, "quality": 2}', '{"semantic": 9, "semantics": 2, "quality": 9}',
        "semantic: 9, quality: 9, semantic: 2", "semantic: 2\nsemantic: 9\nquality: 9", f"{NINES} {NINES}",
        f'{NINES}, {{"semantic": 2, "quality": 2}}', f'[{NINES}, {{"semantic": 2, "quality": 2}}]', "[9, 9] [2, 2]",
        "[9, 9] or [2, 2]", '{"semantic": 9, "quality": 9, "semantic_before": 2}', f'{NINES}\n{{"semantic": 1, "quality": 1}}',
        '{"semantic": 9, "quality": 9, "final quality": 2}',
    ],
    "cut or torn": [
        '{"semantic": 9, "quality": 9', '{"semantic": 9, "quality":', '{"semantic": 9, "quality"', '{"semantic": 9, "qual',
        '{"semantic": 9,', '{"semantic"', "{", "[9, 9", "9, 9]", '"semantic": 9, "quality": 9}', '{"semantic": 9 "quality": 9}',
        '{"semantic" 9, "quality" 9}', '{"semantic": 9; "quality" 9}', "{9, 9]", '["semantic", "quality"]', "[9,, 9]", "[, 9]",
        '{"semantic": , "quality": }', '{"semantic": 9, "quality": 9}}', "[[9, 9]", '{{"semantic": 9, "quality": 9}}',
    ],
    "hidden somewhere inside": [
        '{"scores": {"semantic": 9, "quality": 9}}', "[[9, 9]]", f"The scores are {NINES}", "I give it 9 and 9.", f"{NINES} // 9",
        '{"a": {"semantic": 9}, "b": {"quality": 9}}', f"<!-- {NINES} -->", "semantic=9&quality=9", "9 for all", f'"{NINES}"',
        "[" * 1500, "{" * 1500, '{"semantic":' * 120, "9" * 1999, NINES + " " * 40 + "x" * 3000, "\x00" * 30, "\ud800" * 9,
    ],
}  # fmt: skip

# Why it is broken -> the whole answer.
ANSWERS: dict[str, list[str]] = {
    "nothing": ["", " ", "\n\n\n", "\x00", "\ufeff", "\u200b", "null", "None", "{}", "[]", "```\n```", "..."],
    "not an answer at all": [
        "I'm sorry, but I can't help with that.", "The image looks great! Both scores are 9.", "semantic: 9, quality: 9",
        NINES, "[9, 9]", "9 9", "satisfied", "PASS", "The edit is perfect, nothing to change.", "Internal Server Error",
        "<html><body><h1>502 Bad Gateway</h1></body></html>", '{"error": {"message": "rate limit", "code": 429}}',
        '{"is_satisfied": true, "reason": "good", "new_rewritten_prompt": null}', '{"think": "x", "score": [9, 9], "answer": "y"}',
        "<tool_call>{}</tool_call>", "data: [DONE]", "<|im_end|>", "\ud83d", "<<<>>>", "<>" * 50, "Score: 9/10",
    ],
    "a part is missing": [
        THINK, SCORE, ANSWER, THINK + SCORE, THINK + ANSWER, ANSWER + THINK, SCORE + THINK, "<think></think>",
        THINK + NINES + ANSWER, THINK + "9, 9" + ANSWER, THINK + SCORE + "Make the sky red.", "<score></score><answer></answer>",
        THINK + "<scores>[9, 9]</scores>" + ANSWER, THINK + f"[score]{NINES}[/score]" + ANSWER, f"Score: {NINES}{ANSWER}",
        THINK + f"&lt;score&gt;{NINES}&lt;/score&gt;" + ANSWER, THINK + f"(score){NINES}(/score)" + ANSWER,
        THINK + SCORE + "<prompt>Make the sky red.</prompt>", THINK + SCORE + "[answer]Make the sky red.[/answer]",
        THINK + f"＜score＞{NINES}＜/score＞" + ANSWER, THINK + f"<\u017fcore>{NINES}</\u017fcore>" + ANSWER,
        THINK + f"<sc\x00ore>{NINES}</sc\x00ore>" + ANSWER, THINK + "<score/>" + ANSWER, THINK + SCORE + "<answer/>",
    ],
    "all of it is still thinking": [
        f"<think>{SCORE}{ANSWER}", f"<think>{SCORE}{ANSWER}</think>", f"<think>x{SCORE}</think>{ANSWER}",
        f"<think>x{ANSWER}</think>{SCORE}", f"{THINK}<think>{SCORE}{ANSWER}", f"{SCORE}<think>{ANSWER}</think>",
        f"<think>The sky is right.{SCORE}{ANSWER}", f"{THINK}<think>{SCORE}{ANSWER}</think>", f"<THINK >{SCORE}{ANSWER}",
        f"<think><think>x</think>{SCORE}{ANSWER}</think>", f"{SCORE}{ANSWER}</think>", f"{SCORE}</think>{ANSWER}",
        f"<think>{SCORE}{ANSWER}<think>",
    ],
    "a tag is not closed": [
        THINK + "<score>" + NINES + ANSWER, THINK + NINES + "</score>" + ANSWER, THINK + SCORE + "<answer>Make the sky red.",
        THINK + SCORE + "Make the sky red.</answer>", THINK + SCORE + "<answer>Make the sky red.<answer>", THINK + "<score>",
        THINK + f"<score>{NINES}<score>" + ANSWER, THINK + f"<score>{NINES}</scor>" + ANSWER, THINK + SCORE + "<answer>",
        THINK + f"<score>{NINES}</answer>", THINK + f"<score>{NINES}</score", THINK + SCORE + "<answer>Make the sky red.</",
        THINK + SCORE + "<answer>Make the sky red.</answer", THINK + SCORE + "<answer>Make the sky red.</ans",
        THINK + f"<score>{NINES}</score>" + "<answer>Make the sky red.<\\answer>", THINK + f"<score>{NINES}<\\score>" + ANSWER,
        THINK + "</score>" + NINES + "<score>" + ANSWER, THINK + SCORE + "</answer>Make the sky red.<answer>",
    ],
    "tags inside tags": [
        THINK + f"<score><score>{NINES}</score></score>" + ANSWER, THINK + f"<score>{NINES}{ANSWER}</score>",
        THINK + f"<answer>{SCORE}</answer>", THINK + f"<answer>Make the sky red. {SCORE}</answer>",
        THINK + SCORE + f"<answer>{ANSWER}</answer>", THINK + f"<score><think>x</think>{NINES}</score>" + ANSWER,
        THINK + SCORE + "<answer><think>hm</think>Make it red.</answer>", THINK + f"<score><answer>{NINES}</score></answer>",
        THINK + SCORE + "<answer>Write <score>[2, 2]</score> under it.</answer>", THINK + SCORE + ANSWER + "</score>",
    ],
    "two answers that differ": [
        THINK + SCORE + "<score>[2, 2]</score>" + ANSWER, THINK + "<score>[2, 2]</score>" + SCORE + ANSWER,
        GOOD + "<think>Wait.</think><score>[2, 2]</score>" + ANSWER, GOOD + "<answer>Make the sky blue.</answer>",
        GOOD + GOOD.replace("9", "3"), GOOD.replace("9", "3") + GOOD, GOOD + "\n\n" + GOOD.replace("9}", "8}"),
        GOOD + "<score>", GOOD + "<score></score>", GOOD + "<answer></answer>", GOOD + "<answer>", GOOD + "<think>No, wait",
        SCORE + "<score>[2, 2]</score></think>" + SCORE + ANSWER, GOOD + "</think><score>[2, 2]</score>" + ANSWER,
        GOOD + "<score>[9, null]</score>", GOOD + "<score>not [9, 9] but lower</score>", GOOD + "</answer>",
    ],
    "no next prompt in the answer": [
        THINK + SCORE + f"<answer>{nothing}</answer>"
        for nothing in ("", " ", "\n", "\x00\x01", "\u200b", "null", "None", "none.", "N/A", "undefined", "...", "…", "-", "—", "!",
                        '""', "''", "``````", "```\n```", "```text\n\n```", "{}", "[]", "😀", "?", "NULL")
    ],
    "a next prompt longer than any editor reads": [
        THINK + SCORE + f"<answer>{long}</answer>"
        for long in ("red " * 1001, "r" * 4001, "red\n" * 2000, "é" * 5000, "red. " * 100_000, "词" * 4002)
    ],
    "longer than any answer": ["x" * 1_000_001 + GOOD, GOOD + " " * 1_000_000, "<think>" * 1_500_000],
}  # fmt: skip

CASES = [(why, scored(block)) for why, blocks in SCORE_BLOCKS.items() for block in blocks]
CASES += [(why, text) for why, texts in ANSWERS.items() for text in texts]


def test_there_are_enough_different_cases() -> None:
    assert len({text for _, text in CASES}) == len(CASES) >= 200


@pytest.mark.parametrize(("why", "text"), CASES, ids=[f"{n}-{why}" for n, (why, _) in enumerate(CASES)])
def test_broken_answer_is_refused(why: str, text: str) -> None:
    with pytest.raises(AnswerError) as refused:
        parse_answer(text)
    assert refused.value.raw == text or len(text) > 1_000_000 or "\ud83d" in text or "\ud800" in text
    assert len(str(refused.value)) < 300
    assert "\n" not in str(refused.value)


def test_the_answer_that_the_cases_are_made_of_is_good() -> None:
    assert parse_answer(GOOD).satisfied(8)


# Generated: a good answer and one thing done to it that breaks it whatever else is in it.

words = st.text(st.characters(exclude_characters="<>", exclude_categories=["Cs"]), max_size=40)
prompts = words.map(lambda text: f"Make it warm {text}")
high = st.sampled_from(["8", "9", "10", "9.5", '"9"', '"9/10"'])
not_scores = st.one_of(
    st.sampled_from(["null", "true", "NaN", "Infinity", "-Infinity", '""', "[]", "{}", "nine", '"nine"', '"9,5"', '"80%"', ""]),
    st.floats(min_value=10.001, max_value=1e300).map(repr),
    st.floats(min_value=-1e300, max_value=-0.001).map(repr),
    st.integers(min_value=11).map(str),
    st.integers(max_value=-1).map(str),
    st.integers(min_value=11, max_value=99).map(lambda n: f'"{n}/100"'),
    st.text(st.characters(categories=["L", "P", "Z"]), max_size=12).map(lambda text: f'"{text}"'),
)  # fmt: skip


@st.composite
def broken_answers(
    draw: st.DrawFn, good: st.SearchStrategy[str] = high, bad_ones: st.SearchStrategy[str] = not_scores
) -> str:
    """A good answer with the scores `good`, broken; where a score is what is broken, by one of `bad_ones`."""
    think, answer, one, two = draw(words), draw(prompts), draw(good), draw(good)
    parts = {
        "think": f"<think>{think}</think>",
        "score": f'<score>{{"semantic": {one}, "quality": {two}}}</score>',
        "answer": f"<answer>{answer}</answer>",
    }
    whole = "".join(parts.values())
    kind = draw(
        st.sampled_from(
            ["cut", "less", "tag", "value", "key", "second", "empty", "long", "swallowed", "noise"]
        )
    )
    if kind == "cut":  # before the end of the last closing tag
        return whole[: draw(st.integers(0, len(whole) - 1))]
    if kind == "less":
        del parts[draw(st.sampled_from(["score", "answer"]))]
        return "".join(parts.values())
    if kind == "tag":  # lost or misspelled; without <think> alone the rest would still be certain
        tag = draw(st.sampled_from(["</think>", "<score>", "</score>", "<answer>", "</answer>"]))
        return whole.replace(
            tag, draw(st.sampled_from(["", tag[:-1], tag[1:], tag[:2] + "x" + tag[2:], f"({tag[1:-1]})"]))
        )
    if kind == "value":
        bad = draw(bad_ones)
        pair = draw(st.sampled_from([(one, bad), (bad, two), (bad, bad)]))
        form = draw(
            st.sampled_from(['{{"semantic": {}, "quality": {}}}', "[{}, {}]", "semantic: {}, quality: {}"])
        )
        parts["score"] = f"<score>{form.format(*pair)}</score>"
        return "".join(parts.values())
    if kind == "key":
        key = draw(st.sampled_from(["semantic", "quality"]))
        return whole.replace(f'"{key}"', draw(st.sampled_from(['"overall"', '""', '"x"', "null"])))
    if kind == "second":
        lower = draw(st.floats(0, 7.9, allow_subnormal=False))
        second = f'<score>{{"semantic": {lower:.3f}, "quality": {lower:.3f}}}</score>'
        return draw(
            st.sampled_from(
                [second + whole, whole + second, parts["think"] + second + parts["score"] + parts["answer"]]
            )
        )
    if kind == "empty":
        blank = draw(st.text(st.characters(categories=["Zs", "Cc", "P"]), max_size=20))
        return whole.replace(answer, blank) if answer not in think else ""
    if kind == "long":
        return whole.replace(answer, answer * 400)
    if kind == "swallowed":
        return f"<think>{think}{parts['score']}{parts['answer']}" + draw(
            st.sampled_from(["", "</think>", "</think> done"])
        )
    return draw(st.text(max_size=300).filter(lambda text: not re.search("score", text, re.IGNORECASE)))


@settings(
    max_examples=2000, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
@given(broken_answers())
def test_generated_broken_answer_is_refused(text: str) -> None:
    with pytest.raises(AnswerError):
        parse_answer(text)


LOW = '<think>bad</think><score>{"semantic": 3, "quality": 4}</score><answer>Make it warm.</answer>'
edits = st.tuples(
    st.integers(0, len(LOW)),
    st.integers(0, 12),
    st.one_of(
        st.text(st.characters(exclude_categories=["Nd", "Nl", "No"]), max_size=6),
        st.sampled_from(["<score>", "</score>", "<think>", "</think>", "<answer>", "</answer>", "{", "}", "[", ",", "NaN", "-"]),
    ),
)  # fmt: skip


@settings(max_examples=1000, derandomize=True, deadline=None, database=None)
@given(st.lists(edits, min_size=1, max_size=6))
def test_no_damage_turns_low_scores_into_others(damage: list[tuple[int, int, str]]) -> None:
    text = LOW
    for at, length, put in damage:
        text = text[:at] + put + text[at + length :]
    try:
        critique = parse_answer(text)
    except AnswerError:
        return
    assert (critique.semantic, critique.quality) == (3, 4)
    assert not critique.satisfied(8)


@settings(max_examples=500, derandomize=True, deadline=None, database=None)
@given(st.one_of(st.text(), st.binary(), st.none(), st.integers(), st.lists(st.text())))
def test_no_parser_raises_anything_else(text: object) -> None:
    for parse in (parse_answer, parse_expert_answer, parse_plan, parse_preference):
        with pytest.raises(AnswerError):
            parse(text)  # type: ignore[operator]


HUGE = 1_000_000 - len(GOOD)
FLOODS = {
    "opening brackets": "<" * HUGE,
    "spaces in a tag": "<" + " " * HUGE,
    "brackets and spaces": "<  " * (HUGE // 3),
    "opening tags": "<think>" * (HUGE // 7),
    "pairs of tags": "<think></think>" * (HUGE // 15),
    "scores": SCORE * (HUGE // len(SCORE)),
    "fences": "```\n" * (HUGE // 4),
    "backticks": "`" * HUGE,
    "braces": "{" * HUGE,
    "braces in a score": "<score>" + "{" * HUGE + "</score>",
    "commas in a score": "<score>" + ", " * (HUGE // 2) + "</score>",
    "blanks in the middle of a score": "<score>[9" + " " * HUGE + "9]</score>",
    "blanks in a score": "<score>" + " " * HUGE + "</score>",
    "lines": "\n" * HUGE,
    "JSON in JSON": '{"a":' * (HUGE // 5),
    "one long answer": "<answer>" + "a " * (HUGE // 2) + "</answer>",
    "half tags": "</ score" * (HUGE // 8),
    "lone surrogates": "\udc80" * HUGE,
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())
def test_a_million_characters_take_no_more_than_a_moment(flood: str) -> None:
    start = time.process_time()
    for parse in (parse_answer, parse_expert_answer, parse_plan, parse_preference):
        with pytest.raises(AnswerError):
            parse(flood)
    assert time.process_time() - start < 4


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[]", "null", '{"is_satisfied": "true"}', '{"is_satisfied": 1, "reason": "x"}', '{"is_satisfied": null}',
        '{"reason": "fine", "new_rewritten_prompt": "Make it warm."}', '{"is_satisfied": false, "reason": "x"}',
        '{"is_satisfied": false, "reason": "x", "new_rewritten_prompt": null}', '{"is_satisfied": true',
        '{"is_satisfied": false, "reason": "x", "new_rewritten_prompt": ""}', '{"is_satisfied": True}', "is_satisfied: true",
        '{"is_satisfied": false, "is_satisfied": true, "reason": "x"}', '[{"is_satisfied": true}, {"is_satisfied": false}]',
        '{"is_satisfied": true} {"is_satisfied": false}', '<think>{"is_satisfied": true}', '{"is_satisfied": [true]}',
        '<think>x {"is_satisfied": true}</think>', '{"result": {"is_satisfied": true}}', '"is_satisfied"', "[" * 100_000,
        '{"is_satisfied": true, "reason": 7}', '{"is_satisfied": true, "new_rewritten_prompt": ["a"]}', '{"a":' * 9999,
        '{"is_satisfied": false, "new_rewritten_prompt": "' + "a" * 4001 + '"}', GOOD, "yes", '{"is_satisfied": tru}',
        '{"a":' * 99_999 + "1" + "}" * 99_999, '<answer>{"is_satisfied": true}</answer><answer>{"is_satisfied": false}</answer>',
    ],
)  # fmt: skip
def test_broken_expert_answer_is_refused(text: str) -> None:
    with pytest.raises(AnswerError):
        parse_expert_answer(text)
