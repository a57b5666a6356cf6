"""The loop by itself: modes, seeds, candidates, history and the selection of the best turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest

from tests.graph.kit import (
    INSTRUCTION,
    SETTINGS,
    SOURCE,
    Events,
    Seen,
    begun,
    edited,
    numbered,
    running,
    scored,
)
from thinkedit.adapters.base import CompareRequest, CritiqueRequest, EditRequest, Preference
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.thinkers.scripted import ScriptedCritic, ScriptedThinker
from thinkedit.errors import AnswerError, EditorFailed, EditRefused, SettingsError, ThinkerFailed
from thinkedit.images import Picture
from thinkedit.tools import think_edit
from thinkedit.types import Critique, Mode, Status, StopReason

pytestmark = pytest.mark.anyio


async def test_while_thinking_each_turn_edits_the_source_by_the_last_critiques_prompt() -> None:
    seen = Seen()
    result = await edited(seen.editor(), seen.thinker(numbered(3, 5, 9)))
    assert seen.prompts == [(INSTRUCTION, 100), ("prompt 2", 100), ("prompt 3", 100)]
    assert {request.source.sha256 for request in seen.edits} == {result.source.sha256}
    assert [turn.prompt for turn in result.turns] == [INSTRUCTION, "prompt 2", "prompt 3"]
    assert (result.status, result.stop_reason) == (Status.FINISHED, StopReason.SATISFIED)
    assert result.selected_turn == 3
    assert result.image == result.turns[2].image
    assert "9.0 and 9.0" in result.why


async def test_before_plans_once_and_edits_once() -> None:
    seen = Seen()
    thinker = seen.thinker(numbered(3), planned=lambda request: f"{request.instruction} by ten")
    result = await edited(seen.editor(), thinker, mode="before")
    assert seen.prompts == [("make it warmer by ten", 100)]
    assert len(seen.critiques) == 1, "the only turn is critiqued too"
    assert result.stop_reason is StopReason.MAX_TURNS
    assert result.mode is Mode.BEFORE


async def test_both_plans_and_then_thinks_while_editing() -> None:
    seen = Seen()
    result = await edited(seen.editor(), seen.thinker(numbered(3, 9)), mode="both")
    assert [prompt for prompt, _ in seen.prompts] == [f"{INSTRUCTION} (planned)", "prompt 2"]
    assert result.stop_reason is StopReason.SATISFIED
    assert seen.critiques[0].instruction == INSTRUCTION, "the critique is of the wish, not of the plan"
    assert seen.critiques[0].prompt == f"{INSTRUCTION} (planned)"


@pytest.mark.parametrize("mode", ["before", "both"])
async def test_a_thinker_that_cannot_plan_is_found_before_anything_runs(mode: str) -> None:
    editor = ScriptedEditor(size="tiny")
    async with running(editor, ScriptedCritic()) as runner:
        with pytest.raises(SettingsError, match=f"mode '{mode}' needs a thinker that can plan"):
            await begun(runner, mode=mode)
        assert await runner.ledger.sessions() == []
    assert editor.calls == 0


@pytest.mark.parametrize(
    ("planned", "why"),
    [
        (ThinkerFailed("no plan today"), "no plan today"),
        (ValueError("odd"), "odd"),
        ("  ", "plan is empty"),
        ("x" * 4001, "4,001 characters"),
    ],
)
async def test_a_plan_that_cannot_be_used_ends_the_session_honestly(planned: Any, why: str) -> None:
    result = await edited(None, ScriptedThinker(planned=planned), mode="both")
    assert (result.status, result.stop_reason) == (Status.FAILED, StopReason.THINKER_FAILED)
    assert why in result.why
    assert (result.image, result.selected_turn, result.turns) == (None, None, [])


async def test_the_thinker_is_told_of_all_earlier_turns() -> None:
    seen = Seen()
    await edited(seen.editor(), seen.thinker(numbered(3, 4, 5, 6)))
    told = [[(past.turn, past.prompt, past.semantic) for past in r.history] for r in seen.critiques]
    assert told[0] == []
    assert told[3] == [(1, INSTRUCTION, 3), (2, "prompt 2", 4), (3, "prompt 3", 5)]
    assert {request.threshold for request in seen.critiques} == {8.0}


async def test_the_seed_stays_until_a_prompt_repeats() -> None:
    script = [scored(3, next_prompt=p) for p in ("warmer still", INSTRUCTION, "warmer still", "last")]
    seen = Seen()
    result = await edited(seen.editor(), seen.thinker(script), turns=5)
    assert seen.prompts == [
        (INSTRUCTION, 100),
        ("warmer still", 100),
        (INSTRUCTION, 101),
        ("warmer still", 101),
        ("last", 100),
    ]
    assert [turn.seed for turn in result.turns] == [100, 100, 101, 101, 100]


async def test_a_drawn_seed_is_recorded_and_kept() -> None:
    seen = Seen()
    drawn = SETTINGS.model_copy(update={"seed": None, "turns": 3})
    async with running(seen.editor(), seen.thinker(numbered(3, 4, 5))) as runner:
        result = await think_edit(SOURCE, INSTRUCTION, settings=drawn, runner=runner)
        session = await runner.ledger.session(result.session_id)
    assert {seed for _, seed in seen.prompts} == {session.settings.seed}
    assert {turn.seed for turn in result.turns} == {session.settings.seed}


def marked(request: EditRequest) -> Picture:
    """A flat picture whose colour is the number of the candidate that it was made for."""
    return Picture.from_pixels(np.full((2, 2, 3), (request.seed - 100) // 1000, dtype=np.uint8))


def candidate_of(request: CritiqueRequest) -> int:
    return int(request.edited.pixels()[0, 0, 0])


def by_candidate(*turns: tuple[Critique | Exception, ...]) -> Callable[[CritiqueRequest], Any]:
    """A script: for each turn a line for each candidate."""
    return lambda request: turns[len(request.history)][candidate_of(request)]


async def test_each_candidate_has_a_seed_and_a_critique_and_the_best_is_the_turns_image() -> None:
    script = by_candidate(
        (scored(3, next_prompt="a"), scored(6, next_prompt="b"), scored(5, next_prompt="c")),
        (scored(2, next_prompt="d"), scored(1, next_prompt="e"), scored(9, 8, next_prompt="f")),
    )
    seen = Seen()
    result = await edited(seen.editor(picture=marked), seen.thinker(script), candidates=3)
    assert seen.prompts == [
        *((INSTRUCTION, seed) for seed in (100, 1100, 2100)),
        *(("b", seed) for seed in (100, 1100, 2100)),
    ]
    first, second = result.turns
    assert [candidate.seed for candidate in first.candidates] == [100, 1100, 2100]
    assert [c.critique and c.critique.semantic for c in first.candidates] == [3, 6, 5]
    assert first.image == first.candidates[1].image
    assert first.critique == first.candidates[1].critique
    assert second.image == second.candidates[2].image
    assert result.stop_reason is StopReason.SATISFIED
    assert result.image == second.image


async def test_between_candidates_that_are_equally_good_the_first_wins() -> None:
    script = by_candidate((scored(4, 9), scored(6, 6), scored(9, 4)))
    result = await edited(ScriptedEditor(picture=marked), ScriptedThinker(script), candidates=3, turns=1)
    assert result.image == result.turns[0].candidates[0].image


async def test_one_candidate_without_a_critique_does_not_sink_the_turn() -> None:
    script = by_candidate((AnswerError("no tags"), scored(5), ThinkerFailed("gone")))
    result = await edited(ScriptedEditor(picture=marked), ScriptedThinker(script), candidates=3, turns=1)
    assert result.stop_reason is StopReason.MAX_TURNS
    states = [c.critique.state for c in result.turns[0].candidates if c.critique]
    assert states == ["unparseable", "scored", "failed"]
    assert result.image == result.turns[0].candidates[1].image


async def test_one_refused_candidate_does_not_sink_the_turn() -> None:
    editor = ScriptedEditor(
        picture=marked, faults=lambda _, r: EditRefused("not this one") if r.seed == 1100 else None
    )
    result = await edited(editor, ScriptedThinker(numbered(9)), candidates=3)
    assert [c.error for c in result.turns[0].candidates] == [None, "not this one", None]
    assert [c.image is None for c in result.turns[0].candidates] == [False, True, False]
    assert result.stop_reason is StopReason.SATISFIED


async def test_only_the_candidates_that_failed_are_made_again() -> None:
    seen = Seen()
    editor = seen.editor(faults={2: EditorFailed("out of memory")})
    await edited(editor, seen.thinker(numbered(9)), candidates=3)
    assert [seed for _, seed in seen.prompts] == [100, 1100, 2100, 1100]


async def test_the_best_turn_is_returned_and_not_the_last() -> None:
    result = await edited(None, ScriptedThinker(numbered(3, 7, 5, 6)))
    assert result.selected_turn == 2
    assert result.image == result.turns[1].image
    assert "Turn 2 has the highest overall score, 7.0 of 10, of 4 turns." in result.why


async def test_the_earliest_of_equals_is_returned() -> None:
    script = [scored(4, 9, "a"), scored(6, 6, "b"), scored(9, 4, "c"), scored(6, 6, "d")]
    result = await edited(None, ScriptedThinker(script))
    assert result.selected_turn == 1


async def test_one_score_of_zero_is_worth_nothing_however_good_the_other() -> None:
    result = await edited(None, ScriptedThinker([scored(10, 0, "a"), scored(1, 1, "b")]), turns=2)
    assert result.selected_turn == 2


async def test_an_expert_without_scores_ends_with_the_turn_it_marks() -> None:
    script = [Critique(reasoning="no", next_prompt="a"), Critique(reasoning="yes", stop=True)]
    result = await edited(None, ScriptedThinker(script))
    assert result.stop_reason is StopReason.SATISFIED
    assert (result.selected_turn, len(result.turns)) == (2, 2)
    assert result.why.startswith("The thinker is satisfied.")


async def test_an_expert_without_scores_that_never_stops_gives_the_last_image() -> None:
    script = [Critique(reasoning="no", next_prompt=f"p{n}") for n in range(4)]
    result = await edited(None, ScriptedThinker(script), patience=1)
    assert result.stop_reason is StopReason.MAX_TURNS, "without scores there is no plateau to see"
    assert result.selected_turn == 4
    assert "the last of 4" in result.why


def prefers(order: list[tuple[int, int]], better: Callable[[int, int], Literal[0, 1, 2]]) -> Any:
    """A comparison by the turn that a picture is of, noting which were shown in which order."""

    def compare(request: CompareRequest) -> Preference:
        first, second = (int(p.pixels()[0, 0, 0]) for p in (request.first, request.second))
        order.append((first, second))
        return Preference(better(first, second))

    return compare


def by_turn() -> ScriptedEditor:
    """Flat pictures whose colour is the turn they were made in."""
    turns: dict[str, int] = {}

    def picture(request: EditRequest) -> Picture:
        turn = turns.setdefault(request.prompt, len(turns) + 1)
        return Picture.from_pixels(np.full((2, 2, 3), turn, dtype=np.uint8))

    return ScriptedEditor(picture=picture)


@pytest.mark.parametrize(
    ("better", "selected", "why"),
    [
        (lambda a, b: 1 if a == 3 else 2, 3, "preferred to turn 2 in both orders"),
        (lambda a, b: 1 if a == 2 else 2, 2, "preferred to turn 3 in both orders"),
        (lambda a, b: 1, 2, "disagree, so the higher score decided"),
        (lambda a, b: 0, 2, "disagree, so the higher score decided"),
    ],
)
async def test_pairwise_compares_the_best_two_in_both_orders(better: Any, selected: int, why: str) -> None:
    shown: list[tuple[int, int]] = []
    thinker = ScriptedThinker(numbered(3, 7, 6), preferred=prefers(shown, better))
    result = await edited(by_turn(), thinker, turns=3, select="pairwise")
    assert shown == [(2, 3), (3, 2)]
    assert result.selected_turn == selected
    assert why in result.why


async def test_pairwise_needs_two_images() -> None:
    shown: list[tuple[int, int]] = []
    thinker = ScriptedThinker(numbered(9), preferred=prefers(shown, lambda a, b: 1))
    result = await edited(by_turn(), thinker, select="pairwise")
    assert (shown, result.selected_turn) == ([], 1)


async def test_a_comparison_that_fails_leaves_it_to_the_score() -> None:
    thinker = ScriptedThinker(numbered(3, 7, 6), preferred=ThinkerFailed("cannot look"))
    result = await edited(by_turn(), thinker, turns=3, select="pairwise")
    assert result.selected_turn == 2
    assert "The comparison failed (cannot look)" in result.why


async def test_a_critic_that_cannot_compare_leaves_it_to_the_score() -> None:
    result = await edited(None, ScriptedCritic(numbered(3, 7, 6)), turns=3, select="pairwise")
    assert result.selected_turn == 2


async def test_every_step_is_told_in_order_with_the_scores() -> None:
    heard = Events()
    async with running(None, ScriptedThinker(numbered(3, 9))) as runner:
        result = await begun(runner, on_event=heard, mode="both")
    turn = ["editing", "editing", "edited", "critiquing", "critiqued"]  # the second by the editor's progress
    assert heard.kinds == ["opened", "planned", *turn, "refined", *turn, "stopped"]
    scores = [(e.turn, e.turns, e.overall) for e in heard.heard if e.kind == "critiqued"]
    assert scores == [(1, 4, 3.0), (2, 4, 9.0)]
    assert {event.session_id for event in heard.heard} == {result.session_id}
