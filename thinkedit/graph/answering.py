"""What a caller says to a session that waits for it: seen to fit, and noted so that it is not lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from thinkedit.errors import ActionError
from thinkedit.graph.sessions import checked_instruction, turn_records
from thinkedit.ledger import Ledger, Session
from thinkedit.store import Store
from thinkedit.types import Answer, CallerCritique, Status, TurnRecord

__all__ = ["answer", "checked_answer", "fitting"]

_FIELDS = tuple(CallerCritique.model_fields)


async def answer(store: Store, ledger: Ledger, session: Session, told: Mapping[str, Any]) -> None:
    """Note what the caller says to a session that waits for it; the session then runs on.

    Raises ActionError where that does not fit, or another call was faster.
    """
    records = await turn_records(store, ledger, session.session_id)
    given = {name: value for name, value in told.items() if value is not None}
    checked = checked_answer(given, session, records)
    asked = checked.model_dump_json(exclude_none=True)
    if not await ledger.change(session, status=Status.RUNNING, asked=asked, wanted=""):
        raise ActionError(f"session {session.session_id} has been gone on with by another call: wait for it")


def fitting(record: TurnRecord) -> tuple[str, ...]:
    """What a caller may answer when the session waits after `record`."""
    judged = record.critique is not None
    return (*(("go_on",) if judged else ()), "critique", "prompt", "pick", "stop")


def checked_answer(given: Any, session: Session, records: Sequence[TurnRecord]) -> Answer:
    """What the caller said, seen to fit where the session waits after the last of `records`.

    Raises ActionError or InstructionError, naming what does fit.
    """
    record = records[-1]
    try:
        answer = Answer.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the answer"
        if first["type"] == "missing":
            raise ActionError(f"{where} is missing: {', '.join(_FIELDS)} belong to a critique") from error
        said = f"{first['msg'][:1].lower()}{first['msg'][1:]}"
        raise ActionError(f"{where} has the value {first['input']!r}: {said}") from error
    actions = fitting(record)
    if answer.action not in actions:
        raise ActionError(f"{answer.action!r} does not fit now; these do: {', '.join(actions)}")
    if answer.action == "critique":
        _check_critique(answer.critique, session.settings.threshold)
        if answer.turn not in (None, record.turn):
            raise ActionError(
                f"the critique is of turn {answer.turn}, and the session waits after turn {record.turn}: "
                "look at the newest result"
            )
    if answer.action == "prompt":
        checked_instruction(answer.prompt or "", "prompt")
    pictures = {earlier.turn for earlier in records if earlier.image}
    if answer.action == "pick" and answer.turn not in pictures:
        there = ", ".join(map(str, sorted(pictures))) or "none"
        raise ActionError(f"turn {answer.turn} has no image; turns that have: {there}")
    return answer


def _check_critique(critique: CallerCritique | None, threshold: float) -> None:
    if critique is None:
        raise ActionError("the action 'critique' needs a critique: semantic, quality, reasoning, next_prompt")
    if not critique.as_critique().satisfied(threshold) and not critique.next_prompt.strip():
        raise ActionError(
            f"the critique is below the threshold of {threshold:g} and its next_prompt is empty: say in it "
            "what the editor is to be told next"
        )
