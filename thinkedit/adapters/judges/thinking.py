"""A thinker's scores as a judge's: a vision-language model in this process, or the measured one."""

from __future__ import annotations

from typing import Any

from thinkedit.adapters.base import Checkable, Closable, CritiqueRequest, JudgeRequest, Thinker
from thinkedit.adapters.registry import create_thinker
from thinkedit.errors import AnswerError, SettingsError
from thinkedit.types import CritiqueState, Judgement

__all__ = ["ThinkerJudge"]


class ThinkerJudge:
    """Scores as `model` does when it is a thinker, told the instruction and no prompt.

        ThinkerJudge("transformers:Qwen/Qwen3-VL-8B-Instruct")

    model: a kind of thinker, or a ready one. The other options are those of its class. A thinker that gives
    no scores, and the one that thinks in the same run, are no judges.
    """

    def __init__(self, model: str | Thinker, **options: Any) -> None:
        self.thinker = create_thinker(model, options) if isinstance(model, str) else model
        if getattr(self.thinker, "identity", "").startswith("host"):
            raise SettingsError("the judge 'thinker:host' would be the calling agent: name a model")
        self.identity = f"judge-{self.thinker.identity}"

    async def judge(self, request: JudgeRequest) -> Judgement:
        critique = await self.thinker.critique(
            CritiqueRequest(
                source=request.source,
                edited=request.edited,
                instruction=request.instruction,
                prompt=request.instruction,
                look=request.look,
            )
        )
        if critique.state is not CritiqueState.SCORED or critique.overall is None:
            raise AnswerError(f"{self.thinker.identity} gave no scores", critique.raw, critique.usage)
        return Judgement(
            semantic=critique.semantic,
            quality=critique.quality,
            reasoning=critique.reasoning,
            raw=(critique.raw,) if critique.raw else (),
            usage=critique.usage,
        )

    async def check(self) -> None:
        if isinstance(self.thinker, Checkable):
            await self.thinker.check()

    async def aclose(self) -> None:
        if isinstance(self.thinker, Closable):
            await self.thinker.aclose()
