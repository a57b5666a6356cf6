"""The second stage: what the loop makes of each source becomes `trajectories.jsonl`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from anyio.to_thread import run_sync

from thinkedit.dataset.book import Book
from thinkedit.dataset.engines import Engine
from thinkedit.dataset.exported import own_sessions
from thinkedit.dataset.folder import SOURCES, TRAJECTORIES, needed, workshop
from thinkedit.dataset.generating import GenerateSettings
from thinkedit.dataset.lines import Files, read_records
from thinkedit.dataset.manifest import Tally, dropped_file, seal
from thinkedit.dataset.records import SESSIONS, Dropped, Outcome, SourceRecord, Trajectory

__all__ = ["BOOK", "generate"]

BOOK = "trajectories.jsonl"
"""In the folder's `work/`."""

_FAILED = ("editor_error", "expert_error")


async def generate(
    settings: GenerateSettings,
    engine: Engine,
    *,
    retry_failed: bool = False,
    heard: Callable[[SourceRecord, Outcome], None] | None = None,
) -> dict[str, Any]:
    """Make the trajectories that are missing, then write all in the order of the sources; the manifest.

    retry_failed: make those again that ended because a model failed or refused. heard: told each outcome as
    it comes. What an earlier run has made with other settings stays beside and is not used.
    Dropped are `corrupt_record` and `duplicate_id` of `sources.jsonl`, and what `Generator.one` names.
    Errors as the engine's; run again, it goes on.
    """
    folder = settings.folder
    sources = await run_sync(needed, folder, SOURCES, "generate --sources …")
    book = await run_sync(Book, workshop(folder) / BOOK)
    if retry_failed:
        await run_sync(book.forget, _failed)

    def missing() -> Iterator[SourceRecord]:
        for record in read_records(sources, SourceRecord):
            if isinstance(record, SourceRecord) and _key(record, settings) not in book:
                if record.source == SESSIONS:
                    continue  # it has its trajectory already
                yield record

    async def note(source: SourceRecord, outcome: Outcome) -> None:
        kind = "dropped" if isinstance(outcome, Dropped) else "trajectory"
        line = outcome.model_dump(mode="json")
        await run_sync(book.note, _key(source, settings), kind, line)
        if heard is not None:
            heard(source, outcome)

    with book:
        chosen = settings.model_copy(update={"retry_failed": retry_failed})
        await engine.generate(missing(), chosen, note)
    return await run_sync(_written, settings, book)


def _key(source: SourceRecord, settings: GenerateSettings) -> str:
    return settings.session_id(source)


def _failed(kind: str, line: dict[str, Any]) -> bool:
    return kind == "dropped" or line["stop_reason"] in _FAILED


def _written(settings: GenerateSettings, book: Book) -> dict[str, Any]:
    folder = settings.folder
    tally = Tally("generate", settings.told)
    ends: Counter[str] = Counter()
    lengths: Counter[str] = Counter()
    editors: dict[str, str] = {}
    experts: set[str] = set()
    drops = dropped_file("generate")
    sessions = own_sessions(folder)
    with Files(folder, TRAJECTORIES, drops) as files:
        for record in read_records(folder / SOURCES, SourceRecord):
            tally.taken += 1
            outcome = record if isinstance(record, Dropped) else _outcome(record, settings, book, sessions)
            if isinstance(outcome, Dropped):
                files.line(drops, tally.drop(outcome))
                continue
            files.line(TRAJECTORIES, outcome)
            tally.kept += 1
            ends[outcome.stop_reason] += 1
            lengths[str(len(outcome.steps))] += 1
            editors[outcome.editor] = outcome.editor_identity
            experts.add(outcome.thinker)
    tally.more = {
        "stop_reasons": dict(sorted(ends.items())),
        "steps": dict(sorted(lengths.items())),
        "editors": dict(sorted(editors.items())),
        "experts": sorted(experts),
    }
    return seal(folder, tally, TRAJECTORIES, drops)


def _outcome(record: SourceRecord, settings: GenerateSettings, book: Book, sessions: Book) -> Outcome:
    held, key = (sessions, record.id) if record.source == SESSIONS else (book, _key(record, settings))
    if key not in held:
        return Dropped(id=record.id, reason="not_made", why="the source came while the run was under way")
    kind, line = held.get(key)
    return Dropped.model_validate(line) if kind == "dropped" else Trajectory.model_validate(line)
