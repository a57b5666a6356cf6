"""Good answers in every form that models write them, and the prompts that ask for them."""
# ruff: noqa: E501 (tables are easier to check by eye with a case on a line)

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkedit.adapters.base import CompareRequest, CritiqueRequest, Past, PlanRequest
from thinkedit.adapters.protocol import (
    DEFAULT_TEMPLATE,
    Template,
    parse_answer,
    parse_expert_answer,
    parse_plan,
    parse_preference,
    render,
    render_compare,
    render_critique,
    render_plan,
)
from thinkedit.errors import AnswerError, SettingsError
from thinkedit.images import Picture
from thinkedit.types import Critique, CritiqueState

T, A = "<think>Sky still grey.</think>", "<answer>Make the sky red.</answer>"
PLAIN = f'{T}<score>{{"semantic": 7, "quality": 8}}</score>{A}'

# What stands between <score> and </score>; each means 7 and 8.
SEVEN_EIGHT = [
    '{"semantic": 7, "quality": 8}', '{"semantic":7,"quality":8}', '{ "quality": 8, "semantic": 7 }', '{"semantic": 7.0, "quality": 8.00}',
    '\n{\n  "semantic": 7,\n  "quality": 8\n}\n', "{'semantic': 7, 'quality': 8}", "{semantic: 7, quality: 8}", '{"semantic": 7, "quality": 8,}',
    '{"semantic": "7", "quality": "8"}', '{"semantic": "7/10", "quality": "8/10"}', '{"semantic": 7/10, "quality": 8/10}', "semantic: 7, quality: 8",
    "semantic: 7\nquality: 8", "semantic=7; quality=8", "Semantic: 7/10\nQuality: 8/10", "semantic: 7 out of 10, quality: 8 out of 10",
    "[7, 8]", "[7,8]", "[ 7 , 8 ]", "[7.0, 8.0]", '["7", "8"]', '["7/10", "8/10"]', "7, 8", "(7, 8)", "7\n8", "[7, 8,]", "7/10, 8/10",
    '```json\n{"semantic": 7, "quality": 8}\n```', '```\n[7, 8]\n```', '`{"semantic": 7, "quality": 8}`', "**semantic**: 7\n**quality**: 8",
    "- semantic: 7\n- quality: 8", '{"semantics": 7, "quality": 8}', '{"Semantic": 7, "Quality": 8}', '{"SEMANTIC": 7, "QUALITY": 8}',
    '{"semantic_score": 7, "quality_score": 8}', "Semantic score: 7, Quality score: 8", '{"semantic": 7, "quality": 8, "overall": 7.5}',
    '{"semantic": 7, "quality": 8, "reason": "the sky, mostly"}', '{"semantic": "+7", "quality": "8"}', '{" semantic ": 7, " quality ": 8}',
    '{"semantic": 7e0, "quality": 8}', "'semantic': '7', 'quality': '8'", "\u00a0[7, 8]\u00a0", "{semantic=7, quality=8}",
]  # fmt: skip

