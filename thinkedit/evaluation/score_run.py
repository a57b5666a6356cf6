"""A whole run before the judge: answers, scores and the official result files, written into its folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anyio.to_thread import run_sync

from thinkedit.adapters.base import Checkable, Judge, VisionModel
from thinkedit.adapters.judges.recorded import RecordedJudge
from thinkedit.errors import InputError, SettingsError
from thinkedit.evaluation.base import Answer, Benchmark, Row
from thinkedit.evaluation.folder import RunFolder
from thinkedit.evaluation.records import Sample, SampleResult, TurnScore
from thinkedit.evaluation.scoring import (
    Answers,
    Turns,
    judge_turns,
    read_answers,
    score_turns,
    selected_turn,
    write_answers,
)

__all__ = ["Scored", "check_judge", "of_results", "score_run"]


@dataclass(frozen=True)
class Scored:
    """What scoring came to.

    scores: of all judged turns, and a line with turn 0 for each sample without one. rows: the official
    aggregation over the selected turns. judge: its identity; official: whether the official prompts were
    used, without which nothing is comparable with published numbers. asked, reused: calls made now, and
    answers that were there already. failed: calls without an answer. unread: judged images without a score.
    written: the official result files.
    """

    scores: tuple[TurnScore, ...]
    rows: tuple[Row, ...]
    judge: str
    official: bool
    asked: int = 0
    reused: int = 0
    failed: int = 0
    unread: int = 0
    written: tuple[Path, ...] = ()


def check_judge(benchmark: Benchmark, judge: object) -> None:
    """SettingsError where the judge cannot answer what the benchmark asks."""
    name = getattr(judge, "identity", type(judge).__qualname__)
    if benchmark.judges == "rubric" and not isinstance(judge, VisionModel):
        raise SettingsError(
            f"{benchmark.title} asks by rubrics, which {name} cannot answer: name a judge such as "
            "chat:openai:gpt-4.1"
        )
    if benchmark.judges == "scores" and not isinstance(judge, Judge):
        raise SettingsError(f"{benchmark.title} wants scores, which {name} does not give: name another judge")


async def score_run(
    benchmark: Benchmark,
    folder: RunFolder,
    *,
    judge: Judge | VisionModel | None = None,
    judge_prompts: Path | None = None,
    compat: bool = False,
    turns: Turns = selected_turn,
    at_once: int = 8,
    timeout: float = 300.0,
    on_answer: Callable[[Sample, int, Mapping[str, Answer]], None] | None = None,
) -> Scored:
    """Score what a run has made so far.

    judge: None scores the answers that the folder holds. judge_prompts: a folder with the official prompts.
    turns: which images of each sample are judged. The same call goes on after a kill; a judge's answer is
    in the folder before it is used.

    Raises InputError where there is no run or no answer, SettingsError for a judge that cannot do this,
    ThinkerError where it cannot be reached, StoreError where nothing can be written.
    """
    info = await run_sync(folder.info)
    if info.benchmark != benchmark.name:
        raise InputError(f"{folder.path} holds a run of {info.benchmark}, not of {benchmark.name}")
    samples = await run_sync(folder.read_samples)
    results = await run_sync(folder.read_results)
    asked = reused = 0
    if judge is None:
        kept = await run_sync(read_answers, folder)
        answers, named, official = kept.answers, kept.judge, kept.official
    else:
        check_judge(benchmark, judge)
        prompts = await run_sync(benchmark.prompts, judge_prompts)
        if isinstance(judge, Checkable):
            await judge.check()
        with await run_sync(RecordedJudge, judge, folder.judge) as recorded:
            answers = await judge_turns(
                benchmark,
                samples,
                results,
                store=folder.store,
                judge=recorded,
                turns=turns,
                prompts=prompts,
                at_once=at_once,
                timeout=timeout,
                on_answer=on_answer,
            )
        asked, reused = recorded.asked, recorded.reused
        named, official = judge.identity, prompts.official
        await run_sync(write_answers, folder, named, prompts, answers)
    scores = score_turns(benchmark, samples, results, answers, compat=compat)
    await run_sync(lambda: folder.write_scores(scores, compat=compat))
    chosen = of_results(results, scores)
    rows = benchmark.summary(samples, chosen, compat=compat)
    target = folder.path / ("official.compat" if compat else "official")
    by_sample = _selected_answers(results, answers)
    written = await run_sync(
        lambda: benchmark.write_official(target, samples, by_sample, chosen, model="images")
    )
    judged = [score for score in scores if score.turn > 0]
    return Scored(
        scores=tuple(scores),
        rows=tuple(rows),
        judge=named,
        official=official,
        asked=asked,
        reused=reused,
        failed=sum(said.problem is not None for of in answers.values() for said in of.values()),
        unread=sum(score.overall is None for score in judged),
        written=tuple(written),
    )


def of_results(results: Sequence[SampleResult], scores: Sequence[TurnScore]) -> list[TurnScore]:
    """One score for each sample that has one: that of its selected turn."""
    selected = {result.sample: result.selected for result in results}
    return [score for score in scores if score.turn > 0 and selected.get(score.sample) == score.turn]


def _selected_answers(results: Sequence[SampleResult], answers: Answers) -> dict[str, dict[str, Answer]]:
    return {
        result.sample: answers[result.sample, result.selected]
        for result in results
        if result.selected is not None and (result.sample, result.selected) in answers
    }
