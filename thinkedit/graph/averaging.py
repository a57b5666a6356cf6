"""One critique out of several of the same image."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from thinkedit.types import Critique, CritiqueState, Usage

__all__ = ["combined"]


def combined(looks: Sequence[Critique]) -> Critique:
    """The mean of several looks at one image.

    Scores are means; `stop` is what more than half of the looks say. The text is that of the look whose
    overall score is nearest to the mean's, among those that say the same about stopping. Looks that gave no
    critique are left out, and the reasoning says so; where none did, the first failure is the answer.
    usage is the sum over all looks.
    """
    if len(looks) == 1:
        return looks[0]
    usage = Usage.total(look.usage for look in looks)
    good = [look for look in looks if look.state is CritiqueState.SCORED]
    if not good:
        reasoning = f"none of {len(looks)} looks gave a critique; the first: {looks[0].reasoning}"
        return looks[0].model_copy(update={"reasoning": reasoning, "usage": usage})
    semantic = _mean([look.semantic for look in good])
    quality = _mean([look.quality for look in good])
    stop = sum(look.stop for look in good) * 2 > len(good)
    mean = Critique(semantic=semantic, quality=quality, stop=stop).overall
    agreeing = [look for look in good if look.stop is stop]
    speaker = min(agreeing, key=lambda look: _distance(look.overall, mean))
    left_out = len(looks) - len(good)
    note = f" ({left_out} of {len(looks)} looks gave no critique and are left out.)" if left_out else ""
    return speaker.model_copy(
        update={
            "semantic": semantic,
            "quality": quality,
            "stop": stop,
            "reasoning": speaker.reasoning + note,
            "usage": usage,
        }
    )


def _mean(values: Sequence[float | None]) -> float | None:
    """Of those that are there; None where none is."""
    there = [value for value in values if value is not None]
    return round(fmean(there), 6) if there else None


def _distance(overall: float | None, mean: float | None) -> float:
    """Looks without scores come last; of equally near ones the first is taken."""
    return abs(overall - mean) if overall is not None and mean is not None else float("inf")
