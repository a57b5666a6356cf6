"""A judge's answers in the form that each rubric asks for, drawn from the question."""

from __future__ import annotations

import hashlib
import json

from thinkedit.adapters.base import Question
from thinkedit.evaluation.benchmarks.imgedit.reading import DIMENSIONS

__all__ = ["answer"]


def answer(question: Question) -> str:
    """Text that the benchmark of the question can read."""
    text = next(part for part in question.parts if isinstance(part, str))
    told = "".join(part if isinstance(part, str) else part.sha256 for part in question.parts)
    drawn = hashlib.sha256(told.encode()).digest()
    one = 1 + drawn[0] % 5
    for names in DIMENSIONS.values():
        if all(f"{name}: a number" in text for name in names):
            return "\n".join(["Brief reasoning: drawn.", *(f"{name}: {one}" for name in names)])
    if "Final Score: N" in text:
        return f"Drawn.\nFinal Score: {drawn[0] % 2 if '0 or 1' in text else one}"
    if '"score": [first, second]' in text:
        return json.dumps({"reasoning": "drawn", "score": [drawn[0] % 11, drawn[1] % 11]})
    keys = ("consistency_score", "instruction_score", "quality_score", "knowledge_score")
    return json.dumps({"reasoning": "drawn", **{key: 1 + drawn[at] % 5 for at, key in enumerate(keys)}})
