"""Taking a session's graph from where it stands to where it ends or waits."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
from langgraph.types import Command

from thinkedit.graph.run import Run
from thinkedit.ledger import Session
from thinkedit.types import Answer, Event

__all__ = ["drive"]

_STEPS = 10_000


async def drive(graph: Any, session: Session, run: Run) -> None:
    """Take the compiled graph from its last checkpoint, or from the start of this leg, to its end.

    Its events go to those who follow `run`.
    """
    config = {"configurable": {"thread_id": session.session_id}, "recursion_limit": _STEPS}
    begin = await _beginning(graph, session, config)

    async def through() -> None:
        stream = graph.astream(begin, config, stream_mode="custom", durability="sync")
        async for chunk in stream:
            run.emit(Event.model_validate(chunk))

    # A task of asyncio, cancelled once: a cancelled scope of anyio cancels every await again, LangGraph's
    # own clearing up among them, and the node with its model call would go on without anybody.
    going = asyncio.create_task(through())
    try:
        await asyncio.wait({going})
    finally:
        if not going.done():
            going.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait({going})
    going.result()


async def _beginning(graph: Any, session: Session, config: dict[str, Any]) -> Any:
    """What the graph is given: the session's id, the caller's answer, or nothing where it just goes on."""
    state = await graph.aget_state(config)
    under_way = bool(state.next or state.tasks) and state.values.get("leg") == session.leg
    # What the caller said lies in the ledger, so that it is not lost with the process that was told it.
    said = Answer.model_validate_json(session.asked) if session.asked else None
    answer = None if said is None else said.model_dump(mode="json", exclude_none=True)
    if not under_way:
        given: dict[str, Any] = {"session_id": session.session_id, "leg": session.leg}
        return given if answer is None else {**given, "answer": answer}
    waiting = any(task.interrupts for task in state.tasks) or "wait" in state.next
    return Command(resume=answer) if waiting and answer is not None else None
