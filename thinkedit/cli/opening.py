"""Opening sessions for commands that run no model, and finding the one that the user means."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.to_thread import run_sync

from thinkedit.config import Config
from thinkedit.errors import NotFoundError, StoreError
from thinkedit.graph.sessions import result_of
from thinkedit.ledger import Ledger, Session
from thinkedit.store import Store
from thinkedit.types import EditResult

__all__ = ["OWNER", "age", "found", "opened", "overall_of", "state_of", "try_result"]

OWNER = ""
"""The owner of sessions of the command line, of Python and of local hosts."""


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[tuple[Store, Ledger]]:
    """Store and ledger without checkpoints and models: quick, and enough to look and to export."""
    store = await run_sync(Store, config.store_url)
    ledger = await run_sync(Ledger, config.sessions)
    try:
        yield store, ledger
    finally:
        ledger.close()


async def found(ledger: Ledger, text: str) -> Session:
    """The session with this id, whose id alone begins so, or the newest for `last`. NotFoundError."""
    if text == "last":
        newest = await ledger.sessions(OWNER, 1)
        if not newest:
            raise NotFoundError('there are no sessions yet: thinkedit edit photo.jpg "make it warmer"')
        return newest[0]
    fitting = [s for s in await ledger.sessions(OWNER, 1_000_000) if s.session_id.startswith(text or "?")]
    exact = [session for session in fitting if session.session_id == text]
    if len(exact or fitting) == 1:
        return (exact or fitting)[0]
    if fitting:
        some = ", ".join(session.session_id for session in fitting[:3])
        raise NotFoundError(f"{len(fitting)} sessions begin with {text!r} ({some}, ...): give more of the id")
    raise NotFoundError(f"there is no session {text!r}: `thinkedit sessions list` shows them")


async def try_result(store: Store, ledger: Ledger, session: Session) -> EditResult | None:
    """What it came to, or None where its records cannot be read."""
    try:
        return await result_of(store, ledger, session.session_id)
    except (StoreError, NotFoundError, KeyError):
        return None


def state_of(session: Session) -> str:
    """`satisfied`, `max turns`, `running`: the reason where it has ended, else the status."""
    return session.stop_reason.value.replace("_", " ") if session.stop_reason else session.status.value


def overall_of(result: EditResult) -> float | None:
    """The selected turn's overall score."""
    turn = next((turn for turn in result.turns if turn.turn == result.selected_turn), None)
    return turn.critique.overall if turn is not None and turn.critique is not None else None


def age(moment: float) -> str:
    """`12 s`, `5 min`, `3 h`, `12 d`."""
    went = max(time.time() - moment, 0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if went >= size:
            return f"{int(went // size)} {unit}"
    return f"{int(went)} s"