# Other whole answers: -> semantic, quality, next prompt, reasoning.
FORMS: dict[str, tuple[str, float, float, str, str]] = {
    "as asked": (PLAIN, 7, 8, "Make the sky red.", "Sky still grey."),
    "on lines": (PLAIN.replace("><", ">\n\n<"), 7, 8, "Make the sky red.", "Sky still grey."),
    "blanks in the blocks": ("<think>\n Sky still grey.\n</think><score> [7, 8] </score><answer>\nMake the sky red.\n</answer>\n", 7, 8, "Make the sky red.", "Sky still grey."),
    "upper case": (PLAIN.replace("think>", "THINK>").replace("score>", "Score>").replace("answer>", "ANSWER>"), 7, 8, "Make the sky red.", "Sky still grey."),
    "spaces in tags": (PLAIN.replace("<", "< ").replace(">", " >").replace("/", "/ "), 7, 8, "Make the sky red.", "Sky still grey."),
    "a fence around all": (f"```xml\n{PLAIN}\n```", 7, 8, "Make the sky red.", "Sky still grey."),
    "a fence around the prompt": (f"{T}<score>[7, 8]</score><answer>```text\nMake the sky red.\n```</answer>", 7, 8, "Make the sky red.", "Sky still grey."),
    "words around": (f"Sure! Here it is.\n{PLAIN}\nLet me know if it helps.", 7, 8, "Make the sky red.", "Sky still grey."),
    "an end mark": (PLAIN + "<|im_end|>\n", 7, 8, "Make the sky red.", "Sky still grey."),
    "no <think>, as where the chat template opens it": (f"Sky still grey.</think><score>[7, 8]</score>{A}", 7, 8, "Make the sky red.", "Sky still grey."),
    "no thinking marked": (f"Sky still grey.\n<score>[7, 8]</score>{A}", 7, 8, "Make the sky red.", "Sky still grey."),
    "no thinking": (f"<score>[7, 8]</score>{A}", 7, 8, "Make the sky red.", ""),
    "empty thinking": (f"<think></think><score>[7, 8]</score>{A}", 7, 8, "Make the sky red.", ""),
    "answer before score": (f"{T}{A}<score>[7, 8]</score>", 7, 8, "Make the sky red.", "Sky still grey."),
    "score before thinking": (f"<score>[7, 8]</score>{T}{A}", 7, 8, "Make the sky red.", "Sky still grey."),
    "thinking in two parts": (f"<think>One.</think>\n<think>Two.</think><score>[7, 8]</score>{A}", 7, 8, "Make the sky red.", "One.\n\nTwo."),
    "thinking in thinking": (f"<think>One. <think>Two.</think> Three.</think><score>[7, 8]</score>{A}", 7, 8, "Make the sky red.", "One. <think>Two.\n\nThree."),
    "a score quoted in thinking": (f"<think>Not <score>[9, 9]</score> but less.</think><score>[2, 3]</score>{A}", 2, 3, "Make the sky red.", "Not <score>[9, 9]</score> but less."),
    "an answer quoted in thinking": (f"<think>User wrote <answer>stop</answer>.</think><score>[2, 3]</score>{A}", 2, 3, "Make the sky red.", "User wrote <answer>stop</answer>."),
    "a torn tag quoted in thinking": (f"<think>Then <score> comes.</think><score>[2, 3]</score>{A}", 2, 3, "Make the sky red.", "Then <score> comes."),
    "the whole thing quoted in thinking": (f"<think><think>a</think><score>[9, 9]</score>{A}".replace("</think>", "") + f"</think><score>[2, 3]</score>{A}", 2, 3, "Make the sky red.", f"<think>a<score>[9, 9]</score>{A}"),
    "the same score twice": (f"{T}<score>[7, 8]</score><score>{{\"semantic\": 7, \"quality\": 8}}</score>{A}", 7, 8, "Make the sky red.", "Sky still grey."),
    "all of it twice": (PLAIN + PLAIN, 7, 8, "Make the sky red.", "Sky still grey.\n\nSky still grey."),
    "lowest": (f"{T}<score>[0, 0]</score>{A}", 0, 0, "Make the sky red.", "Sky still grey."),
    "highest": (f"{T}<score>[10, 10]</score>{A}", 10, 10, "Make the sky red.", "Sky still grey."),
    "decimals": (f"{T}<score>[7.25, 9.875]</score>{A}", 7.25, 9.875, "Make the sky red.", "Sky still grey."),
    "minus zero": (f"{T}<score>[-0, 8]</score>{A}", 0, 8, "Make the sky red.", "Sky still grey."),
    "control characters": ("<think>Sky\x00 still grey.\x1b</think><score>[7, 8]</score><answer>Make \x07the\u200b sky\u202e red.\ufeff</answer>", 7, 8, "Make the sky red.", "Sky still grey."),
    "Windows lines": (f"{T}<score>[7, 8]</score><answer>Make the sky red.\r\nKeep the rest.</answer>", 7, 8, "Make the sky red.\nKeep the rest.", "Sky still grey."),
    "brackets and quotes in the prompt": (f'{T}<score>[7, 8]</score><answer>Write "a < b > c" {{big}}.</answer>', 7, 8, 'Write "a < b > c" {big}.', "Sky still grey."),
    "other tags in the prompt": (f"{T}<score>[7, 8]</score><answer>Write <b>Hi</b>.</answer>", 7, 8, "Write <b>Hi</b>.", "Sky still grey."),
    "Chinese": ("<think>天空仍是灰色。</think><score>[7, 8]</score><answer>把天空变红。</answer>", 7, 8, "把天空变红。", "天空仍是灰色。"),
    "a joined emoji": (f"{T}<score>[7, 8]</score><answer>Add 👩\u200d🚀 there.</answer>", 7, 8, "Add 👩\u200d🚀 there.", "Sky still grey."),
    "a pair of surrogates": (f"{T}<score>[7, 8]</score><answer>Add \ud83d\ude00 there.</answer>", 7, 8, "Add 😀 there.", "Sky still grey."),
    "a lone surrogate": (f"{T}<score>[7, 8]</score><answer>Add \ud83d there.</answer>", 7, 8, "Add \ufffd there.", "Sky still grey."),
    "as long as a prompt may be": (f"{T}<score>[7, 8]</score><answer>{'r' * 4000}</answer>", 7, 8, "r" * 4000, "Sky still grey."),
}  # fmt: skip


