"""The contracts between the loop and the world of models.

An `Editor` and a `Thinker` are all that a session needs; the smaller protocols are optional and are
found by `isinstance`. Implementations keep the event loop free: pixel work and blocking calls run in
threads (`anyio.to_thread.run_sync`), network calls are async.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from thinkedit.errors import EditError
from thinkedit.images import Picture
from thinkedit.types import Critique, Judgement, Usage

__all__ = [
    "Checkable",
    "Closable",
    "CompareRequest",
    "Comparer",
    "CritiqueRequest",
    "Describable",
    "EditRequest",
    "EditedImage",
    "Editor",
    "Judge",
    "JudgeRequest",
    "Past",
    "PlanRequest",
    "Planner",
    "Preference",
    "Progress",
    "Question",
    "RefineRequest",
    "Refiner",
    "Reply",
    "Safety",
    "SafetyRequest",
    "SafetyVerdict",
    "SizePolicy",
    "Thinker",
    "VisionModel",
    "identity_of",
]

Progress = Callable[[float, float, str], Awaitable[None]]
"""(done, total, message), total 0 where it is not known."""

SizePolicy = Literal["source", "free"]
"""`source`: the result has the source's size unless the prompt asks for another; `free`: the model's own."""


@dataclass(frozen=True)
class EditRequest:
    """One image to make from `source` by `prompt`.

    references: other pictures that the prompt names, usually none.
    mask: 8-bit greyscale PNG of the source's size, white where the edit may change pixels, or None.
    """

    source: Picture
    prompt: str
    seed: int = 0
    references: tuple[Picture, ...] = ()
    mask: bytes | None = None
    size: SizePolicy = "source"


@dataclass(frozen=True)
class EditedImage:
    """What the editor made; notes is one line for a person, such as what a size policy did."""

    picture: Picture
    notes: str = ""


@runtime_checkable
class Editor(Protocol):
    """Makes images. `identity` names model and settings: it is part of every recorded call's key.

    `seeded` (optional, default True): False where the same prompt always gives the same image.
    """

    identity: str

    async def edit(
        self, requests: Sequence[EditRequest], progress: Progress | None = None
    ) -> list[EditedImage | EditError]:
        """One item for each request, in order; a refused or failed item never sinks the others.

        Raises EditError only where nothing at all could be done (the server is not there).
        """
        ...


@dataclass(frozen=True)
class Past:
    """An earlier turn as a thinker is told of it; scores are None where there are none."""

    turn: int
    prompt: str
    semantic: float | None = None
    quality: float | None = None
    reasoning: str = ""
    error: str | None = None


@dataclass(frozen=True)
class CritiqueRequest:
    """(source, edited, instruction, prompt, history): paper section 3.2.

    history: earlier turns, oldest first, without this one.
    error: set where the editor refused `prompt`; `edited` is then the last image that exists, and only
        the next prompt of the answer counts.
    look: 0 for the first look at this image, 1 and up for further ones whose scores are averaged: a model
        that samples takes it as its seed; one that would repeat its first answer samples from look 1 on.
    """

    source: Picture
    edited: Picture
    instruction: str
    prompt: str
    history: tuple[Past, ...] = ()
    threshold: float = 8.0
    error: str | None = None
    look: int = 0


@runtime_checkable
class Thinker(Protocol):
    """Judges an edited image and rewrites the prompt. `identity` as for editors.

    `template` (optional): a hash of the prompt template used, recorded with each turn.
    """

    identity: str

    async def critique(self, request: CritiqueRequest) -> Critique:
        """A critique in one of its three states.

        Raises AnswerError (recorded as `unparseable`), ThinkerFailed (recorded as `failed`; retried
        where it is retryable) or NeedsCaller.
        """
        ...


@dataclass(frozen=True)
class PlanRequest:
    source: Picture
    instruction: str


@runtime_checkable
class Planner(Protocol):
    """Writes the first prompt from the source alone: modes `before` and `both`."""

    async def plan(self, request: PlanRequest) -> str: ...


@dataclass(frozen=True)
class CompareRequest:
    source: Picture
    first: Picture
    second: Picture
    instruction: str


@dataclass(frozen=True)
class Preference:
    """better: 1 for the first, 2 for the second, 0 where neither is better."""

    better: Literal[0, 1, 2]
    reasoning: str = ""


@runtime_checkable
class Comparer(Protocol):
    async def compare(self, request: CompareRequest) -> Preference: ...


@dataclass(frozen=True)
class RefineRequest:
    """For a refiner apart from the critic: the critique it is to act on."""

    source: Picture
    edited: Picture
    instruction: str
    prompt: str
    critique: Critique
    history: tuple[Past, ...] = field(default=())


@runtime_checkable
class Refiner(Protocol):
    """Rewrites the prompt where the thinker is only a critic."""

    async def refine(self, request: RefineRequest) -> str: ...


@dataclass(frozen=True)
class SafetyRequest:
    """What a safety check is asked about, of one session.

    stage: `instruction` before the first edit (prompt is empty), `prompt` before it goes to the editor,
        `image` before a result is kept or shown; `edited` is then that result, else None.
    """

    stage: Literal["instruction", "prompt", "image"]
    instruction: str
    prompt: str
    source: Picture
    edited: Picture | None = None


@dataclass(frozen=True)
class SafetyVerdict:
    """reason: one line for the person who asked; of a prompt, the thinker is told it too."""

    allowed: bool
    reason: str = ""


@runtime_checkable
class Safety(Protocol):
    """Looks at instructions, prompts and results. `identity` as for editors.

    What it cannot decide counts as a failure and never as allowed.
    """

    identity: str

    async def review(self, request: SafetyRequest) -> SafetyVerdict:
        """Raises ThinkerError where there is no verdict."""
        ...


@dataclass(frozen=True)
class JudgeRequest:
    """What an outside scorer sees: never a prompt, never who made the image.

    look: 0 for the first look, 1 and up for further ones whose scores are averaged.
    """

    source: Picture
    edited: Picture
    instruction: str
    look: int = 0


@runtime_checkable
class Judge(Protocol):
    """Scores edited images for the dataset, the evaluation and the training. `identity` as for editors."""

    identity: str

    async def judge(self, request: JudgeRequest) -> Judgement:
        """A judgement with both scores.

        Raises AnswerError where the answer cannot be read, ThinkerFailed where there is none.
        """
        ...


@dataclass(frozen=True)
class Question:
    """One user message as it is to be sent: texts and pictures in this order."""

    parts: tuple[str | Picture, ...]


@dataclass(frozen=True)
class Reply:
    """The model's text, unchanged, and the tokens that it took where they are counted."""

    text: str
    usage: Usage | None = None


@runtime_checkable
class VisionModel(Protocol):
    """Answers a benchmark's rubric in the rubric's own form, which the benchmark's scorer reads."""

    identity: str

    async def answer(self, question: Question) -> Reply:
        """Raises ThinkerFailed where there is no answer, a refusal among them."""
        ...


@runtime_checkable
class Checkable(Protocol):
    async def check(self) -> None:
        """Reachable and able? Called before a session's first edit. Raises EditorFailed or ThinkerFailed."""
        ...


@runtime_checkable
class Describable(Protocol):
    async def describe(self) -> list[str]:
        """What it decided when it was loaded and why, one line each: device, memory, sizes, endpoints.

        Loads the model where it is not loaded yet. Raises EditorFailed or ThinkerFailed.
        """
        ...


@runtime_checkable
class Closable(Protocol):
    async def aclose(self) -> None: ...


def identity_of(model: object) -> str:
    """What names a model in digests and records; a refiner need not have an identity of its own."""
    return str(getattr(model, "identity", type(model).__qualname__))
