"""KRIS-Bench's scores: three or four of 1-5, mapped to 0-100 and pooled over samples and metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from thinkedit.evaluation.base import ALL, Answer, Point, Row, row
from thinkedit.evaluation.benchmarks.kris.types import DIMENSIONS, KNOWLEDGE, META, METRICS
from thinkedit.evaluation.records import Sample, TurnScore

__all__ = ["score", "summary"]

_SINGLE = ("multi-element_composition", "temporal_prediction")
"""Types whose published reader knows no "key: n"."""


def score(sample: Sample, turn: int, answers: Mapping[str, Answer], *, compat: bool = False) -> TurnScore:
    """The scores of one image; a sample with a score that cannot be read has no overall.

    Documented: whole numbers 1-5, from the JSON object, "key: n", "n/5" or "n out of 5"; a knowledge score is
    1 where the instruction score is 1 or 2, as the rubric says. compat: as the published copies read it, down
    to the first lone digit of a text and without any check of the range.
    """
    made = TurnScore(sample=sample.id, group=sample.group, turn=turn)
    dual = sample.group in KNOWLEDGE
    asked = {"VC": "consistency", "VQ": "quality", "IF": "dual" if dual else "instruction"}
    if dual:
        asked["KP"] = "dual"
    read: dict[str, int] = {}
    problems = []
    for metric, name in asked.items():
        answer = answers.get(name) or answers.get("image") or Answer(problem="it was not asked")
        try:
            if answer.problem is not None:
                raise ValueError(answer.problem)
            reader = _published if compat else _documented
            read[metric] = reader(answer.text, METRICS[metric], sample.group)
        except ValueError as error:
            problems.append(f"{metric}: {error}")
    if not compat and "KP" in read and read.get("IF", 5) <= 2:
        read["KP"] = 1
    values = {metric: (number - 1) * 25.0 for metric, number in read.items()}
    if problems:
        return made.model_copy(update={"values": values, "problem": "; ".join(problems)})
    return made.model_copy(update={"values": values, "overall": sum(values.values()) / len(values)})


def _documented(text: str, key: str, kind: str) -> int:
    objects = [found for found in _objects(text) if key in found]
    if objects:
        told = {json.dumps(found[key]) for found in objects}
        if len(told) > 1:
            raise ValueError(f"the answer has {key} more than once, with {' and '.join(sorted(told))}")
        return _whole(objects[0][key], key)
    words = key.removesuffix("_score")
    told = set(
        re.findall(rf"{words}[_\s]*score\W{{0,8}}?[:：]\W{{0,4}}?(-?\d+(?:\.\d+)?)", text, re.IGNORECASE)
    )
    if not told and kind not in KNOWLEDGE:
        told = set(re.findall(r"\b(\d+)\s*(?:/|out\s+of)\s*5\b", text, re.IGNORECASE))
    if not told and kind not in KNOWLEDGE and text.strip().isdecimal():
        told = {text.strip()}
    if len(told) != 1:
        raise ValueError(f"the answer has {'no' if not told else 'more than one'} {key}")
    number = told.pop()
    return _whole(int(number) if number.isdecimal() else float(number), key)


def _objects(text: str) -> list[dict[str, object]]:
    """The JSON objects in a text, nested ones as part of theirs."""
    found, at, decoder = [], 0, json.JSONDecoder(strict=False)
    while (start := text.find("{", at)) >= 0:
        try:
            value, at = decoder.raw_decode(text, start)
            found.append(value)
        except (ValueError, RecursionError):
            at = start + 1
    return found


def _whole(value: object, key: str) -> int:
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value not in (1, 2, 3, 4, 5):
        raise ValueError(f"{key} is {str(value)[:40]!r}, not a whole number from 1 to 5")
    return int(value)


def _published(text: str, key: str, kind: str) -> int:
    """As EditThinker's copy, and BAGEL's before it, read it; ValueError where they find nothing or crash."""
    if kind in KNOWLEDGE and key in ("instruction_score", "knowledge_score"):
        return _published_dual(text, key)
    match = re.search(r"\{[^{}]*" + key + r"[^{}]*\}", text)
    if match is not None:
        try:
            value = json.loads(match[0]).get(key)
            if value is not None:
                return int(value)
        except (ValueError, TypeError, OverflowError, RecursionError):
            pass
        else:
            if kind in KNOWLEDGE:  # what the object does not hold is not looked for elsewhere
                raise ValueError(f"the answer has no {key}")
    words = key.removesuffix("_score")
    patterns = [] if kind in _SINGLE else [rf"{words}[_\s]*score\s*[:：]?\s*([1-5])"]
    for pattern in (*patterns, r"([1-5])\s*/\s*5", r"([1-5])\s+out\s+of\s+5", r"\b([1-5])\b"):
        if (hit := re.search(pattern, text, re.IGNORECASE)) is not None:
            return int(hit[1])
    raise ValueError(f"the answer has no {key}")


def _published_dual(text: str, key: str) -> int:
    """The two scores of one answer: from it as JSON, from its first balanced braces, or after their names."""
    found: Any = None
    for told in (text, _braces(text)):
        try:
            found = json.loads(told)
            break
        except (ValueError, RecursionError):
            continue
    if found:
        try:
            both = {name: found.get(name) for name in ("instruction_score", "knowledge_score")}
            numbers = {name: int(value) for name, value in both.items() if value is not None}
        except (AttributeError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"the published code does not get past this answer ({error!r})") from error
        if key not in numbers:
            raise ValueError(f"the answer has no {key}")
        return numbers[key]
    words = key.removesuffix("_score")
    hit = re.search(rf'{words}[_\s]*score"?\s*:\s*([1-5])', text, re.IGNORECASE)
    if hit is None:
        raise ValueError(f"the answer has no {key}")
    return int(hit[1])


def _braces(text: str) -> str:
    """From the first opening brace to the one that closes it; empty where there is none."""
    depth, start = 0, text.find("{")
    for at in range(max(start, 0), len(text) if start >= 0 else 0):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return text[start : at + 1]
    return ""


def summary(scores: Sequence[TurnScore]) -> list[Row]:
    """Rows for each type, dimension and meta-category, and over all; incomplete samples are left out."""
    whole = [one for one in scores if one.overall is not None]
    rows: list[Row] = []
    for kinds in DIMENSIONS.values():
        for kind in kinds:
            rows += _rows([one for one in whole if one.group == kind], kind)
    for dimension, kinds in DIMENSIONS.items():
        rows += _rows([one for one in whole if one.group in kinds], dimension)
    for meta, dimensions in META.items():
        members = {kind for dimension in dimensions for kind in DIMENSIONS[dimension]}
        rows.append(_pooled([one for one in whole if one.group in members], meta))
    rows += [_metric(whole, ALL, metric) for metric in METRICS]
    rows.append(_pooled(whole, ALL))
    return rows


def _rows(scores: Sequence[TurnScore], group: str) -> list[Row]:
    rows = [_metric(scores, group, metric) for metric in METRICS]
    return [*(one for one in rows if one.n), _pooled(scores, group)]


def _metric(scores: Sequence[TurnScore], group: str, metric: str) -> Row:
    return row(
        group, metric, (Point(one.sample, one.values[metric]) for one in scores if metric in one.values)
    )


def _pooled(scores: Sequence[TurnScore], group: str) -> Row:
    return row(group, "AVG", (Point(one.sample, value) for one in scores for value in one.values.values()))