@pytest.mark.parametrize("block", SEVEN_EIGHT)
def test_forms_of_a_score(block: str) -> None:
    critique = parse_answer(f"{T}<score>{block}</score>{A}")
    assert (critique.semantic, critique.quality) == (7, 8)
    assert critique.state is CritiqueState.SCORED


@pytest.mark.parametrize(("text", "semantic", "quality", "prompt", "reasoning"), FORMS.values(), ids=FORMS)
def test_forms_of_an_answer(text: str, semantic: float, quality: float, prompt: str, reasoning: str) -> None:
    critique = parse_answer(text)
    assert (critique.semantic, critique.quality) == (semantic, quality)
    assert (critique.next_prompt, critique.reasoning) == (prompt, reasoning)
    assert not critique.stop
    assert critique.raw == text or "\ud83d" in text  # surrogates cannot be stored
    assert Critique.model_validate_json(critique.model_dump_json()) == critique


def test_minus_zero_is_zero() -> None:
    assert str(parse_answer(f"{T}<score>[-0.0, 8]</score>{A}").semantic) == "0.0"


sound = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" \n")).map(str.strip)
critiques = st.builds(
    Critique,
    semantic=st.floats(0, 10).map(lambda x: round(x, 2)),
    quality=st.floats(0, 10).map(lambda x: round(x, 2)),
    reasoning=sound,
    next_prompt=sound.map(lambda text: f"Make {text} red"),
)


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(critiques)
def test_a_rendered_critique_reads_back(critique: Critique) -> None:
    again = parse_answer(render_critique(critique))
    assert again.model_copy(update={"raw": ""}) == critique


def test_the_canonical_answer() -> None:
    critique = Critique(semantic=7, quality=8.5, reasoning="Sky still grey.", next_prompt="Make the sky red.")
    assert render_critique(critique) == (
        "<think>Sky still grey.</think>"
        '<score>{"semantic": 7, "quality": 8.5}</score>'
        "<answer>Make the sky red.</answer>"
    )


def test_text_is_written_clean() -> None:
    text = render_critique(
        Critique(semantic=0, quality=10, reasoning=" Sky\x07 grey.\r\n", next_prompt="\tRed.\n")
    )
    assert (
        text == '<think>Sky grey.</think><score>{"semantic": 0, "quality": 10}</score><answer>Red.</answer>'
    )


