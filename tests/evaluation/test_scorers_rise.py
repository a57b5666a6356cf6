"""Stored judge answers through RISEBench's scorer in both modes, against numbers computed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.evaluation.scorers import means, sample, scored
from thinkedit.evaluation.base import ALL, Answer, create_benchmark


def final(*scores: object) -> dict[str, str]:
    names = ("consistency", "reasoning", "plausibility")
    return {
        name: f"Because.\n**Final Score:** **{score}**" for name, score in zip(names, scores, strict=False)
    }


# RISE. (group, facts, answers, documented (overall, accuracy), published (overall, accuracy)).
Outcome = tuple[float | None, float | None]
RISE: dict[str, tuple[str, dict[str, Any], dict[str, str], Outcome, Outcome]] = {
    "perfect": ("causal_reasoning", {}, final(5, 5, 5), (5.0, 100), (5.0, 100)),
    "weighted": ("spatial_reasoning", {}, final(4, 3, 5), (3.7, 0), (3.7, 0)),
    "reasoning 1 is halved": ("temporal_reasoning", {}, final(5, 1, 5), (1.5, 0), (1.5, 0)),
    "and floored": ("temporal_reasoning", {}, final(1, 1, 1), (1.0, 0), (1.0, 0)),
    "logical, both": ("logical_reasoning", {}, final(1, 1), (5.0, 100), (5.0, 100)),
    "logical, wrong answer": ("logical_reasoning", {}, final(1, 0), (1.1, 0), (1.1, 0)),
    "logical, wrong look": ("logical_reasoning", {}, final(0, 1), (3.8, 0), (3.8, 0)),
    "logical, neither": ("logical_reasoning", {}, final(0, 0), (1.0, 0), (1.0, 0)),
    "free of consistency": (
        "causal_reasoning",
        {"consistency_free": True},
        {k: v for k, v in final(5, 5, 5).items() if k != "consistency"},
        (5.0, 100),
        (5.0, 100),
    ),
    "another sample is marked": (
        "causal_reasoning",
        {"consistency_free": None},
        final(1, 3, 5),
        (2.8, 0),  # 0.3 + 1.5 + 1
        (3.4, 0),  # 2.4 + 1: NaN is true
    ),
    "marked false": (
        "causal_reasoning",
        {"consistency_free": False},
        final(1, 5, 5),
        (3.8, 0),  # 0.3 + 2.5 + 1
        (None, 100),  # not asked, so no score, yet free in the accuracy
    ),
    "logical and marked, at which the published code stops": (
        "logical_reasoning",
        {"consistency_free": True},
        final(1, 1),
        (5.0, 100),
        (None, None),
    ),
    "an echo of the form": (
        "causal_reasoning",
        {},
        {**final(5, 5, 5), "reasoning": "I end with **Final Score:** **1-5**.\n\nFinal Score: 4"},
        (4.5, 0),
        (3.0, 0),  # 1.5 + 0.5 + 1 = 3.0, halved and floored: see the test
    ),
    "a list after the score": (
        "causal_reasoning",
        {},
        {**final(5, 5, 5), "plausibility": "**Final Score:** **3**\n\n1. The sky is sharp."},
        (4.6, 0),
        (None, None),  # two numbers: four in all
    ),
    "an unread answer": (
        "causal_reasoning",
        {},
        {**final(5, 5, 5), "consistency": "They look alike."},
        (None, None),
        (None, 0),
    ),
    "out of range": ("causal_reasoning", {}, final(5, 9, 5), (None, None), (7.0, 0)),
    "out of range, logical": ("logical_reasoning", {}, final(5, 5), (None, None), (5.0, 100)),
    "out of five": ("causal_reasoning", {}, final("5/5", "4/5", "5"), (4.5, 0), (4.5, 0)),
    "final scores": (
        "causal_reasoning",
        {},
        {name: f"Final Scores: {n}" for name, n in zip(final(0, 0, 0), (4, 4, 4), strict=True)},
        (4.0, 0),
        (4.0, 0),
    ),
}


@pytest.mark.parametrize("case", RISE)
def test_rise(case: str) -> None:
    group, facts, answers, *outcomes = RISE[case]
    if case == "an echo of the form":
        outcomes[1] = (1.5, 0)  # 0.3 * 5 + 0.5 * 1 + 0.2 * 5 = 3.0, halved since reasoning is 1
    for compat, (overall, accuracy) in zip((False, True), outcomes, strict=True):
        made = scored("rise", sample(group, **facts), answers, compat=compat)
        assert made.overall == (overall if overall is None else pytest.approx(overall)), (compat, made)
        assert made.values.get("Accuracy") == accuracy, (compat, made)
        assert (made.problem is None) == (overall is not None)


def test_rise_under_the_older_rule_a_sample_free_of_consistency_is_never_right() -> None:
    free = {"reasoning": "Final Score: 5", "plausibility": "Final Score: 5"}
    for compat in (False, True):
        made = scored("rise", sample("causal_reasoning", consistency_free=True), free, compat=compat)
        assert (made.values["Accuracy"], made.values["Accuracy (older rule)"]) == (100, 0)


def test_rise_counts_accuracy_over_all_samples_and_the_unread_by_the_mode() -> None:
    benchmark = create_benchmark("rise")
    given = [
        ("causal_reasoning", final(5, 5, 5)),
        ("causal_reasoning", final(5, 4, 5)),
        ("causal_reasoning", {**final(5, 5, 5), "reasoning": "fine"}),
        ("logical_reasoning", final(1, 1)),
    ]
    samples = [sample(group, str(at), subtask="Puzzle Solving") for at, (group, _) in enumerate(given)]
    for compat, causal, whole in ((False, 50.0, 200 / 3), (True, 100 / 3, 50.0)):
        scores = [
            scored("rise", of, answers, compat=compat)
            for of, (_, answers) in zip(samples, given, strict=True)
        ]
        found = means(benchmark.summary(samples, scores, compat=compat))
        assert found["causal_reasoning", "Accuracy"] == pytest.approx(causal)
        assert found[ALL, "Accuracy"] == pytest.approx(whole)
        assert found["causal_reasoning", "score"] == pytest.approx(4.75)  # 5 and 4.5
        assert found["causal_reasoning", "percentage"] == pytest.approx(93.75)
        assert found["causal_reasoning", "Reasoning"] == 4.5
        assert found["subtask Puzzle Solving", "Accuracy"] == pytest.approx(whole)
        assert found["temporal_reasoning", "Accuracy"] is None


def test_a_failed_call_is_not_a_wrong_answer() -> None:
    failed = {**final(5, 5, 5), "reasoning": Answer(problem="ThinkerFailed: down")}
    for compat in (False, True):
        made = scored("rise", sample("causal_reasoning"), failed, compat=compat)
        assert (made.values, made.overall) == ({}, None)
        assert made.problem == "reasoning: ThinkerFailed: down"
