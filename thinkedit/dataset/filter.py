"""The fourth stage: trajectories that got better, up to their best step, become `filtered.jsonl`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from pydantic import Field

from thinkedit.dataset.filtering import Single, Tie, verdict
from thinkedit.dataset.folder import FILTERED, SCORED, needed
from thinkedit.dataset.lines import Files, read_records
from thinkedit.dataset.manifest import Tally, dropped_file, seal
from thinkedit.dataset.records import Dropped, ScoredTrajectory
from thinkedit.types.words import Frozen, Score

__all__ = ["FilterSettings", "cut", "filter_folder", "judged_scores", "verdict_of"]


class FilterSettings(Frozen):
    """tie: which of equally good steps is the best one. `first` (default) gives a trajectory that never got
    better than its first image one step; `last` keeps its chain. single: what becomes of one without a
    second image; good: of both scores of the first image, where `keep_if_good` asks for it."""

    tie: Tie = "first"
    single: Single = "discard"
    good: Score = Field(8.0)


def judged_scores(record: ScoredTrajectory) -> list[float | None]:
    """The judge's overall score of each step; None where there is no image or no score."""
    given = {one.t: one.scores.overall for one in record.judged if one.scores is not None}
    return [given.get(step.t) for step in record.steps]


def verdict_of(record: ScoredTrajectory, settings: FilterSettings) -> int | str:
    """How many steps are kept, or why none; see `filtering.verdict`."""
    first = next((one.scores for one in record.judged if one.t == 1), None)
    good = first is not None and min(first.semantic, first.quality) >= settings.good
    return verdict(
        [step.image is not None for step in record.steps],
        judged_scores(record),
        tie=settings.tie,
        single=settings.single,
        good=good,
    )


def cut(record: ScoredTrajectory, kept: int) -> ScoredTrajectory:
    """The trajectory with its first `kept` steps, the last of them as its result."""
    return record.model_copy(
        update={
            "steps": record.steps[:kept],
            "judged": tuple(one for one in record.judged if one.t <= kept),
            "selected": kept,
        }
    )


def filter_folder(folder: Path, settings: FilterSettings) -> dict[str, Any]:
    """Read `scored.jsonl`, write `filtered.jsonl` in its order; returns the manifest. Blocks.

    Dropped are `corrupt_record`, `duplicate_id` and what `filtering.REASONS` names.
    """
    scored = needed(folder, SCORED, "score")
    tally = Tally("filter", settings.model_dump(mode="json"))
    before, after = Counter[str](), Counter[str]()
    drops = dropped_file("filter")
    with Files(folder, FILTERED, drops) as files:
        for record in read_records(scored, ScoredTrajectory):
            tally.taken += 1
            if isinstance(record, Dropped):
                files.line(drops, tally.drop(record))
                continue
            before[str(len(record.steps))] += 1
            kept = verdict_of(record, settings)
            if isinstance(kept, str):
                files.line(drops, tally.drop(Dropped(id=record.id, reason=kept)))
                continue
            files.line(FILTERED, cut(record, kept))
            tally.kept += 1
            after[str(kept)] += 1
    tally.more = {"steps_before": dict(sorted(before.items())), "steps_kept": dict(sorted(after.items()))}
    return seal(folder, tally, FILTERED, drops)
