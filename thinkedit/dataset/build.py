"""The fifth stage: step samples, and of these the sets for SFT and RL.

The file of trajectories is read twice: once for the columns by which everything is decided, and once to
write what was decided. So memory does not grow with the texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from thinkedit.adapters.protocol import template_for
from thinkedit.dataset.choosing import BuildSettings, Chosen, choose, table, trajectory_counts
from thinkedit.dataset.columns import Columns, teach
from thinkedit.dataset.filter import judged_scores
from thinkedit.dataset.folder import FILTERED, RL, SFT, STEPS, needed
from thinkedit.dataset.lines import Files, as_json, read_records
from thinkedit.dataset.manifest import Tally, dropped_file, seal
from thinkedit.dataset.records import Dropped, ScoredTrajectory
from thinkedit.dataset.rendering import rl_row, sft_row, user_text
from thinkedit.dataset.sampling import score_bin, target

__all__ = ["BuildSettings", "build_folder", "write_sets"]


def build_folder(folder: Path, settings: BuildSettings) -> dict[str, Any]:
    """Read `filtered.jsonl`, write `steps.jsonl`, `sft_train.json`, `rl_train.jsonl`; the manifest. Blocks.

    Counts are of steps; those of trajectories stand beside them, with `corrupt_record` and `duplicate_id`.
    InputError where the template cannot be used.
    """
    needed(folder, FILTERED, "filter")
    tally = write_sets(folder, folder, settings)
    return seal(folder, tally, STEPS, SFT, RL, dropped_file("build"))


def write_sets(folder: Path, into: Path, settings: BuildSettings) -> Tally:
    """Write the files of the stage into another folder perhaps, and nothing into the manifest."""
    template = template_for(settings.template)
    columns = Columns(settings.seed, settings.terminal, settings.good)
    tally = Tally("build", settings.told | {"template": template.hash})
    bad: list[Dropped] = []
    for record in read_records(folder / FILTERED, ScoredTrajectory):
        if isinstance(record, Dropped):
            bad.append(record)
        elif any(
            score is None
            for score, step in zip(judged_scores(record), record.steps, strict=True)
            if step.image
        ):
            why = "an image has no score: run `thinkedit dataset filter` again"
            bad.append(Dropped(id=record.id, reason="unscored", why=why))
        else:
            columns.add(record)
    chosen = choose(columns, settings)
    with Files(into, STEPS, SFT, RL, dropped_file("build")) as files:
        writer = _Writer(files, settings, user_text(template, settings.threshold))
        fates = iter(chosen.fate.tolist())
        skipped = {drop.id for drop in bad if drop.reason == "unscored"}
        owner = 0
        for record in read_records(folder / FILTERED, ScoredTrajectory):
            if isinstance(record, Dropped) or record.id in skipped:
                continue
            for sample in _samples(record, columns.variance[owner], settings, chosen, fates):
                tally.taken += 1
                if sample["set"] is None:
                    tally.dropped[sample["dropped"]] += 1
                else:
                    tally.kept += 1
                writer.write(sample)
            owner += 1
        writer.end()
        for drop in bad:
            files.line(dropped_file("build"), drop)
    tally.more = {
        "sets": {"sft": writer.sft, "rl": writer.rl},
        "theta": chosen.split.theta,
        "trajectories": {
            "in": len(columns.variance) + len(bad),
            **trajectory_counts(chosen),
            "dropped": dict(sorted(Counter(drop.reason for drop in bad).items())),
        },
        "bins": table(columns, chosen),
    }
    return tally


def _samples(
    record: ScoredTrajectory, variance: float, settings: BuildSettings, chosen: Chosen, fates: Iterator[int]
) -> Iterator[dict[str, Any]]:
    """The fields of a StepSample for each step, in their order; as a dict, since there are many."""
    scores = {one.t: one.scores for one in record.judged}
    for step in record.steps:
        scored = scores.get(step.t)
        if step.image is None or scored is None:
            continue
        said = teach(record, step, policy=settings.terminal, good=settings.good)
        fate = chosen.words[next(fates)]
        kept = fate if fate in ("sft", "rl") else None
        yield {
            "id": f"{record.id}:{step.t}",
            "trajectory": record.id,
            "t": step.t,
            "record": record.record,
            "pool": record.pool,
            "source_id": record.source_id,
            "editor": record.editor,
            "task_type": record.task_type,
            "instruction": record.instruction,
            "prompt": step.prompt,
            "source": record.source,
            "image": step.image,
            "reason": said.reason,
            "answer": said.answer,
            "semantic": scored.semantic,
            "quality": scored.quality,
            "overall": scored.overall,
            "terminal": step.t == len(record.steps),
            "variance": variance,
            "bin": score_bin(scored.overall),
            "set": kept,
            "dropped": fate if kept is None else None,
        }


class _Writer:
    """Writes samples into the three files. sft, rl: how many of each."""

    def __init__(self, files: Files, settings: BuildSettings, text: Any) -> None:
        self._files, self._settings, self._text = files, settings, text
        self.sft = self.rl = 0
        self._root = settings.image_root.rstrip("/") + "/" if settings.image_root else ""

    def write(self, sample: dict[str, Any]) -> None:
        self._files.line(STEPS, sample)
        semantic, quality, image = sample["semantic"], sample["quality"], sample["image"]
        if sample["set"] == "sft":
            said = target(sample["reason"], sample["answer"], semantic, quality, self._settings.decimals)
            text = self._text(sample["instruction"], sample["prompt"])
            row = sft_row(text, said, f"{self._root}{sample['source']}", f"{self._root}{image}")
            before = ",\n" if self.sft else "[\n"
            self._files.text(SFT, before + as_json(row))
            self.sft += 1
        elif sample["set"] == "rl":
            row = rl_row(
                instruction=sample["instruction"],
                prompt=sample["prompt"],
                source=sample["source"],
                image=image,
                semantic=semantic,
                quality=quality,
            )
            self._files.line(RL, row)
            self.rl += 1

    def end(self) -> None:
        self._files.text(SFT, "\n]\n" if self.sft else "[]\n")
