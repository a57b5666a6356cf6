"""Real editing feedback: what an editor makes of the thinker's prompts, and what a judge says of that.

Many edits and judgements are under way at once, each in its own slot and with its own time limit, and an
image goes to the judge as soon as it is made. Nothing that a model does ends a run: what fails is counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal

from thinkedit.adapters.base import Checkable, EditRequest, JudgeRequest
from thinkedit.adapters.models import Models
from thinkedit.errors import SettingsError
from thinkedit.images import Picture
from thinkedit.training.feedback_cache import FeedbackCache
from thinkedit.training.feedback_calls import Failed, FeedbackCalls, FeedbackConfig
from thinkedit.training.feedback_pictures import SetPictures
from thinkedit.training.next_step import Kind, Step
from thinkedit.training.rewards import Scores

__all__ = ["Attempt", "EditFeedback", "FeedbackConfig", "Outcome"]

log = logging.getLogger("thinkedit")


@dataclass(frozen=True)
class Attempt:
    """One answer to try; `step` is what the loop would do upon it (`next_step`).

    source, shown: pictures, or files that are read when they are needed. before: the judge's scores of the
    shown image; where they are None, the judge is asked for those of `shown`. seed: None for the
    configuration's.
    """

    step: Step
    source: Picture | Path
    instruction: str
    before: Scores | None = None
    shown: Picture | Path | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt.

    before, after: scores of the shown and of the new image; `after` only where kind is `judged`.
    image: the new one; None also where its scores were known and it is no longer at hand.
    error: one line where something failed.
    """

    kind: Kind
    prompt: str = ""
    before: Scores | None = None
    after: Scores | None = None
    image: Picture | None = field(default=None, repr=False)
    error: str = ""


