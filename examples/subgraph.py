"""The loop as a node of a graph with its own SQLite checkpoints; its questions are answered from outside.

    python examples/subgraph.py examples/photos/coffee.png "make it warmer" /tmp/parent.sqlite

Run it, stop it anywhere, run it again with the same file: it goes on where it was.
"""

import asyncio
import sys
from typing import Any, TypedDict

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from thinkedit import EditResult, Event, Waiting, default_graph, stream_edit

THREAD: Any = {"configurable": {"thread_id": "example"}}


class Job(TypedDict, total=False):
    image: str
    instruction: str
    settings: dict[str, Any]
    result: dict[str, Any]


async def main(image: str, instruction: str, checkpoints: str) -> None:
    graph = StateGraph(Job)
    graph.add_node("think_edit", default_graph())
    graph.add_edge(START, "think_edit")
    graph.add_edge("think_edit", END)
    async with AsyncSqliteSaver.from_conn_string(checkpoints) as saver:
        app = graph.compile(checkpointer=saver)
        settings = {"pause": "turn", "threshold": 10, "turns": 3}
        given: Any = {"image": image, "instruction": instruction, "settings": settings}
        if (await app.aget_state(THREAD)).next:
            given = None
        while True:
            waiting = None
            async for item in stream_edit(app, given, THREAD):
                match item:
                    case Event(kind="critiqued"):
                        print(f"turn {item.turn}: overall {item.overall:.1f}")
                    case Waiting():
                        waiting = item
                    case EditResult():
                        print(f"{item.stop_reason}: turn {item.selected_turn} of {len(item.turns)}")
            if waiting is None:
                return
            print(f"it would try {waiting.next.prompt!r}; go on")
            given = Command(resume={"action": "go_on"})


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
