"""Keeping the data folder small: sessions that may go, and what no session uses any more."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from anyio.to_thread import run_sync

from thinkedit.errors import ActionError, NotFoundError
from thinkedit.graph.outgrown import Kept, outgrown
from thinkedit.graph.references import Reference, References
from thinkedit.graph.runner import Runner
from thinkedit.ledger import Session
from thinkedit.ledger.upkeep import forget_images, in_use
from thinkedit.store import Store, Stored
from thinkedit.types import Status

__all__ = ["GRACE", "Pruning", "delete_session", "plan_pruning", "prune"]

GRACE = 3600.0
"""Seconds that an unused picture is kept: it may be an upload, or the start of a session."""

_ALL = 10_000_000
_DELETED_AT_ONCE = 100


@dataclass(frozen=True)
class Pruning:
    """What a pruning would delete. running: sessions that would go, but a process runs them.

    left_bytes: of all pictures that are left then; None where nobody asked for it.
    """

    sessions: list[Session] = field(default_factory=list)
    running: list[Session] = field(default_factory=list)
    unused: list[Stored] = field(default_factory=list)
    left_bytes: int | None = None

    @property
    def bytes(self) -> int:
        return sum(stored.bytes for stored in self.unused)


async def plan_pruning(
    runner: Runner,
    *,
    older_than: float | None = None,
    keep: int | None = None,
    max_bytes: int | None = None,
    grace: float = GRACE,
    most: int | None = None,
    references: References | None = None,
) -> Pruning:
    """What may go.

    keep: the newest `keep` sessions stay. Of the others, those go that nothing happened to for `older_than`
    seconds, and then the oldest that are over until all pictures take no more than `max_bytes`; all of them,
    where neither is given. With none of the three, no session goes.
    grace: seconds that pictures and records stay although no session uses them. most: sessions that go at
    most, the oldest first. references: what is remembered of an earlier look at the same store.
    """
    references = references or References()
    sessions = await runner.ledger.sessions(limit=_ALL)
    going: list[Session] = []
    running: list[Session] = []
    if older_than is not None or (keep is not None and max_bytes is None):
        before = math.inf if older_than is None else time.time() - older_than
        for session in sorted(sessions[keep or 0 :], key=_age):
            if session.updated < before and (most is None or len(going) < most):
                (running if await _is_running(runner, session) else going).append(session)
    # The listing comes before what is in use: what is written after it is not in it, and stays.
    listing = await run_sync(_listing, runner.store)
    named = await references.among(runner.store, listing)
    left_bytes = None
    if max_bytes is not None:
        ids = {session.session_id for session in going}
        _, used = await in_use(runner.ledger, without=ids)
        kept = Kept(listing, named, used, sessions, ids, fresh=time.time() - grace)
        over, left_bytes = await run_sync(outgrown, kept, sorted(sessions[keep or 0 :], key=_age), max_bytes)
        going += over if most is None else over[: max(0, most - len(going))]
    unused = await _unused(runner, going, grace, listing, named)
    going.sort(key=lambda session: session.created, reverse=True)
    return Pruning(going, running, unused, left_bytes)


async def prune(
    runner: Runner, plan: Pruning, *, grace: float = GRACE, references: References | None = None
) -> Pruning:
    """Delete what was planned, looking again at what is in use. Returns what was deleted."""
    gone: list[Session] = []
    running = list(plan.running)
    for session in plan.sessions:
        try:
            if await _forget(runner, session):
                gone.append(session)
        except NotFoundError:
            continue
        except ActionError:
            running.append(session)
    unused = await _swept(runner, gone, grace, references)
    return Pruning(gone, running, unused, plan.left_bytes)


async def delete_session(runner: Runner, session_id: str) -> Pruning:
    """Delete a session with its records, and the pictures that no other session uses.

    ActionError where a process runs it, NotFoundError where there is none.
    """
    session = await runner.ledger.session(session_id)
    await _forget(runner, session, whatever_happened=True)
    return Pruning([session], [], await _swept(runner, [session], grace=math.inf))


async def _swept(
    runner: Runner, gone: Sequence[Session], grace: float, references: References | None = None
) -> list[Stored]:
    listing = await run_sync(_listing, runner.store)
    named = await (references or References()).among(runner.store, listing)
    unused = await _unused(runner, gone, grace, listing, named)
    # Pictures before records: as long as a record is there, its pictures are known to be nobody's upload.
    unused.sort(key=lambda stored: stored.kind)
    done: list[Stored] = []
    for start in range(0, len(unused), _DELETED_AT_ONCE):
        done += await run_sync(_delete, runner.store, unused[start : start + _DELETED_AT_ONCE])
    await forget_images(runner.ledger, [stored.sha for stored in done if stored.kind == "image"])
    return done


def _delete(store: Store, unused: Iterable[Stored]) -> list[Stored]:
    """Delete what was not stored again since it was listed; returns that."""
    done = []
    for stored in unused:
        if not _was_stored_again(store, stored):
            store.delete(stored.sha)
            done.append(stored)
    return done


def _was_stored_again(store: Store, stored: Stored) -> bool:
    path = store.path(stored.sha)
    try:
        return path is not None and path.stat().st_mtime > stored.modified
    except OSError:  # gone meanwhile
        return False


async def _is_running(runner: Runner, session: Session) -> bool:
    if session.status is not Status.RUNNING:
        return False
    if runner.runs_here(session.session_id) or not await runner.ledger.claim(session.session_id):
        return True
    await runner.ledger.release(session.session_id)
    return False


async def _forget(runner: Runner, session: Session, *, whatever_happened: bool = False) -> bool:
    """Whether the session was deleted: it is left where something happened to it since it was looked at."""
    session_id = session.session_id
    if runner.runs_here(session_id) or not await runner.ledger.claim(session_id):
        raise ActionError(
            f"session {session_id} is running: end it with `thinkedit sessions cancel {session_id}` first"
        )
    if not whatever_happened and (await runner.ledger.session(session_id)).updated != session.updated:
        await runner.ledger.release(session_id)
        return False
    await runner.delete(session_id)
    return True


async def _unused(
    runner: Runner,
    gone: Collection[Session],
    grace: float,
    listing: Sequence[Stored],
    named: Mapping[str, Reference],
) -> list[Stored]:
    """What only the sessions `gone` use, and what is older than `grace` seconds and used by none."""
    last = {session.session_id: session.updated for session in gone}
    sessions, used = await in_use(runner.ledger, without=last)

    def work() -> list[Stored]:
        before = time.time() - grace
        theirs: dict[str, float] = {}
        for sha, reference in named.items():
            if reference.session_id in sessions:
                used.update((sha, *reference.images))
            elif (updated := last.get(reference.session_id)) is not None:
                for one in (sha, *reference.images):
                    theirs[one] = max(updated, theirs.get(one, 0))
        return [
            stored
            for stored in listing
            if stored.sha not in used
            and (stored.modified < before or _is_done_with(stored, theirs.get(stored.sha), grace))
        ]

    return await run_sync(work)


def _is_done_with(stored: Stored, last: float | None, grace: float) -> bool:
    """Whether what sessions that are gone had, up to `last`, was not sent again since then.

    Storing a picture that is there already touches it: that is an upload, which has its time of grace. Who
    names a session to delete wants all of it gone.
    """
    if last is None:
        return False
    return grace == math.inf or stored.kind == "record" or stored.modified <= last


def _listing(store: Store) -> list[Stored]:
    return list(store.listing())


def _age(session: Session) -> float:
    return session.updated