class EditFeedback:
    """Editor and judge over a whole training run, in a thread with an event loop of their own.

        with EditFeedback("provingground:weak", "provingground") as feedback:
            feedback.check()
            outcomes = feedback.run(attempts)

    So it works under a trainer without an event loop, with one, or with several, and clients of model servers
    stay bound to one loop. `run` blocks its caller; `arun` is awaited in any asyncio loop. Batches at once
    share the slots.

    editor, judge: names, looked up in `models`, which is closed with this. cache: a file to begin with and to
    add to, one for each process: answers that come again, as when a run is resumed, then cost nothing.
    counts: of attempts so far by `Kind`. Raises SettingsError on entry for unknown names, InputError where
    the cache is something else.
    """

    def __init__(
        self,
        editor: str,
        judge: str,
        config: FeedbackConfig | None = None,
        *,
        models: Models | None = None,
        cache: Path | None = None,
    ) -> None:
        self.config = config or FeedbackConfig()
        self.counts: Counter[Kind] = Counter()
        self._names = editor, judge
        self._models = models or Models()
        self._path = cache
        self._open: tuple[AbstractContextManager[BlockingPortal], BlockingPortal] | None = None
        self._calls: FeedbackCalls | None = None
        self._scopes: dict[object, anyio.CancelScope] = {}

    def __enter__(self) -> Self:
        cache = FeedbackCache(self._path)
        running = start_blocking_portal(name="thinkedit-feedback")
        self._open = running, running.__enter__()
        self._cache = cache
        try:
            self._portal.call(self._made)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what is under way, then close models, cache and thread. A second time does nothing."""
        if self._open is None:
            return
        running, portal = self._open
        self._open = None
        try:
            portal.call(self._end)
        finally:
            running.__exit__(None, None, None)
            self._cache.close()

    @property
    def seeded(self) -> bool:
        """Whether the editor makes another image of a prompt with another seed."""
        return bool(getattr(self._models_called.editor, "seeded", True))

    @property
    def calls(self) -> Counter[str]:
        """`edits` and `judgements` made so far, retries included, and `reused`, what the cache knew."""
        return self._models_called.made

    def check(self) -> None:
        """See that editor and judge are there. Raises EditorFailed, ThinkerFailed or SettingsError."""
        self._portal.call(self._check)

    def run(self, attempts: Sequence[Attempt]) -> list[Outcome]:
        """One outcome for each attempt, in their order. Raises nothing that comes of editor or judge."""
        portal, batch = self._portal, object()
        try:
            return portal.start_task_soon(self._batch, attempts, batch).result()
        except Exception:
            raise
        except BaseException:  # Ctrl-C in the trainer's thread, perhaps before there is a future to cancel
            portal.call(self._leave, batch)
            raise

    async def arun(self, attempts: Sequence[Attempt]) -> list[Outcome]:
        """As `run`, for a caller in an asyncio loop; cancelling it ends its calls."""
        future: Future[list[Outcome]] = self._portal.start_task_soon(self._batch, attempts, object())
        return await asyncio.wrap_future(future)

    @property
    def _portal(self) -> BlockingPortal:
        if self._open is None:
            raise SettingsError("the edit feedback is not open: use it inside `with EditFeedback(...)`")
        return self._open[1]

    @property
    def _models_called(self) -> FeedbackCalls:
        if self._calls is None:
            raise SettingsError("the edit feedback was never opened: use it inside `with EditFeedback(...)`")
        return self._calls

    async def _made(self) -> None:
        editor, judge = (self._models.editor(self._names[0]), self._models.judge(self._names[1]))
        self._calls = FeedbackCalls(editor, judge, self.config, self._cache)
        self._pictures = SetPictures()

    async def _check(self) -> None:
        for model in (self._models_called.editor, self._models_called.judge):
            if isinstance(model, Checkable):
                await model.check()

    async def _end(self) -> None:
        for scope in self._scopes.values():
            scope.cancel()
        await self._models.aclose()

    def _leave(self, batch: object) -> None:
        if batch in self._scopes:
            self._scopes[batch].cancel()

    async def _batch(self, attempts: Sequence[Attempt], batch: object) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        places: dict[object, list[int]] = {}  # what a batch holds several times is tried once
        for place, attempt in enumerate(attempts):
            places.setdefault(_content(attempt), []).append(place)

        async def one(same: list[int]) -> None:
            outcome = await self._one(attempts[same[0]])
            outcomes.update(dict.fromkeys(same, outcome))

        with anyio.CancelScope() as scope:
            self._scopes[batch] = scope
            try:
                async with anyio.create_task_group() as tasks:
                    for same in places.values():
                        tasks.start_soon(one, same)
            finally:
                del self._scopes[batch]
        if len(outcomes) < len(attempts):
            raise SettingsError("the edit feedback was closed while a batch was under way")
        made = [outcomes[place] for place in range(len(attempts))]
        self.counts.update(outcome.kind for outcome in made)
        failed = [outcome for outcome in made if outcome.kind.failed]
        if failed:
            log.warning(
                "%d of %d answers have no edit reward; one: %s", len(failed), len(made), failed[0].error
            )
        return made

    async def _one(self, attempt: Attempt) -> Outcome:
        step, calls, pictures = attempt.step, self._models_called, self._pictures
        outcome = Outcome(Kind.JUDGED, step.prompt, attempt.before)
        try:
            if attempt.before is None and attempt.shown is not None:
                source, shown = await pictures.get(attempt.source), await pictures.get(attempt.shown)
                asked = JudgeRequest(source, shown, attempt.instruction)
                outcome = replace(outcome, before=await calls.scores(asked))
            if step.kind is not None:
                return replace(outcome, kind=step.kind)
            if outcome.before is None:
                raise Failed(Kind.NO_BEFORE, "there is neither a score of the shown image nor the image")
            source = await pictures.get(attempt.source)
            seed = self.config.seed_of(source, attempt.instruction) if attempt.seed is None else attempt.seed
            request = EditRequest(source, step.prompt, seed + step.later)
            after, image = await calls.gained(request, attempt.instruction)
            return replace(outcome, after=after, image=image)
        except Failed as failed:
            return replace(outcome, kind=step.kind or failed.kind, error=str(failed))


def _content(attempt: Attempt) -> tuple[object, ...]:
    """What decides the outcome of an attempt."""
    images = [
        image.sha256 if isinstance(image, Picture) else image for image in (attempt.source, attempt.shown)
    ]
    return (attempt.step, *images, attempt.instruction, attempt.before, attempt.seed)
