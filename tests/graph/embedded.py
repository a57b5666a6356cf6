"""A parent graph with the loop mounted in it, as a process to be killed: `python -m tests.graph.embedded`.

Arguments: a folder, and `block` to have the second turn's edit wait for ever once it has begun. It prints a
line when that edit begins, and the result's prompts when the parent has ended.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, TypedDict

import anyio
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph

from tests.graph.kit import INSTRUCTION, SETTINGS, SOURCE, numbered
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.graph.build import create_think_edit_graph
from thinkedit.ledger import Ledger
from thinkedit.store import Store

THREAD: Any = {"configurable": {"thread_id": "parent"}}


class Parent(TypedDict, total=False):
    image: Any
    instruction: str
    settings: Any
    result: dict[str, Any]
    said: str


class Blocking(ScriptedEditor):
    """Notes each edit in a file; the second one never ends, if it is told so."""

    def __init__(self, folder: Path, *, block: bool) -> None:
        super().__init__(size="tiny", log=folder / "editor.jsonl")
        self.block = block
        self.count = 0

    async def edit(self, requests: Any, progress: Any = None) -> Any:
        self.count += 1
        if self.block and self.count == 2:
            with self.log.open("a") as log:
                log.write(json.dumps({"event": "start", "blocked": True}) + "\n")
            sys.stdout.write("in the second edit\n")
            sys.stdout.flush()
            await anyio.sleep_forever()
        return await super().edit(requests, progress)

    @property
    def log(self) -> Path:
        return Path(self.behaviour.log)  # type: ignore[arg-type]


def parent(editor: Any, thinker: Any, store: Store, ledger: Ledger, **settings: Any) -> StateGraph[Any]:
    """A planner, the loop and a reviewer."""
    chosen = SETTINGS.model_copy(update=settings)
    child = create_think_edit_graph(
        editor=editor, thinker=thinker, store=store, ledger=ledger, settings=chosen
    )
    graph = StateGraph(Parent)
    graph.add_node("plan", lambda state: {"said": "planned"})
    graph.add_node("think_edit", child.compile())
    graph.add_node("review", lambda state: {"said": f"reviewed: {state['result']['stop_reason']}"})
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "think_edit")
    graph.add_edge("think_edit", "review")
    graph.add_edge("review", END)
    return graph


async def main(folder: Path, *, block: bool) -> None:
    source = folder / "source.png"
    await anyio.Path(source).write_bytes(SOURCE)
    ledger = Ledger(folder / "sessions.sqlite")
    editor = Blocking(folder, block=block)
    thinker = ScriptedThinker(numbered(3, 4, 9), log=folder / "thinker.jsonl")
    async with AsyncSqliteSaver.from_conn_string(str(folder / "parent.sqlite")) as saver:
        graph = parent(editor, thinker, Store(str(folder / "store")), ledger).compile(checkpointer=saver)
        known = (await graph.aget_state(THREAD)).next
        given = None if known else {"image": str(source), "instruction": INSTRUCTION}
        # Otherwise LangGraph writes checkpoints behind the steps, and a kill loses the last ones.
        output = await graph.ainvoke(given, THREAD, durability="sync")
    ledger.close()
    prompts = [turn["prompt"] for turn in output["result"]["turns"]]
    sys.stdout.write(json.dumps({"said": output["said"], "prompts": prompts}) + "\n")


if __name__ == "__main__":
    anyio.run(lambda: main(Path(sys.argv[1]), block="block" in sys.argv[2:]))
