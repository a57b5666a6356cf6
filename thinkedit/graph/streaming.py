"""What a graph with the loop in it streams, as typed objects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from pydantic import BaseModel, ConfigDict

from thinkedit.types import EditResult, Event, Next

__all__ = ["Waiting", "stream_edit"]


class Waiting(BaseModel):
    """What a session asks when it waits for its caller: the payload of the loop's `interrupt`.

    actions: what may be answered; next: what would be done, or the question to a caller who is the thinker;
    source, image: `thinkedit://` URIs of the pictures; error: what was wrong with the answer before.
    """

    model_config = ConfigDict(extra="forbid")

    session_id: str
    turn: int
    actions: list[str]
    next: Next
    source: str
    image: str | None
    error: str | None = None


async def stream_edit(
    graph: Any, given: Any, config: Any = None, **options: Any
) -> AsyncIterator[Event | Waiting | EditResult]:
    """Run a compiled graph, the loop's own or one that it is mounted in, and yield what the loop says.

    given, config: as for `graph.astream`; options: more of its arguments.
    Yields an Event at each step; a Waiting where the graph is interrupted for the caller, to be answered by
    running it again with `Command(resume={"action": ...})`; an EditResult where the loop has ended.
    """
    stream = graph.astream(given, config, stream_mode=["custom", "updates"], subgraphs=True, **options)
    told: set[str] = set()
    async for _, mode, chunk in stream:
        if mode == "custom":
            if isinstance(chunk, dict) and {"kind", "session_id"} <= chunk.keys():
                yield Event.model_validate(chunk)
            continue
        for interrupt in chunk.get("__interrupt__", ()):
            if isinstance(interrupt.value, dict) and interrupt.id not in told:
                told.add(interrupt.id)  # a parent tells its child's again
                yield Waiting.model_validate(interrupt.value)
        result = (chunk.get("stop") or {}).get("result") if isinstance(chunk.get("stop"), dict) else None
        if result is not None:
            yield EditResult.model_validate(result)
