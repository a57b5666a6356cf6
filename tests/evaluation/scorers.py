"""A sample, its score and a summary in one call each, for the tests of the scorers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from thinkedit.evaluation.base import Answer, Row, create_benchmark
from thinkedit.evaluation.records import Sample, TurnScore


def sample(group: str, name: str = "1", **facts: Any) -> Sample:
    return Sample(id=name, group=group, instruction="make it warmer", images=("x.png",), facts=facts)


def scored(
    benchmark: str, of: Sample, answers: Mapping[str, str | Answer], *, compat: bool = False
) -> TurnScore:
    given = {name: Answer(said) if isinstance(said, str) else said for name, said in answers.items()}
    return create_benchmark(benchmark).score(of, 1, given, compat=compat)


def means(rows: list[Row]) -> dict[tuple[str, str], float | None]:
    return {(row.group, row.metric): row.mean for row in rows}
