"""When to stop and which turn to return: pure functions over turn records."""

from __future__ import annotations

from collections.abc import Sequence

from thinkedit.ledger import Spent
from thinkedit.types import CandidateRecord, CritiqueState, LoopSettings, Mode, StopReason, TurnRecord

__all__ = ["best_candidate", "best_turn", "decide", "next_seed", "repeats_itself", "why_selected"]


def decide(
    records: Sequence[TurnRecord], settings: LoopSettings, spent: Spent, first: int = 1
) -> StopReason | None:
    """Why to stop after the last of `records`, or None to go on.

    first: the first turn of this leg, from which patience counts.
    """
    last = records[-1]
    if last.critique is not None:
        if last.critique.state is not CritiqueState.SCORED:
            return StopReason.THINKER_FAILED
        if last.image is not None and last.critique.satisfied(settings.threshold):
            return StopReason.SATISFIED
    # Mode `before` has one edit; what a caller asks for after that is up to the caller.
    if len(records) >= settings.turns or (settings.mode is Mode.BEFORE and first == 1):
        return StopReason.MAX_TURNS
    if settings.budget_seconds is not None and spent.seconds >= settings.budget_seconds:
        return StopReason.BUDGET
    if settings.budget_calls is not None and spent.calls >= settings.budget_calls:
        return StopReason.BUDGET
    if _no_gain(records, settings.patience, first):
        return StopReason.PLATEAU
    return None


def _no_gain(records: Sequence[TurnRecord], patience: int, first: int) -> bool:
    """Whether the last `patience` turns of this leg all failed to beat the best before them."""
    if len(records) <= patience or records[-1].turn - first + 1 < patience:
        return False
    scores = [_overall(record) for record in records]
    if all(score is None for score in scores):
        return False
    before = [score for score in scores[:-patience] if score is not None]
    recent = [score for score in scores[-patience:] if score is not None]
    return bool(before) and max(recent, default=-1.0) <= max(before)


def _overall(record: TurnRecord) -> float | None:
    if record.image is None or record.critique is None:
        return None
    if record.critique.state is not CritiqueState.SCORED:
        return None
    return record.critique.overall


def best_turn(records: Sequence[TurnRecord]) -> TurnRecord | None:
    """Highest overall, the earliest wins ties; without scores the last; None where no image exists."""
    scored = [(score, record) for record in records if (score := _overall(record)) is not None]
    if scored:
        top = max(score for score, _ in scored)
        return next(record for score, record in scored if score == top)
    judged = [r for r in records if r.image and r.critique and r.critique.state is CritiqueState.SCORED]
    unjudged = [r for r in records if r.image]
    ranked = judged or unjudged
    return ranked[-1] if ranked else None


def best_candidate(candidates: Sequence[CandidateRecord]) -> int | None:
    """Index of the best image of a turn by overall; the first wins ties; None where no image exists."""
    best: int | None = None
    for index, candidate in enumerate(candidates):
        if candidate.image is not None and (best is None or _rank(candidate) > _rank(candidates[best])):
            best = index
    return best


def _rank(candidate: CandidateRecord) -> tuple[int, float]:
    critique = candidate.critique
    if critique is None or critique.state is not CritiqueState.SCORED:
        return (0, 0.0)
    return (1 + critique.stop, critique.overall or 0.0)


def next_seed(base: int, prompt: str, records: Sequence[TurnRecord]) -> int:
    """The session's seed, one higher for each earlier turn with the same prompt."""
    return base + sum(record.prompt == prompt for record in records)


def repeats_itself(prompt: str, records: Sequence[TurnRecord], *, seeded: bool) -> bool:
    """Whether trying `prompt` again is no use.

    A seeded editor may try a prompt a second time, with the next seed; one that ignores seeds may not.
    """
    used = sum(record.prompt.strip() == prompt.strip() for record in records)
    return used >= (2 if seeded else 1)


def why_selected(selected: TurnRecord | None, records: Sequence[TurnRecord]) -> str:
    """One sentence on why this turn's image is returned."""
    if selected is None:
        return "No image was made."
    score = _overall(selected)
    with_image = sum(record.image is not None for record in records)
    scored = sum(_overall(record) is not None for record in records)
    if score is None:
        return f"Turn {selected.turn} is the last of {with_image} with an image; none was scored."
    shown = f"{round(score, 2):.1f}"  # rounded twice, as where the result's own number is shown
    if with_image == 1:
        return f"Turn {selected.turn} is the only one with an image (overall {shown})."
    if scored == 1:
        return f"Turn {selected.turn} is the only one of {with_image} with a score (overall {shown})."
    return f"Turn {selected.turn} has the highest overall score, {shown} of 10, of {scored} turns."
