"""What real models cost through this package, beside the bare libraries, on one GPU of 80 GB.

Method. FLUX.1 Kontext (12 billion parameters) and Qwen3-VL-8B are built at full size with random weights,
which take as long as trained ones, and saved once (52 GB), so that they load as any checkpoint does.

*Beside bare*: one process measures bare diffusers or transformers, frees it, and measures the editor or
thinker on the same folder in the same settings: 28 steps at 1024 x 1024 pixels; two pictures of 1024 x 1024
and 256 new tokens, greedy. A ratio is throughput through this package by bare throughput for one request at
a time; eight requests at once (eight different photographs and texts) stand beside bare ones one after the
other. The prompt has more tokens than with the model's own tokenizer; their number is printed.

*Placements*: a process for each, with the time from its start to the model loaded and to the first result,
and its peaks of memory. All times are medians after a pass that does not count.

    python benchmarks/gpu [--models DIR] [--runs N] [--only editor|thinker]
    python benchmarks/gpu --tiny     # the same code with tiny models on the CPU; its figures mean nothing
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from checkpoints import NAMES, prepared

GOALS = {"ours": 0.98, "many": 1.3}
PLACEMENTS = ("device", "model_offload", "sequential_offload")
RESULT = "figures: "


def main(given: Sequence[str] | None = None) -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--models", type=Path, default=Path(tempfile.gettempdir()) / "thinkedit-full-size")
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--only", choices=sorted(NAMES))
    arguments.add_argument("--tiny", action="store_true")
    arguments.add_argument("--job", help=argparse.SUPPRESS)  # how this script starts itself
    chosen = arguments.parse_args(given)
    if chosen.job:
        print(RESULT + json.dumps(work(json.loads(chosen.job))))
        return 0
    missing = None if chosen.tiny else nothing_to_run_on()
    if missing:
        print(f"{missing}: nothing measured (--tiny runs the same code with tiny models on the CPU)")
        return 0
    print(machine(tiny=chosen.tiny))
    failed = False
    for role in [chosen.only] if chosen.only else sorted(NAMES):
        try:
            folder = prepared(NAMES[role], chosen.models, tiny=chosen.tiny)
        except OSError as error:
            print(error)
            return 1
        failed |= not report(role, folder, tiny=chosen.tiny, runs=max(1, chosen.runs))
    return 1 if failed else 0


def nothing_to_run_on() -> str | None:
    """Why there is nothing to measure here, or None."""
    try:
        import torch
    except ImportError:
        return "torch is not installed"
    return None if torch.cuda.is_available() else "no CUDA GPU here"


def machine(*, tiny: bool) -> str:
    """The GPU and the libraries, in a line."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("torch", "diffusers", "transformers"))
    if tiny:
        return f"tiny models on the CPU ({libraries}): these figures say nothing about real ones"
    import torch

    found = torch.cuda.get_device_properties(0)
    return f"{found.name}, {found.total_memory / 1e9:.0f} GB ({libraries})"


def work(values: dict[str, Any]) -> dict[str, Any]:
    """The child: measure one job."""
    from editing import measure_editor
    from measure import Job
    from thinking import measure_thinker

    job = Job(**values)
    if job.tiny:
        import torch

        torch.set_num_threads(1)
    return (measure_editor if job.role == "editor" else measure_thinker)(job)


def run(role: str, folder: Path, placement: str, *, compare: bool, tiny: bool, runs: int) -> dict[str, Any]:
    """One job in a process of its own; raises RuntimeError with the last line of what went wrong."""
    from measure import Job

    size = {"many": 4, "side": 64, "steps": 2, "tokens": 8} if tiny else {}
    size = {"many": 8, "side": 1024, "steps": 28, "tokens": 256} | size
    job = Job(role, str(folder), placement, compare, tiny, runs, began=time.time(), **size)
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).parent), "--job", json.dumps(dataclasses.asdict(job))],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    for line in reversed(ran.stdout.splitlines()):
        if line.startswith(RESULT):
            found: dict[str, Any] = json.loads(line.removeprefix(RESULT))
            return found
    raise RuntimeError((ran.stderr.strip() or ran.stdout.strip() or "it said nothing").splitlines()[-1])


def report(role: str, folder: Path, *, tiny: bool, runs: int) -> bool:
    """Measure one role and print it; False where nothing could be compared."""
    unit = {"editor": "edit", "thinker": "critique"}[role]
    each = {"editor": "s an edit", "thinker": "s a critique"}[role]
    print(f"\n{role}: {folder.name}")
    try:
        figures = run(role, folder, PLACEMENTS[0], compare=True, tiny=tiny, runs=runs)
    except RuntimeError as error:
        print(f"  could not be measured: {error}")
        return False
    bare, ours, many = (statistics.median(figures[name]) for name in ("bare", "ours", "many"))
    count = 4 if tiny else 8
    if "tokens_in" in figures:
        print(f"  {figures['tokens_in']} tokens in, {figures['tokens_out']} out")
    print(f"  bare                {bare:8.3f} {each}")
    print(f"  one at a time       {ours:8.3f} {each}   ratio {bare / ours:5.2f} (goal {GOALS['ours']})")
    print(
        f"  {count} at once           {many / count:8.3f} {each}"
        f"   ratio {bare * count / many:5.2f} (goal {GOALS['many']}), in {figures['passes']:.3g} passes"
    )
    for line in figures["decided"]:
        print(f"    {line}")
    print(f"  placement            loaded s   first {unit} s   {unit} s   peak GB on the device, held, host")
    for placement in PLACEMENTS[:1] if tiny else PLACEMENTS:
        try:
            cold = run(role, folder, placement, compare=False, tiny=tiny, runs=1)
        except RuntimeError as error:
            print(f"  {placement:<20} {error}")  # a GPU with less memory cannot hold all of them
            continue
        memory = [cold.get(f"peak_{where}", 0) / 1e9 for where in ("device", "held", "host")]
        print(
            f"  {placement:<20} {cold['load']:8.1f}   {cold['first']:12.1f}   {cold['ours'][0]:8.3f}   "
            + "  ".join(f"{size:6.1f}" for size in memory)
        )
    return True


if __name__ == "__main__":
    raise SystemExit(main())
