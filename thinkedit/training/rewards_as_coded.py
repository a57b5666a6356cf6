"""The rewards as the published training code computes them: the preset `code-compat` of `rewards`.

Kept to its letter so that its runs can be repeated, which no mending of it would allow. Its own names for
what is computed here are format, accuracy (critic) and edit; scores are 0 to 10, rewards 0 to 1.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass

__all__ = ["Scores", "answer", "critic", "edit", "form", "without_spaces"]

_AROUND = re.compile(r"\s*(<|>|/)\s*")
_IN_ORDER = re.compile(r"<think>.*?</think>.*?<score>.*?</score>.*?<answer>.*?</answer>", re.DOTALL)
_SCORE = re.compile(r"<score>(.*?)</score>", re.DOTALL)
_ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)

FORMAT, REST = 0.5, 0.5
CRITIC_OF_REST, SEMANTIC_OF_REST, QUALITY_OF_REST = 0.2, 0.6, 0.2
UNCHANGED = 0.5

_LARGEST = 1e100
"""Beyond it a square is no number any more; NaN and infinity are no scores either."""


@dataclass(frozen=True)
class Scores:
    """Of one image, 0 to 10 each: a judge's, or what the thinker said."""

    semantic: float
    quality: float

    @property
    def overall(self) -> float:
        """sqrt(semantic * quality), 0 to 10."""
        return math.sqrt(self.semantic * self.quality)


def without_spaces(text: str) -> str:
    """Without the whitespace around each `<`, `>` and `/`, wherever they stand.

    Meant for tags written with spaces. It changes the prompt too: "black and / or white" goes to the editor
    as "black and/or white".
    """
    return _AROUND.sub(r"\1", text)


def form(text: str) -> float:
    """1 where the three blocks are closed, in the order think, score, answer, with two numbers as scores.

    Numbers out of range, text outside of the blocks and an empty answer count as good form.
    """
    told = without_spaces(text)
    scores = _said(told)
    whole = _IN_ORDER.search(told) is not None and {"semantic", "quality"} <= scores.keys()
    return float(whole)


def answer(text: str) -> str:
    """The prompt for the editor; "" where there is none, and no edit is then made."""
    found = _ANSWER.search(without_spaces(text))
    return "" if found is None else found[1]


def critic(text: str, shown: Scores | None) -> float:
    """max(0, 10 - MSE) / 10 over the scores that are there; 0 where there are none.

    MSE is in squared points: three points off are worth 0.1, and from 3.2 points on nothing is.
    """
    said = _said(without_spaces(text))
    if shown is None or not said:
        return 0.0
    true = {"semantic": shown.semantic, "quality": shown.quality}
    squares = [(said[name] - true[name]) ** 2 for name in said]
    return max(0.0, 10.0 - sum(squares) / len(squares)) / 10.0


def edit(text: str, before: Scores | None, after: Scores | None) -> float:
    """What the code adds to the format reward with a weight of 0.5.

    With a judgement of the new image: ((after - before) / 10 + 1) / 2 of the semantic score. Without one, for
    whatever reason: 0.2 of the critic reward, and 0.6 and 0.2 times 0.5 for two scores unchanged, which makes
    0.4 to 0.6.
    """
    if before is None or after is None:
        return CRITIC_OF_REST * critic(text, before) + (SEMANTIC_OF_REST + QUALITY_OF_REST) * UNCHANGED
    return ((after.semantic - before.semantic) / 10.0 + 1.0) / 2.0


def _said(told: str) -> dict[str, float]:
    """The scores in the first score block that are numbers; {} where it is no JSON object."""
    found = _SCORE.search(told)
    try:
        value = json.loads(found[1]) if found is not None else None
    except (ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    said = {}
    for name in ("semantic", "quality"):
        number = value.get(name)
        if isinstance(number, int | float) and not isinstance(number, bool) and abs(number) <= _LARGEST:
            said[name] = float(number)
    return said
