"""One edit and one judgement: from the cache, or made in a slot, in time, and tried again a few times."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from anyio.to_thread import run_sync
from pydantic import Field

from thinkedit.adapters.base import Editor, EditRequest, Judge, JudgeRequest, Progress
from thinkedit.errors import AnswerError, EditError, EditRefused, ThinkEditError, UnsupportedEdit
from thinkedit.graph.answers import in_one_line, items_in
from thinkedit.graph.digests import digest_of_edit
from thinkedit.graph.patience import TooLate, in_time
from thinkedit.images import Picture
from thinkedit.training.feedback_cache import FeedbackCache, digest_of_judgement
from thinkedit.training.next_step import Kind
from thinkedit.training.rewards import Scores
from thinkedit.types import CritiqueState, Judgement
from thinkedit.types.words import Frozen

__all__ = ["Failed", "FeedbackCalls", "FeedbackConfig"]

log = logging.getLogger("thinkedit")

T = TypeVar("T")


class FeedbackConfig(Frozen):
    """[feedback]: how editor and judge are called, by each process that trains.

    edits_at_once, judgements_at_once: calls under way; as many as the servers behind them have slots for this
        process.
    edit_timeout, judge_timeout: seconds for one of them, begun anew whenever an editor tells of progress.
    retries: further tries of what failed and may go through later. What was late is not tried again.
    seed: of every edit whose row has none. None draws one for each source and instruction, which all answers
        to them share, so that they are compared like with like. With the seed that the data were made with,
        an editor repeats their accidents; and as RL takes the trajectories whose scores vary most, those are
        prompts that happened to fail.
    """

    edits_at_once: int = Field(8, ge=1, le=1024)
    judgements_at_once: int = Field(8, ge=1, le=1024)
    edit_timeout: float = Field(120.0, gt=0)
    judge_timeout: float = Field(120.0, gt=0)
    retries: int = Field(1, ge=0, le=10)
    seed: int | None = Field(None, ge=0, lt=2**31)

    def seed_of(self, source: Picture, instruction: str) -> int:
        """0 to 2**31 - 1."""
        if self.seed is not None:
            return self.seed
        told = f"{source.sha256} {instruction}".encode("utf-8", "surrogatepass")
        return int.from_bytes(hashlib.sha256(told).digest()[:4], "big") >> 1


class Failed(Exception):
    """kind: of the failure; the message is one line."""

    def __init__(self, kind: Kind, why: str) -> None:
        super().__init__(why)
        self.kind = kind


class FeedbackCalls:
    """An editor and a judge; made inside the event loop that it is used in.

    made: `edits` and `judgements`, retries included, and `reused`, what the cache knew.
    """

    def __init__(self, editor: Editor, judge: Judge, config: FeedbackConfig, cache: FeedbackCache) -> None:
        self.editor, self.judge = editor, judge
        self.made: Counter[str] = Counter(edits=0, judgements=0, reused=0)
        self._config, self._cache = config, cache
        self._edit_slots = anyio.CapacityLimiter(config.edits_at_once)
        self._judge_slots = anyio.CapacityLimiter(config.judgements_at_once)

    async def gained(self, request: EditRequest, instruction: str) -> tuple[Scores, Picture | None]:
        """Scores of the image that the request makes, and the image unless only its scores are still known.

        Raises Failed.
        """
        key = digest_of_edit(self.editor.identity, request)
        name, image = self._cache.edited(key) or ("", None)
        if name:
            judged = digest_of_judgement(self.judge.identity, request.source.sha256, name, instruction)
            if (scores := self._cache.scores(judged)) is not None:
                self.made["reused"] += 1
                return scores, image
        if image is None:
            image = await self._edited(request)
            # In a thread, so that slots of edits that end at once are taken again before all are hashed.
            await run_sync(getattr, image, "sha256")
            self._cache.keep_edit(key, image)
        return await self.scores(JudgeRequest(request.source, image, instruction)), image

    async def scores(self, request: JudgeRequest) -> Scores:
        """The judge's. Raises Failed."""
        key = digest_of_judgement(
            self.judge.identity, request.source.sha256, request.edited.sha256, request.instruction
        )
        if (known := self._cache.scores(key)) is not None:
            self.made["reused"] += 1
            return known

        async def ask(_: Progress) -> Scores:
            self.made["judgements"] += 1
            return _scores_in(await self.judge.judge(request))

        limit = self._config.judge_timeout
        try:
            scores = await self._tried(self._judge_slots, limit, ask)
        except TooLate:
            raise Failed(Kind.JUDGE_LATE, f"the judge gave no scores within {limit:g} s") from None
        except AnswerError as error:
            raise Failed(Kind.JUDGE_UNREAD, str(error)) from error
        except Exception as error:
            raise Failed(Kind.JUDGE_FAILED, self._said("judge", error)) from error
        self._cache.keep_scores(key, scores)
        return scores

    async def _edited(self, request: EditRequest) -> Picture:
        async def ask(progress: Progress) -> Picture:
            self.made["edits"] += 1
            [item] = items_in(await self.editor.edit([request], progress), 1)
            if isinstance(item, EditError):
                raise item
            return item.picture

        limit = self._config.edit_timeout
        try:
            return await self._tried(self._edit_slots, limit, ask)
        except TooLate:
            raise Failed(Kind.EDIT_LATE, f"the editor gave no image within {limit:g} s") from None
        except (UnsupportedEdit, EditRefused) as error:
            raise Failed(Kind.REFUSED, str(error)) from error
        except Exception as error:
            raise Failed(Kind.EDIT_FAILED, self._said("editor", error)) from error

    async def _tried(
        self, slots: anyio.CapacityLimiter, limit: float, ask: Callable[[Progress], Awaitable[T]]
    ) -> T:
        """Raises TooLate, and what the last try raised. Time spent in wait of a slot does not count."""
        left = self._config.retries
        while True:
            try:
                async with slots:
                    return await in_time(limit, ask)
            except ThinkEditError as error:
                if not error.retryable or left == 0:
                    raise
                left -= 1

    def _said(self, who: str, error: Exception) -> str:
        if isinstance(error, ThinkEditError):
            return " ".join(str(error).split())
        log.error("the %s raised an error that its contract does not name", who, exc_info=error)
        return in_one_line(error)


def _scores_in(answer: object) -> Scores:
    """Raises AnswerError where it is no judgement with two scores from 0 to 10."""
    if not isinstance(answer, Judgement):
        raise AnswerError(f"the judge answered with {type(answer).__name__}, not a Judgement")
    semantic, quality = answer.semantic, answer.quality
    if answer.state is not CritiqueState.SCORED or semantic is None or quality is None:
        raise AnswerError(f"the judge gave no scores: {answer.error or answer.state.value}")
    if not (0 <= semantic <= 10 and 0 <= quality <= 10):  # nor is NaN between them
        raise AnswerError(f"the judge gave no scores from 0 to 10: {semantic} and {quality}")
    return Scores(semantic, quality)
