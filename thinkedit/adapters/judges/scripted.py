"""A judge without a model, for tests and measurements: its scores depend on the request alone."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence

from thinkedit.adapters.base import JudgeRequest, Question, Reply
from thinkedit.adapters.behaviour import Behaviour, Faults
from thinkedit.errors import SettingsError, ThinkerFailed
from thinkedit.images import Picture
from thinkedit.types import Judgement, Usage

__all__ = ["ScriptedJudge", "drawn"]

Answers = Sequence[str] | Callable[[Question], str]


def drawn(request: JudgeRequest) -> Judgement:
    """The default: scores from 0 to 10 in halves, drawn from the two pictures and the instruction."""
    told = f"{request.source.sha256} {request.edited.sha256} {request.instruction} {request.look}"
    bytes_ = hashlib.sha256(told.encode("utf-8", "surrogatepass")).digest()
    return Judgement(semantic=bytes_[0] % 21 / 2, quality=bytes_[1] % 21 / 2, reasoning="drawn by lot")


class ScriptedJudge:
    """Scores by a function of the request, and answers rubrics by a function of the question.

    scores: a judgement for each request; default `drawn`.
    answers: the text for each question, or a list of texts one of which is drawn by the question; default
        one JSON object that holds the keys of every benchmark's rubric.
    latency, slots, faults, log: see `Behaviour`. down: what `check` raises.
    """

    def __init__(
        self,
        scores: Callable[[JudgeRequest], Judgement] | None = None,
        answers: Answers | None = None,
        *,
        latency: float = 0.0,
        slots: int | None = None,
        faults: Faults[JudgeRequest | Question] | None = None,
        log: str | os.PathLike[str] | None = None,
        down: ThinkerFailed | None = None,
    ) -> None:
        if isinstance(answers, str) or (answers is not None and not callable(answers) and not answers):
            raise SettingsError("answers is empty or a bare string: give a list of answers")
        self.scores = drawn if scores is None else scores
        self.answers = answers
        self.behaviour: Behaviour[JudgeRequest | Question] = Behaviour(
            latency=latency, slots=slots, faults=faults, log=log
        )
        self.down = down
        self.closed = False
        told = getattr(self.scores, "__qualname__", type(self.scores).__qualname__)
        said = "" if answers is None else hashlib.sha256(repr(answers).encode()).hexdigest()[:12]
        self.identity = f"scripted-judge({told}{', ' if said else ''}{said})"

    @property
    def calls(self) -> int:
        """Calls so far, failed ones included."""
        return self.behaviour.calls

    async def judge(self, request: JudgeRequest) -> Judgement:
        told = f"{request.source.sha256}{request.edited.sha256}{request.instruction}{request.look}"
        async with self.behaviour.during(request, role="judge", digest=_digest(told)):
            return self.scores(request)

    async def answer(self, question: Question) -> Reply:
        digest = _digest("".join(part if isinstance(part, str) else part.sha256 for part in question.parts))
        async with self.behaviour.during(question, role="rubric", digest=digest):
            text = self._text(question, int(digest[:8], 16))
            pictures = sum(isinstance(part, Picture) for part in question.parts)
            return Reply(text, Usage(input_tokens=500 * pictures, output_tokens=len(text) // 4))

    def _text(self, question: Question, number: int) -> str:
        if callable(self.answers):
            return self.answers(question)
        if self.answers is not None:
            return self.answers[number % len(self.answers)]
        keys = ("consistency_score", "instruction_score", "quality_score", "knowledge_score")
        scores = {key: 1 + (number >> 3 * place) % 5 for place, key in enumerate(keys)}
        return json.dumps({"score": [number % 11, number // 11 % 11], **scores, "reasoning": "drawn by lot"})

    async def check(self) -> None:
        if self.down is not None:
            raise self.down.with_traceback(None)

    async def aclose(self) -> None:
        self.closed = True


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
