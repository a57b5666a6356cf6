"""Makes the texts for everything but a critique: plans, comparisons, refining, corrections, safety checks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from thinkedit.adapters.base import CompareRequest, PlanRequest, RefineRequest, SafetyRequest
from thinkedit.adapters.protocol import wording
from thinkedit.adapters.protocol.template import history_text, one_line
from thinkedit.errors import AnswerError

__all__ = ["render_compare", "render_correction", "render_plan", "render_refine", "render_safety"]

Form = Literal["critique", "prompt", "preference", "safety"]


def render_plan(request: PlanRequest) -> str:
    """The text that goes with the source alone, in modes `before` and `both`."""
    return _filled(wording.PLAN, {"instruction": request.instruction})


def render_compare(request: CompareRequest) -> str:
    """The text that goes with (source, first, second)."""
    return _filled(wording.COMPARE, {"instruction": request.instruction})


def render_refine(request: RefineRequest) -> str:
    """The text that goes with (source, edited), for a refiner that acts on another's critique.

    `parse_plan` reads the answer.
    """
    critique = request.critique
    judgement = []
    if critique.semantic is not None and critique.quality is not None:
        judgement.append(f"semantic {critique.semantic:g}, quality {critique.quality:g}")
    if critique.reasoning:
        judgement.append(critique.reasoning)
    if critique.next_prompt:
        judgement.append(f'The judge\'s own proposal for the next prompt: "{one_line(critique.next_prompt)}"')
    turn = request.history[-1].turn + 1 if request.history else 1
    return _filled(
        wording.REFINE,
        {
            "instruction": request.instruction,
            "prompt": request.prompt,
            "judgement": "\n".join(judgement) or "Nothing but that it is not good enough yet.",
            "history": history_text(request.history),
            "turn": str(turn),
        },
    )


def render_correction(error: AnswerError, form: Form = "critique") -> str:
    """What was wrong with the last answer and the form again, to be sent behind that answer.

    form: `critique`, `prompt` (plans and refined prompts), `preference` or `safety`.
    """
    return _filled(
        wording.CORRECTION, {"error": one_line(str(error)).rstrip("."), "form": wording.FORMS[form]}
    )


def render_safety(request: SafetyRequest, policy: str | None = None) -> str:
    """The text that goes with the source, or at stage `image` with (source, edited).

    policy: what is refused, in words, instead of the default rules. `parse_safety` reads the answer.
    """
    return _filled(
        wording.SAFETY[request.stage],
        {
            "instruction": request.instruction,
            "prompt": request.prompt,
            "policy": policy or wording.POLICY,
        },
    )


def _filled(text: str, values: Mapping[str, str]) -> str:
    """In one pass, so that braces in the values stay what they are."""
    places = re.compile(r"\{(" + "|".join(values) + r")\}")
    return places.sub(lambda match: values[match[1]], text)
