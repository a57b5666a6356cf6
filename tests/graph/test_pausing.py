"""A session that waits for its caller: every answer, over one process and over several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from tests.graph.kit import INSTRUCTION, SETTINGS, SOURCE, Seen, begun, numbered, running
from thinkedit.adapters.thinkers.host import HostThinker
from thinkedit.errors import ActionError, InstructionError, NotFoundError
from thinkedit.graph.build import create_think_edit_graph
from thinkedit.graph.runner import Runner
from thinkedit.ledger import Ledger
from thinkedit.store import Store
from thinkedit.tools import continue_edit
from thinkedit.types import EditResult, Status, StopReason

pytestmark = pytest.mark.anyio

GOOD = {"semantic": 9, "quality": 9, "reasoning": "as asked"}
BAD = {"semantic": 4, "quality": 7, "reasoning": "too cold", "next_prompt": "much warmer"}


def prompts(result: EditResult) -> list[str]:
    return [turn.prompt for turn in result.turns]


async def paused(runner: Runner, **settings: Any) -> EditResult:
    result = await begun(runner, **{"pause": "turn", **settings})
    assert (result.status, len(result.turns)) == (Status.PAUSED, 1)
    return result


async def test_it_waits_after_each_turn_and_says_what_it_would_do_next() -> None:
    seen = Seen()
    async with running(seen.editor(), seen.thinker(numbered(3, 4, 9))) as runner:
        result = await paused(runner)
        assert result.next is not None
        assert (result.next.action, result.next.prompt) == ("go_on", "prompt 2")
        result = await continue_edit(result.session_id, runner=runner)
        assert (result.status, prompts(result)) == (Status.PAUSED, [INSTRUCTION, "prompt 2"])
        result = await continue_edit(result.session_id, runner=runner)
        assert (result.status, result.stop_reason) == (Status.FINISHED, StopReason.SATISFIED)
    assert len(seen.edits) == len(seen.critiques) == 3


async def test_a_prompt_of_the_callers_own_is_the_next_turns() -> None:
    async with running(thinker=Seen().thinker(numbered(3, 4, 5))) as runner:
        result = await paused(runner)
        result = await continue_edit(result.session_id, "prompt", prompt="my own words", runner=runner)
        assert prompts(result) == [INSTRUCTION, "my own words"]


async def test_a_critique_of_the_callers_own_replaces_the_thinkers() -> None:
    async with running(thinker=Seen().thinker(numbered(3, 4, 5))) as runner:
        result = await paused(runner)
        again = await continue_edit(result.session_id, "critique", critique=BAD, runner=runner)
        assert prompts(again) == [INSTRUCTION, "much warmer"]
        first = again.turns[0].critique
        assert first is not None
        assert (first.semantic, first.reasoning) == (4, "too cold")
        done = await continue_edit(result.session_id, "critique", critique=GOOD, runner=runner)
        assert (done.stop_reason, done.selected_turn) == (StopReason.SATISFIED, 2)


async def test_picking_and_stopping_end_it() -> None:
    async with running(thinker=Seen().thinker(numbered(5, 3, 4))) as runner:
        result = await paused(runner)
        await continue_edit(result.session_id, runner=runner)
        picked = await continue_edit(result.session_id, "pick", turn=2, runner=runner)
        assert (picked.stop_reason, picked.selected_turn) == (StopReason.STOPPED_BY_CALLER, 2)
        assert "picked by the caller" in picked.why
        other = await paused(runner)
        stopped = await continue_edit(other.session_id, "stop", runner=runner)
        assert (stopped.stop_reason, stopped.selected_turn) == (StopReason.STOPPED_BY_CALLER, 1)


async def test_more_turns_can_be_had_than_were_planned() -> None:
    async with running(thinker=Seen().thinker(numbered(3, 4, 5, 6))) as runner:
        result = await paused(runner, turns=2)
        result = await continue_edit(result.session_id, turns=3, runner=runner)
        assert result.status is Status.PAUSED  # after turn 2 of now 4
        result = await continue_edit(result.session_id, runner=runner)
        assert (result.status, len(result.turns)) == (Status.PAUSED, 3)


async def test_more_turns_count_for_the_very_answer_that_asks_for_them() -> None:
    async with running(thinker=HostThinker()) as runner:
        result = await begun(runner, turns=1)
        result = await continue_edit(result.session_id, "critique", critique=BAD, turns=2, runner=runner)
        assert (result.status, prompts(result)) == (Status.PAUSED, [INSTRUCTION, "much warmer"])


async def test_a_fork_is_a_session_of_its_own_and_both_stay_readable() -> None:
    seen = Seen()
    async with running(seen.editor(), seen.thinker(numbered(3, 4, 5, 6, 7))) as runner:
        trunk = await paused(runner)
        trunk = await continue_edit(trunk.session_id, runner=runner)
        branch = await continue_edit(trunk.session_id, "fork", turn=1, prompt="another way", runner=runner)
        assert branch.session_id != trunk.session_id
        assert (branch.status, prompts(branch)) == (Status.PAUSED, [INSTRUCTION, "another way"])
        assert branch.turns[0] == trunk.turns[0]
        assert len(seen.edits) == 3  # turn 1 was not made again
        assert prompts(await runner.result(trunk.session_id)) == [INSTRUCTION, "prompt 2"]
        with pytest.raises(NotFoundError, match=r"has no turn 7; turns that it has: 1, 2"):
            await continue_edit(trunk.session_id, "fork", turn=7, runner=runner)


@pytest.mark.parametrize(
    ("action", "arguments", "kind", "line"),
    [
        ("critique", {}, ActionError, "needs a critique"),
        (
            "critique",
            {"critique": {**GOOD, "semantic": 11}},
            ActionError,
            "critique.semantic has the value 11",
        ),
        (
            "critique",
            {"critique": {"good": True}},
            ActionError,
            "critique.semantic is missing",
        ),
        ("critique", {"critique": {**BAD, "next_prompt": " "}}, ActionError, "its next_prompt is empty"),
        ("prompt", {"prompt": "  "}, InstructionError, "the prompt is empty"),
        ("pick", {"turn": 9}, ActionError, "turn 9 has no image; turns that have: 1"),
        ("cancel", {}, ActionError, "these do: go_on, critique, prompt, pick, fork, stop"),
    ],
)
async def test_what_does_not_fit_is_refused_in_one_line_and_can_be_given_again(
    action: Any, arguments: dict[str, Any], kind: type[Exception], line: str
) -> None:
    async with running(thinker=Seen().thinker(numbered(3, 9))) as runner:
        result = await paused(runner)
        with pytest.raises(kind, match=line) as raised:
            await continue_edit(result.session_id, action, runner=runner, **arguments)
        assert "\n" not in str(raised.value)
        done = await continue_edit(result.session_id, runner=runner)
        assert done.stop_reason is StopReason.SATISFIED


async def test_the_caller_is_the_thinker_through_to_satisfied() -> None:
    seen = Seen()
    async with running(seen.editor(), HostThinker()) as runner:
        result = await begun(runner)
        assert result.next is not None
        assert (result.status, result.next.action) == (Status.PAUSED, "critique")
        assert result.next.json_schema is not None
        for wrong in ({"semantic": 3}, {"semantic": -1, "quality": 2}):
            with pytest.raises(ActionError):
                await continue_edit(result.session_id, "critique", critique=wrong, runner=runner)
        with pytest.raises(ActionError, match="'go_on' does not fit now"):
            await continue_edit(result.session_id, "go_on", runner=runner)
        result = await continue_edit(result.session_id, "critique", critique=BAD, runner=runner)
        assert (result.status, prompts(result)) == (Status.PAUSED, [INSTRUCTION, "much warmer"])
        result = await continue_edit(result.session_id, "critique", critique=GOOD, runner=runner)
        assert (result.stop_reason, result.selected_turn) == (StopReason.SATISFIED, 2)
    assert len(seen.edits) == 2


async def test_another_process_goes_on_where_this_one_left(tmp_path: Path) -> None:
    """Checkpoints are of the first process only: what counts lies in the store and the ledger."""
    store = Store(str(tmp_path / "store"))
    ledger = Ledger(tmp_path / "sessions.sqlite")
    async with running(thinker=HostThinker(), store=store, ledger=ledger) as runner:
        first = await begun(runner)
    other = Ledger(tmp_path / "sessions.sqlite")
    seen = Seen()
    async with running(seen.editor(), HostThinker(), store=store, ledger=other) as runner:
        result = await continue_edit(first.session_id, "critique", critique=BAD, runner=runner)
        assert prompts(result) == [INSTRUCTION, "much warmer"]
        assert result.status is Status.PAUSED
    assert len(seen.edits) == 1
    ledger.close()
    other.close()


async def test_an_embedding_graph_is_interrupted_and_resumed_by_command() -> None:
    graph = create_think_edit_graph(
        editor=Seen().editor(),
        thinker=HostThinker(),
        settings=SETTINGS,
    ).compile(checkpointer=InMemorySaver())
    thread: Any = {"configurable": {"thread_id": "a"}}
    output = await graph.ainvoke({"image": SOURCE, "instruction": INSTRUCTION}, thread)
    [asked] = output["__interrupt__"]
    assert "critique" in asked.value["actions"]
    output = await graph.ainvoke(Command(resume={"action": "critique", "critique": {"semantic": 12}}), thread)
    [asked] = output["__interrupt__"]
    assert "semantic has the value 12" in asked.value["error"]
    output = await graph.ainvoke(Command(resume={"action": "critique", "critique": BAD}), thread)
    [asked] = output["__interrupt__"]
    assert asked.value["turn"] == 2
    output = await graph.ainvoke(Command(resume={"action": "critique", "critique": GOOD}), thread)
    result = EditResult.model_validate(output["result"])
    assert (result.stop_reason, result.selected_turn) == ("satisfied", 2)
