"""Checks of partition, balancing and the sets for SFT and RL (pipeline: sections 5 to 8)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

from thinkedit.adapters.protocol import DEFAULT_TEMPLATE, parse_answer
from thinkedit.dataset.balancing import BINS
from thinkedit.dataset.build import write_sets
from thinkedit.dataset.checking import Faults, Readings
from thinkedit.dataset.filter import judged_scores
from thinkedit.dataset.folder import RL, SFT, STEPS, workshop
from thinkedit.dataset.manifest import dropped_file, hashed
from thinkedit.dataset.partition import variance_of
from thinkedit.dataset.records import StepSample
from thinkedit.dataset.rendering import HEAD, rl_row, user_text
from thinkedit.dataset.sampling import told_score
from thinkedit.errors import AnswerError
from thinkedit.journal import read_lines

__all__ = ["balance", "disjoint", "partition", "rebuilt", "rl_rows", "targets"]


def disjoint(readings: Readings, faults: Faults) -> int:
    sets: dict[str, tuple[set[str], set[str]]] = {"sft": (set(), set()), "rl": (set(), set())}
    seen = 0
    for sample in readings.steps(faults):
        if sample.set is not None:
            seen += 1
            sets[sample.set][0].add(sample.trajectory)
            sets[sample.set][1].add(sample.source_id)
    for place, what in enumerate(("trajectory", "source picture")):
        for name in sorted(sets["sft"][place] & sets["rl"][place]):
            faults.note(name, f"this {what} is in both sets")
    return seen


def partition(readings: Readings, faults: Faults) -> int:
    settings, theta = readings.build_settings, readings.stage("build")["theta"]
    limit = theta if settings.sft_variance is None else settings.sft_variance
    of: dict[str, tuple[float, float]] = {}
    for record in readings.filtered(faults):
        scores = [score for score in judged_scores(record) if score is not None]
        of[record.id] = variance_of(scores), min(scores)
    seen = 0
    for sample in readings.steps(faults):
        seen += 1
        variance, lowest = of[sample.trajectory]
        faults.unless(sample.variance == variance, sample.id, f"its variance is {variance}")
        if sample.set == "rl":
            faults.unless(variance > theta, sample.id, f"is in RL with variance {variance}, theta is {theta}")
        elif sample.set == "sft":
            good = variance <= limit or lowest >= settings.steady
            faults.unless(good, sample.id, f"is in SFT with variance {variance} and lowest score {lowest}")
    return seen


def balance(readings: Readings, faults: Faults) -> int:
    bins: dict[str, dict[str, dict[str, list[int]]]] = readings.stage("build")["bins"]
    found: dict[tuple[str, str], list[int]] = {}
    seen = 0
    for sample in readings.steps(faults):
        if sample.set is not None:
            seen += 1
            found.setdefault((sample.set, sample.task_type), [0] * BINS)[sample.bin] += 1
    for name, tasks in bins.items():
        for task, sizes in tasks.items():
            where = f"{name} {task}"
            there = found.pop((name, task), [0] * BINS)
            faults.unless(there == sizes["after"], where, f"{there}, and the manifest says {sizes['after']}")
            raised = any(
                after > before for before, after in zip(sizes["before"], sizes["after"], strict=True)
            )
            faults.unless(not raised, where, f"from {sizes['before']} to {sizes['after']}")
    for key in found:
        faults.note(" ".join(key), "is not in the manifest")
    return seen


def targets(readings: Readings, faults: Faults) -> int:
    settings = readings.build_settings
    default = readings.stage("build")["settings"]["template"] == DEFAULT_TEMPLATE.hash
    text = user_text(None, settings.threshold) if default else None
    root = settings.image_root.rstrip("/") + "/" if settings.image_root else ""
    samples = (sample for sample in readings.steps(faults) if sample.set == "sft")
    seen = 0
    for row in _rows(readings):
        seen += 1
        sample = next(samples, None)
        if sample is None:
            faults.note(f"row {seen}", "there is no sample for it")
            return seen
        _target(sample, row, settings.decimals, faults)
        images = [f"{root}{sample.source}", f"{root}{sample.image}"]
        faults.unless(row["images"] == images, sample.id, f"its pictures are {row['images']}")
        if text is not None:
            wanted = HEAD + text(sample.instruction, sample.prompt)
            faults.unless(row["messages"][0]["content"] == wanted, sample.id, "its prompt is not the loop's")
    faults.unless(next(samples, None) is None, SFT, "has fewer rows than there are samples")
    return seen


def _target(sample: StepSample, row: dict[str, Any], decimals: int, faults: Faults) -> None:
    try:
        critique = parse_answer(row["messages"][1]["content"])
    except AnswerError as error:
        faults.note(sample.id, f"its target cannot be read: {error}")
        return
    told = (critique.semantic, critique.quality, critique.reasoning, critique.next_prompt)
    wanted = (
        told_score(sample.semantic, decimals),
        told_score(sample.quality, decimals),
        sample.reason,
        sample.answer,
    )
    faults.unless(told == wanted, sample.id, "its target is read as something else")


def _rows(readings: Readings) -> Iterator[dict[str, Any]]:
    """The rows of `sft_train.json`; one stands on each line between the brackets."""
    with open(readings.folder / SFT, encoding="utf-8") as file:
        for line in file:
            told = line.strip().rstrip(",")
            if told not in ("[", "]", "[]", ""):
                yield json.loads(told)


def rl_rows(readings: Readings, faults: Faults) -> int:
    samples = (sample for sample in readings.steps(faults) if sample.set == "rl")
    seen = 0
    for number, row in read_lines(readings.folder / RL):
        seen += 1
        sample = next(samples, None)
        if sample is None:
            faults.note(f"{RL}:{number}", "there is no sample for it")
            return seen
        wanted = rl_row(
            instruction=sample.instruction,
            prompt=sample.prompt,
            source=sample.source,
            image=sample.image,
            semantic=sample.semantic,
            quality=sample.quality,
        )
        faults.unless(row == wanted, f"{RL}:{number}", f"says something else than {sample.id}")
    faults.unless(next(samples, None) is None, RL, "has fewer rows than there are samples")
    return seen


def rebuilt(readings: Readings, faults: Faults) -> int:
    """Build once more, beside the folder, and compare. With a template of the user's own it cannot be."""
    if readings.stage("build")["settings"]["template"] != DEFAULT_TEMPLATE.hash:
        return 0
    into = workshop(readings.folder, "check")
    names = (STEPS, SFT, RL, dropped_file("build"))
    try:
        write_sets(readings.folder, into, readings.build_settings)
        for name in names:
            same = hashed(into / name) == hashed(readings.folder / name)
            faults.unless(same, name, "is another file when it is made again")
    finally:
        shutil.rmtree(into, ignore_errors=True)
    return len(names)