@pytest.mark.parametrize(
    "critique",
    [
        Critique(stop=True, next_prompt="Make it red."),
        Critique(semantic=7, next_prompt="Make it red."),
        Critique(semantic=7, quality=7),
        Critique(semantic=7, quality=7, next_prompt="Make </answer> red."),
        Critique(semantic=7, quality=7, next_prompt="Make it red.", reasoning="It </think> is."),
        Critique(
            semantic=7, quality=7, next_prompt="Make it red.", reasoning="a</think><score>[9, 9]</score>"
        ),
    ],
)
def test_a_critique_that_would_read_otherwise_is_not_written(critique: Critique) -> None:
    with pytest.raises(AnswerError):
        render_critique(critique)


EXPERT = '{"is_satisfied": %s, "reason": "Sky grey.", "new_rewritten_prompt": %s}'


@pytest.mark.parametrize(
    ("text", "stop", "prompt"),
    [
        (EXPERT % ("true", "null"), True, ""),
        (EXPERT % ("true", '""'), True, ""),
        (EXPERT % ("false", '"Make it red."'), False, "Make it red."),
        ("```json\n" + EXPERT % ("false", '"Make it red."') + "\n```", False, "Make it red."),
        ("Here is my verdict:\n" + EXPERT % ("true", "null") + "\nDone.", True, ""),
        ("<think>{hm}</think>\n" + EXPERT % ("true", "null"), True, ""),
        ("<answer>" + EXPERT % ("true", "null") + "</answer>", True, ""),
        (EXPERT % ("false", r'"Add \ud83d\ude00 \"here\"."'), False, 'Add 😀 "here".'),
    ],
)
def test_expert_answers(text: str, stop: bool, prompt: str) -> None:
    critique = parse_expert_answer(text)
    assert (critique.stop, critique.next_prompt, critique.reasoning) == (stop, prompt, "Sky grey.")
    assert critique.semantic is critique.quality is critique.overall is None
    assert critique.satisfied(8) is stop


@pytest.mark.parametrize(
    "text",
    [
        f"{T}{A}",
        A,
        f"{T}\n< ANSWER >\nMake the sky red.\n</answer>",
        '{"Rewritten": "Make the sky red."}',
        PLAIN,
    ],
)
def test_plans(text: str) -> None:
    assert parse_plan(text) == "Make the sky red."


@pytest.mark.parametrize(
    "text", ["", "Make the sky red.", T, f"{T}{A}<answer>Blue.</answer>", '{"Rewritten": 1}', f"<think>{A}"]
)
def test_plans_that_are_none(text: str) -> None:
    with pytest.raises(AnswerError):
        parse_plan(text)


@pytest.mark.parametrize(
    ("word", "better"),
    [("first", 1), ("Second.", 2), ("neither", 0), ("1", 1), ("Image 2", 2), ("tie", 0), ("**first**", 1)],
)
def test_preferences(word: str, better: int) -> None:
    preference = parse_preference(f"<think>Sharper.</think><answer>{word}</answer>")
    assert (preference.better, preference.reasoning) == (better, "Sharper.")


@pytest.mark.parametrize(
    "answer", ["", "third", "first or second", "the better one", "first</answer><answer>second", "3"]
)
def test_preferences_that_are_none(answer: str) -> None:
    with pytest.raises(AnswerError):
        parse_preference(f"<think>The first, surely.</think><answer>{answer}</answer>")


# The prompts.

EVIL = "Use {prompt} and {rewritten_prompt}, {0}, {{x}}, <image>, \\1 and %s"


@pytest.fixture
def picture() -> Picture:
    return Picture.from_bytes(ONE_PIXEL)


ONE_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154"
    "789c636060600000000400015e1fdb0e0000000049454e44ae426082"
)


