"""What may follow what: the table of statuses, and going on after every kind of end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.graph.kit import (
    INSTRUCTION,
    SOURCE,
    Events,
    HeldEditor,
    Seen,
    begun,
    numbered,
    only_session,
    running,
    scored,
    told,
)
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.errors import (
    ActionError,
    EditorFailed,
    EditRefused,
    InstructionError,
    NotFoundError,
    ThinkerFailed,
)
from thinkedit.graph.runner import Runner
from thinkedit.tools import ACTIONS, continue_edit, think_edit
from thinkedit.types import EditResult, Status, StopReason

pytestmark = pytest.mark.anyio

S = StopReason
MANY = [scored(3, next_prompt=f"prompt {turn}") for turn in range(2, 20)]


def prompts(result: EditResult) -> list[str]:
    return [turn.prompt for turn in result.turns]


# the table


async def ended(runner: Runner, reason: S) -> EditResult:
    if reason is S.CANCELLED:
        return await cancelled(runner)
    settings: dict[S, dict[str, Any]] = {
        S.SATISFIED: {"threshold": 1},
        S.MAX_TURNS: {"turns": 2},
        S.PLATEAU: {"patience": 1},
        S.BUDGET: {"budget_calls": 3},
    }
    return await begun(runner, **settings.get(reason, {}))


async def cancelled(runner: Runner) -> EditResult:
    async with anyio.create_task_group() as tasks:
        heard = anyio.Event()

        async def listen(event: Any) -> None:
            if event.kind == "refined":
                heard.set()

        tasks.start_soon(lambda: begun(runner, on_event=listen))
        await heard.wait()
        return await continue_edit(await only_session(runner), "cancel", runner=runner)
    raise AssertionError("unreachable")


async def stopped(runner: Runner, editor: HeldEditor) -> EditResult:
    """Stopped by the caller while the second edit is under way."""
    results: list[EditResult] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: begun(runner))
        await editor.held.there.wait()

        async def stop() -> None:
            results.append(await continue_edit(await only_session(runner), "stop", runner=runner))

        tasks.start_soon(stop)
        while not await runner.ledger.marked():
            await anyio.lowlevel.checkpoint()
        editor.held.go.set()
    return results[0]


ENDS: dict[S, tuple[Any, Any]] = {
    S.SATISFIED: (None, MANY),
    S.MAX_TURNS: (None, MANY),
    S.PLATEAU: (None, MANY),
    S.BUDGET: (None, MANY),
    S.CANCELLED: (None, MANY),
    S.NOTHING_NEW: (None, [scored(3), *MANY[1:]]),
    S.EDITOR_FAILED: ({n: EditorFailed("gone") for n in (2, 3, 4)}, MANY),
    S.THINKER_FAILED: (None, [MANY[0], *[ThinkerFailed("gone")]]),
}


def pair(reason: S, seen: Seen) -> tuple[Any, Any]:
    faults, script = ENDS[reason]
    return seen.editor(faults=faults), seen.thinker(script)


@pytest.mark.parametrize("reason", ENDS)
async def test_the_actions_that_fit_no_end_are_refused_and_name_those_that_do(reason: S) -> None:
    async with running(*pair(reason, Seen())) as runner:
        before = await ended(runner, reason)
        assert before.stop_reason is reason
        fitting = ACTIONS[before.status]
        for action in ("stop", "cancel", "critique", "dance"):
            with pytest.raises(ActionError, match=", ".join(fitting)):
                await continue_edit(before.session_id, action, runner=runner)  # type: ignore[arg-type]
        if before.status is Status.FAILED:
            with pytest.raises(ActionError, match="failed, so 'pick' does not fit; these do: go_on, prompt"):
                await continue_edit(before.session_id, "pick", turn=1, runner=runner)
        assert told(await runner.result(before.session_id)) == told(before)


@pytest.mark.parametrize(
    ("action", "arguments", "words"),
    [
        ("prompt", {}, "'prompt' needs the argument prompt"),
        ("pick", {}, "'pick' needs the argument turn"),
        ("go_on", {"turns": 0}, "turns is 0"),
        ("go_on", {"turns": 11}, "at most 10 more"),
    ],
)
async def test_arguments_that_do_not_do(action: Any, arguments: dict[str, Any], words: str) -> None:
    async with running(None, ScriptedThinker(MANY)) as runner:
        before = await begun(runner, turns=2)
        with pytest.raises(ActionError, match=words):
            await continue_edit(before.session_id, action, runner=runner, **arguments)
        assert told(await runner.result(before.session_id)) == told(before)


@pytest.mark.parametrize("prompt", ["", "  ", "x" * 4001, "bell\a"])
async def test_a_prompt_that_cannot_be_used_changes_nothing(prompt: str) -> None:
    async with running(None, ScriptedThinker(MANY)) as runner:
        before = await begun(runner, turns=2)
        with pytest.raises(InstructionError, match="the prompt"):
            await continue_edit(before.session_id, "prompt", prompt=prompt, runner=runner)
        assert told(await runner.result(before.session_id)) == told(before)


async def test_a_session_that_is_not_there_or_another_owners_is_unknown() -> None:
    async with running(None, ScriptedThinker(MANY)) as runner:
        theirs = await begun(runner, turns=1, owner="them")
        messages = []
        for session_id, owner in [
            ("20200101-nothing", ""),
            (theirs.session_id, ""),
            (theirs.session_id, "x"),
        ]:
            for action in ("go_on", "prompt", "pick", "stop", "cancel"):
                with pytest.raises(NotFoundError, match=f"no session '{session_id}'") as raised:
                    await continue_edit(
                        session_id,
                        action,
                        prompt="p",
                        turn=1,
                        runner=runner,
                        owner=owner,  # type: ignore[arg-type]
                    )
                messages.append(str(raised.value).replace(session_id, "ID"))
        assert len(set(messages)) == 1, "a foreign session is told apart from none"
        again = await continue_edit(theirs.session_id, runner=runner, owner="them")
        assert len(again.turns) == 2


# going on


@pytest.mark.parametrize("reason", [S.SATISFIED, S.MAX_TURNS, S.PLATEAU, S.BUDGET, S.CANCELLED])
async def test_going_on_takes_the_last_critiques_prompt(reason: S) -> None:
    seen = Seen()
    async with running(*pair(reason, seen)) as runner:
        before = await ended(runner, reason)
        again = await continue_edit(before.session_id, "go_on", turns=1, runner=runner)
    made = len(before.turns)
    assert prompts(again) == [INSTRUCTION, *(f"prompt {turn}" for turn in range(2, made + 2))]
    assert again.turns[:made] == before.turns
    assert len(seen.edits) == made + 1, "what was there was not made again"
    assert again.session_id == before.session_id


async def test_turns_asked_for_are_turns_made() -> None:
    async with running(None, ScriptedThinker(MANY)) as runner:
        result = await begun(runner, turns=2)
        for turns, total in [(None, 3), (1, 4), (3, 7), (5, 12)]:
            result = await continue_edit(result.session_id, turns=turns, runner=runner)
            assert (result.stop_reason, len(result.turns)) == (S.MAX_TURNS, total)
        assert result.next is None
        with pytest.raises(ActionError, match="at most 0 more, or start from its best image"):
            await continue_edit(result.session_id, runner=runner)


async def test_after_mode_before_each_going_on_makes_the_turns_asked_for() -> None:
    async with running(None, ScriptedThinker(MANY)) as runner:
        result = await begun(runner, mode="before")
        assert len(result.turns) == 1
        result = await continue_edit(result.session_id, runner=runner)
        assert len(result.turns) == 2
        result = await continue_edit(result.session_id, turns=2, runner=runner)
        assert len(result.turns) == 4


async def test_a_budget_is_for_each_time_it_is_gone_on_with() -> None:
    async with running(None, ScriptedThinker(MANY)) as runner:
        before = await begun(runner, budget_calls=4)
        assert (before.stop_reason, len(before.turns)) == (S.BUDGET, 2)
        again = await continue_edit(before.session_id, turns=5, runner=runner)
        assert (again.stop_reason, len(again.turns)) == (S.BUDGET, 4)


async def test_patience_is_for_each_time_it_is_gone_on_with() -> None:
    async with running(None, ScriptedThinker(MANY)) as runner:
        before = await begun(runner, patience=2)
        assert (before.stop_reason, len(before.turns)) == (S.PLATEAU, 3)
        again = await continue_edit(before.session_id, turns=5, runner=runner)
        assert (again.stop_reason, len(again.turns)) == (S.PLATEAU, 5)


@pytest.mark.parametrize("action", ["prompt", "go_on"])
async def test_a_prompt_of_the_callers_own(action: Any) -> None:
    seen = Seen()
    async with running(seen.editor(), seen.thinker(MANY)) as runner:
        before = await begun(runner, turns=2)
        again = await continue_edit(before.session_id, action, prompt=" mine ", turns=2, runner=runner)
    assert prompts(again) == [INSTRUCTION, "prompt 2", "mine", "prompt 4"]
    assert seen.critiques[2].prompt == "mine"
    assert seen.critiques[2].instruction == INSTRUCTION


async def test_a_prompt_that_was_used_before_gets_the_next_seed() -> None:
    seen = Seen()
    async with running(seen.editor(), seen.thinker(MANY)) as runner:
        before = await begun(runner, turns=1)
        await continue_edit(before.session_id, "prompt", prompt=INSTRUCTION, turns=1, runner=runner)
    assert seen.prompts == [(INSTRUCTION, 100), (INSTRUCTION, 101)]


async def test_after_nothing_new_a_prompt_helps() -> None:
    async with running(None, ScriptedThinker([scored(3), scored(9)])) as runner:
        before = await begun(runner)
        assert before.stop_reason is S.NOTHING_NEW
        again = await continue_edit(before.session_id, "go_on", runner=runner)
        assert (again.stop_reason, len(again.turns)) == (S.NOTHING_NEW, 1)
        result = await continue_edit(before.session_id, "prompt", prompt="mine", runner=runner)
    assert (result.stop_reason, result.selected_turn) == (S.SATISFIED, 2)


async def test_going_on_may_try_a_repeated_prompt_once_more() -> None:
    seen = Seen()
    async with running(seen.editor(), seen.thinker([scored(3, next_prompt=INSTRUCTION)])) as runner:
        before = await begun(runner)
        assert (before.stop_reason, len(before.turns)) == (S.NOTHING_NEW, 2)
        again = await continue_edit(before.session_id, runner=runner)
    assert [seed for _, seed in seen.prompts] == [100, 101, 102]
    assert again.stop_reason is S.NOTHING_NEW


@pytest.mark.parametrize("turns", [None, 3])
async def test_after_the_editor_failed_the_turn_is_tried_again_with_fresh_retries(turns: int | None) -> None:
    seen = Seen()
    editor = seen.editor(faults={n: EditorFailed("gone") for n in (2, 3, 4, 5, 6)})
    async with running(editor, seen.thinker(MANY)) as runner:
        before = await begun(runner, turns=2)
        assert (before.stop_reason, before.selected_turn) == (S.EDITOR_FAILED, 1)
        again = await continue_edit(before.session_id, turns=turns, runner=runner)
    assert len(seen.edits) == (7 if turns is None else 9), "two failures more, and then it went through"
    assert (again.status, again.stop_reason) == (Status.FINISHED, S.MAX_TURNS)
    assert prompts(again)[:2] == [INSTRUCTION, "prompt 2"]
    assert [turn.error for turn in again.turns] == [None] * len(again.turns)


async def test_after_the_thinker_failed_the_same_image_is_judged_again() -> None:
    seen = Seen()
    thinker = seen.thinker(numbered(3, 9), faults={n: ThinkerFailed("gone") for n in (2, 3, 4, 5)})
    async with running(seen.editor(), thinker) as runner:
        before = await begun(runner, turns=2)
        assert (before.stop_reason, before.selected_turn) == (S.THINKER_FAILED, 1)
        again = await continue_edit(before.session_id, runner=runner)
    assert len(seen.edits) == 2, "the second image was not made again"
    assert (again.stop_reason, again.selected_turn, len(again.turns)) == (S.SATISFIED, 2, 2)
    assert again.turns[1].image == before.turns[1].image


async def test_at_the_limit_a_turn_that_the_thinker_failed_on_can_still_be_judged() -> None:
    seen = Seen()
    thinker = seen.thinker(MANY, faults={n: ThinkerFailed("gone") for n in (12, 13, 14)})
    async with running(seen.editor(), thinker) as runner:
        before = await begun(runner, turns=12)
        assert (before.stop_reason, len(before.turns)) == (S.THINKER_FAILED, 12)
        with pytest.raises(ActionError, match="limit of 12"):
            await continue_edit(before.session_id, "prompt", prompt="mine", runner=runner)
        again = await continue_edit(before.session_id, runner=runner)
    assert (again.stop_reason, len(again.turns)) == (S.MAX_TURNS, 12)


async def test_after_a_failed_plan_it_plans_again() -> None:
    thinker = ScriptedThinker(numbered(9), faults={n: ThinkerFailed("gone") for n in (1, 2, 3)})
    async with running(None, thinker) as runner:
        before = await begun(runner, mode="both")
        assert (before.stop_reason, before.turns) == (S.THINKER_FAILED, [])
        again = await continue_edit(before.session_id, runner=runner)
    assert (again.stop_reason, prompts(again)) == (S.SATISFIED, [f"{INSTRUCTION} (planned)"])


async def test_going_on_from_a_refusal_that_was_not_judged_does_not_ask_the_editor_again() -> None:
    seen = Seen()
    editor = seen.editor(faults={2: EditRefused("no")})
    thinker = seen.thinker(numbered(3, 1, 9), faults={n: ThinkerFailed("gone") for n in (2, 3, 4)})
    async with running(editor, thinker) as runner:
        before = await begun(runner)
        assert before.stop_reason is S.THINKER_FAILED
        again = await continue_edit(before.session_id, runner=runner)
    assert [prompt for prompt, _ in seen.prompts] == [INSTRUCTION, "prompt 2", "prompt 3"]
    assert (again.stop_reason, again.turns[1].error) == (S.SATISFIED, "no")


async def test_a_refused_prompt_of_the_callers_leaves_the_session_as_it_can_be_gone_on_with() -> None:
    editor = HeldEditor(1)
    editor.behaviour.faults = {1: EditRefused("not that")}
    async with running(editor, ScriptedThinker(numbered(9))) as runner:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: begun(runner))
            await editor.held.there.wait()
            first = await continue_edit(await only_session(runner), "cancel", runner=runner)
        assert (first.stop_reason, first.image, first.turns) == (S.CANCELLED, None, [])
        refused = await continue_edit(first.session_id, "prompt", prompt="mine", runner=runner)
        assert (refused.status, refused.stop_reason) == (Status.FAILED, S.EDITOR_FAILED)
        assert "The editor refused: not that." in refused.why
        result = await continue_edit(first.session_id, "prompt", prompt="other", runner=runner)
    assert (result.stop_reason, prompts(result)) == (S.SATISFIED, ["other"])


# pick


async def test_pick_returns_another_turn() -> None:
    async with running(
        None,
        ScriptedThinker(numbered(3, 7, 5)),
    ) as runner:
        before = await begun(runner, turns=3)
        picked = await continue_edit(before.session_id, "pick", turn=3, runner=runner)
        assert (picked.selected_turn, picked.image) == (3, before.turns[2].image)
        assert picked.why == "Turn 3 was picked by the caller."
        assert (picked.status, picked.stop_reason) == (Status.FINISHED, S.MAX_TURNS)
        again = await continue_edit(before.session_id, "pick", turn=2, runner=runner)
        assert again.selected_turn == 2


async def test_pick_of_a_turn_without_an_image_names_those_with_one() -> None:
    editor = ScriptedEditor(size="tiny", faults={2: EditRefused("no")})
    async with running(editor, ScriptedThinker(MANY)) as runner:
        before = await begun(runner, turns=3)
        for turn in (0, 2, 4, -1):
            with pytest.raises(NotFoundError, match="turns that have: 1, 3"):
                await continue_edit(before.session_id, "pick", turn=turn, runner=runner)
        assert told(await runner.result(before.session_id)) == told(before)


async def test_a_picked_result_is_written_where_it_is_wanted(tmp_path: Path) -> None:
    async with running(None, ScriptedThinker(numbered(3, 7, 5))) as runner:
        before = await begun(runner, turns=3, output=tmp_path / "a.png")
        picked = await continue_edit(
            before.session_id, "pick", turn=3, output=tmp_path / "b.png", runner=runner
        )
    assert before.image is not None
    assert before.image.path == str(tmp_path / "a.png")
    assert picked.image is not None
    assert picked.image.path == str(tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()
    async with running() as runner:
        assert picked.read() == (tmp_path / "b.png").read_bytes()


async def test_going_on_forgets_where_the_former_result_was_written(tmp_path: Path) -> None:
    async with running(None, ScriptedThinker(numbered(3, 9))) as runner:
        before = await begun(runner, turns=1, output=tmp_path / "a.png")
        again = await continue_edit(before.session_id, runner=runner)
    assert again.image is not None
    assert again.image.path is None


# running


async def test_on_a_running_session_turns_prompt_and_pick_are_refused() -> None:
    editor = HeldEditor()
    async with running(editor, ScriptedThinker(MANY)) as runner, anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: begun(runner, turns=1))
        await editor.held.there.wait()
        session_id = await only_session(runner)
        for action, arguments, words in [
            (
                "prompt",
                {"prompt": "p"},
                "so 'prompt' does not fit; these do: wait, go_on, stop, cancel",
            ),
            ("pick", {"turn": 1}, "is running, so 'pick' does not fit"),
            ("go_on", {"turns": 1}, "is still running"),
            ("go_on", {"prompt": "p"}, "is still running"),
        ]:
            with pytest.raises(ActionError, match=words):
                await continue_edit(session_id, action, runner=runner, **arguments)  # type: ignore[arg-type]
        assert (await runner.result(session_id)).status is Status.RUNNING
        editor.held.go.set()


async def test_going_on_with_a_running_session_waits_for_the_same_result() -> None:
    editor = HeldEditor()
    results: list[EditResult] = []
    heard = Events()
    async with running(editor, ScriptedThinker(MANY)) as runner, anyio.create_task_group() as tasks:

        async def first() -> None:
            results.append(await begun(runner, turns=2))

        async def second() -> None:
            session_id = await only_session(runner)
            results.append(await continue_edit(session_id, runner=runner, on_event=heard))

        tasks.start_soon(first)
        await editor.held.there.wait()
        tasks.start_soon(second)
        tasks.start_soon(second)
        await anyio.lowlevel.checkpoint()
        editor.held.go.set()
    assert told(results[0]) == told(results[1]) == told(results[2])
    assert editor.calls == 2
    assert heard.kinds[-1] == "stopped"


async def test_stop_ends_after_the_step_with_the_best_so_far() -> None:
    editor = HeldEditor(2)
    async with running(editor, ScriptedThinker(MANY)) as runner:
        result = await stopped(runner, editor)
        assert (result.status, result.stop_reason) == (Status.FINISHED, S.STOPPED_BY_CALLER)
        assert (result.selected_turn, len(result.turns)) == (1, 2)
        assert result.turns[1].image is not None
        assert result.turns[1].critique is None, "the edit was finished, and no step after it begun"
        assert "The caller stopped it. Turn 1 is the only one of 2 with a score" in result.why
        again = await continue_edit(result.session_id, turns=1, runner=runner)
    assert editor.calls == 2, "the image that was there is judged, not made again"
    assert (again.stop_reason, len(again.turns)) == (S.MAX_TURNS, 2)
    assert again.turns[1].critique is not None


async def test_two_calls_that_go_on_at_once_go_on_once() -> None:
    seen = Seen()
    results: list[Any] = []
    async with running(seen.editor(), seen.thinker(MANY)) as runner:
        before = await begun(runner, turns=1)

        async def go_on() -> None:
            try:
                results.append(await continue_edit(before.session_id, turns=2, runner=runner))
            except ActionError as error:
                results.append(error)

        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(go_on)
        after = await runner.result(before.session_id)
    assert len(after.turns) == 3
    assert len(seen.edits) == 3
    refused = [str(result) for result in results if isinstance(result, ActionError)]
    assert all("another call" in words or "still running" in words for words in refused)
    given = [told(result) for result in results if isinstance(result, EditResult)]
    assert given
    assert given == [told(after)] * len(given)


async def test_a_session_that_ends_while_it_is_stopped_stays_as_it_ended() -> None:
    async with running(None, ScriptedThinker(numbered(9))) as runner:
        before = await begun(runner)
        await runner.stop(before.session_id)
        await runner.follow(before.session_id)
        await runner.cancel(before.session_id)
        assert told(await runner.result(before.session_id)) == told(before)
        again = await continue_edit(before.session_id, "prompt", prompt="mine", runner=runner)
    assert again.stop_reason is S.SATISFIED, "marks of the former run do not end the next one"


async def test_what_is_next_is_said(tmp_path: Path) -> None:
    async with running(None, ScriptedThinker(numbered(3, 4, 9))) as runner:
        first = await begun(runner, turns=2)
        assert first.next is not None
        assert (first.next.action, first.next.prompt) == ("go_on", "prompt 3")
        last = await continue_edit(first.session_id, runner=runner)
        assert (last.stop_reason, last.next) == (S.SATISFIED, None)


async def test_the_source_of_a_new_session_can_be_the_image_of_an_earlier_one() -> None:
    async with running(None, ScriptedThinker(numbered(9))) as runner:
        first = await begun(runner)
        assert first.image is not None
        second = await think_edit(first.image.uri, "again", runner=runner)
        assert second.source == first.image
        with pytest.raises(NotFoundError, match="no image"):
            await think_edit(first.image.uri, "again", runner=runner, owner="them")
    assert SOURCE
