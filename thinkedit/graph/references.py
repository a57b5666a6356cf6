"""What the records in a store refer to, read a few at a time and never twice."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from anyio.to_thread import run_sync
from pydantic import BaseModel, ConfigDict

from thinkedit.errors import NotFoundError, StoreError
from thinkedit.store import Store, Stored

__all__ = ["Reference", "References"]

_AT_ONCE = 250
"""Records read in one go of a thread: some 30 ms, after which a cancellation is heard."""


@dataclass(frozen=True)
class Reference:
    """Whose a record is, and the hashes of the pictures that it names."""

    session_id: str
    images: tuple[str, ...]


class _Candidate(BaseModel):
    model_config = ConfigDict(extra="ignore")
    image: str | None = None


class _Record(BaseModel):
    """What housekeeping reads of any record in the store."""

    model_config = ConfigDict(extra="ignore")
    session_id: str
    source: str | None = None
    candidates: tuple[_Candidate, ...] = ()


class References:
    """Remembers what it has read, since a record never changes: some 300 bytes for each."""

    def __init__(self) -> None:
        self._known: dict[str, Reference | None] = {}

    async def among(self, store: Store, listing: Sequence[Stored]) -> dict[str, Reference]:
        """By hash, what the readable records in `listing` refer to; what is damaged or foreign is left out.

        Records that are not in `listing` are forgotten.
        """
        known = dict(self._known)
        records = [stored.sha for stored in listing if stored.kind == "record"]
        new = [sha for sha in records if sha not in known]
        for start in range(0, len(new), _AT_ONCE):
            known.update(await run_sync(_read, store, new[start : start + _AT_ONCE]))
        self._known, found = await run_sync(_those, known, records)
        return found


def _those(
    known: Mapping[str, Reference | None], records: Sequence[str]
) -> tuple[dict[str, Reference | None], dict[str, Reference]]:
    kept = {sha: known[sha] for sha in records}
    return kept, {sha: reference for sha, reference in kept.items() if reference is not None}


def _read(store: Store, hashes: Sequence[str]) -> dict[str, Reference | None]:
    found: dict[str, Reference | None] = dict.fromkeys(hashes)
    for sha in hashes:
        with contextlib.suppress(StoreError, NotFoundError):
            record = store.get_record(sha, _Record)
            named = (record.source, *(candidate.image for candidate in record.candidates))
            images = tuple(dict.fromkeys(sys.intern(image) for image in named if image))
            found[sha] = Reference(sys.intern(record.session_id), images)
    return found
