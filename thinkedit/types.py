"""The words of the domain as pydantic models; imports nothing of ours.

A *source* image and an *instruction* open a *session*. Each *turn* gives the editor a *prompt* and
gets images back; a *critique* scores the turn's image (semantic and quality, 0-10, as VIEScore and
EditScore do) and proposes the next prompt. See the EditThinker paper (arXiv 2512.05965), section 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

__all__ = [
    "Candidate",
    "CandidateRecord",
    "Critique",
    "CritiqueState",
    "CritiqueView",
    "EditResult",
    "Event",
    "Image",
    "LoopSettings",
    "Mode",
    "Next",
    "Preservation",
    "Seconds",
    "Select",
    "SessionRecord",
    "Status",
    "StopReason",
    "Turn",
    "TurnRecord",
    "Usage",
    "overall_score",
]

Score = Annotated[float, Field(ge=0, le=10)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Frozen(BaseModel):
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


class Preservation(_Frozen):
    """What the edit left alone, measured on pixels.

    outside_delta_e: mean CIEDE2000 difference outside the region that was to change (0 = untouched),
        or None where the whole picture was to change.
    structure: structure term of SSIM, 0-1, where structure was to stay; None where it was not.
    """

    outside_delta_e: float | None = Field(default=None, ge=0)
    structure: float | None = Field(default=None, ge=-1, le=1)


class Usage(_Frozen):
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


class Critique(_Frozen):
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


class LoopSettings(_Model):
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
    patience: int = Field(2, ge=1, le=12, description="stop after this many turns without a better image")
    seed: int | None = Field(None, ge=0, le=2**31 - 1, description="drawn and recorded when not given")
    select: Select = Field(Select.SCORE, description="choose the best by score, or compare the best two")
    budget_seconds: float | None = Field(None, gt=0, description="stop after this much model time")
    budget_calls: int | None = Field(None, ge=1, description="stop after this many model calls")
    retries: int = Field(2, ge=0, le=10, description="times a failed model call is tried again")
    backoff: float = Field(0.5, ge=0, le=60, description="seconds before the first retry; doubles")
    edit_timeout: float = Field(600, gt=0, description="seconds one editor call may take")
    critique_timeout: float = Field(300, gt=0, description="seconds one thinker call may take")


class CandidateRecord(_Frozen):
    """One image of a turn with the critique of it; image is None where there is none, as `error` says.

    looks: where each image is critiqued several times, all of these critiques, with every raw answer;
        `critique` is then their mean.
    """

    seed: int
    image: Sha256 | None = None
    error: str | None = None
    critique: Critique | None = None
    looks: tuple[Critique, ...] = ()


class TurnRecord(_Frozen):
    """One turn, immutable, stored by the hash of its JSON. A planned turn has no candidates yet.

    session_id: so that the ledger, an index over these records, can be rebuilt from them.
    critique: of the best candidate; for a turn whose prompt was refused it has no scores.
    origin: who wrote the prompt: instruction, plan, thinker, refiner or caller.
    editor, thinker: identities of the models; refiner: of the one that wrote the prompt, where one did.
    """

    session_id: str
    turn: int = Field(ge=1)
    prompt: str
    seed: int
    origin: Literal["instruction", "plan", "thinker", "refiner", "caller"] = "thinker"
    candidates: tuple[CandidateRecord, ...] = ()
    best: int | None = None
    critique: Critique | None = None
    error: str | None = None
    editor: str = ""
    thinker: str = ""
    refiner: str = ""
    template: str = ""
    edit_seconds: float = 0.0
    critique_seconds: float = 0.0

    @property
    def image(self) -> str | None:
        """Hash of the turn's image: the best candidate's, or the first that exists."""
        if self.best is not None:
            return self.candidates[self.best].image
        return next((c.image for c in self.candidates if c.image), None)

    @property
    def usage(self) -> Usage | None:
        """Tokens of all critiques of this turn."""
        judged = [c.critique for c in self.candidates if c.critique] or [c for c in [self.critique] if c]
        return Usage.total(critique.usage for critique in judged)


class SessionRecord(_Frozen):
    """How a session was opened: stored like its turns, so that the ledger can be rebuilt from the store.

    source: hash of the normalised source; editor, thinker, refiner, safety: identities of the models, the
        last two empty where there is none.
    """

    session_id: str
    owner: str = ""
    created: float
    instruction: str
    settings: LoopSettings
    source: Sha256
    source_name: str | None = None
    source_mime: str
    editor: str
    thinker: str
    refiner: str = ""
    safety: str = ""


class Image(_Model):
    """A stored picture as results name it. bytes: encoded size; path: a local file, if there is one."""

    uri: str
    width: int
    height: int
    mime_type: str
    bytes: int
    path: str | None = None

    @property
    def sha256(self) -> str:
        return self.uri.rsplit("/", 1)[-1]

    @classmethod
    def stored(cls, sha256: str, width: int, height: int, mime_type: str, size: int) -> Image:
        """The entry of a picture that lies in the store under its hash."""
        uri = f"thinkedit://images/{sha256}"
        return cls(uri=uri, width=width, height=height, mime_type=mime_type, bytes=size)


class CritiqueView(_Model):
    """A critique as results show it: derived numbers in, raw answer out."""

    state: CritiqueState
    semantic: float | None
    quality: float | None
    overall: float | None
    satisfied: bool
    stop: bool
    reasoning: str
    next_prompt: str
    preservation: Preservation | None = None
    usage: Usage | None = None

    @classmethod
    def of(cls, critique: Critique, threshold: float) -> CritiqueView:
        overall = critique.overall
        return cls(
            state=critique.state,
            semantic=critique.semantic,
            quality=critique.quality,
            overall=None if overall is None else round(overall, 2),
            satisfied=critique.satisfied(threshold),
            stop=critique.stop,
            reasoning=critique.reasoning,
            next_prompt=critique.next_prompt,
            preservation=critique.preservation,
            usage=critique.usage,
        )


class Candidate(_Model):
    seed: int
    image: Image | None
    critique: CritiqueView | None
    error: str | None


class Seconds(_Model):
    edit: float
    critique: float


class Turn(_Model):
    """usage: tokens of all critiques of the turn, null where the thinker counts none."""

    turn: int
    prompt: str
    seed: int
    image: Image | None
    candidates: list[Candidate]
    seconds: Seconds
    usage: Usage | None = None
    error: str | None
    critique: CritiqueView | None


class Next(_Model):
    """What the caller may do next, and the prompt that would be used."""

    action: str
    prompt: str
    json_schema: dict[str, Any] | None = Field(default=None, alias="schema")
    model_config = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True)


class EditResult(_Model):
    """What a session came to; the same from Python, `--json` and MCP."""

    session_id: str
    status: Status
    stop_reason: StopReason | None
    why: str = Field(description="the reason in a sentence: why it stopped, why this turn was selected")
    instruction: str
    mode: Mode
    editor: str
    thinker: str
    selected_turn: int | None
    source: Image
    image: Image | None
    turns: list[Turn]
    next: Next | None

    _read: Callable[[Image], bytes] | None = PrivateAttr(default=None)
    _write: Callable[[EditResult, str], str] | None = PrivateAttr(default=None)

    def attach(self, read: Callable[[Image], bytes], write: Callable[[EditResult, str], str]) -> EditResult:
        """Give the result access to the store it came from; returns itself."""
        self._read, self._write = read, write
        return self

    def read(self) -> bytes:
        """The selected image, encoded (see `image.mime_type`). LookupError where there is none."""
        if self.image is None:
            raise LookupError(f"session {self.session_id} has no image: {self.why}")
        if self._read is None:
            raise LookupError("this result was loaded without its store; read it by session_id instead")
        return self._read(self.image)

    def save(self, path: str) -> str:
        """Write the selected image in the format of `path`'s ending; returns the path written."""
        if self.image is None:
            raise LookupError(f"session {self.session_id} has no image: {self.why}")
        if self._write is None:
            raise LookupError("this result was loaded without its store; save it by session_id instead")
        return self._write(self, str(path))


class Event(_Frozen):
    """One step of a session, streamed as it happens.

    kind: opened, planned, editing, edited, critiquing, critiqued, refined, retrying, stopped.
    turn k of turns; scores only with `critiqued`; message is one line for a person.
    done of total: how far the editor is, with some of `editing`; total is 0 where it is not known.
    """

    kind: Literal[
        "opened", "planned", "editing", "edited", "critiquing", "critiqued", "refined", "retrying", "stopped"
    ]
    session_id: str
    turn: int = 0
    turns: int = 0
    prompt: str = ""
    image: str | None = None
    semantic: float | None = None
    quality: float | None = None
    overall: float | None = None
    done: float = 0.0
    total: float = 0.0
    message: str = ""
