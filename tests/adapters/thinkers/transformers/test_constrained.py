"""Whatever a model would like to write, what comes out under the constraint can be read."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.models import needed, tiny

pytestmark = pytest.mark.models
torch = needed("torch")
transformers = needed("transformers")

from thinkedit.adapters.protocol import parse_answer, parse_plan, parse_preference  # noqa: E402
from thinkedit.adapters.thinkers.transformers.asking import Form  # noqa: E402
from thinkedit.adapters.thinkers.transformers.constrained import (  # noqa: E402
    Automaton,
    free_scores,
    grammar_for,
    processor_for,
)
from thinkedit.adapters.thinkers.transformers.vocabulary import Vocabulary  # noqa: E402
from thinkedit.errors import ThinkerFailed  # noqa: E402

LIMIT = 90


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary(transformers.AutoTokenizer.from_pretrained(str(tiny("qwen3-vl"))))


def written(
    vocabulary: Vocabulary, form: Form, score_range: int, seed: int, rows: int, sharpness: float, limit: int
) -> list[str]:
    """What models with random wishes write, by the processor that `generate` calls."""
    width = len(vocabulary.lengths) + 7  # a model's matrix is often wider than its tokenizer
    generator = torch.Generator().manual_seed(seed)
    wishes = torch.randn(rows, width, generator=generator) * sharpness
    process = processor_for(
        grammar_for(vocabulary, form, score_range, limit), 3, rows, free_scores(vocabulary, width, wishes)
    )
    ids = torch.zeros(rows, 3, dtype=torch.long)
    for _ in range(limit):
        scores = process(ids, wishes + torch.randn(rows, width, generator=generator))
        ids = torch.cat([ids, scores.argmax(dim=1, keepdim=True)], dim=1)
    texts = [vocabulary.decode(row[3:].tolist()) for row in ids]
    return [text.partition("<|im_end|>")[0] for text in texts]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**30),
    rows=st.sampled_from([1, 4]),
    sharpness=st.sampled_from([0.1, 1.0, 20.0]),
    score_range=st.sampled_from([10, 25]),
)
def test_every_critique_can_be_read(
    vocabulary: Vocabulary, seed: int, rows: int, sharpness: float, score_range: int
) -> None:
    for text in written(vocabulary, "critique", score_range, seed, rows, sharpness, LIMIT):
        assert text.endswith("</answer>"), text
        critique = parse_answer(text, score_range=score_range)
        assert critique.next_prompt


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**30), sharpness=st.sampled_from([0.1, 20.0]))
def test_every_plan_and_every_comparison_can_be_read(
    vocabulary: Vocabulary, seed: int, sharpness: float
) -> None:
    for text in written(vocabulary, "prompt", 10, seed, 2, sharpness, LIMIT):
        assert parse_plan(text)
    for text in written(vocabulary, "preference", 10, seed, 2, sharpness, LIMIT):
        assert parse_preference(text).better in (0, 1, 2)


def automaton(vocabulary: Vocabulary, score_range: int = 10) -> Automaton:
    return Automaton(grammar_for(vocabulary, "critique", score_range, 300))


def follow(automaton: Automaton, text: str) -> bool:
    """Whether the text may be written."""
    vocabulary = automaton.grammar.vocabulary
    free = set(vocabulary.free)
    for token in vocabulary.encode(text):
        tokens, also_free = automaton.allowed()
        if token not in tokens and not (also_free and token in free):
            return False
        automaton.advance(token)
    return True


@pytest.mark.parametrize(
    ("score", "score_range", "may"),
    [
        ("0", 10, True), ("7.5", 10, True), ("10", 10, True), ("11", 10, False), ("10.5", 10, False),
        ("07", 10, False), ("7.25", 10, False), ("7.", 10, False), ("-1", 10, False), ("25", 25, True),
        ("19.5", 25, True), ("26", 25, False), ("25.5", 25, False),
    ],
)  # fmt: skip
def test_only_scores_of_the_range_may_be_written(
    vocabulary: Vocabulary, score: str, score_range: int, may: bool
) -> None:
    scores = f'{{"semantic": {score}, "quality": 1}}'
    text = f"<think>it is red</think>\n<score>{scores}</score>\n<answer>blue</answer>"
    assert follow(automaton(vocabulary, score_range), text) is may


@pytest.mark.parametrize("prompt", ["none", "n/a", "...", "null", "\n" * 20 + "none", "none" + " ." * 20, ""])
def test_a_prompt_for_nothing_cannot_be_closed(vocabulary: Vocabulary, prompt: str) -> None:
    head = '<think>x</think>\n<score>{"semantic": 1, "quality": 1}</score>\n<answer>'
    assert follow(automaton(vocabulary), head + prompt)
    assert not follow(automaton(vocabulary), f"{head}{prompt}</answer>")
    assert follow(automaton(vocabulary), f"{head}{prompt} at all</answer>")


def test_a_mark_that_cannot_be_seen_does_not_hide_a_word_for_nothing(large: Vocabulary) -> None:
    head = '<think>x</think>\n<score>{"semantic": 1, "quality": 1}</score>\n<answer>'
    assert not follow(automaton(large), f"{head}none\u200b</answer>")


@pytest.mark.parametrize("prompt", ["把天空变蓝", "сделай теплее", "青"])
def test_a_prompt_in_any_script_can_be_closed(large: Vocabulary, prompt: str) -> None:
    head = '<think>x</think>\n<score>{"semantic": 1, "quality": 1}</score>\n<answer>'
    assert follow(automaton(large), f"{head}{prompt}</answer>")


@pytest.mark.parametrize("text", ["a <b", "a > b", "{a", "```a"])
def test_marks_of_the_form_cannot_stand_in_free_text(vocabulary: Vocabulary, text: str) -> None:
    assert not follow(automaton(vocabulary), f"<think>{text}")


def test_thinking_that_the_conversation_opened_is_not_opened_again(vocabulary: Vocabulary) -> None:
    made = Automaton(grammar_for(vocabulary, "critique", 10, LIMIT, opened=True))
    text = 'red</think>\n<score>{"semantic": 1, "quality": 1}</score>\n<answer>blue</answer>'
    assert follow(made, text)
    assert parse_answer(text).reasoning == "red"


def test_a_tokenizer_without_digits_is_refused() -> None:
    class NoDigits:
        all_special_ids = (0,)
        eos_token_id = 0

        def __len__(self) -> int:
            return 3

        def batch_decode(self, rows: list[list[int]]) -> list[str]:
            return ["a" for _ in rows]

        def decode(self, _: Any) -> str:
            return "a"

        def convert_tokens_to_ids(self, _: str) -> int:
            return 1

        def convert_ids_to_tokens(self, rows: list[int]) -> list[str]:
            return ["a" for _ in rows]

    with pytest.raises(ThinkerFailed, match="no token for '0'"):
        Vocabulary(NoDigits())


@pytest.fixture(scope="module", params=["unigram", "bytes"])
def pieces(request: pytest.FixtureRequest) -> Any:
    """Tokenizers of sentencepiece's two kinds, in which words begin with a blank of their own."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    kept = ["<unk>", "<s>", "</s>"]
    letters = [chr(code) for code in range(33, 127)]
    trainer: Any
    if request.param == "unigram":
        made = Tokenizer(models.Unigram())
        made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=600,
            special_tokens=kept,
            unk_token="<unk>",
            initial_alphabet=[*letters, "\n"],
            show_progress=False,
        )
    else:
        made = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
        made.normalizer = normalizers.Sequence(
            [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]  # as sentencepiece writes blanks
        )
        made.decoder = decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        )
        trainer = trainers.BpeTrainer(
            vocab_size=900,
            special_tokens=kept + [f"<0x{byte:02X}>" for byte in range(256)],
            initial_alphabet=letters,
            show_progress=False,
        )
    readme = Path(__file__).parents[4] / "README.md"
    made.train_from_iterator(readme.read_text(encoding="utf-8").splitlines(), trainer)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )


