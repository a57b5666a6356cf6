"""The numbers that the paper prints (arXiv 2512.05965v1, Tables 1 to 8), and which of them stand beside ours.

The paper gives no interval, no seed and no number of runs for any of them, and in places it disagrees with
itself: `DISAGREEMENTS` says where.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

__all__ = [
    "DISAGREEMENTS",
    "OURS",
    "Disagreement",
    "PaperValue",
    "Setting",
    "beside",
    "disagreements",
    "paper_values",
]

PAPER_TURNS = 5
"""Editor passes of the paper's main results (its supplement)."""

OWN_RUN = "baseline (authors' own run)"


@dataclass(frozen=True)
class PaperValue:
    """One printed number, in the benchmark's units. value: None where the paper prints none."""

    table: int
    benchmark: str
    model: str
    variant: str
    metric: str
    value: float | None


@dataclass(frozen=True)
class Disagreement:
    """Where the paper says two things. model: empty where it is about all of them."""

    benchmark: str
    model: str
    text: str


@dataclass(frozen=True)
class Setting:
    """What decides which of the paper's numbers belong beside ours.

    benchmark: our name of it. editor, thinker: as they were named, or their identities.
    """

    benchmark: str
    editor: str
    thinker: str
    turns: int
    mode: Literal["while", "before", "both"] = "while"


_BENCHMARKS = {
    "gedit": "GEdit-Bench-EN",
    "imgedit": "ImgEdit-Bench",
    "kris": "KRIS-Bench",
    "rise": "RISEBench",
}

# Newer and larger relatives (Qwen-Image-Edit-2509, FLUX.1 Kontext pro) are other models.
_EDITORS = {
    "OmniGen2": re.compile(r"omnigen-?2(?![0-9])", re.IGNORECASE),
    "FLUX.1-Kontext-dev": re.compile(
        r"flux\.?-?1[-_. ]kontext[-_ ]?(\[?dev\]?)?(?![-_ ]?(pro|max))", re.IGNORECASE
    ),
    "Qwen-Image-Edit": re.compile(r"qwen[-_ ]image[-_ ]edit(?![-_ ]?(25|plus|lightning))", re.IGNORECASE),
}

_THINKERS = {
    "EditThinker-8B": re.compile(r"editthinker[-_ ]8b", re.IGNORECASE),
    "Qwen3-VL-8B": re.compile(r"qwen3[-_ ]vl[-_ ]8b", re.IGNORECASE),
    "GPT-4.1": re.compile(r"gpt[-_ ]?4\.1(?![-_ ]?(mini|nano))", re.IGNORECASE),
    "GPT-4o": re.compile(r"gpt[-_ ]?4o(?![-_ ]?mini)", re.IGNORECASE),
    "Gemini-2.5-Pro": re.compile(r"gemini[-_ ]2\.5[-_ ]pro", re.IGNORECASE),
    "Doubao-1.5": re.compile(r"doubao[-_ ]1\.5", re.IGNORECASE),
}

DISAGREEMENTS: tuple[Disagreement, ...] = (
    Disagreement(
        "ImgEdit-Bench",
        "Qwen-Image-Edit",
        "with EditThinker-8B the text says 4.37, Table 1 and Figure 1 say 4.40",
    ),
    Disagreement(
        "ImgEdit-Bench",
        "FLUX.1-Kontext-dev",
        "with EditThinker-8B Table 1, the text and Figure 1 say 3.98, Table 5 says 3.95",
    ),
    Disagreement(
        "ImgEdit-Bench",
        "",
        "the overall of the authors' own runs is neither the mean of the nine columns nor, with the "
        "published list of samples, the mean over samples",
    ),
    Disagreement(
        "GEdit-Bench-EN",
        "FLUX.1-Kontext-dev",
        "G_O with EditThinker-8B is 7.05 in the text and 7.02 in Tables 1 and 5 and Figure 1; 7.05 is also "
        "the GPT-4o row of Table 6",
    ),
    Disagreement(
        "GEdit-Bench-EN",
        "FLUX.1-Kontext-dev",
        "the text of Table 6 gives the baseline as 6.00, the table as 6.18 (6.00 is the published one)",
    ),
    Disagreement(
        "GEdit-Bench-EN",
        "FLUX.1-Kontext-dev",
        "with EditThinker-8B Table 8 has 7.01 at six turns and 7.03 at eight; the main 7.02 is with five",
    ),
    Disagreement(
        "GEdit-Bench-EN",
        "OmniGen2",
        "the baseline's G_O is 6.19 in the text and 6.03 in Table 1 and Figure 1",
    ),
    Disagreement(
        "RISEBench",
        "OmniGen2",
        "the overall of 3.4 with EditThinker-8B does not follow from its categories: 4 of 85, 7 of 90, 5 of "
        "100 and 3 of 85 are 5.28 % of 360",
    ),
    Disagreement(
        "RISEBench",
        "Qwen-Image-Edit",
        "the temporal 10.8 with EditThinker-8B is no whole number of 85 (9 are 10.6, 10 are 11.8); 9 "
        "give its overall",
    ),
    Disagreement(
        "KRIS-Bench",
        "FLUX.1-Kontext-dev",
        "with EditThinker-8B the factual average is printed as 73.73 and follows from its parts as 74.53, "
        "the overall as 69.53 and 69.67",
    ),
    Disagreement(
        "KRIS-Bench",
        "Qwen-Image-Edit",
        "procedural averages are about 0.3 below what follows from the full set (61.70 and 61.97, 73.40 "
        "and 73.71)",
    ),
)


