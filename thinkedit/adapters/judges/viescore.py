"""Scores by VIEScore's two questions, put to any vision-language model."""

from __future__ import annotations

from thinkedit.adapters.base import JudgeRequest, Question, VisionModel
from thinkedit.adapters.protocol.viescore import AXES, parse_viescore, render_viescore
from thinkedit.errors import AnswerError
from thinkedit.types import Judgement, Usage

__all__ = ["judge_by_viescore"]


async def judge_by_viescore(model: VisionModel, request: JudgeRequest) -> Judgement:
    """semantic and quality are each the smaller of two numbers; overall is their geometric mean.

    Raises AnswerError with all answers so far where one cannot be read, and what the model raises.
    """
    scores: dict[str, float] = {}
    raw: list[str] = []
    reasons: list[str] = []
    usage: list[Usage | None] = []
    for axis in AXES:
        shown = (request.source, request.edited) if axis == "semantic" else (request.edited,)
        reply = await model.answer(Question((*shown, render_viescore(axis, request.instruction))))
        raw.append(reply.text)
        usage.append(reply.usage)
        try:
            numbers, reason = parse_viescore(reply.text)
        except AnswerError as error:
            raise AnswerError(f"{axis}: {error}", "\n".join(raw), Usage.total(usage)) from None
        scores[axis] = min(numbers)
        reasons.append(reason)
    return Judgement(
        **scores,
        reasoning="\n".join(reason for reason in reasons if reason),
        raw=tuple(raw),
        usage=Usage.total(usage),
    )
