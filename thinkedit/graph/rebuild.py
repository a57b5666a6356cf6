"""The session database made again from the records in the store.

A session's opening and each version of its turns lie in the store under their hashes. From these come the
session, its turns and the model calls that were paid for, so that going on repeats none of them. What the
store does not know: failed attempts, verdicts of a safety check (it is asked again), marks, picks, and why
an unfinished session had ended.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from anyio.to_thread import run_sync

from thinkedit.adapters.base import CritiqueRequest, EditRequest
from thinkedit.errors import NotFoundError, StoreError
from thinkedit.graph.digests import digest_of_critique, digest_of_edit
from thinkedit.graph.stopping import best_turn, decide, why_selected
from thinkedit.graph.turns import history_of
from thinkedit.images import Picture
from thinkedit.ledger import Call, Ledger, Session, Spent, TurnEntry
from thinkedit.ledger.upkeep import RecordedCall, restore
from thinkedit.store import Store
from thinkedit.types import CritiqueState, Image, SessionRecord, StopReason, TurnRecord

__all__ = ["Rebuilt", "rebuild"]

_ALL = 10_000_000


@dataclass
class Rebuilt:
    """added, kept (in the database already): ids. lost: ids and why they could not be put back."""

    added: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Version:
    """One stored version of a turn."""

    sha: str
    modified: float
    record: TurnRecord

    @property
    def rank(self) -> tuple[int, float]:
        """The furthest version counts: planned, then with images, then with a critique; then the newest."""
        critique, image = self.record.critique, self.record.image
        done = critique is not None and critique.state is CritiqueState.SCORED
        return (done * 2 + (image is not None or self.record.error is not None), self.modified)


async def rebuild(store: Store, ledger: Ledger) -> Rebuilt:
    """Put back every session that has an image and is not in the ledger."""
    openings, turns = await run_sync(_read, store)
    known = {session.session_id for session in await ledger.sessions(limit=_ALL)}
    done = Rebuilt(kept=sorted(known))
    for session_id in sorted(turns.keys() - openings.keys() - known):
        done.lost[session_id] = "the record of its opening is missing"
    for session_id, opening in sorted(openings.items()):
        versions = [max(turns[session_id][turn], key=lambda v: v.rank) for turn in sorted(turns[session_id])]
        versions = _unbroken(versions)
        if session_id in known or not any(version.record.image for version in versions):
            continue
        try:
            await _put_back(store, ledger, opening, versions)
        except (NotFoundError, StoreError) as error:
            done.lost[session_id] = str(error)
        else:
            done.added.append(session_id)
    return done


def _read(store: Store) -> tuple[dict[str, SessionRecord], dict[str, dict[int, list[_Version]]]]:
    openings: dict[str, SessionRecord] = {}
    turns: dict[str, dict[int, list[_Version]]] = defaultdict(lambda: defaultdict(list))
    for stored in store.listing():
        if stored.kind != "record":
            continue
        with contextlib.suppress(StoreError, NotFoundError):
            record = store.get_record(stored.sha, TurnRecord)
            version = _Version(stored.sha, stored.modified, record)
            turns[record.session_id][record.turn].append(version)
            continue
        with contextlib.suppress(StoreError, NotFoundError):
            opening = store.get_record(stored.sha, SessionRecord)
            openings[opening.session_id] = opening
    return openings, turns


def _unbroken(versions: Sequence[_Version]) -> list[_Version]:
    """The turns from the first on, up to a missing one or one that was only planned."""
    kept: list[_Version] = []
    for number, version in enumerate(versions, start=1):
        if version.record.turn != number or not version.rank[0]:
            break
        kept.append(version)
    return kept


async def _put_back(
    store: Store, ledger: Ledger, opening: SessionRecord, versions: Sequence[_Version]
) -> None:
    pictures: dict[str, Picture] = {}
    records = [version.record for version in versions]
    for sha in {opening.source, *(c.image for r in records for c in r.candidates if c.image)}:
        pictures[sha] = await run_sync(store.get, sha)
    judged = [record for record in records if _complete(record)]
    reason = decide(judged, opening.settings, Spent(0, 0)) if len(judged) == len(records) else None
    reason = reason or StopReason.CANCELLED
    best = best_turn(records)
    session = Session(
        session_id=opening.session_id,
        owner=opening.owner,
        created=opening.created,
        updated=max(version.modified for version in versions),
        status=reason.status,
        stop_reason=reason,
        why=f"Rebuilt from the records in the store. {why_selected(best, records)}",
        instruction=opening.instruction,
        settings=opening.settings,
        source=opening.source,
        source_name=opening.source_name,
        source_mime=opening.source_mime,
        editor=opening.editor,
        thinker=opening.thinker,
        selected_turn=best.turn if best is not None else None,
        leg=1,
        asked="",
        wanted="",
        output=None,
        runner="",
        lease_until=0,
        fence=0,
    )
    last = len(versions)
    entries = [
        TurnEntry(v.record.turn, v.sha, complete=_complete(v.record) or v.record.turn < last)
        for v in versions
    ]
    calls = [call for record in records for call in _calls(opening, records, record, pictures)]
    images = [
        Image.stored(sha, picture.width, picture.height, picture.mime_type, len(picture.data))
        for sha, picture in pictures.items()
    ]
    await restore(ledger, session, entries, calls, images)


def _complete(record: TurnRecord) -> bool:
    return record.critique is not None and record.critique.state is CritiqueState.SCORED


def _calls(
    opening: SessionRecord,
    records: Sequence[TurnRecord],
    record: TurnRecord,
    pictures: dict[str, Picture],
) -> list[RecordedCall]:
    """The calls that made this turn, under the digests by which the loop looks for them."""
    source = pictures[opening.source]
    earlier = history_of([r for r in records if r.turn < record.turn])
    count = len(record.candidates) or 1
    calls: list[RecordedCall] = []
    if record.origin == "plan":
        digest = f"{opening.thinker} {opening.source} {opening.instruction}"
        calls.append(RecordedCall("plan", record.turn, 0, digest, Call("ok", record.prompt, None, 0.0)))
    for item, candidate in enumerate(record.candidates):
        if candidate.image is None:
            continue
        request = EditRequest(source, record.prompt, candidate.seed)
        made = Call("ok", candidate.image, None, record.edit_seconds / count)
        digest = digest_of_edit(record.editor, request)
        calls.append(RecordedCall("edit", record.turn, item, digest, made))
        looks = candidate.looks or ((candidate.critique,) if candidate.critique is not None else ())
        for look, critique in enumerate(looks):
            if critique.state is not CritiqueState.SCORED:
                continue
            shown = CritiqueRequest(
                source=source,
                edited=pictures[candidate.image],
                instruction=opening.instruction,
                prompt=record.prompt,
                history=earlier,
                threshold=opening.settings.threshold,
                look=look,
            )
            share = record.critique_seconds / count / len(looks)
            said = Call("ok", critique.model_dump_json(), None, share)
            digest = digest_of_critique(record.thinker, record.template, shown)
            calls.append(RecordedCall("critique", record.turn, item, digest, said))
    return calls
