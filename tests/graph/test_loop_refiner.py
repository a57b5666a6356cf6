"""A refiner apart from the critic: asked after each critique, guarded as the thinker's own prompt is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graph.kit import INSTRUCTION, SETTINGS, SOURCE, Seen, numbered, scored
from thinkedit.adapters.base import RefineRequest
from thinkedit.errors import EditRefused, ThinkerFailed
from thinkedit.graph.build import create_think_edit_graph

pytestmark = pytest.mark.anyio


class Refining:
    """Answers in order; an exception is raised."""

    identity = "refining"

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[RefineRequest] = []

    async def refine(self, request: RefineRequest) -> Any:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def refined_by(refiner: Refining, seen: Seen, script: Any, faults: Any = None) -> dict[str, Any]:
    graph = create_think_edit_graph(
        editor=seen.editor(faults=faults), thinker=seen.thinker(script), refiner=refiner, settings=SETTINGS
    )
    output = await graph.compile().ainvoke({"image": SOURCE, "instruction": INSTRUCTION})
    result: dict[str, Any] = output["result"]
    return result


async def test_its_prompt_is_used_and_it_is_shown_what_the_critic_saw_and_said() -> None:
    seen, refiner = Seen(), Refining("one", " two ")
    result = await refined_by(refiner, seen, numbered(3, 4, 9))
    assert [prompt for prompt, _ in seen.prompts] == [INSTRUCTION, "one", "two"]
    assert result["stop_reason"] == "satisfied"
    asked = refiner.asked[1]
    assert (asked.instruction, asked.prompt, asked.critique.semantic) == (INSTRUCTION, "one", 4)
    assert asked.edited.sha256 == seen.critiques[1].edited.sha256
    assert [past.turn for past in asked.history] == [1]


async def test_it_is_not_asked_where_there_is_no_image_to_show() -> None:
    seen, refiner = Seen(), Refining("one", "two")
    script = [*numbered(3), scored(0, next_prompt="the thinker's own"), scored(9)]
    await refined_by(refiner, seen, script, faults={2: EditRefused("no")})
    assert [prompt for prompt, _ in seen.prompts] == [INSTRUCTION, "one", "the thinker's own"]
    assert len(refiner.asked) == 1


@pytest.mark.parametrize(
    ("answers", "reason", "why"),
    [
        ([""], "nothing_new", "empty"),
        (["x" * 4001], "nothing_new", "over the limit"),
        ([INSTRUCTION, INSTRUCTION], "nothing_new", "tried already"),
        ([ThinkerFailed("gone")] * 3, "thinker_failed", "The refiner failed: gone."),
        ([ThinkerFailed("no", retryable=False)], "thinker_failed", "The refiner failed: no."),
        ([None, 7, b""], "thinker_failed", "answered with bytes, not text"),
    ],
)
async def test_what_it_cannot_do_ends_the_session_with_the_best_so_far(
    answers: list[Any], reason: str, why: str
) -> None:
    refiner = Refining(*answers)
    result = await refined_by(refiner, Seen(), [scored(3)])
    assert refiner.answers == []
    assert result["stop_reason"] == reason
    assert result["selected_turn"] == 1
    assert why in result["why"]


async def test_a_failure_that_passes_is_made_up_for() -> None:
    seen = Seen()
    await refined_by(Refining(ThinkerFailed("busy"), ValueError("odd"), "one"), seen, numbered(3, 9))
    assert [prompt for prompt, _ in seen.prompts] == [INSTRUCTION, "one"]