_ALL = "all"
OURS: dict[str, dict[str, tuple[str, str]]] = {
    "GEdit-Bench-EN": {name: (_ALL, name) for name in ("G_SC", "G_PQ", "G_O")},
    "ImgEdit-Bench": {
        "Overall": (_ALL, "overall"),
        "Hybrid": ("compose", "score"),
        **{
            name: (name.lower(), "score")
            for name in ("Add", "Adjust", "Extract", "Replace", "Remove", "Background", "Style", "Action")
        },
    },
    "KRIS-Bench": {
        "Overall": (_ALL, "AVG"),
        "Attribute": ("Attribute Perception", "AVG"),
        "Spatial": ("Spatial Perception", "AVG"),
        "Temporal": ("Temporal Prediction", "AVG"),
        "Social Science": ("Social Science", "AVG"),
        "Natural Science": ("Natural Science", "AVG"),
        "Logical": ("Logical Reasoning", "AVG"),
        "Instruction": ("Instruction Decomposition", "AVG"),
        "Factual Average": ("Factual Knowledge", "AVG"),
        "Conceptual Average": ("Conceptual Knowledge", "AVG"),
        "Procedural Average": ("Procedural Knowledge", "AVG"),
    },
    "RISEBench": {
        "Overall accuracy (%)": (_ALL, "Accuracy"),
        **{
            f"{name.capitalize()} accuracy (%)": (f"{name}_reasoning", "Accuracy")
            for name in ("temporal", "causal", "spatial", "logical")
        },
    },
}
"""(group, metric) of our summaries for each of the paper's columns, by its names of benchmark and column."""


@cache
def paper_values() -> tuple[PaperValue, ...]:
    """All of them, in the order of the tables."""
    text = files("thinkedit.evaluation").joinpath("paper_results.csv").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return tuple(
        PaperValue(
            int(line["table"]),
            line["benchmark"],
            line["model"],
            line["variant"],
            line["metric"],
            float(line["value"]) if line["value"] else None,
        )
        for line in csv.DictReader(lines)
    )


def beside(setting: Setting) -> list[PaperValue]:
    """The paper's numbers for the same benchmark, editor, thinker, turns and mode; [] where there are none.

    Judge and wording are the caller's to compare: the paper's numbers are the official judges'.
    """
    benchmark = _BENCHMARKS.get(setting.benchmark)
    model = _named(setting.editor, _EDITORS)
    if benchmark is None or model is None:
        return []
    variants = _variants(_named(setting.thinker, _THINKERS), setting.turns, setting.mode)
    return [
        value
        for value in paper_values()
        if value.benchmark == benchmark and value.model == model and value.variant in variants
    ]


def disagreements(values: Sequence[PaperValue]) -> list[str]:
    """What is to be said beside these numbers, each once."""
    about = {(value.benchmark, value.model) for value in values}
    return [
        f"{one.benchmark}{f', {one.model}' if one.model else ''}: {one.text}"
        for one in DISAGREEMENTS
        if any(one.benchmark == benchmark and one.model in ("", model) for benchmark, model in about)
    ]


def _named(name: str, known: dict[str, re.Pattern[str]]) -> str | None:
    return next((title for title, pattern in known.items() if pattern.search(name)), None)


def _variants(thinker: str | None, turns: int, mode: str) -> set[str]:
    """The paper's words for rows of this thinker; one turn of thinking while editing is the bare editor."""
    if mode == "while" and turns == 1:
        return {OWN_RUN, "baseline"}
    found = set()
    if mode == "while":
        found.add(f"max_turns={turns}; thinker={thinker}")
        if turns == PAPER_TURNS:
            found |= {f"thinker={thinker}", *_MAIN.get(thinker or "", ())}
    elif thinker == "GPT-4.1":
        found.add({"before": "think-before (GPT-4.1)", "both": "think-before+while (GPT-4.1)"}[mode])
    return found


_MAIN = {
    "EditThinker-8B": ("+EditThinker-8B", "+EditThinker-8B-RL"),
    "Qwen3-VL-8B": ("+Qwen3-VL-8B (no training)",),
    "GPT-4.1": ("+EditThinker-Expert-GPT4.1", "think-while (GPT-4.1)"),
}
