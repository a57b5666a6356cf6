"""KRIS-Bench's twenty types, their published counts, and the dimensions that they belong to."""

from __future__ import annotations

__all__ = ["COUNTS", "DIMENSIONS", "KNOWLEDGE", "META", "METRICS"]

DIMENSIONS: dict[str, dict[str, int]] = {
    "Attribute Perception": {
        "count_change": 50,
        "color_change": 50,
        "size_adjustment": 50,
        "part_completion": 50,
        "anomaly_correction": 75,
    },
    "Spatial Perception": {"viewpoint_change": 50, "position_movement": 50},
    "Temporal Prediction": {"temporal_prediction": 74},
    "Social Science": {"humanities": 75, "practical_knowledge": 50},
    "Natural Science": {
        "biology": 68,
        "chemistry": 75,
        "geography": 75,
        "medicine": 50,
        "mathematics": 50,
        "physics": 75,
    },
    "Logical Reasoning": {"abstract_reasoning": 75, "rule-based_reasoning": 75},
    "Instruction Decomposition": {"multi-element_composition": 75, "multi-instruction_execution": 75},
}

META = {
    "Factual Knowledge": ("Attribute Perception", "Spatial Perception", "Temporal Prediction"),
    "Conceptual Knowledge": ("Social Science", "Natural Science"),
    "Procedural Knowledge": ("Logical Reasoning", "Instruction Decomposition"),
}

COUNTS: dict[str, int] = {kind: count for kinds in DIMENSIONS.values() for kind, count in kinds.items()}

KNOWLEDGE = frozenset(
    kind
    for dimension in ("Social Science", "Natural Science", "Logical Reasoning")
    for kind in DIMENSIONS[dimension]
)
"""Types whose instruction question also asks whether the knowledge is right."""

METRICS = {
    "VC": "consistency_score",
    "VQ": "quality_score",
    "IF": "instruction_score",
    "KP": "knowledge_score",
}
"""Short names and the keys in the judge's answers."""
