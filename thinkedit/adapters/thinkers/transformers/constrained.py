"""Lets a model write nothing but well-formed answers.

An answer is a row of segments: fixed text, free text, a number, or one of a few words. For every step the
row's automaton says which tokens may come next; all others get the score minus infinity. Each step looks at
the newest token alone, so that the cost does not grow with the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from thinkedit.adapters.protocol import parse_plan
from thinkedit.adapters.thinkers.transformers.asking import Form
from thinkedit.adapters.thinkers.transformers.vocabulary import LONGEST_TOKEN, Vocabulary
from thinkedit.errors import AnswerError, ThinkerFailed

__all__ = ["Automaton", "Grammar", "free_scores", "grammar_for", "processor_for"]

LONGEST_PROMPT = 3_800
"""Characters of a next prompt, a little below what the parser takes."""

SHORTEST = 8
"""Tokens that a free text may have at least, however small the limit of the answer is."""

TELLING = 12
"""Letters and digits from which on a prompt cannot be one of the words for nothing any more."""


@dataclass(frozen=True)
class _Fixed:
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class _Free:
    """Up to `most` tokens and `characters`; prompt: it has to say something."""

    most: int
    characters: int
    prompt: bool


@dataclass(frozen=True)
class _Number:
    """0 to `most`, with at most one decimal."""

    most: int


@dataclass(frozen=True)
class _Choice:
    words: tuple[tuple[int, ...], ...]


Segment = _Fixed | _Free | _Number | _Choice


@dataclass(frozen=True)
class Grammar:
    """The segments of an answer, in order, over one vocabulary."""

    vocabulary: Vocabulary
    segments: tuple[Segment, ...]


def grammar_for(
    vocabulary: Vocabulary, form: Form, score_range: int, max_tokens: int, *, opened: bool = False
) -> Grammar:
    """The grammar of one form of answer that is complete within `max_tokens`.

    opened: the conversation ends with <think> already, as the templates of models that reason have it.
    ThinkerFailed where the tokens are too few for the fixed text alone.
    """
    opening = [] if opened else vocabulary.encode("<think>")
    closing = vocabulary.encode("</answer>")
    number = len(str(score_range)) + 2
    if form == "critique":
        to_semantic = vocabulary.encode('</think>\n<score>{"semantic": ')
        to_quality = vocabulary.encode(', "quality": ')
        to_answer = vocabulary.encode("}</score>\n<answer>")
        middle: list[Segment] = [
            _Fixed(tuple(to_semantic)),
            _Number(score_range),
            _Fixed(tuple(to_quality)),
            _Number(score_range),
            _Fixed(tuple(to_answer)),
        ]
        fixed = len(to_semantic) + len(to_quality) + len(to_answer) + 2 * number
    else:
        to_answer = vocabulary.encode("</think>\n<answer>")
        middle = [_Fixed(tuple(to_answer))]
        fixed = len(to_answer)
    fixed += len(opening) + len(closing) + 1
    last: Segment
    if form == "preference":
        words = tuple(tuple(vocabulary.encode(word)) for word in ("first", "second", "neither"))
        last, kept = _Choice(words), max(map(len, words))
    else:
        kept = max((max_tokens - fixed) // 3, SHORTEST)
        last = _Free(kept, LONGEST_PROMPT, prompt=True)
    thinking = max_tokens - fixed - kept
    if thinking < SHORTEST:
        raise ThinkerFailed(
            f"max_tokens is {max_tokens}, too few for a complete answer of this model: give at least "
            f"{fixed + kept + SHORTEST}",
            retryable=False,
        )
    segments = (
        *([_Fixed(tuple(opening))] if opening else []),
        _Free(thinking, 1_000_000, prompt=False),
        *middle,
        last,
        _Fixed(tuple(closing)),
    )
    return Grammar(vocabulary, segments)


@dataclass
class Automaton:
    """Where one row is in its answer."""

    grammar: Grammar
    segment: int = 0
    written: list[int] = field(default_factory=list)
    characters: int = 0
    letters: int = 0

    def allowed(self) -> tuple[list[int], bool]:
        """(tokens that may come next, whether those of free text may come too)."""
        vocabulary, segments = self.grammar.vocabulary, self.grammar.segments
        if self.segment >= len(segments):
            return [vocabulary.end], False
        current = segments[self.segment]
        match current:
            case _Fixed(tokens):
                return [tokens[len(self.written)]], False
            case _Choice(words):
                going = [word for word in words if word[: len(self.written)] == tuple(self.written)]
                return sorted({word[len(self.written)] for word in going}), False
            case _Number(most):
                return self._digits(most), False
            case _Free():
                full = (
                    len(self.written) >= current.most or self.characters >= current.characters - LONGEST_TOKEN
                )
                after = [self._next_fixed()] if self._closable(current) else []
                if full and not after:  # nothing was said yet: one word still fits
                    return [vocabulary.digits[0]], False
                return after, not full

    def advance(self, token: int) -> None:
        """Take in the newest token, which was one of those allowed."""
        if self.segment >= len(self.grammar.segments):
            return
        current = self.grammar.segments[self.segment]
        if isinstance(current, _Free):
            if token == self._next_fixed() and self._closable(current):
                self._enter(self.segment + 1)
                current = self.grammar.segments[self.segment]
            else:
                self.written.append(token)
                self.characters += self.grammar.vocabulary.lengths[token]
                self.letters += self.grammar.vocabulary.letters[token]
                return
        elif isinstance(current, _Number) and token == self._next_fixed():
            self._enter(self.segment + 1)
            current = self.grammar.segments[self.segment]
        self.written.append(token)
        if (isinstance(current, _Fixed) and len(self.written) == len(current.tokens)) or (
            isinstance(current, _Choice) and tuple(self.written) in current.words
        ):
            self._enter(self.segment + 1)

    def _enter(self, segment: int) -> None:
        self.segment, self.written, self.characters, self.letters = segment, [], 0, 0

    def _next_fixed(self) -> int:
        following = self.grammar.segments[self.segment + 1]
        assert isinstance(following, _Fixed)
        return following.tokens[0]

    def _closable(self, current: _Free) -> bool:
        if not current.prompt or self.letters >= TELLING:
            return True
        try:
            parse_plan(f"<answer>{self.grammar.vocabulary.decode(self.written)}</answer>")
        except AnswerError:
            return False
        return True

    def _digits(self, most: int) -> list[int]:
        vocabulary = self.grammar.vocabulary
        digits = vocabulary.digits
        written = [digits.index(token) if token in digits else -1 for token in self.written]
        after = self._next_fixed()
        if not written:
            return list(digits)
        if -1 in written:  # behind the point: one decimal
            return list(digits) if written[-1] == -1 else [after]
        value = int("".join(map(str, written)))
        more = [digits[d] for d in range(10) if value and value * 10 + d <= most]
        if value < most:
            more.append(vocabulary.point)
        return [*more, after]


def processor_for(grammar: Grammar, prompt_length: int, rows: int, free: Any) -> Callable[[Any, Any], Any]:
    """A logits processor of transformers: one automaton for each row.

    free: scores to add so that only free text is left, 0 or minus infinity, of the vocabulary's size.
    """
    import torch

    automata = [Automaton(grammar) for _ in range(rows)]
    seen = prompt_length

    def process(input_ids: Any, scores: Any) -> Any:
        nonlocal seen
        if input_ids.shape[1] > seen:
            for automaton, token in zip(automata, input_ids[:, -1].tolist(), strict=True):
                automaton.advance(int(token))
            seen = input_ids.shape[1]
        made = torch.full_like(scores, -torch.inf)
        for row, automaton in enumerate(automata):
            tokens, also_free = automaton.allowed()
            if also_free:
                made[row] = scores[row] + free
            if tokens:
                index = torch.tensor(tokens, device=scores.device)
                made[row, index] = scores[row, index]
        return made

    return process


def free_scores(vocabulary: Vocabulary, width: int, like: Any) -> Any:
    """What `processor_for` adds: 0 for the tokens of free text and minus infinity for all others."""
    import torch

    made = torch.full((width,), -torch.inf, dtype=like.dtype, device=like.device)
    made[torch.tensor([index for index in vocabulary.free if index < width], device=like.device)] = 0
    return made
