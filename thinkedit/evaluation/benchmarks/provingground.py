"""The proving ground as a benchmark: a simulation, in which the judge knows what is right.

Its samples are held-out scenes of the simulated world; no data folder is needed, since the same seed always
makes the same scenes. What a number here says about real editors is nothing; what it says about the loop, the
scoring and the statistics is that they do, or do not, what they are meant to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal

from thinkedit.adapters.base import JudgeRequest
from thinkedit.errors import InputError, StoreError
from thinkedit.evaluation.base import ALL, Answer, Ask, Layout, Loaded, Places, Point, Prompts, Row, row
from thinkedit.evaluation.records import Sample, TurnScore
from thinkedit.images import Picture
from thinkedit.journal import read_lines, write_lines
from thinkedit.provingground import samples as world_samples

__all__ = ["JUDGE", "ProvingGround", "write_scenes"]

JUDGE = "provingground"
"""The name of the judge that belongs to this benchmark."""

_FILE = "scenes.jsonl"
_METRICS = ("semantic", "quality")


class ProvingGround:
    """Semantic and quality 0-10 by the exact judge; overall is their geometric mean, averaged over scenes."""

    name = "provingground"
    title = "proving ground (a simulation)"
    scale = (0.0, 10.0)
    headline = (ALL, "overall")
    judges: Literal["rubric", "scores"] = "scores"

    def load(
        self, data: Path, work: Path | None = None, *, count: int = 50, first: int = 0, seed: int = 0
    ) -> Loaded:
        """The scenes that lie in `work` (by default in `data`); where there are none, they are made there.

        count, first, seed: which held-out scenes are made.
        """
        folder = data if work is None else work
        if (folder / _FILE).exists():
            return Loaded(tuple(_read(folder)))
        return Loaded(tuple(write_scenes(folder, count, first=first, seed=seed)))

    def places(self, sample: Sample, layout: Layout = "official") -> Places:
        return Places(f"{sample.group}/{sample.id}.png")

    def prompts(self, folder: Path | None = None) -> Prompts:
        """None: the judge decodes pixels."""
        if folder is not None:
            raise InputError(f"the proving ground's judge asks by no prompts: leave out {folder}")
        return Prompts({})

    def asks(
        self, sample: Sample, pictures: Sequence[Picture], edited: Picture, prompts: Prompts
    ) -> dict[str, Ask]:
        return {"scores": JudgeRequest(pictures[0], edited, sample.instruction)}

    def score(
        self, sample: Sample, turn: int, answers: Mapping[str, Answer], *, compat: bool = False
    ) -> TurnScore:
        """compat changes nothing: there is no published code of this."""
        problem = next((said.problem for said in answers.values() if said.problem is not None), None)
        judged = answers["scores"].judgement if "scores" in answers else None
        if judged is None or judged.semantic is None or judged.quality is None or judged.overall is None:
            told = problem or (judged.error if judged is not None else "") or "the judge gave no scores"
            return TurnScore(sample=sample.id, group=sample.group, turn=turn, problem=told)
        return TurnScore(
            sample=sample.id,
            group=sample.group,
            turn=turn,
            values={"semantic": judged.semantic, "quality": judged.quality},
            overall=judged.overall,
        )

    def summary(
        self, samples: Sequence[Sample], scores: Sequence[TurnScore], *, compat: bool = False
    ) -> list[Row]:
        """A row of each metric over all scenes, and one of `overall` for each task type."""
        known = {sample.id for sample in samples}
        kept = [one for one in scores if one.sample in known and one.overall is not None]
        rows = [
            row(ALL, metric, (Point(one.sample, one.values[metric]) for one in kept)) for metric in _METRICS
        ]
        rows.append(row(ALL, "overall", _overall(kept)))
        groups = sorted({sample.group for sample in samples})
        by_group = ((group, [one for one in kept if one.group == group]) for group in groups)
        return [*rows, *(row(group, "overall", _overall(found)) for group, found in by_group)]

    def write_official(
        self,
        folder: Path,
        samples: Sequence[Sample],
        answers: Mapping[str, Mapping[str, Answer]],
        scores: Sequence[TurnScore],
        *,
        model: str,
    ) -> list[Path]:
        """Nothing: nobody else scores this."""
        return []


def write_scenes(
    folder: Path,
    count: int,
    *,
    first: int = 0,
    seed: int = 0,
    split: Literal["train", "dev", "test"] = "test",
    world: Literal["full", "small"] = "full",
) -> list[Sample]:
    """Scenes first, first + 1 ... of a split as samples, their pictures in `folder`. StoreError.

    Files that are there with the same names are written again: they have the same bytes.
    """
    made = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for scene in islice(world_samples(split, first + count, seed, world), first, None):
            path = folder / f"{scene.id}.png"
            path.write_bytes(scene.picture.data)
            made.append(Sample(id=scene.id, group=scene.task, instruction=scene.instruction, images=(path,)))
        lines = ({**one.model_dump(mode="json"), "images": [one.images[0].name]} for one in made)
        write_lines(folder / _FILE, lines)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}") from error
    return made


def _read(folder: Path) -> list[Sample]:
    found = []
    for number, line in read_lines(folder / _FILE):
        try:
            if isinstance(line, ValueError):
                raise line
            found.append(
                Sample.model_validate({**line, "images": [folder / name for name in line["images"]]})
            )
        except (ValueError, TypeError, KeyError) as error:
            where = f"{folder / _FILE}, line {number}"
            first = str(error).splitlines()[0]
            raise InputError(f"{where}: no scene ({first}): delete the folder, it is made again") from error
    return found


def _overall(scores: Sequence[TurnScore]) -> list[Point]:
    return [Point(one.sample, one.overall) for one in scores if one.overall is not None]
