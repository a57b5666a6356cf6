"""ImgEdit-Bench, Basic suite (arXiv 2505.20275): nine kinds of edit, one judge call for each image."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from thinkedit.adapters.base import Question
from thinkedit.errors import InputError, StoreError
from thinkedit.evaluation.base import ALL, Answer, Ask, Layout, Loaded, Places, Point, Prompts, Row, row
from thinkedit.evaluation.benchmarks.imgedit.prompts import OWN
from thinkedit.evaluation.benchmarks.imgedit.reading import COUNTS, DIMENSIONS, published, read
from thinkedit.evaluation.benchmarks.reading import (
    counted,
    find,
    image_root,
    official_prompts,
    read_json,
    relative,
)
from thinkedit.evaluation.records import Sample, TurnScore
from thinkedit.images import Picture
from thinkedit.journal import replace_file

__all__ = ["ImgEdit"]

_FOLDERS = ("", "Basic/", "singleturn/", "Benchmark/Basic/", "Benchmark/singleturn/")
_FILES = ("basic_edit.json", "singleturn.json")
_SOURCE = "Benchmark.tar of https://huggingface.co/datasets/sysuyy/ImgEdit"


class ImgEdit:
    """overall: the mean of three scores, 1-5, rounded to two decimals as the official scorer does."""

    name = "imgedit"
    title = "ImgEdit-Bench"
    scale = (1.0, 5.0)
    headline = (ALL, "overall")
    judges: Literal["rubric"] = "rubric"

    def load(self, data: Path, work: Path | None = None) -> Loaded:
        """From `basic_edit.json` or `singleturn.json` and the pictures beside it."""
        file = find(data, [folder + name for folder in _FOLDERS for name in _FILES])
        if file is None:
            raise InputError(
                f"{data} has no {' or '.join(_FILES)}: unpack {_SOURCE} there "
                "(the list alone is also in github.com/PKU-YuanGroup/ImgEdit, Benchmark/Basic)"
            )
        problems: list[str] = []
        records = read_json(file, problems)
        if not isinstance(records, dict):
            raise InputError(f"{file} is no list of edits by key: get it again, from {_SOURCE}")
        good = {key: record for key, record in records.items() if _usable(file, key, record, problems)}
        roots = [file.parent, *(data / folder for folder in _FOLDERS), data / "images"]
        root = image_root(roots, [record["id"] for record in good.values()])
        samples = tuple(
            Sample(
                id=key,
                group=record["edit_type"],
                instruction=record["prompt"],
                images=(root / record["id"],),
                facts={"image": record["id"]},
            )
            for key, record in good.items()
        )
        found = Counter(sample.group for sample in samples)
        return Loaded(samples, tuple(problems), tuple(counted(self.title, found, COUNTS)))

    def places(self, sample: Sample, layout: Layout = "official") -> Places:
        return Places(f"{'gen_image/' if layout == 'editthinker' else ''}{sample.id}.png")

    def prompts(self, folder: Path | None = None) -> Prompts:
        if folder is None:
            return Prompts(OWN)
        names = [at + name for at in _FOLDERS for name in ("prompts.json", "judge_prompt.json")]
        return official_prompts(
            folder, names, DIMENSIONS, "github.com/PKU-YuanGroup/ImgEdit, Benchmark/Basic"
        )

    def asks(
        self, sample: Sample, pictures: Sequence[Picture], edited: Picture, prompts: Prompts
    ) -> dict[str, Ask]:
        text = prompts.texts[sample.group].replace("<edit_prompt>", sample.instruction)
        return {"rubric": Question((text, pictures[0], edited))}

    def score(
        self, sample: Sample, turn: int, answers: Mapping[str, Answer], *, compat: bool = False
    ) -> TurnScore:
        """Documented: three scores by name, 1-5, the second and third at most the first.

        compat: every line "text: digits", their mean however many there are.
        """
        made = TurnScore(sample=sample.id, group=sample.group, turn=turn)
        answer = next(iter(answers.values()), Answer(problem="the judge was not asked"))
        if answer.problem is not None:
            return made.model_copy(update={"problem": answer.problem})
        try:
            if compat:
                scores = published(answer.text)
                values = {name: float(score) for name, score in scores}
                numbers = [score for _, score in scores]
            else:
                values = read(answer.text, sample.group)
                numbers = [int(value) for value in values.values()]
        except ValueError as error:
            return made.model_copy(update={"problem": str(error)})
        return made.model_copy(update={"values": values, "overall": round(sum(numbers) / len(numbers), 2)})

    def summary(
        self, samples: Sequence[Sample], scores: Sequence[TurnScore], *, compat: bool = False
    ) -> list[Row]:
        """The mean of each kind of edit, over all samples (as EditThinker does) and over kinds (macro)."""
        read = [score for score in scores if score.overall is not None]
        points = [Point(score.sample, score.overall or 0.0, score.group) for score in read]
        plain = [Point(point.sample, point.value) for point in points]
        groups = dict.fromkeys((*DIMENSIONS, *(score.group for score in read)))
        rows = [
            row(group, "score", [p for p, s in zip(plain, read, strict=True) if s.group == group], digits=2)
            for group in groups
        ]
        return [*rows, row(ALL, "overall", plain, digits=2), row(ALL, "macro", points, digits=2)]

    def write_official(
        self,
        folder: Path,
        samples: Sequence[Sample],
        answers: Mapping[str, Mapping[str, Answer]],
        scores: Sequence[TurnScore],
        *,
        model: str,
    ) -> list[Path]:
        """result.json, average_score.json, typescore.json; failed calls, which crash step 1, are left out."""
        texts = {
            sample.id: answer.text
            for sample in samples
            for answer in answers.get(sample.id, {}).values()
            if answer.problem is None
        }
        averages = {score.sample: score.overall for score in scores if score.overall is not None}
        rows = self.summary(samples, scores)
        types = {r.group: r.mean for r in rows if r.group != ALL and r.mean is not None}
        types |= {
            r.metric: r.mean for r in rows if (r.group, r.metric) == self.headline and r.mean is not None
        }
        files: dict[str, Any] = {
            "result.json": texts,
            "average_score.json": averages,
            "typescore.json": types,
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, value in files.items():
                replace_file(folder / name, [json.dumps(value, indent=2, ensure_ascii=False), "\n"])
        except OSError as error:
            raise StoreError(f"{folder} cannot be written: {error.strerror or error}") from error
        return [folder / name for name in files]


def _usable(file: Path, key: str, record: object, problems: list[str]) -> bool:
    told = None
    if not isinstance(record, dict):
        told = "it is no record"
    elif relative(record.get("id")) is None:
        told = f"its id {record.get('id')!r} is no path of a picture"
    elif not isinstance(record.get("prompt"), str) or not record["prompt"].strip():
        told = "it has no prompt"
    elif record.get("edit_type") not in DIMENSIONS:
        told = f"its edit_type {record.get('edit_type')!r} is none of {', '.join(DIMENSIONS)}"
    elif relative(key) is None or "/" in key:
        told = "its key cannot name a file"
    if told is not None:
        problems.append(f"{file}, {key!r}: {told}")
    return told is None
