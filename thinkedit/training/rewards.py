"""What an answer of the thinker is worth in GRPO: pure functions of its text and of scores.

Scores are a judge's or the thinker's own, semantic and quality, 0 to 10. `shown` are the judge's of the image
that the thinker saw (I_t), `after` those of the image that its prompt then led to.

    reward = alpha * format + beta * critic + gamma * edit

Preset `paper` (section 5 of the paper, which gives neither the weights nor how two scores become one; both
are options here):

- format, 0 or 1: whether the loop itself could use the answer (`protocol.parse_answer`).
- critic, -1 to 0: minus the mean of |said - shown| over both scores, divided by 10; -1 where nothing can be
  read. The scores are those of the image that was shown, and not, as the paper's index has it, of the next.
- edit, -1 to 1: one score after minus the same before, divided by 10; see `edit_score` in `RewardConfig`.
  0 is unchanged: so is an answer that ends the loop, since the image that is there stays.

Critic and edit are divided by the same 10: one point of score weighs beta / 10 in the one and gamma / 10 in
the other, and the weights can be compared with each other and with format.

Preset `code-compat` is what the published code computes (`rewards_as_coded`): whitespace around `<`, `>` and
`/` is taken out first, also inside the prompt that goes to the editor; the critic reward is 1 - MSE / 10, at
least 0; of the edit reward only the semantic score counts, mapped to 0 to 1 with 0.5 for unchanged; the
critic reward does not count where the edit went well, and a little where it did not; an answer that ends the
loop is tried by the editor all the same. So its weights are fixed: 0.5 format, 0.5 edit, and the critic for
the curve alone. What it does to other samples is not kept: there, a row that raises shifts those behind it.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from thinkedit.adapters.protocol import parse_answer
from thinkedit.errors import AnswerError
from thinkedit.training import rewards_as_coded as coded
from thinkedit.training.rewards_as_coded import Scores
from thinkedit.types import Critique
from thinkedit.types.words import Frozen, Score

__all__ = [
    "Components",
    "EditScore",
    "RewardConfig",
    "Scores",
    "components",
    "critic_reward",
    "edit_reward",
    "format_reward",
    "mix",
    "read",
]

EditScore = Literal["overall", "mean", "semantic"]

_AS_CODED = {"alpha": 0.5, "beta": 0.0, "gamma": 0.5}


class RewardConfig(Frozen):
    """[reward]: which rewards, and their weights, which sum to 1.

    preset: `paper` or `code-compat`, whose weights are fixed: 0.5, 0, 0.5.
    alpha, beta, gamma: of format, critic and edit. The paper does not give them; the defaults are ours.
    edit_score: which score the edit reward is the gain of: `overall` = sqrt(semantic * quality), by which the
        loop chooses, `mean` of both, or `semantic` alone as in the code.
    neutral_edit: edit reward of an answer whose edit or judgement failed, was refused or was left out.
    unread_edit: edit reward of an answer that cannot be read. At -1 none is worth more than one that can be;
        at 0 breaking the form is a way out of a bad edit.
    skip_above: make no edit where the overall score of the shown image is this or more; the edit reward is
        then neutral. The code means to do so from 8 on, and never does, since it takes the square root of the
        sum of two scores for that of their product. None: never.

    neutral_edit and unread_edit are of the preset `paper`.
    """

    preset: Literal["paper", "code-compat"] = "paper"
    alpha: float = Field(0.2, ge=0, le=1)
    beta: float = Field(0.3, ge=0, le=1)
    gamma: float = Field(0.5, ge=0, le=1)
    edit_score: EditScore = "overall"
    neutral_edit: float = Field(0.0, ge=-1, le=1)
    unread_edit: float = Field(-1.0, ge=-1, le=1)
    skip_above: Score | None = None

    @model_validator(mode="before")
    @classmethod
    def _fixed(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("preset") == "code-compat":
            return _AS_CODED | values
        return values

    @model_validator(mode="after")
    def _fits(self) -> Self:
        weights = {"alpha": self.alpha, "beta": self.beta, "gamma": self.gamma}
        shown = ", ".join(f"{name} {weight:g}" for name, weight in weights.items())
        if self.preset == "code-compat" and weights != _AS_CODED:
            raise ValueError(f"{shown}: code-compat has alpha 0.5, beta 0, gamma 0.5; leave them out")
        if not math.isclose(total := sum(weights.values()), 1, abs_tol=1e-6):
            raise ValueError(f"{shown} sum to {total:g}: they have to sum to 1")
        return self

    @property
    def as_coded(self) -> bool:
        return self.preset == "code-compat"


class Components(NamedTuple):
    """The three rewards of one answer, not weighted; None where there is nothing to compare with."""

    format: float
    critic: float | None
    edit: float


def read(text: str) -> Critique | None:
    """The answer as the loop reads it, or None where it cannot. Never raises."""
    try:
        return parse_answer(text)
    except AnswerError:
        return None


def format_reward(text: str) -> float:
    """1 where the loop's own parser reads the answer, else 0."""
    return 0.0 if read(text) is None else 1.0


def critic_reward(said: Scores | None, shown: Scores) -> float:
    """-1 (ten points off, or nothing said) to 0 (the judge's very scores)."""
    if said is None:
        return -1.0
    return 0.0 - (abs(said.semantic - shown.semantic) + abs(said.quality - shown.quality)) / 20


def edit_reward(before: Scores, after: Scores, score: EditScore = "overall") -> float:
    """-1 (ten points lost) to 1 (ten points gained)."""
    return (_one(after, score) - _one(before, score)) / 10


def _one(scores: Scores, score: EditScore) -> float:
    match score:
        case "overall":
            return scores.overall
        case "mean":
            return (scores.semantic + scores.quality) / 2
        case "semantic":
            return scores.semantic


def components(text: str, shown: Scores | None, after: Scores | None, config: RewardConfig) -> Components:
    """All three, of one answer, by themselves.

    shown: None where the judge's scores of the shown image are not known. after: None where there is no
    judgement of a new image, for whatever reason; pass `shown` where the answer ended the loop, since the
    image that is there stays.
    """
    if config.as_coded:
        made = coded.form(text), coded.critic(text, shown), coded.edit(text, shown, after)
        return Components(*made)
    critique = read(text)
    if critique is None or critique.semantic is None or critique.quality is None:
        return Components(0.0, None if shown is None else critic_reward(None, shown), config.unread_edit)
    critic = None if shown is None else critic_reward(Scores(critique.semantic, critique.quality), shown)
    known = shown is not None and after is not None
    edit = edit_reward(shown, after, config.edit_score) if known else config.neutral_edit  # type: ignore[arg-type]
    return Components(1.0, critic, edit)


def mix(parts: Components, config: RewardConfig) -> float:
    """The reward of an answer; a part that is None is left out, as TRL does it."""
    critic = 0.0 if parts.critic is None else parts.critic
    return config.alpha * parts.format + config.beta * critic + config.gamma * parts.edit
