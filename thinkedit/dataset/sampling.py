"""From the kept steps of a trajectory to what a thinker is to answer (paper, section 4): pure functions.

The input of step t is (I_src, I_t, T_s, T_t), its target (R_t, prompt of step t + 1). At the last step k,
the best image, the expert's next prompt led to something that did not score higher, so what is to be
answered there is a choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from thinkedit.adapters.protocol import MAX_PROMPT, render_critique
from thinkedit.adapters.protocol.tags import clean, without_surrogates
from thinkedit.errors import AnswerError
from thinkedit.types import Critique

__all__ = ["MARKER", "REASONS", "Taught", "Terminal", "score_bin", "target", "taught", "told_score"]

Terminal: TypeAlias = Literal["stop", "drop", "expert"]

MARKER = "<image>"
"""What stands for a picture in training data; a text with it would count as one more."""

_LONG_ENOUGH = 20
"""Characters; every word that means "no prompt" is shorter."""

REASONS = {
    "edited_is_source": "the editor gave the source back unchanged",
    "no_critique": "the expert gave no reason",
    "no_answer": "the expert gave no next prompt",
    "repeats_prompt": "the expert repeated a prompt that was not good enough, which would read as a stop",
    "stop_before_end": "the expert was satisfied, but a later step is better",
    "terminal": "the last step, which is left out",
    "terminal_not_good": "the last step, and its image is not good enough to stop at",
    "image_marker": "a text holds the marker of a picture",
    "unrenderable": "reason or answer would not be read back as they are",
}
"""Why a step with an image is no sample for SFT. RL needs no target: see `Taught.unseen`."""


@dataclass(frozen=True)
class Taught:
    """What a step teaches. dropped: why it teaches SFT nothing; unseen: why it is no sample at all."""

    reason: str
    answer: str
    dropped: str | None = None
    unseen: str | None = None


def score_bin(overall: float) -> int:
    """0 to 5: two wide, and a bin of its own for 10 (the bars of Figure 3: 0, 2, 4, 6, 8, 10)."""
    return min(int(overall // 2), 5)


def told_score(score: float, decimals: int) -> float:
    """A score as a target says it: rounded half up to 0 or 1 decimals."""
    scale: int = 10**decimals
    return float(int(score * scale + 0.5) / scale)


def target(reason: str, answer: str, semantic: float, quality: float, decimals: int = 1) -> str:
    """The answer of the thinker in the grammar that the loop reads. AnswerError where it would be misread."""
    return render_critique(
        Critique(
            semantic=told_score(semantic, decimals),
            quality=told_score(quality, decimals),
            reasoning=reason,
            next_prompt=answer,
        )
    )


def taught(
    *,
    instruction: str,
    prompt: str,
    reason: str,
    next_prompt: str | None,
    stop: bool,
    unchanged: bool,
    terminal: bool,
    good: bool,
    policy: Terminal = "stop",
) -> Taught:
    """What one kept step teaches.

    unchanged: whether its image is the source; terminal: whether it is the last kept step; good: whether both
    scores of its image are good. policy: what is answered at the last step:
    `stop`: its own prompt where it is good, which means that the thinker is satisfied, else it is left out;
    `expert`: what the expert wrote; `drop`: it is left out.
    """
    reason = _clean(reason)
    told = next_prompt or ""
    why: str | None = None
    if terminal:
        if policy == "drop":
            why = "terminal"
        elif policy == "stop":
            why, told = None if good else "terminal_not_good", prompt
    elif stop:
        why = "stop_before_end"
    elif told.strip() == prompt.strip():
        why = "repeats_prompt"
    answer = _clean(told)
    unseen = "edited_is_source" if unchanged else None
    if unseen is None and MARKER in instruction + prompt:
        unseen = "image_marker"
    if unseen is not None:
        why = unseen
    elif why is None:
        why = _unusable(reason, answer)
    return Taught(reason, answer, why, unseen)


def _clean(text: str) -> str:
    """The text as it is read back."""
    if text.isprintable() and "`" not in text:  # nearly always: there is nothing to be looked for
        return text.strip()
    return clean(without_surrogates(text))


def _unusable(reason: str, answer: str) -> str | None:
    if not reason:
        return "no_critique"
    if not answer:
        return "no_answer"
    if MARKER in reason + answer:
        return "image_marker"
    told = reason + answer
    if (
        "<" not in told
        and "`" not in told
        and _LONG_ENOUGH < len(answer) <= MAX_PROMPT
        and answer[:1].isalnum()
    ):
        return None  # no tag, no fence, no word for nothing: it is read back, and `target` sees to that again
    try:
        render_critique(Critique(semantic=0, quality=0, reasoning=reason, next_prompt=answer))
    except AnswerError:
        return "unrenderable"
    return None
