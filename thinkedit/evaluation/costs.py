"""What a run will ask of its models, told before it starts: calls, and an estimate of tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from thinkedit.adapters.base import Question
from thinkedit.evaluation.base import Benchmark, Prompts
from thinkedit.evaluation.records import Sample
from thinkedit.images import Picture
from thinkedit.types import LoopSettings, Mode

__all__ = ["Cost", "costs", "picture_tokens"]

_CHARACTERS = 4
"""Characters of English to a token."""
_PATCH = 28 * 28
_MOST_PIXELS = 1024 * 1024
_THINKER_TEXT = 900
"""Tokens of the thinker's instructions, without the history of earlier turns."""
_ANSWER = 250
"""Tokens of one answer: a few sentences and the scores."""


@dataclass(frozen=True)
class Cost:
    """Calls of one role at least and at most; tokens at most (0 for models that take none)."""

    role: str
    least: int
    most: int
    input_tokens: int = 0
    output_tokens: int = 0


def picture_tokens(width: int, height: int) -> int:
    """Tokens of a picture: one for 28 x 28 pixels (Qwen-VL's rule), at most a megapixel being shown."""
    return max(min(width * height, _MOST_PIXELS) // _PATCH, 1)


def costs(
    benchmark: Benchmark, samples: Sequence[Sample], settings: LoopSettings, prompts: Prompts
) -> list[Cost]:
    """Editor, thinker and judge, for the selected image of each sample. Reads the pictures' headers."""
    sizes = {sample.id: _tokens(sample) for sample in samples}
    turns = 1 if settings.mode is Mode.BEFORE else settings.turns
    edits = len(samples) * settings.candidates
    looks = settings.passes
    plans = 0 if settings.mode is Mode.WHILE else len(samples)
    critiques = edits * turns * looks
    thought = sum(2 * sizes[sample.id] + _THINKER_TEXT for sample in samples)
    judged = list(_judged(benchmark, samples, sizes, prompts))
    return [
        Cost("editor", edits, edits * turns),
        Cost(
            "thinker",
            edits * looks + plans,
            critiques + plans,
            thought * settings.candidates * turns * looks,
            (critiques + plans) * _ANSWER,
        ),
        Cost("judge", len(judged), len(judged), sum(judged), len(judged) * _ANSWER),
    ]


def _judged(
    benchmark: Benchmark, samples: Iterable[Sample], sizes: dict[str, int], prompts: Prompts
) -> Iterable[int]:
    """Input tokens of each call of the judge."""
    import numpy as np

    blank = Picture.from_pixels(np.full((8, 8, 3), 255, np.uint8))
    for sample in samples:
        asks = benchmark.asks(sample, [blank] * len(sample.images), blank, prompts)
        for ask in asks.values():
            parts = ask.parts if isinstance(ask, Question) else (ask.instruction, ask.source, ask.edited)
            text = sum(len(part) for part in parts if isinstance(part, str))
            pictures = sum(isinstance(part, Picture) for part in parts)
            yield text // _CHARACTERS + pictures * sizes[sample.id]


def _tokens(sample: Sample) -> int:
    from PIL import Image

    try:
        with Image.open(sample.images[0]) as image:
            return picture_tokens(*image.size)
    except Exception:  # it is reported when it is run
        return picture_tokens(1024, 1024)
