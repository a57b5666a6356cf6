"""Runs made by hand, with texts and scores that a test sets, as a scored run's folder holds them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from thinkedit.evaluation.base import Prompts
from thinkedit.evaluation.folder import RunFolder, RunInfo, digest_of
from thinkedit.evaluation.reading import Run, read_run
from thinkedit.evaluation.records import Sample, SampleResult, TurnResult, TurnScore
from thinkedit.evaluation.scoring import write_answers
from thinkedit.images import Picture
from thinkedit.types import LoopSettings

HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)"> | `x` [a](b) \x07'


def picture(colour: int) -> Picture:
    return Picture.from_pixels(np.full((48, 64, 3), colour, np.uint8))


def made_run(
    path: Path,
    judged: Sequence[Sequence[float | None]],
    thought: Sequence[Sequence[float | None]] | None = None,
    *,
    benchmark: str = "provingground",
    groups: Sequence[str] = ("recolour", "remove"),
    text: str = "make it blue",
    official: bool = False,
    problems: Sequence[str | None] = (),
    **settings: object,
) -> Run:
    """A run in which sample i has a turn for each of judged[i], with the thinker's thought[i].

    None of judged: the judge's answer could not be read; None of thought: the thinker gave no score.
    """
    folder = RunFolder(path)
    chosen = LoopSettings(**{"turns": 4, "seed": 0, "editor": "e", "thinker": "t", **settings})  # type: ignore[arg-type]
    path.mkdir(parents=True)
    source = folder.store.put(picture(250))
    samples, results, scores = [], [], []
    for at, turned in enumerate(judged):
        group = groups[at % len(groups)]
        name = f"s{at:02}"
        samples.append(Sample(id=name, group=group, instruction=text, images=(Path("none.png"),)))
        mine = thought[at] if thought is not None else [None] * len(turned)
        turns = tuple(
            TurnResult(
                turn=number,
                prompt=f"{text} {number}",
                image=folder.store.put(picture(10 * at + number)),
                semantic=score,
                quality=score,
                reasoning=text,
            )
            for number, score in enumerate(mine, start=1)
        )
        there = [(score, -turn.turn) for turn in turns if (score := turn.overall) is not None]
        selected = -max(there)[1] if there else len(turns) or None
        problem = problems[at] if at < len(problems) else None
        results.append(
            SampleResult(
                sample=name,
                group=group,
                instruction=text,
                source=source,
                selected=selected,
                turns=turns,
                problem=problem,
            )
        )
        for number, value in enumerate(turned, start=1):
            names = ("SC", "PQ", "O") if benchmark == "gedit" else ("semantic", "quality")
            values = {} if value is None else dict.fromkeys(names, value)
            told = "no score in the answer" if value is None else None
            scores.append(
                TurnScore(sample=name, group=group, turn=number, values=values, overall=value, problem=told)
            )
    info = RunInfo(
        benchmark=benchmark,
        editor=f"{chosen.editor}/1",
        thinker=f"{chosen.thinker}/1",
        settings=chosen,
        samples=len(samples),
        digest=digest_of(samples),
        versions={"thinkedit": "1"},
    )
    folder.begin(info, samples)
    folder.write_results(results)
    folder.write_scores(scores)
    write_answers(folder, "the judge", Prompts({}, official), {("s00", 1): {}})
    return read_run(folder)
