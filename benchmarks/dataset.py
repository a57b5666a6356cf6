"""The pipeline's speed where only records are read and written: `filter` and `build` over many trajectories.

    python benchmarks/dataset.py                    # 35,000, 70,000 and 140,000 trajectories
    python benchmarks/dataset.py 2000               # other sizes

Method: `scored.jsonl` is made with five steps a trajectory, reasons of some 120 words and prompts of 30, as
an expert writes them (2.2 GB of text at 140,000), scores drawn so that about half of the trajectories get
better. Each stage then runs in a process of its own, which says what it took and the most memory it had;
pictures are not looked at by these stages and are not made. Goal: at most 60 s and 2 GB for both stages
together at 140,000 on two cores, and time and memory that grow no faster than the number of trajectories.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from thinkedit.journal import write_lines

SIZES = (35_000, 70_000, 140_000)
GOAL_SECONDS, GOAL_BYTES = 60.0, 2e9
TASKS = ("subject", "style", "background", "reasoning", "other")
EDITORS = ("omnigen2", "kontext", "qwen")


def scored(count: int) -> Iterator[dict[str, Any]]:
    """Lines of `scored.jsonl`, the same every time."""
    draw = random.Random(1)
    words = [hashlib.md5(str(n).encode()).hexdigest()[: 3 + n % 8] for n in range(4000)]

    def text(length: int) -> str:
        return " ".join(draw.choices(words, k=length))

    for number in range(count):
        sha = hashlib.sha256(f"source {number % (count * 9 // 10)}".encode()).hexdigest()
        prompts = [text(30) for _ in range(6)]
        instruction = prompts[0] = text(12)
        steps, judged = [], []
        for t in range(1, 6):
            image = hashlib.sha256(f"image {number} {t}".encode()).hexdigest()
            steps.append(
                {
                    "t": t,
                    "prompt": prompts[t - 1],
                    "image": f"images/{image[:2]}/{image}.png",
                    "reason": text(120),
                    "next_prompt": prompts[t],
                    "stop": False,
                    "error": None,
                    "scores": None,
                    "seed": 0,
                    "origin": "instruction" if t == 1 else "thinker",
                    "candidates": [],
                }
            )
            semantic = round(draw.triangular(0, 10, 8 if t == 1 else 2.5), 1)
            quality = round(draw.uniform(4, 10), 1)
            overall = round((semantic * quality) ** 0.5, 4)
            scores = {"semantic": semantic, "quality": quality, "overall": overall}
            judged.append({"t": t, "scores": scores, "error": None})
        yield {
            "id": f"d-{number:024x}",
            "source_id": sha,
            "editor": EDITORS[number % 3],
            "task_type": TASKS[min(int(draw.expovariate(0.7)), 4)],
            "T_s": instruction,
            "I_src": f"images/{sha[:2]}/{sha}.png",
            "steps": steps,
            "stop_reason": "max_iter",
            "thinker": "expert",
            "mode": "while",
            "threshold": 8.0,
            "selected": 5,
            "ended": "max_turns",
            "record": f"source-{number}",
            "pool": "benchmark",
            "editor_identity": EDITORS[number % 3],
            "judge": "judge",
            "judged": judged,
        }


def stage(name: str, folder: Path) -> None:
    """The child: one stage, and what it took."""
    began = time.perf_counter()
    if name == "filter":
        from thinkedit.dataset.filter import FilterSettings, filter_folder

        told = filter_folder(folder, FilterSettings())["stages"]["filter"]
    else:
        from thinkedit.dataset.build import build_folder
        from thinkedit.dataset.choosing import BuildSettings

        told = build_folder(folder, BuildSettings())["stages"]["build"]
    used = resource.getrusage(resource.RUSAGE_SELF)
    facts = {
        "seconds": time.perf_counter() - began,
        "cpu": used.ru_utime + used.ru_stime,
        "bytes": used.ru_maxrss * 1024,
        "in": told["in"],
        "kept": told["kept"],
    }
    print(json.dumps(facts))


def measured(count: int) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory(prefix="thinkedit-dataset-") as name:
        folder = Path(name)
        write_lines(folder / "scored.jsonl", scored(count))
        made = {}
        for which in ("filter", "build"):
            ran = subprocess.run(
                [sys.executable, __file__, "--stage", which, "--folder", name],
                check=True,
                capture_output=True,
                text=True,
            )
            made[which] = json.loads(ran.stdout)
        return made


def calibration() -> float:
    """Seconds of a fixed loop of arithmetic."""
    began = time.perf_counter()
    total = 0
    for number in range(200_000):
        total += number * number % 7
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES)
    parser.add_argument("--stage", choices=("filter", "build"))
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.stage is not None:
        stage(given.stage, given.folder)
        return 0
    print(f"calibration loop: {1000 * calibration():.1f} ms")
    print("trajectories | filter | build | together | CPU | most memory | a thousand")
    good = True
    for count in given.sizes:
        made = measured(count)
        both = [made["filter"], made["build"]]
        seconds, cpu = sum(one["seconds"] for one in both), sum(one["cpu"] for one in both)
        most = max(one["bytes"] for one in both)
        print(
            f"{count:,} | {both[0]['seconds']:.1f} s | {both[1]['seconds']:.1f} s | {seconds:.1f} s | "
            f"{cpu:.1f} s | {most / 1e6:,.0f} MB | {1000 * seconds / count:.3f} s"
        )
        print(f"  kept {both[0]['kept']:,} trajectories, {both[1]['kept']:,} of {both[1]['in']:,} samples")
        good &= seconds <= GOAL_SECONDS and most <= GOAL_BYTES
    print(f"goal: {GOAL_SECONDS:g} s and {GOAL_BYTES / 1e9:g} GB: {'met' if good else 'missed'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
