"""Where a session waits for its caller: after each turn, or for the critique that the caller is to give.

Two nodes carry it. `pause` notes in the ledger that the session waits and gives the lease back; `wait` does
nothing but ask, by LangGraph's `interrupt`, and acts on what it is told. A node runs again from its top when
its interrupt is answered, so the one that asks writes nothing before the answer is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from langgraph.types import interrupt

from thinkedit.errors import InputError
from thinkedit.graph.answering import checked_answer, fitting
from thinkedit.graph.asking import HOST, question
from thinkedit.graph.sessions import MOST_TURNS, checked_instruction
from thinkedit.graph.state import EditState
from thinkedit.graph.stopping import decide
from thinkedit.graph.turns import TurnInHand, Workbench
from thinkedit.ledger import Session, Spent
from thinkedit.types import Answer, Critique, Status, StopReason, TurnRecord

__all__ = ["act", "ask", "pause"]


async def pause(bench: Workbench, turn: TurnInHand) -> dict[str, Any]:
    """Note that the session waits for its caller, and let go of it."""
    bench.emit(turn.session, "paused", turn=(turn.draft or turn.records[-1]).turn)
    await bench.ledger.pause(turn.session.session_id)
    return {"phase": "wait"}


def ask(session: Session, records: Sequence[TurnRecord]) -> Answer:
    """The caller's answer, asked for again until it fits.

    records: the turns so far, the one in hand last.
    """
    record = records[-1]
    shown = next((earlier.image for earlier in reversed(records) if earlier.image), None)
    problem = None
    while True:
        asked: dict[str, Any] = {
            "session_id": session.session_id,
            "turn": record.turn,
            "actions": list(fitting(record)),
            "next": question(session, records).model_dump(mode="json"),
            "source": f"thinkedit://images/{session.source}",
            "image": f"thinkedit://images/{shown}" if shown else None,
        }
        given = interrupt(asked if problem is None else {**asked, "error": problem})
        try:
            return checked_answer(given, session, records)
        except InputError as error:
            problem = str(error)


async def act(
    bench: Workbench, turn: TurnInHand, answer: Answer, state: EditState, spent: Spent
) -> dict[str, Any]:
    """Do what the caller said: the way on from where the session waited."""
    session, records, draft = turn.session, list(turn.records), turn.draft
    shas = list(state.get("records", []))
    settings = session.settings
    if answer.turns is not None:
        more = min((draft or records[-1]).turn + answer.turns, MOST_TURNS)
        settings = settings.model_copy(update={"turns": more})
    await bench.ledger.update(session.session_id, status=Status.RUNNING, settings=settings)
    session = replace(session, settings=settings)
    match answer.action:
        case "stop":
            return {"phase": "stop", "stop_reason": StopReason.STOPPED_BY_CALLER.value}
        case "pick":
            stopped = StopReason.STOPPED_BY_CALLER.value
            return {"phase": "stop", "stop_reason": stopped, "picked": answer.turn}
        case "critique":
            assert answer.critique is not None
            turn = replace(turn, session=session)
            return await _judged(
                bench, turn, answer.critique.as_critique(), shas, spent, state.get("first", 1)
            )
        case "prompt":
            if draft is not None:  # judged by nobody: it stays behind as it is
                shas, records = [*shas, await bench.put(session, draft, complete=True)], [*records, draft]
            own = checked_instruction(answer.prompt or "", "prompt")
            return {"records": shas, **await bench.planned(session, records, own, "caller")}
        case _:
            return {"phase": "refine"}


async def _judged(
    bench: Workbench, turn: TurnInHand, critique: Critique, shas: list[str], spent: Spent, first: int
) -> dict[str, Any]:
    """The newest turn with the caller's own critique, and what the loop makes of it."""
    record = turn.draft or turn.records[-1]
    judged = record.model_copy(update={**_critiqued(record, critique), "thinker": HOST, "template": ""})
    sha = await bench.put(turn.session, judged, complete=True)
    before = turn.records if turn.draft is not None else turn.records[:-1]
    kept = shas if turn.draft is not None else shas[:-1]
    reason = decide([*before, judged], turn.settings, spent, first)
    return {
        "draft": None,
        "records": [*kept, sha],
        "phase": "stop" if reason else "refine",
        "stop_reason": reason and reason.value,
    }


def _critiqued(record: TurnRecord, critique: Critique) -> dict[str, Any]:
    """What changes in a turn's record. Where the editor refused, only the next prompt counts."""
    candidates = list(record.candidates)
    with_image = [index for index, candidate in enumerate(candidates) if candidate.image]
    if not with_image:
        return {"critique": critique.model_copy(update={"semantic": None, "quality": None})}
    best = record.best if record.best is not None else with_image[0]
    candidates[best] = candidates[best].model_copy(update={"critique": critique, "looks": ()})
    return {"candidates": tuple(candidates), "best": best, "critique": critique}
