"""What an outside scorer says of an edited image; never the thinker of the same run."""

from __future__ import annotations

from thinkedit.types.words import CritiqueState, Frozen, Score, Usage, overall_score

__all__ = ["Judgement"]


class Judgement(Frozen):
    """Scores of one edited image against the instruction, 0-10 as VIEScore gives them.

    state: `scored` has both scores, the others have none and say why in `error`.
    semantic: was the instruction followed and the rest kept; quality: natural and free of artifacts.
    raw: the model's answers, unchanged, in the order in which it was asked.
    usage: tokens of all answers, where they are counted.
    """

    state: CritiqueState = CritiqueState.SCORED
    semantic: Score | None = None
    quality: Score | None = None
    reasoning: str = ""
    raw: tuple[str, ...] = ()
    usage: Usage | None = None
    error: str = ""

    @property
    def overall(self) -> float | None:
        """sqrt(semantic * quality), or None where there are no scores."""
        return overall_score(self.semantic, self.quality)
