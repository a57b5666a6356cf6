"""Keeping the data folder small: sessions that may go, and what no session uses any more."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from anyio.to_thread import run_sync
from pydantic import BaseModel, ConfigDict

from thinkedit.errors import ActionError, NotFoundError, StoreError
from thinkedit.graph.runner import Runner
from thinkedit.ledger import Session
from thinkedit.ledger.upkeep import forget_images, in_use
from thinkedit.store import Store, Stored
from thinkedit.types import Status

__all__ = ["GRACE", "Pruning", "delete_session", "plan_pruning", "prune"]

GRACE = 3600.0
"""Seconds that an unused picture is kept: it may be an upload, or the start of a session."""

_ALL = 10_000_000


class _Candidate(BaseModel):
    model_config = ConfigDict(extra="ignore")
    image: str | None = None


class _Reference(BaseModel):
    """What housekeeping reads of any record in the store: whose it is, and which pictures it names."""

    model_config = ConfigDict(extra="ignore")
    session_id: str
    source: str | None = None
    candidates: tuple[_Candidate, ...] = ()

    @property
    def images(self) -> set[str]:
        return {sha for sha in (self.source, *(c.image for c in self.candidates)) if sha}


@dataclass(frozen=True)
class Pruning:
    """What a pruning would delete. running: sessions that would go, but a process runs them."""

    sessions: list[Session] = field(default_factory=list)
    running: list[Session] = field(default_factory=list)
    unused: list[Stored] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        return sum(stored.bytes for stored in self.unused)


async def plan_pruning(
    runner: Runner, *, older_than: float | None = None, keep: int | None = None, grace: float = GRACE
) -> Pruning:
    """What may go.

    older_than: sessions that nothing happened to for this many seconds. keep: sessions beyond the newest
    `keep`. Given both, a session goes only where both say so; given neither, none goes.
    grace: seconds that pictures and records stay although no session uses them.
    """
    chosen: list[Session] = []
    if older_than is not None or keep is not None:
        now = time.time()
        chosen = [
            session
            for place, session in enumerate(await runner.ledger.sessions(limit=_ALL))
            if (keep is None or place >= keep) and (older_than is None or session.updated < now - older_than)
        ]
    running = [session for session in chosen if await _is_running(runner, session)]
    going = [session for session in chosen if session not in running]
    unused = await _unused(runner, {session.session_id for session in going}, grace)
    return Pruning(going, running, unused)


async def prune(runner: Runner, plan: Pruning, *, grace: float = GRACE) -> Pruning:
    """Delete what was planned, looking again at what is in use. Returns what was deleted."""
    gone: list[Session] = []
    running = list(plan.running)
    for session in plan.sessions:
        try:
            await _forget(runner, session.session_id)
        except NotFoundError:
            continue
        except ActionError:
            running.append(session)
        else:
            gone.append(session)
    return await _swept(runner, gone, running, grace)


async def delete_session(runner: Runner, session_id: str) -> Pruning:
    """Delete a session with its records, and the pictures that no other session uses.

    ActionError where a process runs it, NotFoundError where there is none.
    """
    session = await runner.ledger.session(session_id)
    await _forget(runner, session_id)
    return await _swept(runner, [session], [], grace=math.inf)


async def _swept(runner: Runner, gone: list[Session], running: list[Session], grace: float) -> Pruning:
    unused = await _unused(runner, {session.session_id for session in gone}, grace)
    for stored in unused:
        await run_sync(runner.store.delete, stored.sha)
    await forget_images(runner.ledger, [stored.sha for stored in unused if stored.kind == "image"])
    return Pruning(gone, running, unused)


async def _is_running(runner: Runner, session: Session) -> bool:
    if session.status is not Status.RUNNING:
        return False
    if runner.runs_here(session.session_id) or not await runner.ledger.claim(session.session_id):
        return True
    await runner.ledger.release(session.session_id)
    return False


async def _forget(runner: Runner, session_id: str) -> None:
    if runner.runs_here(session_id) or not await runner.ledger.claim(session_id):
        raise ActionError(
            f"session {session_id} is running: end it with `thinkedit sessions cancel {session_id}` first"
        )
    await runner.delete(session_id)


async def _unused(runner: Runner, gone: set[str], grace: float) -> list[Stored]:
    """What only the sessions `gone` use, and what is older than `grace` seconds and used by none."""
    store, before = runner.store, time.time() - grace
    # The listing comes first: what is written after it is not in it, and stays.
    listing = await run_sync(lambda: list(store.listing()))
    references = await run_sync(_references, store, listing)
    sessions, used = await in_use(runner.ledger, without=gone)
    theirs: set[str] = set()
    for sha, reference in references.items():
        if reference.session_id in sessions:
            used |= {sha} | reference.images
        elif reference.session_id in gone:
            theirs |= {sha} | reference.images
    return [
        stored
        for stored in listing
        if stored.sha not in used and (stored.sha in theirs or stored.modified < before)
    ]


def _references(store: Store, listing: Sequence[Stored]) -> dict[str, _Reference]:
    """The readable records among `listing`; what is damaged or foreign belongs to no session."""
    found: dict[str, _Reference] = {}
    for stored in listing:
        if stored.kind == "record":
            with contextlib.suppress(StoreError, NotFoundError):
                found[stored.sha] = store.get_record(stored.sha, _Reference)
    return found
