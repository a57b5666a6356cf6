"""What every thinker that is a vision-language model does: ask, read the answer, ask once more."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from thinkedit.adapters.base import CompareRequest, CritiqueRequest, PlanRequest, Preference, RefineRequest
from thinkedit.adapters.protocol import (
    RANGES,
    parse_answer,
    parse_plan,
    parse_preference,
    render,
    render_compare,
    render_correction,
    render_plan,
    render_refine,
    template_for,
)
from thinkedit.errors import AnswerError, SettingsError
from thinkedit.images import Picture
from thinkedit.types import Critique, Usage

__all__ = ["AskingThinker", "Form", "Message", "Question", "Reply"]

Form = Literal["critique", "prompt", "preference"]
"""What is asked for: a whole critique, a prompt alone (plans and refined ones), or which image is better."""

T = TypeVar("T")


@dataclass(frozen=True)
class Message:
    """One message of the conversation; the first one has the pictures before its text."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True)
class Question:
    """A conversation that waits for the model's next answer.

    pictures: source first. look: 0 answers as the model is set; from 1 on it samples with this seed.
    """

    pictures: tuple[Picture, ...]
    messages: tuple[Message, ...]
    form: Form
    look: int = 0


@dataclass(frozen=True)
class Reply:
    text: str
    usage: Usage = field(default_factory=Usage)


class AskingThinker(ABC):
    """Thinker, Planner, Comparer and Refiner over one method, `ask`.

    prompt_template: a file with the template to use instead of ours, such as the one that EditThinker-8B was
        trained on. score_range: the scale that the model scores on, 10 or 25; critiques are always 0-10.
    corrective_retry: whether an answer that cannot be read is shown to the model once, with what is wrong.
    """

    identity: str

    def __init__(
        self,
        *,
        prompt_template: str | None = None,
        score_range: int = 10,
        corrective_retry: bool = True,
    ) -> None:
        if score_range not in RANGES:
            raise SettingsError(f"score_range is {score_range!r}: give {' or '.join(map(str, RANGES))}")
        if not isinstance(corrective_retry, bool):
            raise SettingsError(f"corrective_retry is {corrective_retry!r}: give true or false")
        self._template = template_for(prompt_template, score_range)
        self._range = score_range
        self._corrective = corrective_retry
        self.template = self._template.hash

    @abstractmethod
    async def ask(self, question: Question) -> Reply:
        """The model's answer. Raises ThinkerFailed, or AnswerError for one that was cut off."""

    async def critique(self, request: CritiqueRequest) -> Critique:
        """Scores and the next prompt. AnswerError where the answer cannot be read, ThinkerFailed."""
        text = render(request, self._template, score_range=self._range)

        def read(answer: str) -> Critique:
            return parse_answer(answer, score_range=self._range)

        question = self._question((request.source, request.edited), text, "critique", request.look)
        critique, usage = await self._answered(question, read)
        return critique.model_copy(update={"usage": usage})

    async def plan(self, request: PlanRequest) -> str:
        """The first prompt, from the source alone (modes `before` and `both`)."""
        question = self._question((request.source,), render_plan(request), "prompt")
        return (await self._answered(question, parse_plan))[0]

    async def refine(self, request: RefineRequest) -> str:
        """The next prompt, from another thinker's critique."""
        question = self._question((request.source, request.edited), render_refine(request), "prompt")
        return (await self._answered(question, parse_plan))[0]

    async def compare(self, request: CompareRequest) -> Preference:
        """Which of two images is better."""
        pictures = (request.source, request.first, request.second)
        question = self._question(pictures, render_compare(request), "preference")
        return (await self._answered(question, parse_preference))[0]

    def _question(self, pictures: tuple[Picture, ...], text: str, form: Form, look: int = 0) -> Question:
        return Question(pictures, (Message("user", text),), form, look)

    async def _answered(self, question: Question, read: Callable[[str], T]) -> tuple[T, Usage]:
        """The answer as `read` understands it, asked for a second time where it does not."""
        reply = await self.ask(question)
        try:
            return read(reply.text), reply.usage
        except AnswerError as error:
            if not self._corrective or not reply.text.strip():
                raise AnswerError(str(error), error.raw, reply.usage) from None
            said = (
                Message("assistant", reply.text),
                Message("user", render_correction(error, question.form)),
            )
        again = await self.ask(replace(question, messages=question.messages + said))
        usage = _sum(reply.usage, again.usage)
        try:
            return read(again.text), usage
        except AnswerError as error:
            raise AnswerError(str(error), error.raw, usage) from None


def _sum(one: Usage, two: Usage) -> Usage:
    return Usage(
        input_tokens=one.input_tokens + two.input_tokens, output_tokens=one.output_tokens + two.output_tokens
    )
