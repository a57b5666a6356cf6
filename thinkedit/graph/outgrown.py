"""Which sessions go for the sake of their bytes: the oldest, until the pictures of the others fit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from thinkedit.graph.references import Reference
from thinkedit.ledger import Session
from thinkedit.store import Stored
from thinkedit.types import Status

__all__ = ["Kept", "outgrown"]

_ENDED = (Status.FINISHED, Status.FAILED)


@dataclass(frozen=True)
class Kept:
    """A store as it is found. used: hashes that the ledger names; going: ids of sessions that go anyway.

    fresh: seconds since 1970; what no session uses stays if it was written after that.
    """

    listing: Sequence[Stored]
    references: Mapping[str, Reference]
    used: Collection[str]
    sessions: Sequence[Session]
    going: Collection[str]
    fresh: float


def outgrown(kept: Kept, oldest_first: Sequence[Session], max_bytes: int) -> tuple[list[Session], int]:
    """(sessions that go, bytes of all pictures that are left then).

    Only sessions that have ended go: one that runs, waits for its caller or was interrupted does not.
    """
    sizes = {stored.sha: stored.bytes for stored in kept.listing if stored.kind == "image"}
    pictures: defaultdict[str, set[str]] = defaultdict(set)
    for session in kept.sessions:
        pictures[session.session_id].add(session.source)
    ids, ownerless = set(pictures), set[str]()
    for reference in kept.references.values():
        if reference.session_id in ids:
            pictures[reference.session_id].update(reference.images)
        else:  # of a session that another process is deleting now, or deleted: on its way out, and no upload
            ownerless.update(reference.images)
    users = Counter(sha for id_ in ids if id_ not in kept.going for sha in pictures[id_])
    ownerless.update(sha for id_ in kept.going for sha in pictures[id_])
    left = sum(
        stored.bytes
        for stored in kept.listing
        if stored.kind == "image"
        and (
            users[stored.sha]
            or stored.sha in kept.used
            or (stored.sha not in ownerless and stored.modified >= kept.fresh)
        )
    )
    over: list[Session] = []
    for session in oldest_first:
        if left <= max_bytes:
            break
        if session.status not in _ENDED or session.session_id in kept.going:
            continue
        for sha in pictures[session.session_id]:
            users[sha] -= 1
            if not users[sha]:
                left -= sizes.get(sha, 0)
        over.append(session)
    return over, left
