"""KRIS-Bench's scores: three or four of 1-5, mapped to 0-100 and pooled over samples and metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

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
    """As the BAGEL and EditThinker copies read it; ValueError where they find nothing."""
    match = re.search(r"\{[^{}]*" + key + r"[^{}]*\}", text)
    if kind in KNOWLEDGE and key in ("instruction_score", "knowledge_score"):
        match = re.search(r"\{[^{}]*instruction_score[^{}]*\}", text)
    if match is not None:
        try:
            found = json.loads(match[0])
            numbers = {
                name: None if found.get(name) is None else int(found[name]) for name in METRICS.values()
            }
        except (ValueError, TypeError, OverflowError, RecursionError):
            pass
        else:
            if (number := numbers[key]) is not None:
                return number
            if kind in KNOWLEDGE:  # what the object does not hold is not looked for elsewhere
                raise ValueError(f"the answer has no {key}")
    words = key.removesuffix("_score")
    colon = "[:：]" if kind in KNOWLEDGE else "[:：]?"
    patterns = [] if kind in _SINGLE else [rf"{words}[_\s]*score\s*{colon}\s*([1-5])"]
    if not (kind in KNOWLEDGE and key in ("instruction_score", "knowledge_score")):
        patterns += [r"([1-5])\s*/\s*5", r"([1-5])\s+out\s+of\s+5", r"\b([1-5])\b"]
    for pattern in patterns:
        if (hit := re.search(pattern, text, re.IGNORECASE)) is not None:
            return int(hit[1])
    raise ValueError(f"the answer has no {key}")


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
