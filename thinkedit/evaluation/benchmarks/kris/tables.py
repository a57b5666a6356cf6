"""KRIS-Bench's result files: `<type>/metrics.json` and the summary `results.json` of the BAGEL copy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from thinkedit.errors import StoreError
from thinkedit.evaluation.base import ALL, Row
from thinkedit.evaluation.benchmarks.kris.types import DIMENSIONS, META, METRICS
from thinkedit.evaluation.records import Sample, TurnScore
from thinkedit.journal import replace_file

__all__ = ["write_metrics"]


def write_metrics(
    folder: Path, samples: Sequence[Sample], scores: Sequence[TurnScore], rows: Sequence[Row]
) -> list[Path]:
    """Write the complete samples by type, and the means. Raises StoreError."""
    by_sample = {score.sample: score for score in scores if score.overall is not None}
    files: dict[str, Any] = {}
    for sample in samples:
        if (score := by_sample.get(sample.id)) is not None:
            line = {"instruction": sample.instruction, "explain": sample.facts.get("explain", "")}
            numbers = {METRICS[name]: round(value / 25 + 1) for name, value in score.values.items()}
            files.setdefault(f"{sample.group}/metrics.json", {})[sample.facts["id"]] = {**line, **numbers}
    means: dict[str, dict[str, float]] = {}
    for row in rows:
        if row.mean is not None:
            means.setdefault(row.group, {})[row.metric] = row.mean
    overall = {"AVG": means[ALL]["AVG"]} if ALL in means else {}
    files["results.json"] = {
        "summary": {name: means[name] for name in (*DIMENSIONS, *META) if name in means}
        | {"Overall": overall},
        "subitems": {
            dimension: {kind: _without_average(means[kind]) for kind in kinds if kind in means}
            for dimension, kinds in DIMENSIONS.items()
        },
    }
    try:
        for name, value in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            replace_file(folder / name, [json.dumps(value, indent=2, ensure_ascii=False), "\n"])
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}") from error
    return [folder / name for name in files]


def _without_average(means: dict[str, float]) -> dict[str, float]:
    return {name: mean for name, mean in means.items() if name != "AVG"}
