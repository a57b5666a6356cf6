"""GEdit-Bench (arXiv 2504.17761): eleven kinds of edit, judged by VIEScore's two questions."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from thinkedit.adapters.base import Question
from thinkedit.adapters.protocol.viescore import render_viescore
from thinkedit.errors import StoreError
from thinkedit.evaluation.base import ALL, Answer, Ask, Layout, Loaded, Places, Point, Prompts, Row, row
from thinkedit.evaluation.benchmarks.gedit.data import COUNTS, samples_of
from thinkedit.evaluation.benchmarks.gedit.reading import published, read
from thinkedit.evaluation.benchmarks.reading import counted, fitted, official_prompts
from thinkedit.evaluation.records import Sample, TurnScore
from thinkedit.images import Picture
from thinkedit.journal import replace_file

__all__ = ["GEdit"]

_CONTEXT = "_context_no_delimit"
_SC = ("_prompts_0shot_two_image_edit_rule", "_prompts_0shot_tie_rule_SC")
_PQ = ("_prompts_0shot_rule_PQ",)
_FILES = ("vie_prompts.py", "viescore/vie_prompts.py", "GEdit-Bench/viescore/vie_prompts.py")
_COLUMNS = (
    "source_image",
    "edited_image",
    "instruction",
    "sementics_score",
    "quality_score",
    "intersection_exist",
    "instruction_language",
)


class GEdit:
    """overall: sqrt(semantic consistency * perceptual quality), each 0-10. The English half by default."""

    name = "gedit"
    title = "GEdit-Bench-EN"
    scale = (0.0, 10.0)
    headline = (ALL, "G_O")
    judges: Literal["rubric"] = "rubric"

    def __init__(self, language: Literal["en", "cn"] = "en") -> None:
        self.language = language

    def load(self, data: Path, work: Path | None = None) -> Loaded:
        """From Parquet or Arrow files, an exported folder, or the name of a data set on the hub."""
        samples, problems = samples_of(data, work if work is not None else data / "pictures", self.language)
        found = Counter(sample.group for sample in samples)
        return Loaded(tuple(samples), tuple(problems), tuple(counted(self.title, found, COUNTS)))

    def places(self, sample: Sample, layout: Layout = "official") -> Places:
        stem = f"fullset/{sample.group}/{self.language}/{sample.id}"
        return Places(f"{stem}.png", f"{stem}_SRCIMG.png")

    def prompts(self, folder: Path | None = None) -> Prompts:
        if folder is None:
            own = {"SC": "semantic", "PQ": "quality"}
            return Prompts({name: render_viescore(axis, "<instruction>") for name, axis in own.items()})
        source = "github.com/TIGER-AI-Lab/VIEScore or Step1X-Edit's GEdit-Bench"
        found = official_prompts(folder, _FILES, (_CONTEXT, *_SC, *_PQ), source).texts
        texts = {
            name: "\n".join(found[part] for part in (_CONTEXT, *parts)) for name, parts in _PARTS.items()
        }
        return Prompts(texts, official=True)

    def asks(
        self, sample: Sample, pictures: Sequence[Picture], edited: Picture, prompts: Prompts
    ) -> dict[str, Ask]:
        """Both questions show the edited image at the source's size."""
        source = pictures[0]
        shown = fitted(edited, source.width, source.height)
        text = prompts.texts["SC"].replace("<instruction>", sample.instruction)
        return {"SC": Question((text, source, shown)), "PQ": Question((prompts.texts["PQ"], shown))}

    def score(
        self, sample: Sample, turn: int, answers: Mapping[str, Answer], *, compat: bool = False
    ) -> TurnScore:
        """Documented: exactly two numbers, 0-10, each question; compat: whatever the published code reads.

        The published code guesses at random where it cannot read an answer; that is left open in both.
        """
        made = TurnScore(sample=sample.id, group=sample.group, turn=turn)
        values: dict[str, float] = {}
        problems = []
        for name in ("SC", "PQ"):
            answer = answers.get(name) or answers.get("image") or Answer(problem="the judge was not asked")
            try:
                if answer.problem is not None:
                    raise ValueError(answer.problem)
                values[name] = published(answer.text) if compat else read(answer.text)
            except ValueError as error:
                problems.append(f"{name}: {error}")
        if not problems:
            try:
                overall = math.sqrt(values["SC"] * values["PQ"])
                return made.model_copy(update={"values": {**values, "O": overall}, "overall": overall})
            except ValueError:
                problems.append(f"there is no root of {values['SC']} * {values['PQ']}")
        return made.model_copy(update={"values": values, "problem": "; ".join(problems)})

    def summary(
        self, samples: Sequence[Sample], scores: Sequence[TurnScore], *, compat: bool = False
    ) -> list[Row]:
        """Means by kind of edit, and the unweighted mean over kinds; the same for the intersection."""
        marks = {sample.id: sample.facts.get("intersection") for sample in samples}
        read = [score for score in scores if score.overall is not None]
        rows = [row for group in COUNTS for row in _family([s for s in read if s.group == group], group)]
        # A blank mark is true to pandas, and a kind without samples makes the published mean NaN.
        inside = [s for s in read if marks.get(s.sample) or (compat and marks.get(s.sample) is None)]
        for suffix, chosen in (("", read), (" (intersection)", inside)):
            whole = _family(chosen, ALL, suffix)
            if compat and {score.group for score in chosen} < set(COUNTS):
                whole = [Row(one.group, one.metric, one.n, math.nan, one.points) for one in whole]
            rows += whole
        return rows

    def write_official(
        self,
        folder: Path,
        samples: Sequence[Sample],
        answers: Mapping[str, Mapping[str, Answer]],
        scores: Sequence[TurnScore],
        *,
        model: str,
    ) -> list[Path]:
        """gpt4o/eval_results_new/<model>_<kind>_gpt_score.csv, and one of all of them."""
        target = folder / "gpt4o" / "eval_results_new"
        by_sample = {score.sample: score for score in scores if score.overall is not None}
        lines: dict[str, list[dict[str, object]]] = {group: [] for group in COUNTS}
        for sample in samples:
            if (score := by_sample.get(sample.id)) is not None:
                places = self.places(sample)
                cells = (
                    places.source,
                    places.image,
                    sample.instruction,
                    score.values["SC"],
                    score.values["PQ"],
                    sample.facts.get("intersection"),
                    self.language,
                )
                lines[sample.group].append(dict(zip(_COLUMNS, cells, strict=True)))
        files = {f"{model}_{group}_gpt_score.csv": of for group, of in lines.items()}
        files[f"{model}_combined_gpt_score.csv"] = [line for of in lines.values() for line in of]
        try:
            target.mkdir(parents=True, exist_ok=True)
            for name, of in files.items():
                text = io.StringIO()
                writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(of)
                replace_file(target / name, [text.getvalue()])
        except OSError as error:
            raise StoreError(f"{target} cannot be written: {error.strerror or error}") from error
        return [target / name for name in files]


_PARTS = {"SC": _SC, "PQ": _PQ}


def _family(scores: Sequence[TurnScore], group: str, suffix: str = "") -> list[Row]:
    metrics = {"G_SC": "SC", "G_PQ": "PQ", "G_O": "O"}
    return [
        row(
            group,
            metric + suffix,
            (Point(score.sample, score.values[value], score.group) for score in scores),
        )
        for metric, value in metrics.items()
    ]
