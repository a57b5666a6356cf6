"""What the loop would do upon an answer: make an edit, or none and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from thinkedit.training import rewards_as_coded as coded
from thinkedit.training.rewards import RewardConfig, Scores, read

__all__ = ["Kind", "Step", "next_step"]


class Kind(StrEnum):
    """What became of one answer.

    No edit is made: `unread` (the loop could not use it), `satisfied` (its scores end the loop), `repeated`
    (the prompt of the shown image, for an editor that would make the same image), `skipped` (`skip_above`).
    Through no fault of the answer: `no_source` (a picture that cannot be read), `edit_failed`, `edit_late`,
    `judge_failed`, `judge_unread`, `judge_late`, `no_before` (the shown image has no score).
    `refused` is an edit that the editor cannot or will not do; `judged` is all well.
    """

    JUDGED = "judged"
    UNREAD = "unread"
    SATISFIED = "satisfied"
    REPEATED = "repeated"
    SKIPPED = "skipped"
    REFUSED = "refused"
    NO_SOURCE = "no_source"
    EDIT_FAILED = "edit_failed"
    EDIT_LATE = "edit_late"
    JUDGE_FAILED = "judge_failed"
    JUDGE_UNREAD = "judge_unread"
    JUDGE_LATE = "judge_late"
    NO_BEFORE = "no_before"

    @property
    def failed(self) -> bool:
        """Whether a model or a file is to blame."""
        return self in _FAILED

    @property
    def stays(self) -> bool:
        """Whether the loop ends with the image that was shown, so that nothing is won or lost."""
        return self in (Kind.SATISFIED, Kind.REPEATED)


_FAILED = frozenset(
    (
        Kind.NO_SOURCE,
        Kind.EDIT_FAILED,
        Kind.EDIT_LATE,
        Kind.JUDGE_FAILED,
        Kind.JUDGE_UNREAD,
        Kind.JUDGE_LATE,
        Kind.NO_BEFORE,
    )
)


@dataclass(frozen=True)
class Step:
    """kind: why there is no edit, or None where one is to be made of `prompt`, `later` seeds on."""

    kind: Kind | None
    prompt: str = ""
    later: int = 0


def next_step(
    text: str,
    previous_prompt: str,
    shown: Scores | None,
    config: RewardConfig,
    *,
    threshold: float = 8.0,
    seeded: bool = True,
) -> Step:
    """What follows from an answer.

    previous_prompt: of the shown image. shown: the judge's scores of it, where they are known.
    seeded: whether the editor makes another image of the same prompt with another seed.

    As in the loop, scores of the thinker's own that both reach the threshold end it. A prompt that is
    repeated below the threshold is tried with the next seed, or ends the loop where that is no use. With
    `code-compat` every prompt that can be cut out of the answer is tried.
    """
    prompt, satisfied = coded.answer(text), False
    if not config.as_coded:
        critique = read(text)
        prompt = "" if critique is None else critique.next_prompt
        satisfied = critique is not None and critique.satisfied(threshold)
    if not prompt:
        return Step(Kind.UNREAD)
    if satisfied:
        return Step(Kind.SATISFIED, prompt)
    if config.skip_above is not None and shown is not None and shown.overall >= config.skip_above:
        return Step(Kind.SKIPPED, prompt)
    if config.as_coded or prompt != previous_prompt.strip():
        return Step(None, prompt)
    return Step(None, prompt, later=1) if seeded else Step(Kind.REPEATED, prompt)