@pytest.mark.parametrize("seed", range(4))
def test_pieces_of_sentencepiece_make_answers_that_can_be_read(pieces: Any, seed: int) -> None:
    """At a limit that lets prompts grow as long as they may: each piece's own blank counts too."""
    of_pieces = Vocabulary(pieces)
    for text in written(of_pieces, "critique", 25, seed, 2, 3.0, 1900):
        assert parse_answer(text.partition("</s>")[0], score_range=25).next_prompt


def test_a_blank_does_not_end_a_text(pieces: Any) -> None:
    of_pieces = Vocabulary(pieces)
    closing = {of_pieces.encode(text)[0] for text in ("</think>", "</answer>")}
    assert not closing & set(of_pieces.free)
    assert all("<" in of_pieces.decode([token]) for token in closing)


@pytest.fixture(scope="module")
def large() -> Vocabulary:
    """Byte-level, with as many tokens as Qwen3-VL has."""
    from itertools import islice, product

    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = ("".join(word) for word in product("abcdefghijklmnopqrstuvwxyzĠ", repeat=4))
    tokens = ["<end>", *alphabet, *islice(words, 151_643 - len(alphabet) - 1)]
    made = Tokenizer(models.BPE({token: index for index, token in enumerate(tokens)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return Vocabulary(transformers.PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<end>"))


def test_a_step_costs_little_at_a_large_vocabulary(large: Vocabulary) -> None:
    """At 150,000 tokens and a batch of 8: far below what a model of that size takes for the step itself."""
    width, rows, steps = 151_936, 8, 200
    wishes = torch.randn(rows, width)
    process = processor_for(
        grammar_for(large, "critique", 10, 1000), 0, rows, free_scores(large, width, wishes)
    )
    ids = torch.zeros(rows, 0, dtype=torch.long)
    started = time.perf_counter()
    for _ in range(steps):
        ids = torch.cat([ids, process(ids, wishes).argmax(dim=1, keepdim=True)], dim=1)
    whole = time.perf_counter() - started
    started = time.perf_counter()
    for _ in range(steps):
        (wishes + 1).argmax(dim=1)
    bare = time.perf_counter() - started
    assert whole < 15 * bare + 0.5, f"{1000 * whole / steps:.2f} ms a step, {1000 * bare / steps:.2f} bare"
