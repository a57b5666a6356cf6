"""What a benchmark is to the evaluation: samples, places of outputs, questions, scores, a summary.

Loading reads files, `asks` may work on pixels; all else is pure. Scorers take the judge's answers as they
came, so that the same answers can be scored by the documented rule and by the published code (`compat`).
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, cast

from thinkedit.adapters.base import JudgeRequest, Question
from thinkedit.errors import SettingsError
from thinkedit.evaluation.records import Sample, TurnScore
from thinkedit.images import Picture
from thinkedit.types import Judgement

__all__ = [
    "ALL",
    "BENCHMARKS",
    "Answer",
    "Ask",
    "Benchmark",
    "Layout",
    "Loaded",
    "Places",
    "Point",
    "Prompts",
    "Row",
    "create_benchmark",
    "row",
]

BENCHMARKS: dict[str, str] = {
    "gedit": "thinkedit.evaluation.benchmarks.gedit:GEdit",
    "imgedit": "thinkedit.evaluation.benchmarks.imgedit:ImgEdit",
    "kris": "thinkedit.evaluation.benchmarks.kris:Kris",
    "provingground": "thinkedit.evaluation.benchmarks.provingground:ProvingGround",
    "rise": "thinkedit.evaluation.benchmarks.rise:Rise",
}

ALL = "all"
"""The group of a row over all samples."""

Layout = Literal["official", "editthinker"]
"""Where outputs lie: as the benchmark's own scorer reads them, or as EditThinker's copy of it does."""

Ask = Question | JudgeRequest
"""A rubric for a vision-language model, or the two scores of a judge's own."""


@dataclass(frozen=True)
class Loaded:
    """The samples of a data folder, in its order.

    problems: what could not be used, a line each with its place; the samples concerned are left out.
    notes: what a reader should know, such as counts other than the published ones.
    """

    samples: tuple[Sample, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Places:
    """Paths below the folder of outputs. source: where the layout wants a copy of the source beside it."""

    image: str
    source: str | None = None


@dataclass(frozen=True)
class Prompts:
    """The wording of a benchmark's rubrics by name. official: from a user's own copy of the official files;
    with our own wording no score is comparable with a published one."""

    texts: Mapping[str, str]
    official: bool = False


@dataclass(frozen=True)
class Answer:
    """What came back for one ask: the judge's text, or its judgement, or why there is neither."""

    text: str = ""
    judgement: Judgement | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Point:
    """One value that a row averages. A sample may have several (KRIS pools its metrics)."""

    sample: str
    value: float
    stratum: str = ""


@dataclass(frozen=True)
class Row:
    """One number of a benchmark's summary.

    group: a task type, a dimension or `ALL`. n: samples in it. mean: in the benchmark's own units; None where
    nothing could be scored. It is the mean over strata of the means within them (one stratum: the plain
    mean); `points` are for intervals. Rounding, where the benchmark rounds, is in `mean` alone.
    """

    group: str
    metric: str
    n: int
    mean: float | None
    points: tuple[Point, ...] = field(default=(), repr=False)


class Benchmark(Protocol):
    """One benchmark.

    name: as in BENCHMARKS; title: for people. scale: lowest and highest of a sample's `overall`.
    headline: (group, metric) of the number that tables of the paper print.
    judges: `rubric` where `asks` gives questions, `scores` where it gives JudgeRequests.
    """

    name: str
    title: str
    scale: tuple[float, float]
    headline: tuple[str, str]
    judges: Literal["rubric", "scores"]

    def load(self, data: Path, work: Path | None = None) -> Loaded:
        """The samples of a folder in the official layout.

        work: where pictures are written that lie in no file of their own; by default below `data`.
        Raises InputError, which says what is missing and where to get it. Pictures are not opened here: a bad
        one is found by the run, reported and skipped.
        """
        ...

    def places(self, sample: Sample, layout: Layout = "official") -> Places:
        """Where the sample's output belongs."""
        ...

    def prompts(self, folder: Path | None = None) -> Prompts:
        """Our own wording, or the official files of `folder`. InputError where some are missing there."""
        ...

    def asks(
        self, sample: Sample, pictures: Sequence[Picture], edited: Picture, prompts: Prompts
    ) -> dict[str, Ask]:
        """The judge calls for one image, by name. pictures: those of `sample.images`. May block."""
        ...

    def score(
        self, sample: Sample, turn: int, answers: Mapping[str, Answer], *, compat: bool = False
    ) -> TurnScore:
        """The scores that the answers hold; what cannot be read is named in `problem` and never guessed.

        compat: as the published code scores, where that is deterministic.
        """
        ...

    def summary(
        self, samples: Sequence[Sample], scores: Sequence[TurnScore], *, compat: bool = False
    ) -> list[Row]:
        """The official aggregation of one score for each sample; those without `overall` are not in n."""
        ...

    def write_official(
        self,
        folder: Path,
        samples: Sequence[Sample],
        answers: Mapping[str, Mapping[str, Answer]],
        scores: Sequence[TurnScore],
        *,
        model: str,
    ) -> list[Path]:
        """Result files as the official scorer writes them, where there are such; returns what was written.

        answers: by sample and name. model: the name under which the files stand.
        """
        ...


def create_benchmark(name: str) -> Benchmark:
    """The benchmark of that name. SettingsError for an unknown one."""
    if name not in BENCHMARKS:
        raise SettingsError(f"unknown benchmark {name!r}: known: {', '.join(sorted(BENCHMARKS))}")
    module, _, attribute = BENCHMARKS[name].partition(":")
    return cast(Benchmark, getattr(importlib.import_module(module), attribute)())


def row(group: str, metric: str, points: Iterable[Point], *, digits: int | None = None) -> Row:
    """The row of these points. digits: where the benchmark rounds its means."""
    kept = tuple(points)
    strata: dict[str, list[float]] = {}
    for point in kept:
        strata.setdefault(point.stratum, []).append(point.value)
    mean = None
    if strata:
        means = [math.fsum(values) / len(values) for values in strata.values()]
        mean = math.fsum(means) / len(means)
        if digits is not None:
            mean = round(mean, digits)
    return Row(group, metric, len({point.sample for point in kept}), mean, kept)
