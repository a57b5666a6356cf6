"""Stored judge answers through ImgEdit's and GEdit's scorers in both modes, against numbers by hand."""

from __future__ import annotations

import math

import pytest

from tests.evaluation.scorers import means, sample, scored
from thinkedit.evaluation.base import ALL, Answer, create_benchmark
from thinkedit.evaluation.records import TurnScore

REMOVE = ("Prompt Compliance", "Visual Naturalness", "Physical & Detail Integrity")


def three(first: object, second: object, third: object, names: tuple[str, str, str] = REMOVE) -> str:
    lines = [f"{name}: {score}" for name, score in zip(names, (first, second, third), strict=True)]
    return "\n".join(["Brief reasoning: gone.", *lines])


# ImgEdit. (answer, documented overall, overall of the published code); None: recorded as unreadable.
IMGEDIT: dict[str, tuple[str, float | None, float | None]] = {
    "good": (three(4, 4, 3), 3.67, 3.67),
    "contradictory: later scores above the first": (three(2, 5, 4), 2.0, 3.67),
    "bold names": (three(4, 4, 3).replace("Prompt Compliance:", "**Prompt Compliance**:"), 3.67, 3.67),
    "bold numbers": (three("**4**", "**4**", "**3**"), 3.67, None),
    "out of five": (three("4/5", "4/5", "3/5"), 3.67, None),
    "full stops": (three("4.", "4.", 3), 3.67, 3.0),
    "a list": (
        "- Prompt Compliance: 5\n- Visual Naturalness: 4\n- Physical & Detail Integrity: 4",
        4.33,
        4.33,
    ),
    "another line with digits": (three(4, 4, 3) + "\nYear: 1998", 3.67, 502.25),
    "one line alone": ("Prompt Compliance: 4", None, 4.0),
    "two lines alone": ("Prompt Compliance: 4\nVisual Naturalness: 2", None, 3.0),
    "two for one name": (three(4, 4, 3) + "\nVisual Naturalness: 1", None, 3.0),
    "out of range": (three(9, 4, 3), None, 5.33),
    "zero": (three(0, 0, 0), None, 0.0),
    "a fraction": (three(4.5, 4, 3), None, 3.5),
    "other names": (three(5, 4, 4, ("Compliance", "Naturalness", "Integrity")), 4.33, 4.33),
    "nonsense": ("I cannot see any image.", None, None),
    "empty": ("", None, None),
    "a superscript, at which the published code crashes": (three(4, 4, "²"), None, None),
}


@pytest.mark.parametrize("case", IMGEDIT)
def test_imgedit(case: str) -> None:
    text, documented, published = IMGEDIT[case]
    for compat, expected in ((False, documented), (True, published)):
        made = scored("imgedit", sample("remove"), {"rubric": text}, compat=compat)
        assert made.overall == expected, (compat, made)
        assert (made.problem is None) == (expected is not None)


def test_imgedit_averages_as_the_official_scorer_and_both_overalls_are_there() -> None:
    benchmark = create_benchmark("imgedit")
    given = {"add": [3.67, 4.0, 2.33], "style": [5.0]}
    scores = [
        TurnScore(sample=f"{group}{at}", group=group, turn=1, overall=value)
        for group, values in given.items()
        for at, value in enumerate(values)
    ]
    lost = TurnScore(sample="lost", group="style", turn=1, problem="unread")
    rows = benchmark.summary([], [*scores, lost])
    assert means(rows)["add", "score"] == 3.33  # 10 / 3
    assert means(rows)["style", "score"] == 5.0
    assert means(rows)[ALL, "overall"] == 3.75  # 15 / 4, the failed one is dropped
    assert means(rows)[ALL, "macro"] == 4.17  # (10 / 3 + 5) / 2
    assert {(row.group, row.n) for row in rows} >= {("add", 3), ("style", 1), (ALL, 4)}


# GEdit. (answer to one question, documented, published); both questions get the same.
GEDIT: dict[str, tuple[str, float | None, float | None]] = {
    "good": ('{"score": [8, 6], "reasoning": "x"}', 6, 6),
    "fenced": ('```json\n{"reasoning": "x", "score": [8, 6]}\n```', 6, 6),
    "a bare pair": ("[7, 9]", 7, 7),
    "a bare number": ("7", None, 7),
    "a number too large": ("11", None, None),
    "one score": ('{"score": 7, "reasoning": "x"}', None, 7),
    "three scores": ('{"score": [7, 8, 2], "reasoning": "x"}', None, 2),
    "out of range": ('{"score": [25, 12], "reasoning": "x"}', None, 12),
    "negative": ('{"score": [-1, 5], "reasoning": "x"}', None, -1),
    "text as scores": ('{"score": ["8", "9"]}', None, None),
    "no scores": ('{"score": []}', None, None),
    "null": ('{"score": null}', None, None),
    "nonsense, at which the published code guesses": ("I cannot judge this.", None, None),
    "empty": ("", None, None),
    "never closed, where the published code takes the list": ('{"score": [8, 6]', None, 6),
    "closed before it opens": ("} {", None, None),
    "unquoted keys, which the published code mends": ("{score: 7, reasoning: good}", None, 7),
    "two objects": ('{"score": [8, 6]} and {"score": [1, 1]}', None, None),
    "NaN second": ('{"score": [7, NaN]}', None, 7),
}


