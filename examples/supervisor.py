"""A planner, our editor and a reviewer in one LangGraph; the reviewer may send the work back.

    python examples/supervisor.py examples/photos/coffee.png "make it warmer, and add a vignette"

The planner and the reviewer are plain functions here; in your graph they are agents.
"""

import asyncio
import sys
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from thinkedit import default_graph


class Job(TypedDict, total=False):
    image: str
    instruction: str
    settings: dict[str, Any]
    result: dict[str, Any]
    wishes: list[str]
    done: list[str]


def planner(job: Job) -> dict[str, Any]:
    """One wish at a time: what an editor is told at once, it does half of."""
    wishes = job.get("wishes") or [part.strip() for part in job["instruction"].split(", and ")]
    return {"wishes": wishes[1:], "instruction": wishes[0], "settings": {"turns": 3}}


def reviewer(job: Job) -> Command[str]:
    """Go on with the next wish from this result, or end."""
    result = job["result"]
    line = f"{result['instruction']}: {result['stop_reason']} after {len(result['turns'])} turns"
    update: dict[str, Any] = {"done": [*job.get("done", []), line], "image": result["image"]["uri"]}
    return Command(goto="planner" if job["wishes"] else END, update=update)


async def main(image: str, instruction: str) -> None:
    graph = StateGraph(Job)
    graph.add_node("planner", planner)
    graph.add_node("editor", default_graph())
    graph.add_node("reviewer", reviewer, destinations=("planner", END))
    graph.add_edge(START, "planner")
    graph.add_edge("planner", "editor")
    graph.add_edge("editor", "reviewer")
    end = await graph.compile().ainvoke({"image": image, "instruction": instruction})
    print(*end["done"], f"result: {end['image']}", sep="\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
