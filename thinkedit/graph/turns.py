"""What every node works with: the models, the store and the ledger, and the turn in hand."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from langgraph.config import get_stream_writer

from thinkedit.adapters.base import Editor, Past, Refiner, Safety, Thinker, identity_of
from thinkedit.errors import NotFoundError, StoreError
from thinkedit.graph.cache import PictureCache, RecordCache
from thinkedit.graph.calls import Calls
from thinkedit.graph.sessions import LONGEST_INSTRUCTION
from thinkedit.graph.state import EditState
from thinkedit.graph.stopping import next_seed
from thinkedit.graph.watching import UNWATCHED, SessionNews, Watcher
from thinkedit.images import Picture
from thinkedit.ledger import Ledger, Session
from thinkedit.store import Store
from thinkedit.types import Critique, CritiqueState, Event, LoopSettings, StopReason, TurnRecord

__all__ = ["Origin", "TurnInHand", "Workbench", "history_of", "past", "unusable", "wanted"]

log = logging.getLogger("thinkedit")

Origin = Literal["instruction", "plan", "thinker", "refiner", "caller"]


@dataclass(frozen=True)
class TurnInHand:
    """The session, the turns done, the one under way, and the calls to make for it."""

    session: Session
    records: list[TurnRecord]
    draft: TurnRecord | None
    calls: Calls

    @property
    def settings(self) -> LoopSettings:
        return self.session.settings


@dataclass(frozen=True)
class Workbench:
    """One editor, one thinker, one store and one ledger, bound when the graph is built."""

    editor: Editor
    thinker: Thinker
    store: Store
    ledger: Ledger
    settings: LoopSettings
    refiner: Refiner | None = None
    safety: Safety | None = None
    owner: str = ""
    pictures: PictureCache = field(default_factory=PictureCache)
    records: RecordCache = field(default_factory=RecordCache)
    watcher: Watcher = UNWATCHED

    async def take(self, state: EditState) -> TurnInHand:
        """What the state's cursor points at, held by this process. LeaseLost where another one has it."""
        session = await self.ledger.take(state["session_id"])
        records = [await self.record(sha) for sha in state.get("records", [])]
        draft = await self.record(sha) if (sha := state.get("draft")) else None
        turn = draft.turn if draft else len(records) + 1
        return TurnInHand(session, records, draft, self.calls(session, turn))

    def calls(self, session: Session, turn: int) -> Calls:
        """The model calls of one turn; of turn 0 are those that come before any."""

        def retrying(message: str) -> None:
            self.emit(session, "retrying", turn=turn, message=message)

        return Calls(
            self.store,
            self.ledger,
            self.pictures,
            session.session_id,
            turn,
            session.settings,
            retrying,
            self.watcher,
        )

    async def record(self, sha: str) -> TurnRecord:
        return await self.records.get(self.store, sha)

    async def put(self, session: Session, record: TurnRecord, *, complete: bool) -> str:
        """Write a record and note it in the ledger; returns its hash."""
        sha = await self.records.put(self.store, record)
        await self.ledger.put_turn(session.session_id, record.turn, sha, complete=complete)
        return sha

    async def planned(
        self, session: Session, records: Sequence[TurnRecord], prompt: str, origin: Origin
    ) -> dict[str, Any]:
        """Put the next turn's prompt and seed in hand, and go to the editor."""
        by_refiner = origin == "refiner" and self.refiner is not None
        draft = TurnRecord(
            session_id=session.session_id,
            turn=len(records) + 1,
            prompt=prompt,
            seed=next_seed(session.settings.seed or 0, prompt, records),
            origin=origin,
            refiner=identity_of(self.refiner) if by_refiner else "",
        )
        return {"phase": "edit", "turn": draft.turn, "draft": await self.records.put(self.store, draft)}

    async def picture(self, sha: str) -> Picture:
        return await self.pictures.get(self.store, sha)

    async def readable(self, shas: Iterable[str]) -> bool:
        """Whether these pictures are still in the store, and whole."""
        try:
            for sha in shas:
                await self.picture(sha)
        except (NotFoundError, StoreError) as error:
            log.warning("a picture is made again: %s", error)
            return False
        return True

    async def ended(self, session: Session, reason: StopReason, why: str) -> dict[str, Any]:
        """Go to the stop node, with a sentence on what went wrong."""
        await self.ledger.update(session.session_id, why=" ".join(why.split()))
        return {"phase": "stop", "stop_reason": reason.value}

    def emit(self, session: Session, kind: Any, **values: Any) -> None:
        """Stream an Event to whoever follows the graph, and tell the watcher what is news to it."""
        self._tell(session, kind, values)
        event = Event(kind=kind, session_id=session.session_id, turns=session.settings.turns, **values)
        with contextlib.suppress(RuntimeError):  # a node called outside a graph has no stream
            get_stream_writer()(event.model_dump(mode="json"))

    def _tell(self, session: Session, kind: Any, values: dict[str, Any]) -> None:
        match kind:
            case "edited":
                self.watcher.heard(SessionNews("turn", session.session_id))
            case "paused":
                self.watcher.heard(SessionNews("paused", session.session_id))
            case "stopped":
                reason = StopReason(values["message"])
                self.watcher.heard(SessionNews("ended", session.session_id, reason))


def past(record: TurnRecord) -> Past:
    """An earlier turn as a thinker is told of it."""
    critique = record.critique or Critique(state=CritiqueState.FAILED)
    return Past(
        turn=record.turn,
        prompt=record.prompt,
        semantic=critique.semantic,
        quality=critique.quality,
        reasoning=critique.reasoning,
        error=record.error,
    )


def history_of(records: Sequence[TurnRecord]) -> tuple[Past, ...]:
    return tuple(past(record) for record in records)


def wanted(session: Session) -> dict[str, Any] | None:
    """A caller's mark in the ledger, looked at before each step: the way to the stop node, or None."""
    reasons = {"stop": StopReason.STOPPED_BY_CALLER, "cancel": StopReason.CANCELLED}
    reason = reasons.get(session.wanted)
    return None if reason is None else {"phase": "stop", "stop_reason": reason.value}


def unusable(prompt: str) -> str | None:
    """What is wrong with a prompt that a model wrote, or None."""
    if not prompt.strip():
        return "empty"
    if len(prompt.strip()) > LONGEST_INSTRUCTION:
        return f"{len(prompt):,} characters long, over the limit of {LONGEST_INSTRUCTION:,}"
    return None
