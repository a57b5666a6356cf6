"""What travels between the nodes: a cursor and hashes, never pictures or texts of any size.

Turn records lie in the store, so that all checkpoints of a session stay small and a fork or a time
travel under an embedding author's checkpointer finds what belonged to that moment.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypedDict

from langgraph.channels import EphemeralValue, UntrackedValue

__all__ = ["EditInput", "EditOutput", "EditState", "Phase", "phase_of"]

Phase = Literal["plan", "edit", "critique", "refine", "pause", "wait", "stop"]


class EditInput(TypedDict, total=False):
    """image: path, bytes, PIL image, `data:` or `thinkedit://` URI; settings: LoopSettings or a dict.

    To go on with a session give its session_id instead, and a prompt of your own if you like.
    """

    image: Any
    instruction: str
    settings: Any
    session_id: str
    leg: int
    prompt: str | None
    answer: dict[str, Any] | None


class EditOutput(TypedDict):
    """result: an EditResult as a plain dict."""

    result: dict[str, Any]


class EditState(TypedDict, total=False):
    """draft: hash of the turn in hand; records: hashes of the turns done; first: first turn of this leg."""

    image: Annotated[Any, EphemeralValue(Any)]
    instruction: Annotated[Any, EphemeralValue(Any)]
    settings: Annotated[Any, EphemeralValue(Any)]
    prompt: Annotated[Any, EphemeralValue(Any)]
    answer: Annotated[Any, EphemeralValue(Any)]
    session_id: str
    leg: int
    phase: Phase
    turn: int
    first: int
    draft: str | None
    records: list[str]
    stop_reason: str | None
    picked: int | None
    result: Annotated[Any, UntrackedValue(Any)]


async def phase_of(state: EditState) -> Phase:
    """Which node is next. Async, since LangGraph calls a plain function in a thread."""
    return state["phase"]
