"""States, scores, critiques, and the settings of a session."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Answer",
    "CallerCritique",
    "Critique",
    "CritiqueState",
    "Frozen",
    "LoopSettings",
    "Mode",
    "Model",
    "Preservation",
    "Score",
    "Select",
    "Sha256",
    "Status",
    "StopReason",
    "Usage",
    "overall_score",
]

Score = Annotated[float, Field(ge=0, le=10)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Mode(StrEnum):
    """When the thinker thinks: after each edit, before the only edit, or both (paper, Table 6)."""

    WHILE = "while"
    BEFORE = "before"
    BOTH = "both"


class Select(StrEnum):
    """How the best turn is chosen: by overall score, or by comparing the best two in both orders."""

    SCORE = "score"
    PAIRWISE = "pairwise"


class Status(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    FAILED = "failed"


class StopReason(StrEnum):
    SATISFIED = "satisfied"
    MAX_TURNS = "max_turns"
    PLATEAU = "plateau"
    BUDGET = "budget"
    NOTHING_NEW = "nothing_new"
    CANCELLED = "cancelled"
    STOPPED_BY_CALLER = "stopped_by_caller"
    EDITOR_FAILED = "editor_failed"
    THINKER_FAILED = "thinker_failed"

    @property
    def status(self) -> Status:
        failed = self in (StopReason.EDITOR_FAILED, StopReason.THINKER_FAILED)
        return Status.FAILED if failed else Status.FINISHED


class CritiqueState(StrEnum):
    """`scored` is the only state that can satisfy; the others are retried, then end the session."""

    SCORED = "scored"
    UNPARSEABLE = "unparseable"
    FAILED = "failed"


def overall_score(semantic: float | None, quality: float | None) -> float | None:
    """sqrt(semantic * quality), 0-10, or None where a score is missing."""
    if semantic is None or quality is None:
        return None
    return math.sqrt(semantic * quality)


class Preservation(Frozen):
    """What the edit left alone, measured on pixels.

    outside_delta_e: mean CIEDE2000 difference outside the region that was to change (0 = untouched),
        or None where the whole picture was to change.
    structure: structure term of SSIM, 0-1, where structure was to stay; None where it was not.
    """

    outside_delta_e: float | None = Field(default=None, ge=0)
    structure: float | None = Field(default=None, ge=-1, le=1)


class Usage(Frozen):
    """Tokens that model calls took, where the model counts them."""

    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)

    @classmethod
    def total(cls, parts: Iterable[Usage | None]) -> Usage | None:
        """The sum of those that were counted; None where none was."""
        counted = [part for part in parts if part is not None]
        if not counted:
            return None
        return cls(
            input_tokens=sum(part.input_tokens for part in counted),
            output_tokens=sum(part.output_tokens for part in counted),
        )


class Critique(Frozen):
    """One thinker pass over (source, image, instruction, prompt).

    semantic, quality: 0-10 of the image shown; both None for an expert that only says stop.
    stop: the thinker's own mark that the image is good enough.
    next_prompt: what to tell the editor next; empty only where the thinker gave none.
    raw: the model's answer, unchanged.
    usage: tokens, those of attempts that failed before this one included.
    """

    state: CritiqueState = CritiqueState.SCORED
    semantic: Score | None = None
    quality: Score | None = None
    stop: bool = False
    reasoning: str = ""
    next_prompt: str = ""
    preservation: Preservation | None = None
    raw: str = ""
    usage: Usage | None = None

    @property
    def overall(self) -> float | None:
        return overall_score(self.semantic, self.quality)

    def satisfied(self, threshold: float) -> bool:
        """Whether both scores reach the threshold, or the thinker said stop. Never if not `scored`."""
        if self.state is not CritiqueState.SCORED:
            return False
        if self.stop:
            return True
        if self.semantic is None or self.quality is None:
            return False
        return self.semantic >= threshold and self.quality >= threshold


class CallerCritique(Frozen):
    """A critique that a caller gives instead of the thinker; both scores, 0-10, of the newest turn's image.

    next_prompt: what to tell the editor next; may be empty only where both scores reach the threshold.
    """

    semantic: Score = Field(description="0-10: was the instruction followed, and the rest kept")
    quality: Score = Field(description="0-10: natural and free of damage")
    reasoning: str = Field("", max_length=8000, description="what is wrong, and why")
    next_prompt: str = Field("", max_length=4000, description="what to tell the editor next")

    def as_critique(self) -> Critique:
        return Critique(**self.model_dump())


class Answer(Frozen):
    """What a caller says to a session that waits for it.

    critique: the caller's own, of the newest turn; prompt: what to tell the editor next; turn: the one to
    take as the result; turns: how many more there may be.
    """

    action: Literal["go_on", "critique", "prompt", "pick", "stop"] = "go_on"
    critique: CallerCritique | None = None
    prompt: str | None = None
    turn: int | None = Field(default=None, ge=1)
    turns: int | None = Field(default=None, ge=1, le=12)


class LoopSettings(Model):
    """How one session runs: given per call, defaulting to the configuration."""

    editor: str = Field("photo", description="`kind`, `kind:model` or a name from the configuration")
    thinker: str = Field("measured", description="`kind`, `kind:model` or a name from the configuration")
    refiner: str | None = Field(
        None, description="another thinker, that writes the next prompt from the first one's critique"
    )
    safety: str | None = Field(None, description="what checks instructions, prompts and results, by its name")
    mode: Mode = Field(Mode.WHILE, description="think while editing, once before, or both")
    turns: int = Field(5, ge=1, le=12, description="editor passes at most")
    threshold: Score = Field(8.0, description="satisfied when both scores reach this (0-10)")
    candidates: int = Field(1, ge=1, le=8, description="images made in each turn, with different seeds")
    passes: int = Field(1, ge=1, le=8, description="critiques of each image, whose scores are averaged")
    pause: Literal["never", "turn"] = Field("never", description="wait for the caller after each turn")
    patience: int = Field(2, ge=1, le=12, description="stop after this many turns without a better image")
    seed: int | None = Field(None, ge=0, le=2**31 - 1, description="drawn and recorded when not given")
    select: Select = Field(Select.SCORE, description="choose the best by score, or compare the best two")
    budget_seconds: float | None = Field(None, gt=0, description="stop after this much model time")
    budget_calls: int | None = Field(None, ge=1, description="stop after this many model calls")
    retries: int = Field(2, ge=0, le=10, description="times a failed model call is tried again")
    backoff: float = Field(0.5, ge=0, le=60, description="seconds before the first retry; doubles")
    edit_timeout: float = Field(600, gt=0, description="seconds an editor may take for an image or a step")
    critique_timeout: float = Field(300, gt=0, description="seconds one thinker call may take")
