"""RISEBench's scores: three dimensions 1-5, their weighted sum, and whether all of them are perfect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from thinkedit.evaluation.base import ALL, Answer, Point, Row, row
from thinkedit.evaluation.records import Sample, TurnScore

__all__ = ["CONSISTENCY", "PLAUSIBILITY", "REASONING", "score", "summary"]

CONSISTENCY, REASONING, PLAUSIBILITY = "Consistency", "Reasoning", "Plausibility"
ACCURACY, OLDER = "Accuracy", "Accuracy (older rule)"
LOGICAL = "logical_reasoning"

_NAMES = {"consistency": CONSISTENCY, "reasoning": REASONING, "plausibility": PLAUSIBILITY}
_FINAL = re.compile(
    r"final\s+scores?\W{0,12}?(?P<score>\d+)(?P<more>\s*(?:[-–,/]|\bto\b)\s*\d+|\.\d+)?", re.IGNORECASE
)
_RUNS = tuple(
    re.compile(rf"\*?\*?{word}\*?\*?:?\s*([\d*\s,]*)", re.IGNORECASE)
    for word in ("Final Score", "Final Scores")
)


def score(sample: Sample, turn: int, answers: Mapping[str, Answer], *, compat: bool = False) -> TurnScore:
    """The scores of one image.

    Documented: the last "Final Score" that names one number in range; consistency counts unless the sample
    is marked free of it. compat: the first "Final Score" and every number after it; the marks of other
    samples make all weights 0.8 and 0.2; an unread answer counts as wrong in the accuracy.
    """
    made = TurnScore(sample=sample.id, group=sample.group, turn=turn)
    reader = _published if compat else _documented
    try:
        values, overall = reader(sample, answers)
    except _Unread as error:
        wrong = {ACCURACY: 0.0, OLDER: 0.0} if compat and error.answered else error.values
        return made.model_copy(update={"values": wrong, "problem": str(error)})
    told = None if overall is not None else "the published code has no score for this sample"
    return made.model_copy(update={"values": values, "overall": overall, "problem": told})


class _Unread(Exception):
    """answered: whether there were answers that the published code would count as wrong."""

    def __init__(
        self, message: str, values: Mapping[str, float] | None = None, *, answered: bool = True
    ) -> None:
        super().__init__(message)
        self.values = dict(values or {})
        self.answered = answered


def _texts(answers: Mapping[str, Answer], wanted: Iterable[str]) -> dict[str, str]:
    missing = {name: answers.get(name) or answers.get("image") for name in wanted}
    told = [
        f"{name}: {'it was not asked' if answer is None else answer.problem}"
        for name, answer in missing.items()
        if answer is None or answer.problem is not None
    ]
    if told:
        raise _Unread("; ".join(told), answered=False)
    return {name: answer.text for name, answer in missing.items() if answer is not None}


def _documented(sample: Sample, answers: Mapping[str, Answer]) -> tuple[dict[str, float], float | None]:
    free = bool(sample.facts.get("consistency_free")) and sample.group != LOGICAL
    wanted = ["reasoning"] if free else ["consistency", "reasoning"]
    if sample.group != LOGICAL:
        wanted.append("plausibility")
    values, problems = {}, []
    for name, text in _texts(answers, wanted).items():
        try:
            values[_NAMES[name]] = _final(text, logical=sample.group == LOGICAL)
        except ValueError as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise _Unread("; ".join(problems), values)
    reasoning, plausibility = values[REASONING], values.get(PLAUSIBILITY, 0.0)
    if sample.group == LOGICAL:
        overall = 0.3 * values[CONSISTENCY] + 0.7 * reasoning
    elif free:
        overall = 0.8 * reasoning + 0.2 * plausibility
    else:
        overall = 0.3 * values[CONSISTENCY] + 0.5 * reasoning + 0.2 * plausibility
    right = all(value == 5 for value in values.values())
    accuracy = {ACCURACY: 100.0 * right, OLDER: 100.0 * (right and not free)}
    return {**values, **accuracy}, _halved(overall, reasoning)


def _published(sample: Sample, answers: Mapping[str, Answer]) -> tuple[dict[str, float], float | None]:
    column = "consistency_free" in sample.facts
    mark = sample.facts.get("consistency_free")
    free = mark is not None  # an explicit false too
    if free and sample.group == LOGICAL:
        raise _Unread("the published code stops at a logical sample with consistency_free", answered=False)
    wanted = ["reasoning"] if free else ["consistency", "reasoning"]
    if sample.group != LOGICAL:
        wanted.append("plausibility")
    found = {name: _first_run(text) for name, text in _texts(answers, wanted).items()}
    if not all(found.values()):
        raise _Unread("; ".join(f"{name}: no final score" for name, numbers in found.items() if not numbers))
    numbers: list[int | None] = [None] if free else []
    for some in found.values():
        numbers += some
    if len(numbers) == 3:
        consistency, reasoning, plausibility = numbers
    elif len(numbers) == 2:
        consistency, reasoning = (None if n is None else 4 * min(n, 1) + 1 for n in numbers)
        plausibility = None
    else:
        raise _Unread(f"the published code stops at {len(numbers)} numbers in the answers", answered=False)
    named = {CONSISTENCY: consistency, REASONING: reasoning, PLAUSIBILITY: plausibility}
    values = {name: float(number) for name, number in named.items() if number is not None}
    logical = sample.group == LOGICAL
    # What is no mark at all is NaN in the column, and NaN is true.
    light = not logical and column and (mark is None or bool(mark))
    weights = (
        {REASONING: 0.7, CONSISTENCY: 0.3}
        if logical
        else {REASONING: 0.5, CONSISTENCY: 0.3, PLAUSIBILITY: 0.2}
    )
    if light:
        weights = {REASONING: 0.8, PLAUSIBILITY: 0.2}
    overall = None
    if all(name in values for name in weights):
        overall = _halved(sum(weight * values[name] for name, weight in weights.items()), values[REASONING])
    parts = (CONSISTENCY, REASONING) if logical else (CONSISTENCY, REASONING, PLAUSIBILITY)
    older = all(values.get(name) == 5 for name in parts)
    newer = all(values.get(name) == 5 for name in parts if not (free and name == CONSISTENCY))
    return {**values, ACCURACY: 100.0 * newer, OLDER: 100.0 * older}, overall


def _halved(score: float, reasoning: float) -> float:
    return max(score * 0.5, 1.0) if reasoning == 1 else score


def _final(text: str, *, logical: bool) -> float:
    """The last final score, 1-5; of logical samples 0 or 1, which become 1 and 5."""
    found = [m["score"] for m in _FINAL.finditer(text) if m["more"] is None or m["more"].strip() == "/5"]
    if not found:
        raise ValueError('the answer has no "Final Score" with one number')
    number = int(found[-1])
    lowest, highest = (0, 1) if logical else (1, 5)
    if not lowest <= number <= highest:
        raise ValueError(f"the final score is {number}, not {lowest} to {highest}")
    return float(4 * number + 1 if logical else number)


def _first_run(text: str) -> list[int]:
    """All numbers after the first mention of a final score that has any."""
    for pattern in _RUNS:
        for run in pattern.findall(text):
            if numbers := re.findall(r"\d+", run):
                return [int(number) for number in numbers]
    return []


def summary(samples: Sequence[Sample], scores: Sequence[TurnScore], categories: Sequence[str]) -> list[Row]:
    """Rows over all, for each category and for each subtask that is there."""
    subtasks = {sample.id: sample.facts.get("subtask") for sample in samples}
    rows = _rows(scores, ALL)
    for category in categories:
        rows += _rows([one for one in scores if one.group == category], category)
    for name in dict.fromkeys(name for name in subtasks.values() if name):
        chosen = [one for one in scores if subtasks.get(one.sample) == name]
        rows += [r for r in _rows(chosen, f"subtask {name}") if r.metric in ("score", "percentage", ACCURACY)]
    return rows


def _rows(scores: Sequence[TurnScore], group: str) -> list[Row]:
    whole = [Point(one.sample, one.overall) for one in scores if one.overall is not None]
    rows = [
        row(group, "score", whole),
        row(group, "percentage", (Point(p.sample, 25 * (p.value - 1)) for p in whole)),
    ]
    for name in (ACCURACY, OLDER, REASONING, CONSISTENCY, PLAUSIBILITY):
        # Of a sample with an answer that could not be read no dimension counts, as in the published code.
        points = (
            Point(one.sample, one.values[name])
            for one in scores
            if name in one.values and (ACCURACY in one.values)
        )
        rows.append(row(group, name, points))
    return rows