def test_the_prompt_names_everything_once(picture: Picture) -> None:
    past = (Past(1, "Warm it", 3, 6.5, "Too\nweak"), Past(2, "Redden it", error="unknown: redden"))
    text = render(CritiqueRequest(picture, picture, EVIL, "Make it warm", past, threshold=7.5))
    assert text.count(EVIL) == text.count("\nMake it warm\n") == 1
    assert 'Turn 1. Prompt: "Warm it". Scores: semantic 3, quality 6.5. Judgement: Too weak' in text
    assert 'Turn 2. Prompt: "Redden it". The editor refused it: unknown: redden' in text
    assert "(attempt 3)" in text
    assert "both scores are at least 7.5" in text
    assert text.index("SOURCE") < text.index("EDITED")
    for form in ("<think>", '<score>{"semantic": number, "quality": number}</score>', "<answer>"):
        assert form in text
    assert "refused this prompt" not in text


def test_the_prompt_tells_a_refusal(picture: Picture) -> None:
    request = CritiqueRequest(picture, picture, "Warm", "Warm", error="cannot {warm}")
    assert "made no image: cannot {warm}" in render(request)
    assert render(request, Template("{instruction} {prompt}")).startswith("Warm Warm\n\n")
    assert "made no image: cannot {warm}" in render(request, Template("{instruction} {prompt}"))


def test_a_long_history_stays_short(picture: Picture) -> None:
    past = tuple(Past(turn, "p" * 5000, 5, 5, "r" * 50_000) for turn in range(1, 13))
    assert len(render(CritiqueRequest(picture, picture, "Warm", "Warm", past))) < 25_000


def test_a_published_template(tmp_path: Path, picture: Picture) -> None:
    file = tmp_path / "template.txt"
    text = '<image>\n<image>\nWish: {original_instruction}\nLast: {rewritten_prompt}\n{"semantic": n, "quality": n}\n'
    file.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    template = Template.from_file(file)
    assert template.hash == hashlib.sha256(text.encode()).hexdigest() != DEFAULT_TEMPLATE.hash
    filled = render(CritiqueRequest(picture, picture, EVIL, "{original_instruction}"), template)
    assert filled == f'Wish: {EVIL}\nLast: {{original_instruction}}\n{{"semantic": n, "quality": n}}\n'


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ('{instruction}|{prompt}|{{"semantic": 7}}', 'I|P|{"semantic": 7}'),  # written for str.format
        ('{instruction}|{prompt}|{{"a": {"b": 7}}}', 'I|P|{{"a": {"b": 7}}}'),  # not
        ("{instruction}|{prompt}|{{ {x}", "I|P|{{ {x}"),
        ("{instruction!r}{instruction}|{prompt}|{{}}", "{instruction!r}I|P|{{}}"),
        ("<image> <image>{prompt}{instruction}{prompt}", "PIP"),
        ("{original_instruction}|{instruction}|{rewritten_prompt}", "I|I|P"),
    ],
)
def test_braces_in_templates(text: str, filled: str) -> None:
    assert Template(text).fill({"instruction": "I", "prompt": "P"}) == filled


@pytest.mark.parametrize(
    "text", ["", "Judge it.", "{instruction}", "{rewritten_prompt}", "{ instruction } {prompt}"]
)
def test_a_template_without_its_places_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "template.txt"
    file.write_text(text)
    with pytest.raises(SettingsError, match=r"template\.txt: the prompt template has neither \{"):
        Template.from_file(file)


def test_a_template_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\x89PNG\xff")
    (tmp_path / "large").write_bytes(b"{instruction}{prompt}" * 20_000)
    for name, why in (
        ("none", "cannot be read"),
        ("binary", "not UTF-8"),
        ("large", "more than"),
        ("", "cannot be read"),
    ):
        with pytest.raises(SettingsError, match=why):
            Template.from_file(tmp_path / name)


def test_plan_and_comparison_prompts(picture: Picture) -> None:
    plan, compare = (
        render_plan(PlanRequest(picture, EVIL)),
        render_compare(CompareRequest(picture, picture, picture, EVIL)),
    )
    assert plan.count(EVIL) == compare.count(EVIL) == 1
    assert "<answer>first, second or neither</answer>" in compare
    assert "<score>" not in plan + compare
