"""Seconds and memory of one turn of the built-in pair on a photograph of 12 megapixels.

Method: examples/photos/china.jpg enlarged to 4000 x 3000 (cubic), so file size and noise are lower than a
camera's. Each instruction runs in a process of its own through `think_edit` with one turn. The turn's editor
and thinker seconds are the ones that the session records, PNG coding included; the whole adds reading the
source, the subject network's start and the session's own work. Memory is the process's peak. Figures are
medians of N runs, beside a calibration loop of fixed pure-Python work that shows how busy the machine was.

    python benchmarks/default_pair.py [N]
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PHOTO = Path(__file__).parent.parent / "examples" / "photos" / "china.jpg"
INSTRUCTIONS = {
    "tone": [
        "make it brighter",
        "increase the contrast",
        "lift the shadows",
        "make it warmer",
        "add clarity",
    ],
    "masked": [
        "blur the background",
        "make the subject brighter",
        "darken the sky",
        "make the red parts blue",
    ],
}
GOALS = {"tone": 2.5, "masked": 4.0}
MEMORY_GOAL = 900


def calibration() -> float:
    """Milliseconds of a fixed piece of pure-Python work."""
    started = time.perf_counter()
    sum(number * number % 7 for number in range(200_000))
    return (time.perf_counter() - started) * 1000


def once(photo: str, instruction: str) -> None:
    """The child: one session of one turn; prints its figures as JSON."""
    import anyio

    from thinkedit import Config, open_runner, think_edit

    async def session() -> dict[str, float]:
        with tempfile.TemporaryDirectory() as folder:
            async with open_runner(Config(data=Path(folder))) as runner:
                started = time.perf_counter()
                result = await think_edit(photo, instruction, turns=1, runner=runner)
                whole = time.perf_counter() - started
        turn = result.turns[0]
        return {"edit": turn.seconds.edit, "critique": turn.seconds.critique, "whole": whole}

    figures = anyio.run(session)
    figures["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(figures))


def main(runs: int) -> None:
    import cv2

    with tempfile.TemporaryDirectory() as folder:
        photo = str(Path(folder) / "china-12mp.jpg")
        large = cv2.resize(cv2.imread(str(PHOTO)), (4000, 3000), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(photo, large, [cv2.IMWRITE_JPEG_QUALITY, 92])
        print(f"calibration loop: {statistics.median(calibration() for _ in range(9)):.1f} ms")
        print("instruction                     edit s  critique s  turn s (goal)   whole s  peak MB (goal)")
        for kind, instructions in INSTRUCTIONS.items():
            for instruction in instructions:
                command = [sys.executable, __file__, "--once", photo, instruction]
                done = [json.loads(subprocess.check_output(command)) for _ in range(runs)]
                edit, critique, whole, memory = (
                    statistics.median(run[name] for run in done)
                    for name in ("edit", "critique", "whole", "memory")
                )
                print(
                    f"{instruction:30} {edit:7.2f} {critique:10.2f} {edit + critique:8.2f} ({GOALS[kind]}) "
                    f"{whole:10.2f} {memory:8.0f} ({MEMORY_GOAL})"
                )
        print(f"calibration loop: {statistics.median(calibration() for _ in range(9)):.1f} ms")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--once"]:
        once(sys.argv[2], sys.argv[3])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
