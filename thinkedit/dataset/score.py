"""The third stage: a judge's scores of every image become `scored.jsonl`."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from anyio.to_thread import run_sync

from thinkedit.dataset.book import Book
from thinkedit.dataset.engines import Engine
from thinkedit.dataset.folder import SCORED, TRAJECTORIES, needed, workshop
from thinkedit.dataset.generating import PATIENCE
from thinkedit.dataset.lines import Files, read_records
from thinkedit.dataset.manifest import Tally, dropped_file, seal
from thinkedit.dataset.records import Dropped, ScoredTrajectory, Trajectory
from thinkedit.dataset.scoring import ScoreSettings

__all__ = ["BOOK", "score"]

BOOK = "scored.jsonl"
"""In the folder's `work/`."""


async def score(
    settings: ScoreSettings,
    engine: Engine,
    *,
    retry_failed: bool = False,
    heard: Callable[[ScoredTrajectory], None] | None = None,
) -> dict[str, Any]:
    """Score what is not scored yet, then write all in the order of the trajectories; the manifest.

    retry_failed: ask again about images that got no score. Images without a score are counted by `failures`
    in the manifest, and stay in their trajectories with the reason: the filter decides.
    Errors as the engine's; run again, it goes on.
    """
    folder = settings.folder
    path = await run_sync(needed, folder, TRAJECTORIES, "generate")
    book = await run_sync(Book, workshop(folder) / BOOK)
    if retry_failed:
        await run_sync(book.forget, lambda _, line: any(one["error"] for one in line["judged"]))

    def missing() -> Iterator[Trajectory]:
        for record in read_records(path, Trajectory):
            if isinstance(record, Trajectory) and _key(record, settings) not in book:
                yield record

    async def note(scored: ScoredTrajectory) -> None:
        whole = scored.model_dump(mode="json")
        plain = {name: value for name, value in whole.items() if name not in ("judge", "judged")}
        trajectory = Trajectory.model_validate(plain)
        await run_sync(book.note, _key(trajectory, settings), "scored", whole)
        if heard is not None:
            heard(scored)

    with book:
        await engine.score(missing(), settings, note)
    return await run_sync(_written, settings, book)


def _key(trajectory: Trajectory, settings: ScoreSettings) -> str:
    how = {name: value for name, value in settings.told.items() if name not in PATIENCE}
    told = f"{trajectory.model_dump_json()}\0{json.dumps(how, sort_keys=True)}"
    return hashlib.sha256(told.encode(errors="surrogatepass")).hexdigest()[:32]


def _written(settings: ScoreSettings, book: Book) -> dict[str, Any]:
    folder = settings.folder
    tally = Tally("score", settings.told)
    images, failures = 0, Counter[str]()
    judges: set[str] = set()
    drops = dropped_file("score")
    with Files(folder, SCORED, drops) as files:
        for record in read_records(folder / TRAJECTORIES, Trajectory):
            tally.taken += 1
            if isinstance(record, Dropped):
                files.line(drops, tally.drop(record))
                continue
            if (key := _key(record, settings)) not in book:
                why = "the trajectory came while the run was under way"
                files.line(drops, tally.drop(Dropped(id=record.id, reason="not_scored", why=why)))
                continue
            scored = ScoredTrajectory.model_validate(book.get(key)[1])
            files.line(SCORED, scored)
            tally.kept += 1
            images += len(scored.judged)
            judges.add(scored.judge)
            failures.update(_kind(one.error) for one in scored.judged if one.error is not None)
    tally.more = {"images": images, "failures": dict(sorted(failures.items())), "judges": sorted(judges)}
    return seal(folder, tally, SCORED, drops)


def _kind(error: str) -> str:
    """The words before what is particular to one image."""
    return error.partition(":")[0]
