"""What the stages exchange: one pydantic model for each kind of line.

Steps are counted from 1 and indexed as everywhere here: `image` of step t was made of the *source* by
`prompt` of step t, `reason` is the critique *of that image*, and `next_prompt` is the prompt of step t + 1.
(The paper writes the thinker at t as reading the image and prompt of t - 1, which is the same pairs.)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from thinkedit.graph import export
from thinkedit.graph.export import RelativePath, Scores, Step
from thinkedit.images import Picture
from thinkedit.types import Score
from thinkedit.types.words import Frozen, Sha256

__all__ = [
    "SESSIONS",
    "Dropped",
    "Judged",
    "Outcome",
    "PoolItem",
    "ScoredTrajectory",
    "Scores",
    "SourceRecord",
    "Step",
    "StepSample",
    "Trajectory",
    "sha_of",
]

SESSIONS = "sessions"
"""The pool of sources whose trajectories are sessions that people exported."""

Text = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True)
class PoolItem:
    """One (picture, instruction) as a pool has it, before it is taken in.

    image: a file, encoded bytes, or a picture that is kept as it is. place: where it stands, FILE:LINE, for
    messages. source: the pool's name. editor: where it has one already, as an exported session does.
    """

    id: str
    source: str
    image: Path | bytes | Picture
    instruction: str
    task_type: str
    licence: str
    place: str = ""
    editor: str = ""


class SourceRecord(Frozen):
    """A line of `sources.jsonl`: what is to be edited.

    id: unique in the folder. source: the pool's name. image: path below the folder; sha256: of its bytes.
    editor: the name of the editor that edits it.
    """

    id: Text
    source: Text
    image: RelativePath
    sha256: Sha256
    instruction: Text
    task_type: Text
    editor: Text
    licence: Text


class Dropped(Frozen):
    """What did not become a line of the next stage. reason: a word that counts go by; why: one line.

    place: FILE:LINE where it is about one, else empty.
    """

    id: str
    reason: Text
    why: str = ""
    place: str = ""


class Trajectory(export.Trajectory):
    """A line of `trajectories.jsonl`: an exported session that knows which source it is of.

    record: id of the SourceRecord; pool: its `source`. source_id is the hash of the source's picture, editor
    the name in the SourceRecord and editor_identity what that name stood for. `scores` of steps are the
    expert's own, where it gives any.
    """

    record: Text
    pool: Text
    task_type: str = ""
    editor_identity: str = ""


class Judged(Frozen):
    """The judge's scores of one step's image against T_s; error says why there are none.

    An error is `late`, `no answer`, `unreadable answer`, `unreadable image` or `fault of the judge`, a colon
    and what happened.
    """

    t: int = Field(ge=1)
    scores: Scores | None = None
    error: str | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.scores is None) == (self.error is None):
            raise ValueError("either scores or an error")
        return self


class ScoredTrajectory(Trajectory):
    """A line of `scored.jsonl` and `filtered.jsonl`. judge: its identity.

    judged: one for each step that has an image, in their order.
    """

    judge: str
    judged: tuple[Judged, ...]

    @model_validator(mode="after")
    def _for_each_image(self) -> Self:
        if [one.t for one in self.judged] != [step.t for step in self.steps if step.image is not None]:
            raise ValueError("judged must have one entry for each step with an image")
        return self


Outcome: TypeAlias = Trajectory | Dropped
"""What became of one source."""


class StepSample(Frozen):
    """A line of `steps.jsonl`: what can be learnt from one step, and what became of it.

    id: TRAJECTORY:T. instruction: T_s; prompt: T_t; source, image: paths below the folder.
    reason, answer: what the thinker is to think and answer; semantic, quality, overall: the judge's, 0-10.
    terminal: whether it is the trajectory's last step, its best image. variance: of the trajectory's overall
    scores (ddof 0). bin: of `overall`, 0 to 5. set: where the sample went; dropped: else the reason.
    """

    id: Text
    trajectory: Text
    t: int = Field(ge=1)
    record: Text
    pool: Text
    source_id: Sha256
    editor: str
    task_type: str
    instruction: Text
    prompt: Text
    source: RelativePath
    image: RelativePath
    reason: str
    answer: str
    semantic: Score
    quality: Score
    overall: Score
    terminal: bool
    variance: float = Field(ge=0)
    bin: int = Field(ge=0, le=5)
    set: Literal["sft", "rl"] | None = None
    dropped: str | None = None


def sha_of(path: str) -> str:
    """The hash that a path below `images/` has in its name."""
    return path.rpartition("/")[2].partition(".")[0]
