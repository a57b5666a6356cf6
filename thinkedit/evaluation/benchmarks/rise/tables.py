"""RISEBench's result table as its own scorer writes it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from thinkedit.errors import StoreError
from thinkedit.evaluation.base import ALL, Row
from thinkedit.journal import replace_file

__all__ = ["write_csv"]

_MAIN = {
    "Overall": ALL,
    "Temporal": "temporal_reasoning",
    "Causal": "causal_reasoning",
    "Spatial": "spatial_reasoning",
    "Logical": "logical_reasoning",
}
_DIMENSIONS = {"Reasoning": "Reasoning", "Consistency": "Consistency", "Quality": "Plausibility"}
_OVERALL = {
    "Reasoning": "Overall_Reasoning",
    "Consistency": "Overall_ApprConsistency",
    "Quality": "Overall_VisualPlausibility_total",
}
_SUBTASKS = {
    "Temp": (
        "Life Progression",
        "Material Progression",
        "Environmental Cycles",
        "Societal Transformation",
    ),
    "Causal": (
        "Structural Deformation",
        "State Transition",
        "Chemical and Biological Transformation",
        "Physics Manifestation",
    ),
    "Spa": (
        "Component Assembly",
        "Object Arrangement",
        "Viewpoint Generation",
        "Structural Inference",
        "Layout Reasoning",
    ),
    "Logic": ("Pattern Prediction", "Mathematical Derivation", "Puzzle Solving"),
}


def write_csv(path: Path, rows: Sequence[Row]) -> Path:
    """Write name, score, percentage and accuracy (0-1) of each group. Raises StoreError."""
    means = {(row.group, row.metric): row.mean for row in rows}
    lines: list[list[object]] = [["-", "Score-Origin", "Score-Percentage", "Accuracy"]]

    def whole(name: str, group: str) -> list[object]:
        accuracy = means.get((group, "Accuracy"))
        told = None if accuracy is None else accuracy / 100
        return [name, means.get((group, "score")), means.get((group, "percentage")), told]

    lines += [whole(name, group) for name, group in _MAIN.items()]
    for main, group in _MAIN.items():
        for short, metric in _DIMENSIONS.items():
            if (main, short) != ("Logical", "Quality"):
                mean = means.get((group, metric))
                name = _OVERALL[short] if main == "Overall" else f"{main}_{short}"
                lines.append([name, mean, None if mean is None else 25 * (mean - 1), None])
    for prefix, names in _SUBTASKS.items():
        present = [name for name in names if (f"subtask {name}", "score") in means]
        lines += [whole(f"{prefix}-{name}", f"subtask {name}") for name in present]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, [text.getvalue()])
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}") from error
    return path
