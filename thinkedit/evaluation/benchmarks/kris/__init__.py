"""KRIS-Bench (arXiv 2505.16707): edits that need knowledge, twenty types in seven dimensions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from thinkedit.adapters.base import Question
from thinkedit.errors import InputError
from thinkedit.evaluation.base import ALL, Answer, Ask, Layout, Loaded, Places, Prompts, Row
from thinkedit.evaluation.benchmarks.kris.prompts import OWN
from thinkedit.evaluation.benchmarks.kris.scoring import score, summary
from thinkedit.evaluation.benchmarks.kris.tables import write_metrics
from thinkedit.evaluation.benchmarks.kris.types import COUNTS, KNOWLEDGE
from thinkedit.evaluation.benchmarks.reading import (
    counted,
    filled,
    find,
    official_prompts,
    read_json,
    relative,
)
from thinkedit.evaluation.records import Sample, TurnScore
from thinkedit.images import Picture

__all__ = ["Kris"]

_SOURCE = "https://huggingface.co/datasets/Liang0223/KRIS_Bench"
_PROMPT_FILES = ("prompts.py", "ReasonEdit/prompts.py", "kris/prompts.py")
_FRAME = re.compile(r"(\d+)-(\d+)")

MULTI, TEMPORAL, VIEWPOINT = "multi-element_composition", "temporal_prediction", "viewpoint_change"


class Kris:
    """overall: the mean of a sample's three or four scores, 0-100. The loop sees the first picture alone."""

    name = "kris"
    title = "KRIS-Bench"
    scale = (0.0, 100.0)
    headline = (ALL, "AVG")
    judges: Literal["rubric"] = "rubric"

    def load(self, data: Path, work: Path | None = None) -> Loaded:
        """From `<type>/annotation.json`, or from one `final_data.json`, with the pictures in `<type>/`."""
        problems: list[str] = []
        samples: dict[str, Sample] = {}
        for place, root, kind, number, record in _records(data, problems):
            try:
                sample = _sample(root, kind, number, record)
            except ValueError as error:
                problems.append(f"{place}: {error}")
                continue
            if sample.id in samples:
                problems.append(f"{place}: {sample.id!r} is there twice; the first one is taken")
            else:
                samples[sample.id] = sample
        found = Counter(sample.group for sample in samples.values())
        return Loaded(tuple(samples.values()), tuple(problems), tuple(counted(self.title, found, COUNTS)))

    def places(self, sample: Sample, layout: Layout = "official") -> Places:
        return Places(f"{sample.id}.{'jpg' if layout == 'official' else 'png'}")

    def prompts(self, folder: Path | None = None) -> Prompts:
        if folder is None:
            return Prompts(OWN)
        source = "github.com/mercurystraw/Kris_Bench or BAGEL's eval/gen/kris"
        return official_prompts(folder, _PROMPT_FILES, OWN, source)

    def asks(
        self, sample: Sample, pictures: Sequence[Picture], edited: Picture, prompts: Prompts
    ) -> dict[str, Ask]:
        """Three questions; every picture comes after a text that says what it is."""
        sources = pictures[: sample.facts["sources"]]
        facts = {"instruct": sample.instruction, "explanation": sample.facts.get("explain") or ""}
        quality = "This is the edited image:"
        told: list[str | Picture]
        if sample.group == TEMPORAL:
            told, missing = _frames(sample.facts["frames"], sources, edited)
            facts["N"] = str(missing)
            names, quality = ("prompt_consist_temporal", "prompt_instruction_temporal"), _JUDGED
        elif sample.group == MULTI:
            told = []
            for at, one in enumerate(sources, start=1):
                told += [f"Reference Image {at}:", one]
            names = ("prompt_consist_multi", "prompt_instruction_multi")
            told += ["Predicted Image:", edited]
            quality = _JUDGED
        else:
            names = ("prompt_consist", "prompt_instruction_following")
            told = ["This is the original image:", sources[0], "This is the edited image:", edited]
        first, second = names
        asks: dict[str, Ask] = {"consistency": Question((filled(prompts, first, **facts), *told))}
        if sample.group in KNOWLEDGE:
            asks["dual"] = Question((filled(prompts, "prompt_dual_evaluation", **facts), *told))
        elif sample.group == VIEWPOINT and len(pictures) > len(sources):
            truth: list[str | Picture] = ["This is the ground truth image:", pictures[-1]]
            text = filled(prompts, "prompt_view_instruction_following", **facts)
            asks["instruction"] = Question((text, *told, *truth))
        else:
            asks["instruction"] = Question((filled(prompts, second, **facts), *told))
        asks["quality"] = Question((prompts.texts["prompt_quality"], quality, edited))
        return asks

    def score(
        self, sample: Sample, turn: int, answers: Mapping[str, Answer], *, compat: bool = False
    ) -> TurnScore:
        """See `scoring.score`."""
        return score(sample, turn, answers, compat=compat)

    def summary(
        self, samples: Sequence[Sample], scores: Sequence[TurnScore], *, compat: bool = False
    ) -> list[Row]:
        """Every metric value counts once, so that types with a knowledge score weigh 4/3."""
        return summary(scores)

    def write_official(
        self,
        folder: Path,
        samples: Sequence[Sample],
        answers: Mapping[str, Mapping[str, Answer]],
        scores: Sequence[TurnScore],
        *,
        model: str,
    ) -> list[Path]:
        """<type>/metrics.json with the scores 1-5, and results.json."""
        return write_metrics(folder, samples, scores, self.summary(samples, scores))


