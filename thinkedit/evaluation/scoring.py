"""The judge over the images of a run: bounded concurrency, every answer kept, failures recorded and counted.

Nothing is guessed: a call that failed or hung, and an answer that cannot be read, leave the score open with
the reason in `problem`. Failed calls are asked again by the next scoring; answers are never paid for twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio
from anyio.to_thread import run_sync

from thinkedit.adapters.base import JudgeRequest
from thinkedit.adapters.judges.recorded import RecordedJudge
from thinkedit.errors import (
    AnswerError,
    InputError,
    LedgerError,
    NotFoundError,
    SettingsError,
    StoreError,
    ThinkEditError,
)
from thinkedit.evaluation.base import Answer, Ask, Benchmark, Prompts
from thinkedit.evaluation.folder import RunFolder
from thinkedit.evaluation.records import Sample, SampleResult, TurnScore
from thinkedit.graph.together import each
from thinkedit.images import Picture, load
from thinkedit.journal import read_lines, write_lines
from thinkedit.store import Store
from thinkedit.types import Judgement

__all__ = [
    "Answers",
    "Kept",
    "every_turn",
    "judge_turns",
    "read_answers",
    "score_turns",
    "selected_turn",
    "write_answers",
]

Answers = dict[tuple[str, int], dict[str, Answer]]
"""What the judge said, by (sample, turn) and the name of the ask."""

Turns = Callable[[SampleResult], Sequence[int]]


def selected_turn(result: SampleResult) -> Sequence[int]:
    """The turn whose image is the result; none where there is no image."""
    return () if result.selected is None else (result.selected,)


def every_turn(result: SampleResult) -> Sequence[int]:
    """All turns with an image."""
    return [turn.turn for turn in result.turns if turn.image is not None]


async def judge_turns(
    benchmark: Benchmark,
    samples: Sequence[Sample],
    results: Sequence[SampleResult],
    *,
    store: Store,
    judge: RecordedJudge,
    turns: Turns = selected_turn,
    prompts: Prompts | None = None,
    at_once: int = 8,
    timeout: float = 300.0,
    on_answer: Callable[[Sample, int, Mapping[str, Answer]], None] | None = None,
) -> Answers:
    """Ask the judge about the images of these turns, in the order of samples and turns.

    at_once: images whose calls are under way. timeout: seconds for one call. A call that fails, or takes
    longer, is an Answer with its problem. Raises SettingsError where the judge cannot answer such asks at
    all, StoreError where answers cannot be kept.
    """
    wording = prompts if prompts is not None else benchmark.prompts()
    by_id = {sample.id: sample for sample in samples}
    wanted = [
        (by_id[result.sample], result, turn)
        for result in results
        if result.sample in by_id
        for turn in turns(result)
    ]
    found: dict[tuple[str, int], dict[str, Answer]] = {}
    asker = _Asker(benchmark, store, judge, wording, timeout)

    async def one(asked: tuple[Sample, SampleResult, int]) -> None:
        sample, _, turn = asked
        found[sample.id, turn] = answers = await asker.answers(*asked)
        if on_answer is not None:
            on_answer(sample, turn, answers)

    await each(wanted, one, at_once=at_once)
    return {(sample.id, turn): found[sample.id, turn] for sample, _, turn in wanted}


def score_turns(
    benchmark: Benchmark,
    samples: Sequence[Sample],
    results: Sequence[SampleResult],
    answers: Mapping[tuple[str, int], Mapping[str, Answer]],
    *,
    compat: bool = False,
) -> list[TurnScore]:
    """The scores that the answers hold, in the order of samples and turns.

    A sample without a judged image has one line with turn 0 and the reason, so that all are accounted for.
    """
    by_sample: dict[str, list[int]] = {}
    for name, turn in answers:
        by_sample.setdefault(name, []).append(turn)
    ended = {result.sample: result for result in results}
    scores: list[TurnScore] = []
    for sample in samples:
        turns = sorted(by_sample.get(sample.id, ()))
        scores += [benchmark.score(sample, turn, answers[sample.id, turn], compat=compat) for turn in turns]
        if not turns:
            result = ended.get(sample.id)
            reason = "it was not run" if result is None else result.problem or "its image was not judged"
            scores.append(TurnScore(sample=sample.id, group=sample.group, turn=0, problem=reason))
    return scores


def write_answers(folder: RunFolder, judge: str, prompts: Prompts, answers: Answers) -> None:
    """Write `answers.jsonl`. judge: its identity. Raises StoreError."""

    def line(sample: str, turn: int, said: Mapping[str, Answer]) -> dict[str, Any]:
        told: dict[str, Any] = {"sample": sample, "turn": turn, "judge": judge}
        told["official_prompts"] = prompts.official
        told["answers"] = {name: _written(answer) for name, answer in said.items()}
        return told

    try:
        write_lines(folder.answers, (line(*key, said) for key, said in answers.items()))
    except OSError as error:
        raise StoreError(f"{folder.answers} cannot be written: {error.strerror or error}") from error


@dataclass(frozen=True)
class Kept:
    """What `answers.jsonl` holds. judge: who said it; official: whether by the official prompts."""

    judge: str
    official: bool
    answers: Answers


def read_answers(folder: RunFolder) -> Kept:
    """InputError where there are none yet, or with file and line where one cannot be read."""
    if not folder.answers.exists():
        raise InputError(
            f"{folder.path} has no {folder.answers.name}: give a judge, as in "
            f"`thinkedit evaluate score {folder.path} --judge chat:openai:gpt-4.1`"
        )
    judge, official, answers = "", False, Answers()
    try:
        for number, line in read_lines(folder.answers):
            try:
                if isinstance(line, ValueError):
                    raise line
                judge, official = str(line["judge"]), bool(line["official_prompts"])
                said = {name: _read(kept) for name, kept in line["answers"].items()}
                answers[str(line["sample"]), int(line["turn"])] = said
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise InputError(
                    f"{folder.answers}, line {number}: no judge's answers ({error}): score again with --judge"
                ) from error
    except OSError as error:
        raise InputError(f"{folder.answers} cannot be read: {error.strerror or error}") from error
    return Kept(judge, official, answers)


def _written(answer: Answer) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if answer.judgement is not None:
        told["judgement"] = answer.judgement.model_dump(mode="json")
    elif answer.text or answer.problem is None:
        told["text"] = answer.text
    if answer.problem is not None:
        told["problem"] = answer.problem
    return told


def _read(kept: Mapping[str, Any]) -> Answer:
    judged = kept.get("judgement")
    judgement = None if judged is None else Judgement.model_validate(judged)
    return Answer(str(kept.get("text", "")), judgement, kept.get("problem"))


class _Asker:
    """The asks of one image after another."""

    def __init__(
        self, benchmark: Benchmark, store: Store, judge: RecordedJudge, prompts: Prompts, timeout: float
    ) -> None:
        self.benchmark = benchmark
        self.store = store
        self.judge = judge
        self.prompts = prompts
        self.timeout = timeout

    async def answers(self, sample: Sample, result: SampleResult, turn: int) -> dict[str, Answer]:
        """Every ask of one image with its answer. One that has no answer does not keep the others back."""
        made = next((one for one in result.turns if one.turn == turn), None)
        if made is None or made.image is None:
            return {"image": Answer(problem=f"turn {turn} has no image")}
        try:
            asks = await run_sync(self._asks, sample, result, made.image)
        except ThinkEditError as error:
            return {"image": Answer(problem=_told(error))}
        return {name: await self._answer(ask) for name, ask in asks.items()}

    def _asks(self, sample: Sample, result: SampleResult, image: str) -> dict[str, Ask]:
        # The source as the loop saw it, so that a changed data folder changes no question.
        first = load(sample.images[0]).picture if result.source is None else self.store.get(result.source)
        pictures: list[Picture] = [first, *(load(path).picture for path in sample.images[1:])]
        return self.benchmark.asks(sample, pictures, self.store.get(image), self.prompts)

    async def _answer(self, ask: Ask) -> Answer:
        try:
            with anyio.fail_after(self.timeout):
                if isinstance(ask, JudgeRequest):
                    return Answer(judgement=await self.judge.judge(ask))
                return Answer(text=(await self.judge.answer(ask)).text)
        except (StoreError, LedgerError, SettingsError, NotFoundError):
            raise
        except TimeoutError:
            return Answer(problem=f"the judge gave no answer in {self.timeout:g} s")
        except AnswerError as error:
            return Answer(text=error.raw, problem=_told(error))
        except ThinkEditError as error:
            return Answer(problem=_told(error))


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
