"""The loop as one node of somebody else's graph: killed, resumed from the parent, and taken another way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command

from tests.graph.embedded import THREAD, parent
from tests.graph.kit import INSTRUCTION, SOURCE, Seen, numbered
from thinkedit.ledger import Ledger
from thinkedit.store import Store
from thinkedit.types import TurnRecord

ROOT = Path(__file__).parents[2]


def started(folder: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.graph.embedded", str(folder), *more]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def starts(log: Path) -> int:
    return sum(json.loads(line)["event"] == "start" for line in log.read_text().splitlines())


def test_killed_in_the_middle_of_a_childs_turn_the_parent_goes_on(tmp_path: Path) -> None:
    with started(tmp_path, "block") as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "in the second edit\n"
        first.kill()
    with started(tmp_path) as second:
        assert second.stdout is not None
        done = json.loads(second.stdout.read())
    assert done["said"] == "reviewed: satisfied"
    assert done["prompts"] == [INSTRUCTION, "prompt 2", "prompt 3"]
    assert starts(tmp_path / "editor.jsonl") == 4, "the edit in flight alone was made again"
    assert starts(tmp_path / "thinker.jsonl") == 3


@pytest.mark.anyio
async def test_another_way_from_an_earlier_turn_leaves_both_readable(tmp_path: Path) -> None:
    seen, store, ledger = Seen(), Store.in_memory(), Ledger(None)
    models = seen.editor(), seen.thinker(numbered(3, 4, 5, 6))
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "parent.sqlite")) as saver:
        graph = parent(*models, store, ledger, pause="turn").compile(checkpointer=saver)
        waiting = await graph.ainvoke({"image": SOURCE, "instruction": INSTRUCTION}, THREAD)
        assert waiting["__interrupt__"][0].value["next"]["prompt"] == "prompt 2"
        await graph.ainvoke(Command(resume={"action": "go_on"}), THREAD)
        trunk = await graph.ainvoke(Command(resume={"action": "stop"}), THREAD)
        assert prompts(trunk) == [INSTRUCTION, "prompt 2"]

        # Back to where the child waited after its first turn, and another way from there.
        before = await after_turn(graph, 1)
        way = Command(resume={"action": "prompt", "prompt": "another way"})
        waiting = await graph.ainvoke(way, before.config)
        assert waiting["__interrupt__"][0].value["turn"] == 2
        at = {"thread_id": "parent", "checkpoint_id": before.config["configurable"]["checkpoint_map"][""]}
        branch = await graph.ainvoke(Command(resume={"action": "stop"}), {"configurable": at})
        assert prompts(branch) == [INSTRUCTION, "another way"]

        results = [
            prompts(snapshot.values)
            async for snapshot in graph.aget_state_history(THREAD)
            if "result" in snapshot.values
        ]
        assert [INSTRUCTION, "prompt 2"] in results
        assert [INSTRUCTION, "another way"] in results
    for result in (trunk["result"], branch["result"]):
        sha = result["image"]["uri"].rpartition("/")[2]
        assert len(store.get(sha).data) == result["image"]["bytes"]
    assert len(seen.edits) == 3, "the first turn was made once"


def prompts(state: dict[str, Any]) -> list[str]:
    return [turn["prompt"] for turn in state["result"]["turns"]]


async def after_turn(graph: Any, turn: int) -> Any:
    """The child's checkpoint at which it waited after this turn."""
    for parents in [snapshot async for snapshot in graph.aget_state_history(THREAD)]:
        if parents.next == ("think_edit",):
            space = f"think_edit:{parents.tasks[0].id}"
            break
    child: Any = {"configurable": {"thread_id": "parent", "checkpoint_ns": space}}
    async for snapshot in graph.aget_state_history(child):
        if snapshot.next == ("wait",) and len(snapshot.values["records"]) == turn:
            return snapshot
    raise AssertionError(f"the child never waited after turn {turn}")


@pytest.mark.anyio
async def test_turn_records_of_an_earlier_checkpoint_can_be_read_from_the_store(tmp_path: Path) -> None:
    seen, store = Seen(), Store.in_memory()
    models = seen.editor(), seen.thinker(numbered(3, 4, 9))
    async with AsyncSqliteSaver.from_conn_string(str(tmp_path / "parent.sqlite")) as saver:
        graph = parent(*models, store, Ledger(None), pause="turn").compile(checkpointer=saver)
        await graph.ainvoke({"image": SOURCE, "instruction": INSTRUCTION}, THREAD)
        await graph.ainvoke(Command(resume={"action": "prompt", "prompt": "mine"}), THREAD)
        snapshot = await after_turn(graph, 2)
        records = [store.get_record(sha, TurnRecord) for sha in snapshot.values["records"]]
    assert [(record.prompt, record.origin) for record in records] == [
        (INSTRUCTION, "instruction"),
        ("mine", "caller"),
    ]
