"""RISEBench (arXiv 2504.02826): edits that need temporal, causal, spatial or logical reasoning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from thinkedit.adapters.base import Question
from thinkedit.errors import InputError
from thinkedit.evaluation.base import ALL, Answer, Ask, Layout, Loaded, Places, Prompts, Row
from thinkedit.evaluation.benchmarks.reading import (
    counted,
    filled,
    find,
    fitted,
    image_root,
    official_prompts,
    read_json,
    relative,
)
from thinkedit.evaluation.benchmarks.rise.prompts import OWN
from thinkedit.evaluation.benchmarks.rise.scoring import score, summary
from thinkedit.evaluation.benchmarks.rise.tables import write_csv
from thinkedit.evaluation.records import Sample, TurnScore
from thinkedit.images import Picture

__all__ = ["Rise"]

COUNTS = {"temporal_reasoning": 85, "causal_reasoning": 90, "spatial_reasoning": 100, "logical_reasoning": 85}
_SMALL = dict.fromkeys(COUNTS, 16)
_FULL, _SIXTY_FOUR = "datav2_total_w_subtask.json", "data_total.json"
_FILES = [folder + name for name in (_FULL, _SIXTY_FOUR) for folder in ("", "data/")]
_SOURCE = "https://huggingface.co/datasets/PhoenixZ/RISEBench (data.zip)"
_SIDE = 768


class Rise:
    """overall: the weighted score, 1-5; `Accuracy` (0 or 100) is what the paper prints."""

    name = "rise"
    title = "RISEBench"
    scale = (1.0, 5.0)
    headline = (ALL, "Accuracy")
    judges: Literal["rubric"] = "rubric"

    def load(self, data: Path, work: Path | None = None) -> Loaded:
        """From the list of all 360 samples or the small one of 64, and the folder `data` of pictures."""
        file = find(data, _FILES)
        if file is None:
            raise InputError(f"{data} has no {_FULL} and no {_SIXTY_FOUR}: unpack {_SOURCE} there")
        problems: list[str] = []
        records = read_json(file, problems)
        if not isinstance(records, list):
            raise InputError(f"{file} is no list of samples: get it again, from {_SOURCE}")
        good = [
            record for at, record in enumerate(records) if _usable(f"{file}, item {at + 1}", record, problems)
        ]
        roots = [data / "data", data, file.parent]
        root = image_root(roots, [record["image"] for record in good])
        free = any("consistency_free" in record for record in good)
        samples: dict[str, Sample] = {}
        for record in good:
            if record["index"] in samples:
                problems.append(
                    f"{file}: the index {record['index']!r} is there twice; the first one is taken"
                )
            else:
                samples[record["index"]] = _sample(record, root, free)
        found = Counter(sample.group for sample in samples.values())
        published = COUNTS if file.name == _FULL else _SMALL
        notes = counted(self.title if file.name == _FULL else "RISEBench-64", found, published)
        return Loaded(tuple(samples.values()), tuple(problems), tuple(notes))

    def places(self, sample: Sample, layout: Layout = "official") -> Places:
        return Places(f"{'images/' if layout == 'official' else ''}{sample.group}/{sample.id}.png")

    def prompts(self, folder: Path | None = None) -> Prompts:
        if folder is None:
            return Prompts(OWN)
        core = ("prompt_consist", "prompt_reasoning", "prompt_generation", "prompt_spatial_cons")
        return official_prompts(
            folder, ("utils.py", "rise/utils.py"), core, "github.com/PhoenixZ810/RISEBench, utils.py"
        )

    def asks(
        self, sample: Sample, pictures: Sequence[Picture], edited: Picture, prompts: Prompts
    ) -> dict[str, Ask]:
        """Up to three questions; pictures are shown at 768 pixels on the longer side at most."""
        shown = _shown(sample)
        first = _shrunk(pictures[1] if shown.reference else pictures[0])
        made = _shrunk(edited)
        told = sample.facts.get("reference_txt") if sample.group == "logical_reasoning" else None
        facts = {
            "instruct": sample.instruction,
            "reference": told or sample.facts.get("reference") or "",
        }
        asks: dict[str, Ask] = {}
        if not _free(sample):
            asks["consistency"] = Question((filled(prompts, shown.consistency, **facts), first, made))
        pair = (first, made) if shown.pair else (made,)
        asks["reasoning"] = Question((filled(prompts, shown.reasoning, **facts), *pair))
        if sample.group != "logical_reasoning":
            asks["plausibility"] = Question((filled(prompts, shown.plausibility, **facts), made))
        return asks

    def score(
        self, sample: Sample, turn: int, answers: Mapping[str, Answer], *, compat: bool = False
    ) -> TurnScore:
        """See `scoring.score`."""
        return score(sample, turn, answers, compat=compat)

    def summary(
        self, samples: Sequence[Sample], scores: Sequence[TurnScore], *, compat: bool = False
    ) -> list[Row]:
        """Score, percentage, accuracy and the three dimensions, over all, by category and by subtask."""
        return summary(samples, scores, tuple(COUNTS))

    def write_official(
        self,
        folder: Path,
        samples: Sequence[Sample],
        answers: Mapping[str, Mapping[str, Answer]],
        scores: Sequence[TurnScore],
        *,
        model: str,
    ) -> list[Path]:
        """<model>_judge.csv."""
        return [write_csv(folder / f"{model}_judge.csv", self.summary(samples, scores))]


def _usable(place: str, record: object, problems: list[str]) -> bool:
    told = None
    if not isinstance(record, dict):
        told = "it is no record"
    elif relative(record.get("index")) is None or "/" in record["index"]:
        told = f"its index {record.get('index')!r} cannot name a file"
    elif record.get("category") not in COUNTS:
        told = f"its category {record.get('category')!r} is none of {', '.join(COUNTS)}"
    elif not isinstance(record.get("instruction"), str) or not record["instruction"].strip():
        told = "it has no instruction"
    elif any(
        relative(record.get(name)) is None
        for name in ("image", "reference_img")
        if name == "image" or record.get(name) is not None
    ):
        told = "its image is no path below the folder of pictures"
    if told is not None:
        problems.append(f"{place}: {told}")
    return told is None


def _sample(record: dict[str, Any], root: Path, free: bool) -> Sample:
    facts = {
        name: value for name, value in record.items() if name not in ("index", "category", "instruction")
    }
    if free:
        facts.setdefault("consistency_free", None)  # as a column of a table has it
    images = [root / record["image"]]
    if record.get("reference_img") is not None:
        images.append(root / record["reference_img"])
    return Sample(
        id=record["index"],
        group=record["category"],
        instruction=record["instruction"],
        images=tuple(images),
        facts=facts,
    )


def _free(sample: Sample) -> bool:
    """Whether consistency is not asked. A logical sample is always asked: its score has no other rule."""
    return sample.group != "logical_reasoning" and bool(sample.facts.get("consistency_free"))


@dataclass(frozen=True)
class _Shown:
    """The prompts of a sample; reference: whether the first picture is the reference image and not the
    source; pair: whether the reasoning question shows it too."""

    consistency: str
    reasoning: str
    plausibility: str = ""
    reference: bool = False
    pair: bool = False


def _shown(sample: Sample) -> _Shown:
    """Which prompts and pictures the official scorer takes for the sample."""
    has = {
        name: sample.facts.get(name) is not None
        for name in ("reference_img", "reference_txt", "reasoning_img")
    }
    if sample.group == "logical_reasoning":
        if has["reference_txt"] or not has["reference_img"]:
            return _Shown("prompt_logical_cons_ans", "prompt_logical_txt")
        unasked = sample.facts.get("reasoning_wo_ins") is not None
        text = "prompt_logical_img_wo_q" if unasked else "prompt_logical_img"
        return _Shown("prompt_logical_cons", text, reference=True, pair=True)
    if sample.group == "spatial_reasoning":
        cons, qual = "prompt_spatial_cons", "prompt_spatial_qual"
        if has["reference_img"]:
            return _Shown(cons, "prompt_spatial_ref_img", qual, reference=True, pair=True)
        if has["reasoning_img"]:
            return _Shown(cons, "prompt_spatial_ref_w_input", qual, pair=True)
        return _Shown(cons, "prompt_spatial_ref", qual)
    if has["reasoning_img"]:
        return _Shown("prompt_consist", "prompt_reasoning_w_input", "prompt_generation", pair=True)
    return _Shown("prompt_consist", "prompt_reasoning", "prompt_generation")


def _shrunk(picture: Picture) -> Picture:
    longest = max(picture.width, picture.height)
    if longest <= _SIDE:
        return picture
    scale = _SIDE / longest
    return fitted(picture, max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