@pytest.mark.parametrize("case", GEDIT)
def test_gedit(case: str) -> None:
    text, documented, published = GEDIT[case]
    for compat, expected in ((False, documented), (True, published)):
        made = scored("gedit", sample("ps_human"), {"SC": text, "PQ": text}, compat=compat)
        if expected is None:
            assert made.overall is None, (compat, made)
            assert made.problem is not None
        else:
            assert made.values == {"SC": expected, "PQ": expected, "O": abs(expected)}, (compat, made)
            assert made.overall == abs(expected)


def test_gedit_with_one_unread_answer_has_no_overall_and_nothing_is_guessed() -> None:
    good = '{"score": [8, 6], "reasoning": "x"}'
    for compat in (False, True):
        for _ in range(3):
            made = scored("gedit", sample("ps_human"), {"SC": good, "PQ": "no idea"}, compat=compat)
            assert (made.values, made.overall) == ({"SC": 6}, None)
        failed = scored(
            "gedit", sample("ps_human"), {"SC": good, "PQ": Answer(problem="down")}, compat=compat
        )
        assert failed.problem == "PQ: down"


def test_gedit_keeps_the_published_order_of_nan_and_of_signs() -> None:
    nan = '{"score": [NaN, 7]}'
    made = scored("gedit", sample("ps_human"), {"SC": nan, "PQ": nan}, compat=True)
    assert made.overall is not None
    assert math.isnan(made.overall)
    rootless = {"SC": '{"score": [-1, 5]}', "PQ": '{"score": [9, 9]}'}
    assert scored("gedit", sample("ps_human"), rootless, compat=True).overall is None


def test_gedit_averages_types_without_weights_and_the_overall_is_not_the_root_of_the_means() -> None:
    benchmark = create_benchmark("gedit")
    # One type has three samples, the other one; (SC, PQ) by sample.
    given = {"text_change": [(9, 4), (4, 9), (1, 1)], "ps_human": [(4, 4)]}
    samples, scores = [], []
    for group, pairs in given.items():
        for at, (sc, pq) in enumerate(pairs):
            one = sample(group, f"{group}{at}", intersection={0: True, 1: False, 2: None}[at])
            samples.append(one)
            answers = {"SC": f"[{sc}, 10]", "PQ": f"[10, {pq}]"}
            scores.append(scored("gedit", one, answers))
    found = means(benchmark.summary(samples, scores))
    assert found["text_change", "G_SC"] == pytest.approx(14 / 3)
    assert found["text_change", "G_O"] == pytest.approx((6 + 6 + 1) / 3)
    assert found[ALL, "G_SC"] == pytest.approx((14 / 3 + 4) / 2)
    assert found[ALL, "G_PQ"] == pytest.approx((14 / 3 + 4) / 2)
    assert found[ALL, "G_O"] == pytest.approx((13 / 3 + 4) / 2)
    assert found[ALL, "G_O"] != pytest.approx(math.sqrt((14 / 3 + 4) / 2 * (14 / 3 + 4) / 2))
    assert found[ALL, "G_O (intersection)"] == pytest.approx((6 + 4) / 2)
    compat = benchmark.summary(samples, scores, compat=True)
    whole = {row.metric: row for row in compat if row.group == ALL}
    assert math.isnan(whole["G_O"].mean or 0)  # nine types have no sample, whose mean is NaN
    marked = [point.value for point in whole["G_O (intersection)"].points]
    assert marked == [6, 1, 4]  # a blank mark counts as true there


@pytest.mark.parametrize("name", ["imgedit", "gedit", "rise", "kris"])
def test_a_sample_whose_image_could_not_be_shown_has_the_reason(name: str) -> None:
    groups = {"imgedit": "add", "gedit": "ps_human", "rise": "causal_reasoning", "kris": "physics"}
    benchmark = create_benchmark(name)
    for compat in (False, True):
        made = benchmark.score(
            sample(groups[name]), 1, {"image": Answer(problem="StoreError: gone")}, compat=compat
        )
        assert made.overall is None
        assert "StoreError: gone" in (made.problem or "")
