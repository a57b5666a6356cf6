"""A refiner apart from the critic: asked after each critique, guarded as the thinker's own prompt is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graph.kit import INSTRUCTION, SETTINGS, SOURCE, Seen, begun, numbered, running, scored
from thinkedit.adapters.base import CompareRequest, Preference, RefineRequest
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedCritic, ScriptedThinker
from thinkedit.errors import EditRefused, SettingsError, ThinkerFailed
from thinkedit.graph.build import create_think_edit_graph
from thinkedit.graph.sessions import turn_records

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


def pair(refiner: Any, script: Any, **thinkers: Any) -> Models:
    critic = ScriptedCritic(script)
    return Models(editors={"e": Seen().editor()}, thinkers={"t": critic, "r": refiner, **thinkers})


async def test_settings_name_it_and_its_turns_say_who_wrote_the_prompt() -> None:
    refiner = ScriptedThinker(refined=lambda request: f"after {request.prompt}")
    # The critic gives no prompt of its own: it need not.
    async with running(models=pair(refiner, [scored(3), scored(9)])) as runner:
        result = await begun(runner, refiner="r")
        records = await turn_records(runner.store, runner.ledger, result.session_id)
    assert [turn.prompt for turn in result.turns] == [INSTRUCTION, f"after {INSTRUCTION}"]
    assert [(r.origin, r.refiner) for r in records] == [
        ("instruction", ""),
        ("refiner", refiner.identity),
    ]
    assert records[1].thinker != refiner.identity


async def test_sessions_of_one_process_keep_their_refiners_apart() -> None:
    models = pair(ScriptedThinker(refined="one"), [scored(3)], q=ScriptedThinker(refined="two"))
    async with running(models=models) as runner:
        prompts = [
            [turn.prompt for turn in (await begun(runner, refiner=name, turns=2)).turns][1:]
            for name in ("r", "q", "r")
        ]
        without = await begun(runner, turns=2)
    assert prompts == [["one"], ["two"], ["one"]]
    assert (without.stop_reason or "") == "nothing_new"


async def test_one_that_cannot_refine_is_refused_before_the_first_edit() -> None:
    models = pair(ScriptedCritic(), [scored(3)])
    async with running(models=models) as runner:
        with pytest.raises(SettingsError, match=r"the refiner 'r' .* cannot write prompts.*'scripted'"):
            await begun(runner, refiner="r")
        with pytest.raises(SettingsError, match="unknown thinker 'nobody'"):
            await begun(runner, refiner="nobody")
        assert await runner.ledger.sessions() == []


async def test_one_that_is_not_there_is_found_before_the_first_edit() -> None:
    seen = Seen()
    models = Models(
        editors={"e": seen.editor()},
        thinkers={"t": ScriptedThinker(), "r": ScriptedThinker(down=ThinkerFailed("no answer"))},
    )
    async with running(models=models) as runner:
        with pytest.raises(ThinkerFailed, match="no answer"):
            await begun(runner, refiner="r")
    assert seen.edits == []


async def test_it_compares_where_the_critic_cannot() -> None:
    asked: list[CompareRequest] = []

    def second(request: CompareRequest) -> Preference:
        asked.append(request)
        return Preference(2 if len(asked) == 1 else 1)

    refiner = ScriptedThinker(preferred=second)
    async with running(models=pair(refiner, numbered(3, 7, 6))) as runner:
        result = await begun(runner, refiner="r", turns=3, select="pairwise")
    assert (result.selected_turn, len(asked)) == (3, 2)
    assert "in both orders" in result.why


async def test_where_nobody_can_compare_the_reason_says_so() -> None:
    async with running(models=pair(ScriptedThinker(), numbered(3, 7, 6))) as runner:
        result = await begun(runner, turns=3, select="pairwise")
    assert result.selected_turn == 2
    assert "The thinker cannot compare two images, so scores decided." in result.why
