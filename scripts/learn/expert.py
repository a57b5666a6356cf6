"""The expert of the data: the proving ground's own, who says what it sees before it says what is wrong."""

from __future__ import annotations

from learn.describing import described
from thinkedit.adapters.base import CritiqueRequest
from thinkedit.provingground.expert import ProvingGroundExpert
from thinkedit.types import Critique

__all__ = ["DescribingExpert"]


class DescribingExpert:
    """A perfect expert that reasons aloud, as the paper's does in many more words. Safe to share.

    The small world's expert gives its verdict in a few words ("The change is too weak."). A tiny model that
    is to write them at once has to see, compare and judge within one token, and learnt none of it; what it
    has written down about both pictures it can read.
    """

    identity = "provingground-expert(1, describing)/1"

    def __init__(self) -> None:
        self._expert = ProvingGroundExpert("1.0")

    async def critique(self, request: CritiqueRequest) -> Critique:
        """As `ProvingGroundExpert.critique`, with the description in front of the reason."""
        return self.think(request)

    def think(self, request: CritiqueRequest) -> Critique:
        """`critique` at once."""
        made = self._expert.think(request)
        seen = described(request.source, request.edited)
        return made.model_copy(update={"reasoning": f"{seen}. {made.reasoning}"})
