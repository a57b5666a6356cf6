"""A second way from an earlier turn: a session of its own, so that both stay readable."""

from __future__ import annotations

import time
from dataclasses import replace

from anyio.to_thread import run_sync

from thinkedit.errors import ActionError, NotFoundError
from thinkedit.graph.sessions import MOST_TURNS, checked_instruction, new_session_id, turn_records
from thinkedit.ledger import Ledger, Session, TurnEntry
from thinkedit.ledger.upkeep import restore
from thinkedit.store import Store
from thinkedit.types import Answer, CritiqueState, SessionRecord, Status

__all__ = ["fork"]


async def fork(
    store: Store,
    ledger: Ledger,
    session: Session,
    turn: int,
    *,
    prompt: str | None,
    turns: int | None,
    refiner: str = "",
    safety: str = "",
) -> str:
    """A new session that has this one's turns up to `turn`, about to go on. Returns its id.

    prompt: the next one, instead of that of the turn's critique; turns: how many more there may be.
    refiner, safety: identities of these models, where the session has them.
    NotFoundError where there is no such turn, ActionError where it cannot be gone on from.
    """
    records = await turn_records(store, ledger, session.session_id)
    kept = [record for record in records if record.turn <= turn]
    there = ", ".join(str(record.turn) for record in records) or "none"
    if turn not in {record.turn for record in records}:
        raise NotFoundError(f"session {session.session_id} has no turn {turn}; turns that it has: {there}")
    if turn >= MOST_TURNS:
        raise ActionError(f"turn {turn} is the last that a session may have: fork from an earlier one")
    last = kept[-1].critique
    judged = last is not None and last.state is CritiqueState.SCORED
    if prompt is None and not (judged and last is not None and last.next_prompt.strip()):
        raise ActionError(f"turn {turn} proposes no next prompt: give one with the argument prompt")
    asked = ""
    if prompt is not None:
        own = Answer(action="prompt", prompt=checked_instruction(prompt, "prompt"))
        asked = own.model_dump_json(exclude_none=True)
    session_id, now = new_session_id(), time.time()
    most = turn + turns if turns is not None else max(session.settings.turns, turn + 1)
    settings = session.settings.model_copy(update={"turns": min(most, MOST_TURNS)})
    opened = SessionRecord(
        session_id=session_id,
        owner=session.owner,
        created=now,
        instruction=session.instruction,
        settings=settings,
        source=session.source,
        source_name=session.source_name,
        source_mime=session.source_mime,
        editor=session.editor,
        thinker=session.thinker,
        refiner=refiner,
        safety=safety,
    )
    copies = [record.model_copy(update={"session_id": session_id}) for record in kept]
    await run_sync(store.put_record, opened)
    hashes = [await run_sync(store.put_record, copy) for copy in copies]
    forked = replace(
        session,
        session_id=session_id,
        created=now,
        updated=now,
        status=Status.RUNNING,
        stop_reason=None,
        why="",
        settings=settings,
        selected_turn=None,
        leg=1,
        asked=asked,
        wanted="",
        output=None,
    )
    entries = [TurnEntry(copy.turn, sha, True) for copy, sha in zip(copies, hashes, strict=True)]
    await restore(ledger, forked, entries, [], [])
    return session_id
