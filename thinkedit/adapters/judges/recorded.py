"""A judge whose answers are kept in a file as they come, so that a killed run pays for none twice."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Self, TypeVar

import anyio
from anyio.to_thread import run_sync

from thinkedit.adapters.base import Closable, Judge, JudgeRequest, Question, Reply, VisionModel
from thinkedit.errors import InputError, SettingsError
from thinkedit.images import Picture
from thinkedit.journal import Journal, whole_lines
from thinkedit.types import Judgement, Usage

__all__ = ["RecordedJudge"]

T = TypeVar("T")


class RecordedJudge:
    """Passes on to `judge` what its file does not hold yet. One process at a time writes a file.

    The key of an answer is a digest of the judge's identity and of all that it is asked, pictures by their
    hashes. Failures are not kept: they are asked again. Equal questions at once are asked once.
    Raises InputError where the file holds something else, StoreError where it cannot be written.

    asked, reused: calls passed on and answers taken from the file so far.
    """

    def __init__(self, judge: Judge | VisionModel, path: Path) -> None:
        self.judge_model = judge
        self.identity = judge.identity
        self.asked = self.reused = 0
        try:
            lines = whole_lines(path)
            self._known: dict[str, dict[str, Any]] = {line["key"]: line["answer"] for line in lines}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path} does not hold a judge's answers ({error}): name another folder"
            ) from error
        self._journal = Journal(path)
        self._under_way: dict[str, anyio.Lock] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()

    async def judge(self, request: JudgeRequest) -> Judgement:
        """Errors as the judge's."""
        if not isinstance(self.judge_model, Judge):
            raise SettingsError(f"{self.identity} answers rubrics and gives no scores of its own")
        key = self._key("judge", request.source, request.edited, request.instruction, request.look)
        judge = self.judge_model
        kept = await self._answer(
            key, lambda: judge.judge(request), lambda made: made.model_dump(mode="json")
        )
        return Judgement.model_validate(kept)

    async def answer(self, question: Question) -> Reply:
        """Errors as the model's; SettingsError where the judge answers no rubrics."""
        if not isinstance(self.judge_model, VisionModel):
            raise SettingsError(
                f"{self.identity} answers no rubrics: name a judge such as chat:openai:gpt-4.1, or scripted"
            )
        model = self.judge_model
        kept = await self._answer(
            self._key("answer", *question.parts),
            lambda: model.answer(question),
            lambda made: {"text": made.text, "usage": made.usage and made.usage.model_dump()},
        )
        usage = kept["usage"]
        return Reply(kept["text"], None if usage is None else Usage.model_validate(usage))

    async def aclose(self) -> None:
        if isinstance(self.judge_model, Closable):
            await self.judge_model.aclose()

    async def _answer(
        self, key: str, ask: Callable[[], Awaitable[T]], written: Callable[[T], dict[str, Any]]
    ) -> dict[str, Any]:
        lock = self._under_way.setdefault(key, anyio.Lock())
        async with lock:
            if key not in self._known:
                self.asked += 1
                answer = written(await ask())
                with anyio.CancelScope(shield=True):  # it is paid for
                    await run_sync(
                        self._journal.append, {"key": key, "judge": self.identity, "answer": answer}
                    )
                self._known[key] = answer
            else:
                self.reused += 1
        self._under_way.pop(key, None)
        return self._known[key]

    def _key(self, role: str, *parts: str | int | Picture) -> str:
        state = hashlib.sha256(f"{role}\0{self.identity}\0".encode("utf-8", "surrogatepass"))
        for part in parts:
            told = f"#{part.sha256}" if isinstance(part, Picture) else f"={part}"
            state.update(f"{len(told)} {told}\0".encode("utf-8", "surrogatepass"))
        return state.hexdigest()
