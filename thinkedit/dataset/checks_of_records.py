"""Checks of sources, trajectories, scores, the filter and step samples (pipeline: sections 1 to 4)."""

from __future__ import annotations

from collections import Counter, defaultdict

from thinkedit.dataset.checking import Faults, Readings
from thinkedit.dataset.filter import cut, judged_scores, verdict_of
from thinkedit.dataset.records import ScoredTrajectory, sha_of
from thinkedit.types import overall_score

__all__ = ["filtered", "samples", "scores", "sources", "trajectories"]

_ROUNDED = 1e-4


def sources(readings: Readings, faults: Faults) -> int:
    seen = 0
    licences: dict[str, Counter[str]] = defaultdict(Counter)
    told = readings.stage("sources").get("licences", {})
    for source in readings.sources(faults):  # ids that come twice are faults of the reading
        seen += 1
        licences[source.source][source.licence] += 1
        faults.unless(sha_of(source.image) == source.sha256, source.id, f"{source.image} is not its sha256")
    for pool, counts in licences.items():
        for licence, count in counts.items():
            least = told.get(pool, {}).get(licence, 0)
            faults.unless(
                count <= least, pool, f"{count} sources under {licence!r}, and the manifest says {least}"
            )
    return seen


def trajectories(readings: Readings, faults: Faults) -> int:
    known = {
        source.id: (source.sha256, source.instruction, source.editor, source.task_type)
        for source in readings.sources(faults)
    }
    seen = 0
    records: set[str] = set()
    for one in readings.trajectories(faults):
        seen += 1
        told = (one.source_id, one.instruction, one.editor, one.task_type)
        faults.unless(known.get(one.record) == told, one.id, f"is not of the source {one.record!r}")
        faults.unless(one.record not in records, one.id, f"is the second of the source {one.record!r}")
        records.add(one.record)
        faults.unless(sha_of(one.source) == one.source_id, one.id, f"{one.source} is not its source_id")
        if one.steps and one.mode == "while":
            first = one.steps[0].prompt
            faults.unless(first == one.instruction, one.id, "the first prompt is not the instruction")
    return seen


def scores(readings: Readings, faults: Faults) -> int:
    """Ranges, NaN among what is outside them, are faults of the reading."""
    seen = 0
    for one in readings.scored(faults):
        for judged in one.judged:
            seen += 1
            if judged.scores is not None:
                overall = overall_score(judged.scores.semantic, judged.scores.quality) or 0.0
                faults.unless(
                    abs(overall - judged.scores.overall) <= _ROUNDED,
                    f"{one.id} step {judged.t}",
                    f"overall is {judged.scores.overall} and not {overall:.4f}",
                )
    return seen


def filtered(readings: Readings, faults: Faults) -> int:
    settings = readings.filter_settings
    kept = {one.id: one for one in readings.filtered(faults)}
    seen = 0
    for record in readings.scored(faults):
        seen += 1
        verdict = verdict_of(record, settings)
        one = kept.pop(record.id, None)
        if isinstance(verdict, str):
            faults.unless(one is None, record.id, f"is kept, and should not be: {verdict}")
        elif one is None:
            faults.note(record.id, f"is not kept, and {verdict} of its steps should be")
        else:
            faults.unless(one == cut(record, verdict), record.id, f"is not its first {verdict} steps")
            _best_is_last(one, settings.tie == "first", faults)
    for name in kept:
        faults.note(name, "is kept and was never scored")
    return seen


def _best_is_last(one: ScoredTrajectory, first: bool, faults: Faults) -> None:
    *earlier, last = [score for score in judged_scores(one) if score is not None]
    if earlier:
        good = last > max(earlier) if first else last >= max(earlier)
        faults.unless(good, one.id, f"its last step has {last}, and an earlier one {max(earlier)}")


def samples(readings: Readings, faults: Faults) -> int:
    steps = readings.steps(faults)
    seen = 0
    for record in readings.filtered(faults):
        for step in record.steps:
            if step.image is None:
                continue
            seen += 1
            sample = next(steps, None)
            if sample is None or sample.id != f"{record.id}:{step.t}":
                faults.note(
                    f"{record.id}:{step.t}", f"has no sample in its place, which has {sample and sample.id}"
                )
                return seen
            told = (sample.trajectory, sample.t, sample.image, sample.prompt, sample.instruction)
            faults.unless(
                told == (record.id, step.t, step.image, step.prompt, record.instruction),
                sample.id,
                "says something else than its step",
            )
            if sample.set is not None:
                unchanged = sha_of(sample.image) == sample.source_id
                faults.unless(not unchanged, sample.id, "its edited image is the source")
            faults.unless(
                (sample.set is None) != (sample.dropped is None), sample.id, "is neither kept nor dropped"
            )
    faults.unless(next(steps, None) is None, "steps.jsonl", "has more samples than there are steps")
    return seen
