"""Several critiques of the same image: asked at once, averaged, recorded apart, and none paid for twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.graph.kit import INSTRUCTION, SETTINGS, SOURCE, Seen, begun, edited, running, scored
from thinkedit.adapters.base import CritiqueRequest
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedThinker, turn_of
from thinkedit.config import Config
from thinkedit.errors import AnswerError, ThinkerFailed
from thinkedit.graph.rebuild import rebuild
from thinkedit.graph.runner import open_runner
from thinkedit.graph.sessions import turn_records
from thinkedit.ledger import Ledger
from thinkedit.store import Store
from thinkedit.tools import continue_edit, think_edit
from thinkedit.types import Critique, CritiqueState, EditResult, StopReason, Usage

pytestmark = pytest.mark.anyio


def by_look(*values: float | Exception) -> Callable[[CritiqueRequest], Critique | Exception]:
    """A script with a score, or a failure, for each look; half a point more in each turn."""

    def script(request: CritiqueRequest) -> Critique | Exception:
        value = values[request.look]
        if isinstance(value, Exception):
            return value
        turn = turn_of(request)
        return scored(
            value + 0.5 * (turn - 1),
            next_prompt=f"prompt {turn + 1} of look {request.look}",
            raw=f"raw {turn}.{request.look}",
            usage=Usage(input_tokens=100, output_tokens=request.look),
        )

    return script


async def test_every_candidate_is_seen_as_often_as_asked_and_at_once() -> None:
    seen = Seen()
    thinker = seen.thinker(by_look(3, 5, 7), latency=0.01)
    result = await edited(None, thinker, turns=1, passes=3, candidates=2)
    assert sorted((r.edited.sha256, r.look) for r in seen.critiques) == sorted(
        (c.image.sha256, look) for c in result.turns[0].candidates if c.image for look in range(3)
    )
    assert thinker.behaviour.peak == 6
    assert [c.critique.semantic for c in result.turns[0].candidates if c.critique] == [5, 5]


async def test_the_loop_goes_by_the_mean() -> None:
    result = await edited(None, ScriptedThinker(by_look(6, 8, 8.5)), passes=3)
    assert result.stop_reason is StopReason.SATISFIED
    assert [turn.critique.semantic for turn in result.turns if turn.critique] == [7.5, 8.0]
    assert [turn.prompt for turn in result.turns] == [INSTRUCTION, "prompt 2 of look 1"]


async def test_every_raw_answer_is_kept_and_tokens_are_added_up() -> None:
    async with running(None, ScriptedThinker(by_look(3, 5, 7))) as runner:
        result = await begun(runner, turns=2, passes=3)
        records = await turn_records(runner.store, runner.ledger, result.session_id)
    looks = records[1].candidates[0].looks
    assert [look.raw for look in looks] == ["raw 2.0", "raw 2.1", "raw 2.2"]
    assert [look.semantic for look in looks] == [3.5, 5.5, 7.5]
    assert records[1].critique is not None
    assert (records[1].critique.raw, records[1].critique.semantic) == ("raw 2.1", 5.5)
    assert [turn.usage for turn in result.turns] == [Usage(input_tokens=300, output_tokens=3)] * 2
    assert result.turns[0].critique is not None
    assert result.turns[0].critique.usage == result.turns[0].usage


async def test_a_single_look_is_recorded_as_ever() -> None:
    async with running() as runner:
        result = await begun(runner, turns=1)
        [record] = await turn_records(runner.store, runner.ledger, result.session_id)
    assert record.candidates[0].looks == ()


async def test_a_look_that_stays_broken_is_left_out() -> None:
    thinker = ScriptedThinker(by_look(4, AnswerError("no score", "mumble"), 6))
    async with running(None, thinker) as runner:
        result = await begun(runner, turns=1, passes=3, retries=1)
        [record] = await turn_records(runner.store, runner.ledger, result.session_id)
    critique = result.turns[0].critique
    assert critique is not None
    assert (critique.semantic, critique.state) == (5, CritiqueState.SCORED)
    assert "1 of 3 looks gave no critique" in critique.reasoning
    assert record.candidates[0].looks[1].raw == "mumble"
    assert thinker.calls == 4  # the broken look was asked for twice


async def test_where_no_look_gives_a_critique_the_session_fails_and_going_on_asks_again() -> None:
    thinker = ScriptedThinker(by_look(ThinkerFailed("gone"), AnswerError("no score")))
    async with running(None, thinker) as runner:
        result = await begun(runner, passes=2, retries=0)
        assert result.stop_reason is StopReason.THINKER_FAILED
        assert "none of 2 looks gave a critique; the first: gone" in result.why
        assert result.image is not None
        thinker.script = by_look(9, 9)
        again = await continue_edit(result.session_id, runner=runner)
    assert again.stop_reason is StopReason.SATISFIED
    assert again.turns[0].critique is not None
    assert again.turns[0].critique.semantic == 9


async def test_calls_count_for_the_budget() -> None:
    result = await edited(None, ScriptedThinker(by_look(3, 3, 3)), passes=3, budget_calls=4)
    assert (result.stop_reason, len(result.turns)) == (StopReason.BUDGET, 1)


async def test_failed_attempts_count_among_the_tokens() -> None:
    def script(request: CritiqueRequest) -> Critique:
        spoiled = thinker.calls == 1
        return Critique(
            state=CritiqueState.UNPARSEABLE if spoiled else CritiqueState.SCORED,
            semantic=None if spoiled else 9,
            quality=None if spoiled else 9,
            usage=Usage(input_tokens=10, output_tokens=1),
        )

    thinker = ScriptedThinker(script)
    result = await edited(None, thinker)
    assert result.turns[0].usage == Usage(input_tokens=20, output_tokens=2)


async def test_the_tokens_of_an_answer_that_cannot_be_read_count_too() -> None:
    def script(request: CritiqueRequest) -> Critique:
        used = Usage(input_tokens=10, output_tokens=1)
        if thinker.calls == 1:
            raise AnswerError("the answer has no score", "hm", used)
        return Critique(semantic=9, quality=9, usage=used)

    thinker = ScriptedThinker(script)
    result = await edited(None, thinker)
    assert result.turns[0].usage == Usage(input_tokens=20, output_tokens=2)


async def test_a_thinker_that_counts_nothing_has_no_usage() -> None:
    result = await edited(passes=2, turns=1)
    assert result.turns[0].usage is None


async def test_looks_are_put_back_from_the_records(tmp_path: Path) -> None:
    thinker = ScriptedThinker(by_look(3, 5, 7))
    models = Models(editors={"e": Seen().editor()}, thinkers={"t": thinker})
    async with open_runner(Config(data=tmp_path), models) as runner:
        before: EditResult = await think_edit(
            SOURCE, INSTRUCTION, settings=SETTINGS, passes=3, candidates=2, turns=1, runner=runner
        )
    ledger = Ledger(None)
    store = Store(tmp_path / "store")
    assert (await rebuild(store, ledger)).added == [before.session_id]
    back = await ledger.session(before.session_id)
    assert (await ledger.spent(back)).calls == 2 + 6
    calls = thinker.calls
    async with running(None, thinker, store=store, ledger=ledger) as runner:
        again = await continue_edit(before.session_id, turns=1, runner=runner)
    assert thinker.calls == calls + 6  # the new turn's, and none of the first one's
    assert again.turns[0].critique == before.turns[0].critique