_JUDGED = "This is the image to evaluate:"


def _records(data: Path, problems: list[str]) -> Iterator[tuple[str, Path, str, str, Any]]:
    """(place, folder of the pictures, type, number, record) for each record of the data."""
    root = next((r for r in (data, data / "KRIS_Bench") if any((r / kind).is_dir() for kind in COUNTS)), data)
    flat = find(data, ("final_data.json", "KRIS_Bench/final_data.json"))
    annotated = [kind for kind in COUNTS if (root / kind / "annotation.json").is_file()]
    if not annotated and flat is None:
        raise InputError(
            f"{data} has no final_data.json and no <type>/annotation.json, such as {next(iter(COUNTS))}/"
            f"annotation.json: download {_SOURCE} there"
        )
    for kind in annotated:
        file = root / kind / "annotation.json"
        records = read_json(file, problems)
        if not isinstance(records, dict):
            problems.append(f"{file}: it is no list of records by number")
            continue
        for number, record in records.items():
            yield f"{file}, {number!r}", root / kind, kind, number, record
    if annotated or flat is None:
        return
    listed = read_json(flat, problems)
    if not isinstance(listed, list):
        raise InputError(f"{flat} is no list of records: get it again")
    for at, record in enumerate(listed, start=1):
        kind = str(record.get("type")) if isinstance(record, dict) else ""
        if kind not in COUNTS:
            problems.append(f"{flat}, item {at}: its type {kind!r} is none of {', '.join(COUNTS)}")
        else:
            yield f"{flat}, item {at}", root / kind, kind, str(record.get("id") or ""), record


def _sample(root: Path, kind: str, number: str, record: Any) -> Sample:
    if not isinstance(record, dict):
        raise ValueError("it is no record")
    if not number or relative(number) is None or "/" in number:
        raise ValueError(f"its number {number!r} cannot name a file")
    given = record.get("ori_img")
    names: list[Any] = given if isinstance(given, list) else [given]
    if not names or any(relative(name) is None for name in names):
        raise ValueError(f"its ori_img {given!r} is no path of a picture")
    instruction = record.get("ins_en")
    if not isinstance(instruction, str) or not instruction.strip():
        raise ValueError("it has no ins_en")
    images = [root / name for name in names]
    truth = record.get("gt_img")
    if kind == VIEWPOINT and relative(truth) is not None:
        images.append(root / str(truth))
    facts: dict[str, Any] = {
        "id": number,
        "explain": record.get("explain_en") or "",
        "sources": len(names),
    }
    if kind == TEMPORAL:
        facts["frames"] = [
            int(m[2]) if (m := _FRAME.search(name)) else at for at, name in enumerate(names, 1)
        ]
    return Sample(
        id=f"{kind}/{number}", group=kind, instruction=instruction, images=tuple(images), facts=facts
    )


def _frames(
    numbers: Sequence[int], sources: Sequence[Picture], edited: Picture
) -> tuple[list[str | Picture], int]:
    """The frames in their order with the edited one in its place, and its number."""
    missing = {1, 2, 3, 4} - set(numbers)
    made = missing.pop() if len(missing) == 1 else max(numbers) + 1
    frames = [(at, "Reference", one) for at, one in zip(numbers, sources, strict=True)]
    frames.append((made, "Generated", edited))
    frames.sort(key=lambda frame: frame[0])
    return [part for at, what, one in frames for part in (f"Frame {at} ({what}):", one)], made
