"""The graph in other people's hands: compiled alone, mounted in a parent, interrupted, forked, streamed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph

from tests.graph.kit import INSTRUCTION, SETTINGS, SOURCE, Seen, numbered, scored
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.errors import (
    ActionError,
    EditorFailed,
    ImageError,
    InputError,
    InstructionError,
    NotFoundError,
    SettingsError,
    StoreError,
    UnsupportedEdit,
)
from thinkedit.graph.build import create_think_edit_graph
from thinkedit.images import Picture
from thinkedit.ledger import Ledger
from thinkedit.store import Store
from thinkedit.types import EditResult

pytestmark = pytest.mark.anyio

INPUT = {"image": SOURCE, "instruction": INSTRUCTION}
THREAD = {"configurable": {"thread_id": "a"}}


def build(editor: Any = None, thinker: Any = None, **options: Any) -> StateGraph[Any, Any, Any, Any]:
    return create_think_edit_graph(
        editor=editor or ScriptedEditor(size="tiny"),
        thinker=thinker or ScriptedThinker(numbered(3, 5, 9)),
        settings=SETTINGS,
        **options,
    )


class Crash(Exception):
    """What the process dies of, as far as a test in one process can tell."""


class CrashingLedger(Ledger):
    """Raises at the n-th write that a runner makes; everything before it is kept."""

    def __init__(self, path: Path | None = None) -> None:
        super().__init__(path)
        self.until = -1

    async def _write(self, session_id: str, work: Any) -> Any:
        self.until -= 1
        if self.until == 0:
            raise Crash
        return await super()._write(session_id, work)


async def test_compiled_alone_it_takes_an_image_and_gives_a_result() -> None:
    output = await build().compile().ainvoke(INPUT)
    assert set(output) == {"result"}
    result = EditResult.model_validate(output["result"])
    assert (result.stop_reason, result.selected_turn) == ("satisfied", 3)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"instruction": INSTRUCTION}, InputError, "the graph's input has no image"),
        ({"image": SOURCE}, InstructionError, "instruction is empty"),
        ({"image": SOURCE, "instruction": " "}, InstructionError, "instruction is empty"),
        ({"image": b"no picture", "instruction": "x"}, ImageError, "10 bytes"),
        ({"image": "thinkedit://images/1", "instruction": "x"}, ImageError, "is not an image URI"),
        ({"image": f"thinkedit://images/{'0' * 64}", "instruction": "x"}, NotFoundError, "no image"),
        ({**INPUT, "settings": {"turns": 99}}, SettingsError, "option turns has the value 99"),
        ({**INPUT, "settings": {"turn": 1}}, SettingsError, "no option 'turn'"),
        ({"session_id": "20200101-nothing"}, NotFoundError, "no session '20200101-nothing'"),
    ],
)
async def test_input_that_cannot_be_used_says_so(given: dict[str, Any], error: Any, words: str) -> None:
    ledger, editor = Ledger(None), ScriptedEditor(size="tiny")
    with pytest.raises(error, match=words):
        await build(editor, ledger=ledger).compile().ainvoke(given)
    assert await ledger.sessions() == []
    assert editor.calls == 0


async def test_settings_go_over_those_bound_at_build() -> None:
    graph = build().compile()
    output = await graph.ainvoke({**INPUT, "settings": {"turns": 1}})
    assert len(output["result"]["turns"]) == 1
    output = await graph.ainvoke({**INPUT, "settings": SETTINGS.model_copy(update={"turns": 2})})
    assert len(output["result"]["turns"]) == 2


async def test_an_image_of_an_earlier_result_can_be_given_by_its_uri() -> None:
    graph = build().compile()
    first = (await graph.ainvoke(INPUT))["result"]
    second = (await graph.ainvoke({"image": first["image"]["uri"], "instruction": "again"}))["result"]
    assert second["source"] == {**first["image"], "path": None}


async def test_without_a_store_of_its_own_each_graph_keeps_to_itself() -> None:
    first = (await build().compile().ainvoke(INPUT))["result"]
    with pytest.raises(NotFoundError):
        await build().compile().ainvoke({"session_id": first["session_id"]})


async def test_a_refusal_at_the_first_turn_leaves_no_session() -> None:
    ledger = Ledger(None)
    editor = ScriptedEditor(size="tiny", faults={1: UnsupportedEdit("what?", ("what",))})
    with pytest.raises(UnsupportedEdit):
        await build(editor, ledger=ledger).compile().ainvoke(INPUT)
    assert await ledger.sessions() == []


async def test_a_model_that_is_down_is_found_before_a_session_exists() -> None:
    ledger = Ledger(None)
    editor = ScriptedEditor(size="tiny", down=EditorFailed("no answer from http://127.0.0.1:9"))
    with pytest.raises(EditorFailed, match=r"127\.0\.0\.1:9"):
        await build(editor, ledger=ledger).compile().ainvoke(INPUT)
    assert await ledger.sessions() == []
    assert editor.calls == 0


async def test_its_steps_are_streamed_as_custom_events() -> None:
    graph = build(thinker=ScriptedThinker(numbered(3, 9))).compile()
    events = [event async for event in graph.astream(INPUT, stream_mode="custom")]
    scores = [(e["turn"], e["overall"]) for e in events if e["kind"] == "critiqued"]
    assert scores == [(1, 3.0), (2, 9.0)]
    assert (events[0]["kind"], events[-1]["kind"]) == ("opened", "stopped")


async def test_a_second_picture_on_the_same_thread_is_a_session_of_its_own() -> None:
    graph = build().compile(checkpointer=InMemorySaver())
    first = (await graph.ainvoke(INPUT, THREAD))["result"]
    other = Picture.from_pixels(Picture.from_bytes(SOURCE).pixels()[::-1]).data
    second = (await graph.ainvoke({"image": other, "instruction": "else"}, THREAD))["result"]
    assert second["session_id"] != first["session_id"]
    assert second["source"]["uri"] != first["source"]["uri"]
    assert [turn["prompt"] for turn in second["turns"]] == ["else", "prompt 2", "prompt 3"]


async def test_a_session_is_gone_on_with_by_its_id_on_its_thread_and_on_another() -> None:
    seen = Seen()
    graph = build(seen.editor(), seen.thinker(numbered(3, 3, 3, 3, 3, 4, 9))).compile(
        checkpointer=InMemorySaver()
    )
    first = (await graph.ainvoke(INPUT, THREAD))["result"]
    assert (first["stop_reason"], len(first["turns"])) == ("max_turns", 4)
    name = {"session_id": first["session_id"]}
    second = (await graph.ainvoke(name, THREAD))["result"]
    assert [turn["prompt"] for turn in second["turns"][3:]] == ["prompt 4", "prompt 5"]
    elsewhere = {"configurable": {"thread_id": "b"}}
    third = (await graph.ainvoke({**name, "prompt": " mine "}, elsewhere))["result"]
    assert [turn["prompt"] for turn in third["turns"][4:]] == ["prompt 5", "mine"]
    assert third["turns"][:5] == second["turns"]
    assert len(seen.edits) == 6, "no turn was made twice"
    with pytest.raises(InstructionError, match="prompt is empty"):
        await graph.ainvoke({**name, "prompt": "  "}, THREAD)


async def test_after_twelve_turns_it_cannot_be_gone_on_with() -> None:
    graph = build(thinker=ScriptedThinker([scored(3, next_prompt=f"p{n}") for n in range(13)])).compile()
    first = (await graph.ainvoke({**INPUT, "settings": {"turns": 12}}))["result"]
    with pytest.raises(ActionError, match="limit of 12"):
        await graph.ainvoke({"session_id": first["session_id"]})


class Parent(TypedDict, total=False):
    image: Any
    instruction: str
    wish: str
    result: dict[str, Any]
    said: str


def mounted(child: StateGraph[Any, Any, Any, Any]) -> StateGraph[Any, Any, Any, Any]:
    def ask(state: Parent) -> dict[str, Any]:
        return {"instruction": state["wish"].lower()}

    def tell(state: Parent) -> dict[str, Any]:
        return {"said": f"turn {state['result']['selected_turn']}"}

    graph = StateGraph(Parent)
    graph.add_node("ask", ask)
    graph.add_node("think_edit", child.compile())
    graph.add_node("tell", tell)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", "think_edit")
    graph.add_edge("think_edit", "tell")
    graph.add_edge("tell", END)
    return graph


WISH = {"image": SOURCE, "wish": "Make It Warmer"}


async def test_mounted_in_a_parent_with_its_own_checkpoints(tmp_path: Path) -> None:
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "parent.sqlite")) as saver:
        graph = mounted(build()).compile(checkpointer=saver)
        output = await graph.ainvoke(WISH, THREAD)
        events = [e async for e in graph.astream(WISH, THREAD, stream_mode="custom", subgraphs=True)]
    assert output["said"] == "turn 3"
    assert output["result"]["instruction"] == INSTRUCTION
    assert events[-1][1]["kind"] == "stopped"


@pytest.mark.parametrize("n", range(1, 14))
async def test_raised_out_of_in_the_middle_it_goes_on_where_it_was(n: int, tmp_path: Path) -> None:
    whole = (await build().compile().ainvoke(INPUT))["result"]
    seen, ledger = Seen(), CrashingLedger()
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "parent.sqlite")) as saver:
        graph = mounted(build(seen.editor(), seen.thinker(numbered(3, 5, 9)), ledger=ledger)).compile(
            checkpointer=saver
        )
        ledger.until = n
        with pytest.raises(Crash):
            await graph.ainvoke(WISH, THREAD)
        output = await graph.ainvoke(None, THREAD)
    assert comparable(output["result"]) == comparable(whole)
    assert output["said"] == "turn 3"
    assert len(seen.edits) + len(seen.critiques) <= 7, "at most the call in flight was made again"
    assert len(await ledger.sessions()) == 1


def comparable(result: dict[str, Any]) -> dict[str, Any]:
    turns = [{k: v for k, v in turn.items() if k != "seconds"} for turn in result["turns"]]
    return {**result, "session_id": "", "turns": turns}


async def test_a_store_that_fails_in_the_middle_can_be_gone_on_from() -> None:
    class Full(Store):
        full = False

        def put(self, picture: Picture) -> str:
            if self.full:
                raise StoreError("the disk is full: free some space")
            return super().put(picture)

    store = Full.in_memory()
    seen = Seen()

    def fill(request: Any) -> Picture:
        store.full = len(seen.edits) == 2
        return Picture.from_pixels(Picture.from_bytes(SOURCE).pixels() // (1 + len(seen.edits)))

    graph = build(seen.editor(picture=fill), store=store).compile(checkpointer=InMemorySaver())
    with pytest.raises(StoreError, match="disk is full"):
        await graph.ainvoke(INPUT, THREAD)
    store.full = False
    result = (await graph.ainvoke(None, THREAD))["result"]
    assert (result["stop_reason"], len(result["turns"])) == ("satisfied", 3)


async def test_time_travel_takes_the_turns_of_that_moment_and_no_others() -> None:
    seen, ledger = Seen(), Ledger(None)
    graph = build(seen.editor(), seen.thinker(numbered(3, 5, 4, 6)), ledger=ledger).compile(
        checkpointer=InMemorySaver()
    )
    whole = (await graph.ainvoke(INPUT, THREAD))["result"]
    history = [snapshot async for snapshot in graph.aget_state_history(THREAD)]
    made = len(seen.edits)

    for snapshot in history:
        if snapshot.next and "session_id" in snapshot.values:
            again = (await graph.ainvoke(None, snapshot.config))["result"]
            assert comparable(again) == {**comparable(whole), "session_id": ""}, snapshot.next
    assert len(seen.edits) == made, "what was recorded was not made again"


async def test_a_fork_with_another_prompt_drops_the_turns_of_the_other_branch() -> None:
    seen = Seen()
    graph = build(seen.editor(), seen.thinker(numbered(3, 5, 4, 6))).compile(checkpointer=InMemorySaver())
    whole = (await graph.ainvoke(INPUT, THREAD))["result"]
    after_one = [
        snapshot
        async for snapshot in graph.aget_state_history(THREAD)
        if snapshot.next == ("refine",) and len(snapshot.values["records"]) == 1
    ][-1]
    fork = await graph.aupdate_state(
        after_one.config, {"phase": "stop", "stop_reason": "stopped_by_caller"}, as_node="refine"
    )
    result = (await graph.ainvoke(None, fork))["result"]
    assert result["session_id"] == whole["session_id"]
    assert [turn["turn"] for turn in result["turns"]] == [1]
    assert (result["selected_turn"], result["stop_reason"]) == (1, "stopped_by_caller")


async def test_a_session_that_ended_is_held_by_nobody(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "sessions.sqlite")
    result = (await build(ledger=ledger).compile().ainvoke(INPUT))["result"]
    other = Ledger(tmp_path / "sessions.sqlite")
    assert await other.claim(result["session_id"])
    other.close()
    ledger.close()
