"""A thousand sessions at once in one process: does any fail, how much memory, and does the loop stay awake?

Each session is one `think_edit` over scripted models that take a second an edit and a second a critique,
three turns, on SQLite and a store on disk; sources of 256 x 256 pixels. Garbage is collected as the server
does it. The delay of the event loop is how much later than asked for a sleep of 10 ms ends, sampled all
the time; beside it the same in an idle process on the same machine at the same time, since a virtual
machine oversleeps by itself. Memory is the peak of the process (VmHWM).

    python benchmarks/load.py [SESSIONS]        # about a minute
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import anyio
import numpy as np

SESSIONS = 1000
TICK = 0.01
GOALS = "memory 1500 MB, delay p99.9 50 ms"


async def watch(delays: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await anyio.sleep(TICK)
        delays.append(time.perf_counter() - began - TICK)


async def idle() -> None:
    """Samples until its input ends, and prints them."""
    delays: list[float] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch, delays)
        await anyio.to_thread.run_sync(sys.stdin.read)
        tasks.cancel_scope.cancel()
    sys.stdout.write(json.dumps(delays))


async def load(sessions: int, folder: Path) -> dict[str, Any]:
    from thinkedit import think_edit
    from thinkedit.adapters.editors.scripted import ScriptedEditor
    from thinkedit.adapters.models import Models
    from thinkedit.adapters.thinkers.scripted import ScriptedThinker
    from thinkedit.config import Config, Limits
    from thinkedit.graph.runner import open_runner
    from thinkedit.images import Picture
    from thinkedit.server.collecting import collecting_when_idle, give_back_what_is_freed
    from thinkedit.types import LoopSettings

    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (256, 256, 3), np.uint8)
    source = Picture.from_pixels(pixels).data
    models = Models(
        editors={"e": ScriptedEditor(latency=1.0, size="tiny")}, thinkers={"t": ScriptedThinker(latency=1.0)}
    )
    loop = LoopSettings(editor="e", thinker="t")
    config = Config(data=folder / "data", loop=loop, limits=Limits(sessions=sessions, queue=sessions))
    delays: list[float] = []
    ended: list[str] = []
    give_back_what_is_freed()
    async with open_runner(config, models) as runner, collecting_when_idle(lambda: runner.busy):
        began = time.perf_counter()

        async def one(number: int) -> None:
            result = await think_edit(source, f"make it warmer, {number}", runner=runner)
            ended.append(str(result.stop_reason))

        async with anyio.create_task_group() as watching:
            watching.start_soon(watch, delays)
            async with anyio.create_task_group() as tasks:
                for number in range(sessions):
                    tasks.start_soon(one, number)
            watching.cancel_scope.cancel()
        went = time.perf_counter() - began
    return {
        "seconds": went,
        "delays": delays,
        "satisfied": ended.count("satisfied"),
        "ended": len(ended),
    }


def shown(delays: list[float]) -> str:
    parts = np.percentile(np.array(delays) * 1000, [50, 99, 99.9, 100])
    return "p50 {:.1f}, p99 {:.1f}, p99.9 {:.1f}, most {:.1f} ms".format(*parts)


def main() -> None:
    sessions = int(sys.argv[1]) if len(sys.argv) > 1 else SESSIONS
    command = [sys.executable, str(Path(__file__).resolve()), "idle"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as beside,
    ):
        found = anyio.run(load, sessions, Path(folder))
        quiet, _ = beside.communicate("")
    status = Path("/proc/self/status").read_text().splitlines()
    memory = next(int(line.split()[1]) / 1000 for line in status if line.startswith("VmHWM"))
    print(
        f"{found['ended']} sessions of three turns, {found['satisfied']} satisfied, "
        f"in {found['seconds']:.1f} s"
    )
    print(f"memory {memory:.0f} MB; goals: {GOALS}")
    print(f"loop delay        {shown(found['delays'])}")
    print(f"an idle process   {shown(json.loads(quiet))}")


if __name__ == "__main__":
    if sys.argv[1:] == ["idle"]:
        anyio.run(idle)
    else:
        main()
