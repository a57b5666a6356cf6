"""What callers are given: results with their stable keys, and events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import ConfigDict, Field, PrivateAttr

from thinkedit.types.words import (
    Critique,
    CritiqueState,
    Frozen,
    Mode,
    Model,
    Preservation,
    Status,
    StopReason,
    Usage,
)

__all__ = [
    "Candidate",
    "CritiqueView",
    "EditResult",
    "Event",
    "Image",
    "Next",
    "Seconds",
    "Turn",
]


class Image(Model):
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


class CritiqueView(Model):
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


class Candidate(Model):
    seed: int
    image: Image | None
    critique: CritiqueView | None
    error: str | None


class Seconds(Model):
    edit: float
    critique: float


class Turn(Model):
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


class Next(Model):
    """What the caller may do next.

    prompt: what the editor would be told; with `critique`, where the caller is the thinker, the question
    that it is asked. schema: JSON schema of the critique that it is to give.
    """

    action: str
    prompt: str
    json_schema: dict[str, Any] | None = Field(default=None, alias="schema")
    model_config = ConfigDict(extra="forbid", populate_by_name=True, serialize_by_alias=True)


class EditResult(Model):
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


class Event(Frozen):
    """One step of a session, streamed as it happens.

    kind: opened, planned, editing, edited, critiquing, critiqued, refined, retrying, paused,
        stopped.
    turn k of turns; scores only with `critiqued`; message is one line for a person.
    done of total: how far the editor is, with some of `editing`; total is 0 where it is not known.
    """

    kind: Literal[
        "opened",
        "planned",
        "editing",
        "edited",
        "critiquing",
        "critiqued",
        "refined",
        "retrying",
        "paused",
        "stopped",
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
