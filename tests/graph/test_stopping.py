"""Why a session ends, with what status, which image and which words."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.graph.kit import INSTRUCTION, Seen, begun, edited, numbered, running, scored
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.errors import AnswerError, EditorFailed, EditRefused, ThinkerFailed, UnsupportedEdit
from thinkedit.graph import calls
from thinkedit.graph.stopping import best_turn, decide, why_selected
from thinkedit.ledger import Spent
from thinkedit.types import (
    CandidateRecord,
    Critique,
    CritiqueState,
    CritiqueView,
    LoopSettings,
    Status,
    StopReason,
    TurnRecord,
)

asyncly = pytest.mark.anyio

SHA = "0" * 64
FREE = Spent(0, 0)


def turn(number: int, critique: Critique | None, *, image: bool = True) -> TurnRecord:
    return TurnRecord(
        session_id="s",
        turn=number,
        prompt=f"p{number}",
        seed=0,
        candidates=(CandidateRecord(seed=0, image=SHA if image else None, critique=critique),),
        best=0 if image else None,
        critique=critique,
    )


def turns(*scores: float | None) -> list[TurnRecord]:
    """Turns of these overall scores; None for one whose prompt was refused."""
    return [
        turn(number, Critique() if score is None else scored(score), image=score is not None)
        for number, score in enumerate(scores, start=1)
    ]


S = StopReason


@pytest.mark.parametrize(
    ("scores", "settings", "spent", "first", "reason"),
    [
        ((5,), {}, FREE, 1, None),
        ((8,), {}, FREE, 1, S.SATISFIED),
        ((7.99,), {}, FREE, 1, None),
        ((5,), {"threshold": 5}, FREE, 1, S.SATISFIED),
        ((1, 2, 3, 4, 5), {}, FREE, 1, S.MAX_TURNS),
        ((1, 2, 3, 4, 8), {}, FREE, 1, S.SATISFIED),
        ((5,), {"mode": "before"}, FREE, 1, S.MAX_TURNS),
        ((5,), {"mode": "both"}, FREE, 1, None),
        ((5, 5), {"mode": "before"}, FREE, 2, None),
        ((5, 4, 5), {}, FREE, 1, S.PLATEAU),
        ((5, 4, 5.1), {}, FREE, 1, None),
        ((5, 4), {"patience": 1}, FREE, 1, S.PLATEAU),
        ((5, 4), {"patience": 3}, FREE, 1, None),
        ((5, None, None), {}, FREE, 1, S.PLATEAU),
        ((5, 4, 4), {}, FREE, 3, None),
        ((5, 4, 4, 4), {}, FREE, 3, S.PLATEAU),
        ((5,), {"budget_calls": 2}, Spent(0, 2), 1, S.BUDGET),
        ((5,), {"budget_calls": 3}, Spent(0, 2), 1, None),
        ((5,), {"budget_seconds": 2.0}, Spent(2.5, 2), 1, S.BUDGET),
        ((5,), {"budget_seconds": 2.6}, Spent(2.5, 2), 1, None),
        ((9,), {"budget_calls": 1}, Spent(0, 2), 1, S.SATISFIED),
    ],
)
def test_the_rule(
    scores: tuple[float | None, ...], settings: dict[str, Any], spent: Spent, first: int, reason: S | None
) -> None:
    chosen = LoopSettings.model_validate({"turns": 5, "patience": 2, **settings})
    assert decide(turns(*scores), chosen, spent, first) is reason


@pytest.mark.parametrize("state", [CritiqueState.UNPARSEABLE, CritiqueState.FAILED])
def test_what_is_not_scored_never_satisfies_whatever_else_it_says(state: CritiqueState) -> None:
    critique = Critique(state=state, semantic=10, quality=10, stop=True)
    assert not critique.satisfied(0)
    assert decide([turn(1, critique)], LoopSettings(), FREE) is S.THINKER_FAILED
    assert best_turn([turn(1, scored(1)), turn(2, critique)]) == turn(1, scored(1))


def test_one_score_below_the_threshold_is_not_enough() -> None:
    assert decide([turn(1, scored(10, 7.9))], LoopSettings(turns=2), FREE) is None
    assert decide([turn(1, scored(7.9, 10))], LoopSettings(turns=2), FREE) is None


def test_a_refused_turn_cannot_satisfy() -> None:
    refused = turn(2, Critique(stop=True, semantic=10, quality=10), image=False)
    assert decide([turn(1, scored(3)), refused], LoopSettings(), FREE) is None


LEASE_THIRD = 10
"""Seconds between two renewals of a lease, which are slept through as well."""

FAILS = ThinkerFailed("the server is gone")


@asyncly
@pytest.mark.parametrize(
    ("scores", "settings", "reason", "selected", "count", "why"),
    [
        ((3, 9), {}, S.SATISFIED, 2, 2, "Both scores of turn 2, 9.0 and 9.0, reach 8."),
        ((3, 5, 4), {"turns": 3}, S.MAX_TURNS, 2, 3, "The limit of 3 turns was reached."),
        ((3,), {"turns": 1}, S.MAX_TURNS, 1, 1, "The limit of 1 turn was reached."),
        ((6, 5, 4), {"patience": 2}, S.PLATEAU, 1, 3, "The last 2 turns brought no better image."),
        ((3, 4, 5), {"budget_calls": 3}, S.BUDGET, 2, 2, "The budget of model time or calls is used up."),
        ((3, 4), {"budget_seconds": 1e-9}, S.BUDGET, 1, 1, "The budget of model time or calls is used up."),
    ],
)
async def test_each_end_says_why_and_keeps_the_best(
    scores: tuple[float, ...], settings: dict[str, Any], reason: S, selected: int, count: int, why: str
) -> None:
    result = await edited(None, ScriptedThinker(numbered(*scores)), **settings)
    assert (result.status, result.stop_reason) == (Status.FINISHED, reason)
    assert (result.selected_turn, len(result.turns)) == (selected, count)
    assert result.image == result.turns[selected - 1].image
    assert result.why.startswith(why)
    assert f"Turn {selected} " in result.why


@asyncly
@pytest.mark.parametrize(
    ("prompt", "why"),
    [
        ("", "next prompt is empty"),
        (" \n ", "next prompt is empty"),
        ("x" * 4001, "next prompt is 4,001 characters long, over the limit of 4,000"),
    ],
)
async def test_a_next_prompt_that_cannot_be_used_ends_it(prompt: str, why: str) -> None:
    result = await edited(None, ScriptedThinker([scored(3, next_prompt=prompt)]))
    assert (result.status, result.stop_reason) == (Status.FINISHED, S.NOTHING_NEW)
    assert (result.selected_turn, len(result.turns)) == (1, 1)
    assert why in result.why


@asyncly
async def test_a_prompt_of_just_the_allowed_length_is_used() -> None:
    seen = Seen()
    await edited(seen.editor(), seen.thinker([scored(3, next_prompt=" " + "x" * 4000), scored(9)]))
    assert seen.prompts[1][0] == "x" * 4000


@asyncly
async def test_the_same_prompt_a_third_time_is_nothing_new() -> None:
    seen = Seen()
    result = await edited(seen.editor(), seen.thinker([scored(3, next_prompt=INSTRUCTION)]), turns=5)
    assert seen.prompts == [(INSTRUCTION, 100), (INSTRUCTION, 101)]
    assert result.stop_reason is S.NOTHING_NEW
    assert "tried already" in result.why


@asyncly
async def test_for_an_editor_that_ignores_seeds_the_same_prompt_is_nothing_new_at_once() -> None:
    class Seedless(ScriptedEditor):
        seeded = False

    editor = Seedless(size="tiny")
    result = await edited(editor, ScriptedThinker([scored(3, next_prompt=f" {INSTRUCTION} ")]))
    assert (editor.calls, result.stop_reason) == (1, S.NOTHING_NEW)


@asyncly
@pytest.mark.parametrize(
    "fault", [EditorFailed("out of memory"), RuntimeError("odd\nthing"), TimeoutError("their own")]
)
async def test_an_editor_that_fails_is_tried_again_and_then_ends_it(fault: Exception) -> None:
    editor = ScriptedEditor(size="tiny", faults=lambda number, _: fault)
    result = await edited(editor, None, retries=3)
    assert editor.calls == 4
    assert (result.status, result.stop_reason) == (Status.FAILED, S.EDITOR_FAILED)
    assert (result.image, result.selected_turn) == (None, None)
    assert "The editor failed: " in result.why
    assert str(fault).split()[0] in result.why
    assert "\n" not in result.why
    assert "within" not in result.why, "their own time limit is not ours"
    [failed] = result.turns
    assert failed.error
    assert failed.critique is None


@asyncly
async def test_an_editor_that_fails_later_leaves_the_best_so_far() -> None:
    editor = ScriptedEditor(size="tiny", faults={3: EditorFailed("gone", retryable=False)})
    result = await edited(editor, ScriptedThinker(numbered(5, 3, 9)))
    assert editor.calls == 3, "what cannot be helped is not tried again"
    assert (result.stop_reason, result.selected_turn) == (S.EDITOR_FAILED, 1)
    assert [turn.error is not None for turn in result.turns] == [False, False, True]


@asyncly
@pytest.mark.parametrize("role", ["editor", "thinker"])
async def test_the_wait_before_each_retry_doubles_up_to_a_limit(
    role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    sleep = anyio.sleep

    async def noted(seconds: float) -> None:
        if seconds < 1:
            await sleep(seconds)
        else:
            waits.append(seconds)

    with monkeypatch.context() as patched:
        patched.setattr(calls.anyio, "sleep", noted)
        editor = ScriptedEditor(size="tiny", faults=lambda number, _: EditorFailed("busy"))
        thinker = ScriptedThinker(faults=lambda number, _: FAILS)
        pair = (editor, None) if role == "editor" else (None, thinker)
        await edited(*pair, retries=6, backoff=4)
    assert [seconds for seconds in waits if seconds != LEASE_THIRD] == [4, 8, 16, 30, 30, 30]


@asyncly
async def test_a_failure_that_passes_is_not_seen_in_the_result() -> None:
    editor = ScriptedEditor(size="tiny", faults={1: EditorFailed("busy"), 2: ValueError("odd")})
    thinker = ScriptedThinker(numbered(3, 9), faults={1: FAILS, 3: AnswerError("no tags", "<thi")})
    result = await edited(editor, thinker)
    assert (result.status, result.stop_reason) == (Status.FINISHED, S.SATISFIED)
    assert (editor.calls, thinker.calls) == (4, 4)
    assert [turn.error for turn in result.turns] == [None, None]


@asyncly
@pytest.mark.parametrize(
    ("fault", "calls", "state", "why"),
    [
        (FAILS, 3, "failed", "the server is gone"),
        (ThinkerFailed("no such\n  model", retryable=False), 1, "failed", "no such model"),
        (KeyError("choices"), 3, "failed", "KeyError: 'choices'"),
        (AnswerError("there is no <score>", "<think>I like it</think>"), 3, "unparseable", "no <score>"),
    ],
)
async def test_a_thinker_that_always_fails_ends_with_the_first_image(
    fault: Exception, calls: int, state: str, why: str
) -> None:
    thinker = ScriptedThinker(faults=lambda number, _: fault)
    result = await edited(None, thinker)
    assert thinker.calls == calls
    assert (result.status, result.stop_reason) == (Status.FAILED, S.THINKER_FAILED)
    assert (result.selected_turn, len(result.turns)) == (1, 1)
    assert result.image == result.turns[0].image
    assert result.turns[0].critique is not None
    assert result.turns[0].critique.state == state
    assert not result.turns[0].critique.satisfied
    assert why in result.why


@asyncly
@pytest.mark.parametrize(
    "answer",
    [
        "<think>perfect</think><score>[10, 10]</score>",
        "<think>perfect</think><answer>stop</answer>",
        "10/10, well done",
        Critique(state=CritiqueState.UNPARSEABLE, semantic=10, quality=10, stop=True),
        Critique(state=CritiqueState.FAILED, semantic=10, quality=10, stop=True),
    ],
)
async def test_a_broken_answer_never_passes_for_satisfaction(answer: Any) -> None:
    result = await edited(None, ScriptedThinker([answer]), threshold=0)
    assert result.stop_reason is S.THINKER_FAILED


@asyncly
async def test_a_thinker_that_fails_later_leaves_the_best_scored_image() -> None:
    thinker = ScriptedThinker([*numbered(5, 3), FAILS])
    result = await edited(None, thinker)
    assert (result.stop_reason, result.selected_turn, len(result.turns)) == (S.THINKER_FAILED, 1, 3)
    assert result.turns[2].image is not None


class Odd:
    """A model that answers with what no contract knows."""

    identity = "odd"

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def edit(self, requests: Any, progress: Any = None) -> Any:
        return self.answer

    async def critique(self, request: Any) -> Any:
        return self.answer


@asyncly
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "answered 1 requests with NoneType"),
        ([], "answered 1 requests with 0 items"),
        ([None, None], "answered 1 requests with 2 items"),
        ([b"png"], "answered with bytes, which is no edited image"),
    ],
)
async def test_an_editor_that_breaks_its_contract_is_one_that_fails(answer: Any, why: str) -> None:
    result = await edited(Odd(answer), None)
    assert result.stop_reason is S.EDITOR_FAILED
    assert why in result.why


@asyncly
@pytest.mark.parametrize("answer", [None, {"semantic": 10, "quality": 10}, "good"])
async def test_a_thinker_that_breaks_its_contract_is_one_that_fails(answer: Any) -> None:
    result = await edited(None, Odd(answer))
    assert (result.stop_reason, result.selected_turn) == (S.THINKER_FAILED, 1)
    assert f"answered with {type(answer).__name__}, not a Critique" in result.why


@asyncly
@pytest.mark.parametrize("refusal", [UnsupportedEdit("what is a frobnicate?", ("it",)), EditRefused("no")])
async def test_a_refusal_at_the_first_turn_leaves_no_session(refusal: Exception) -> None:
    editor = ScriptedEditor(size="tiny", faults={1: refusal})
    thinker = ScriptedThinker()
    async with running(editor, thinker) as runner:
        with pytest.raises(type(refusal), match=str(refusal)) as raised:
            await begun(runner)
        assert await runner.ledger.sessions() == []
        assert getattr(raised.value, "words", ()) == getattr(refusal, "words", ())
    assert (editor.calls, thinker.calls) == (1, 0)


@asyncly
async def test_a_later_refusal_is_that_turns_error_and_is_shown_to_the_thinker() -> None:
    refusal = UnsupportedEdit("'frobnicate' is not understood", ("frobnicate",))
    seen = Seen()
    editor = seen.editor(faults={2: refusal})
    script = [scored(3, next_prompt="frobnicate"), scored(10, 10, "warmer, slightly"), scored(9)]
    result = await edited(editor, seen.thinker(script))
    assert [prompt for prompt, _ in seen.prompts] == [INSTRUCTION, "frobnicate", "warmer, slightly"]
    shown = seen.critiques[1]
    assert shown.error == "'frobnicate' is not understood"
    assert shown.edited.sha256 == seen.critiques[0].edited.sha256, "the last image that there is"
    refused = result.turns[1]
    assert (refused.image, refused.error) == (None, "'frobnicate' is not understood")
    assert refused.critique is not None
    assert (refused.critique.semantic, refused.critique.satisfied) == (None, False)
    assert refused.critique.next_prompt == "warmer, slightly"
    assert seen.critiques[2].history[1].error == "'frobnicate' is not understood"
    assert (result.stop_reason, result.selected_turn) == (S.SATISFIED, 3)


@asyncly
async def test_prompts_that_are_refused_again_and_again_end_at_the_limit() -> None:
    editor = ScriptedEditor(size="tiny", faults=lambda n, _: EditRefused("no") if n > 1 else None)
    script = [scored(3, next_prompt=f"try {n}") for n in range(9)]
    result = await edited(editor, ScriptedThinker(script), turns=4)
    assert (result.stop_reason, result.selected_turn, len(result.turns)) == (S.MAX_TURNS, 1, 4)


@asyncly
async def test_a_thinker_that_fails_over_a_refusal_ends_with_the_best_so_far() -> None:
    editor = ScriptedEditor(size="tiny", faults={2: EditRefused("no")})
    result = await edited(editor, ScriptedThinker([*numbered(3), FAILS]))
    assert (result.stop_reason, result.selected_turn) == (S.THINKER_FAILED, 1)


def test_the_reason_and_the_result_show_the_same_number() -> None:
    """9.5499 is 9.55 in a result, and so 9.6 wherever one digit is shown."""
    record = turn(1, Critique(semantic=9.6, quality=9.5, state=CritiqueState.SCORED))
    assert record.critique is not None
    shown = f"{CritiqueView.of(record.critique, 8).overall:.1f}"
    assert why_selected(record, [record]) == f"Turn 1 is the only one with an image (overall {shown})."
