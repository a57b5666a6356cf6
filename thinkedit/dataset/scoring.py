"""The judge over the images of a trajectory: each against the instruction T_s, never against a prompt.

Answers are kept as they come (`RecordedJudge`), so none is paid for twice. What cannot be scored is said
with its reason and never guessed.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio.to_thread import run_sync
from pydantic import Field

from thinkedit.adapters.base import Checkable, Judge, JudgeRequest
from thinkedit.adapters.judges.recorded import RecordedJudge
from thinkedit.adapters.models import Models
from thinkedit.dataset.folder import read_picture, workshop
from thinkedit.dataset.records import Judged, ScoredTrajectory, Scores, Trajectory, sha_of
from thinkedit.errors import AnswerError, ImageError, StoreError, ThinkEditError
from thinkedit.graph.together import each
from thinkedit.images import Picture
from thinkedit.types import CritiqueState, Judgement
from thinkedit.types.words import Frozen

__all__ = ["ScoreSettings", "Scorer", "open_scorer", "score_batch", "scores_of"]

_LONGEST_BACKOFF = 30.0


class ScoreSettings(Frozen):
    """How images are scored; plain values, so that it can be sent to another process.

    folder, models, at_once: as in GenerateSettings (at_once counts trajectories). judge: its name.
    timeout: seconds that one answer may take. retries: times that a judge is asked again which fails or
    whose answer cannot be read; backoff: seconds before the first of them, doubled each time.
    work: the name of this process's file of answers, below the folder's `work/`.
    """

    folder: Path
    judge: str
    timeout: float = Field(300, gt=0)
    retries: int = Field(2, ge=0, le=10)
    backoff: float = Field(0.5, ge=0, le=60)
    models: dict[str, dict[str, Any]] = Field(default_factory=dict, repr=False)
    at_once: int = Field(8, ge=1, le=256)
    work: str = "judge.jsonl"

    @property
    def told(self) -> dict[str, Any]:
        """What decides the outcome, for the manifest."""
        return self.model_dump(mode="json", exclude={"folder", "models", "at_once", "work"})


class Scorer:
    """An open judge that scores trajectories; see `open_scorer`. asked, reused: calls so far."""

    def __init__(self, judge: RecordedJudge, settings: ScoreSettings) -> None:
        self._judge = judge
        self._settings = settings

    @property
    def asked(self) -> int:
        return self._judge.asked

    @property
    def reused(self) -> int:
        return self._judge.reused

    async def one(self, trajectory: Trajectory) -> ScoredTrajectory:
        """The trajectory with a score, or the reason why there is none, for each image.

        Raises StoreError where an answer cannot be kept.
        """
        folder = self._settings.folder
        shown = [(step.t, step.image) for step in trajectory.steps if step.image is not None]
        judged: list[Judged] = []
        source: Picture | ImageError | None = None
        for t, image in shown:
            try:
                if source is None:
                    source = await run_sync(read_picture, folder, trajectory.source, trajectory.source_id)
                edited = await run_sync(read_picture, folder, image, sha_of(image))
            except ImageError as error:
                judged.append(Judged(t=t, error=f"unreadable image: {error}"))
                continue
            assert isinstance(source, Picture)
            judged.append(await self._judged(t, JudgeRequest(source, edited, trajectory.instruction)))
        told = trajectory.model_dump() | {"judge": self._judge.identity, "judged": judged}
        return ScoredTrajectory.model_validate(told)

    async def _judged(self, t: int, request: JudgeRequest) -> Judged:
        """The scores, after as many tries as there may be."""
        settings, why = self._settings, ""
        for attempt in range(settings.retries + 1):
            if attempt:
                await anyio.sleep(min(settings.backoff * 2 ** (attempt - 1), _LONGEST_BACKOFF))
            try:
                with anyio.fail_after(settings.timeout):
                    judgement = await self._judge.judge(request)
                return Judged(t=t, scores=scores_of(judgement))
            except TimeoutError:
                why = f"late: no answer within {settings.timeout:g} s"
            except StoreError:
                raise
            except ThinkEditError as error:
                kind = "unreadable answer" if isinstance(error, AnswerError) else "no answer"
                why = f"{kind}: {error}"
                if not error.retryable:
                    break
            except Exception as error:  # a judge's own, which its contract does not name
                why = f"fault of the judge: {type(error).__name__}: {error}"
        return Judged(t=t, error=" ".join(why.split()))


class _Sure:
    """A judge whose judgements have scores: any other is an error, which is not kept and is asked again."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.identity = judge.identity

    async def judge(self, request: JudgeRequest) -> Judgement:
        judgement = await self._judge.judge(request)
        scores_of(judgement)
        return judgement


def scores_of(judgement: Judgement) -> Scores:
    """Raises AnswerError where a score is missing or is none."""
    semantic, quality = judgement.semantic, judgement.quality
    raw = "\n".join(judgement.raw)
    if judgement.state is not CritiqueState.SCORED or semantic is None or quality is None:
        raise AnswerError(f"the judge gave no scores: {judgement.error or judgement.state.value}", raw)
    if not (0 <= semantic <= 10 and 0 <= quality <= 10):  # nor is NaN between them
        raise AnswerError(f"the judge gave no scores from 0 to 10: {semantic} and {quality}", raw)
    overall = math.sqrt(semantic * quality)
    return Scores(semantic=semantic, quality=quality, overall=round(overall, 4))


@asynccontextmanager
async def open_scorer(settings: ScoreSettings, judge: Judge | None = None) -> AsyncIterator[Scorer]:
    """A scorer over the settings' judge, seen to be there. judge: a ready one, where the caller has it."""
    folder = await run_sync(workshop, settings.folder)
    models = Models(settings.models, judges={settings.judge: judge} if judge is not None else None)
    try:
        chosen = models.judge(settings.judge)
        if isinstance(chosen, Checkable):
            await chosen.check()
        recorded = await run_sync(RecordedJudge, _Sure(chosen), folder / settings.work)
        with recorded:
            yield Scorer(recorded, settings)
    finally:
        with anyio.CancelScope(shield=True):
            await models.aclose()


async def score_batch(
    trajectories: Sequence[Trajectory], settings: ScoreSettings, judge: Judge | None = None
) -> list[ScoredTrajectory]:
    """A scored trajectory for each, in order; may be killed and called again. Errors as `Scorer.one`.

    Two processes that may be at it at the same time need different `settings.work`.
    """
    made: list[ScoredTrajectory | None] = [None] * len(trajectories)
    async with open_scorer(settings, judge) as scorer:

        async def one(place: int) -> None:
            made[place] = await scorer.one(trajectories[place])

        await each(range(len(trajectories)), one, at_once=settings.at_once)
    return [trajectory for trajectory in made if trajectory is not None]
