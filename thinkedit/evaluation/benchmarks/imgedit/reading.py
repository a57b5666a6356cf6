"""The judge's answer of ImgEdit-Bench: a line of reasoning, then three lines "Name: score"."""

from __future__ import annotations

import re

__all__ = ["COUNTS", "DIMENSIONS", "published", "read"]

DIMENSIONS: dict[str, tuple[str, str, str]] = {
    "add": ("Prompt Compliance", "Visual Naturalness", "Physical & Detail Coherence"),
    "adjust": ("Prompt Compliance", "Visual Seamlessness", "Physical & Detail Fidelity"),
    "extract": ("Object Identity", "Mask Precision", "Visual Quality"),
    "replace": ("Prompt Compliance", "Visual Naturalness", "Physical & Detail Integrity"),
    "remove": ("Prompt Compliance", "Visual Naturalness", "Physical & Detail Integrity"),
    "background": ("Instruction Compliance", "Visual Seamlessness", "Physical Consistency"),
    "style": ("Style Fidelity", "Content Preservation", "Rendering Quality"),
    "compose": ("Instruction Compliance", "Visual Naturalness", "Physical Consistency & Fine Detail"),
    "action": ("Action Fidelity", "Identity Preservation", "Visual & Anatomical Coherence"),
}
"""By kind of edit, in the order of the paper's tables (where compose is called Hybrid)."""

COUNTS = {
    "extract": 117,
    "style": 100,
    "add": 95,
    "adjust": 94,
    "background": 94,
    "replace": 92,
    "remove": 86,
    "action": 36,
    "compose": 23,
}

_LINE = re.compile(r"^\W*(?P<name>[^:：]{2,60}?)\W*[:：]\W*(?P<score>-?\d+(?:\.\d+)?)\s*(?:/\s*5)?\W*$")


def read(text: str, kind: str) -> dict[str, float]:
    """The three scores by their names; ValueError says what cannot be read.

    A mark-up of lists and bold type, "4/5" and "4." are understood. The lines are taken by name; where none
    has the usual names, exactly three lines with a score are taken in their order. The second and third
    score count at most as much as the first, as the rubric says.
    """
    names = DIMENSIONS[kind]
    found = [
        (m["name"].strip(), m["score"]) for line in text.splitlines() if (m := _LINE.match(line.strip()))
    ]
    named: dict[str, set[str]] = {
        name: {score for label, score in found if label.casefold() == name.casefold()} for name in names
    }
    if any(named.values()):
        for name, values in named.items():
            if not values:
                raise ValueError(f"the answer has no {name!r}")
            if len(values) > 1:
                raise ValueError(f"the answer has {name!r} twice, with {' and '.join(sorted(values))}")
        scores = [next(iter(named[name])) for name in names]
    else:
        scores = [score for _, score in found if score in ("1", "2", "3", "4", "5")]
        if len(scores) != 3:
            raise ValueError(f"the answer has {len(scores)} lines with a score, not three")
    first, second, third = (_whole(name, score) for name, score in zip(names, scores, strict=True))
    capped = (first, min(second, first), min(third, first))
    return dict(zip(names, map(float, capped), strict=True))


def published(text: str) -> list[tuple[str, int]]:
    """Every line that the official scorer takes for a score; ValueError where it takes none or crashes."""
    scores = []
    for line in text.splitlines():
        name, separator, rest = line.strip().partition(": ")
        if separator and ": " not in rest and rest.isdigit():
            scores.append((name, int(rest)))  # of a "²" too, at which the official scorer stops as well
    if not scores:
        raise ValueError("the answer has no line with a score")
    return scores


def _whole(name: str, score: str) -> int:
    if score not in ("1", "2", "3", "4", "5"):
        raise ValueError(f"{name!r} is {score}, not a whole number from 1 to 5")
    return int(score)
