"""A server under steady work for a quarter of an hour: does memory, or anything else, grow?

One `thinkedit serve --http` with scripted models on SQLite and a store on disk, retention on (sessions go
a minute after their end). Eight callers begin sessions over MCP one after another; every fifth is gone on
with, every seventh cancelled. Every ten seconds the process is looked at: resident memory, open files,
threads, bytes of the databases (with their logs), files in the store. The first third is warming up; of
the rest the first and the last quarter are compared by their medians: nothing may have grown by more than
5 % (and 2 files or threads).

    python benchmarks/soak [SECONDS]       # 900 by default; fails where something grows
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import anyio
import numpy as np
from mcp.client import Client

SECONDS, EVERY, CALLERS = 900.0, 10.0, 8
KEPT = 60.0
SLACK = {"files": 2, "threads": 2}


@contextmanager
def serving(folder: Path) -> Iterator[tuple[int, str]]:
    settings = folder / "thinkedit.toml"
    settings.write_text(
        f'data = "data"\n[loop]\neditor = "e"\nthinker = "t"\n'
        f"[server.retention]\ndays = {KEPT / 86400}\nevery_seconds = 5\n"
        '[models.e]\nkind = "scripted"\nlatency = 0.02\n[models.t]\nkind = "scripted"\nlatency = 0.02\n'
    )
    command = [sys.executable, "-m", "thinkedit", "serve", "--http", "127.0.0.1:0", "--allow", str(folder)]
    environment = {**os.environ, "THINKEDIT_CONFIG": str(settings)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            lines = iter(process.stderr.readline, "")
            url = next(line.split()[3] for line in lines if line.startswith("serving MCP at"))
            # What it says later has to be read, or it waits for a reader.
            reader = subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL)
            yield process.pid, url
            process.terminate()
            process.wait(20)
            reader.wait(20)
        finally:
            process.kill()


async def work(url: str, image: str, until: float, numbers: Iterator[int]) -> None:
    async with Client(url) as client:

        async def call(tool: str, **arguments: Any) -> Any:
            answer = await client.call_tool(tool, arguments)
            assert not answer.is_error, answer.content
            return answer.structured_content

        while time.monotonic() < until:
            number = next(numbers)
            told = {"image": image, "instruction": f"make it warmer, {number}"}
            if number % 7 == 0:
                begun = await call("think_edit", **told, wait_seconds=0)
                if begun["status"] == "running":
                    await call("continue_edit", session_id=begun["session_id"], action="cancel")
                continue
            done = await call("think_edit", **told)
            assert done["stop_reason"] == "satisfied", done
            if number % 5 == 0:
                await call("continue_edit", session_id=done["session_id"], action="go_on", turns=1)


def looked_at(pid: int, data: Path) -> dict[str, float]:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    values = {line.split(":")[0]: line.split()[1] for line in status if ":" in line and len(line.split()) > 1}
    store = sum(len(names) for _, _, names in os.walk(data / "store"))
    return {
        "memory": float(values["VmRSS"]) / 1000,
        "files": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": float(values["Threads"]),
        "database": sum(path.stat().st_size for path in data.glob("*.sqlite*")) / 1e6,
        "pictures": float(store),
    }


async def soak(seconds: float, folder: Path) -> list[dict[str, float]]:
    from thinkedit.images import Picture

    pixels = np.random.default_rng(0).integers(0, 256, (192, 256, 3), np.uint8)
    image = folder / "picture.png"
    image.write_bytes(Picture.from_pixels(pixels).data)
    numbers, seen = itertools.count(1), []
    with serving(folder) as (pid, url):
        until = time.monotonic() + seconds
        async with anyio.create_task_group() as tasks:
            for _ in range(CALLERS):
                tasks.start_soon(work, url, str(image), until, numbers)
            while time.monotonic() < until:
                await anyio.sleep(min(EVERY, seconds / 40))
                seen.append(looked_at(pid, folder / "data"))
    print(f"{next(numbers) - 1} sessions in {seconds:.0f} s")
    return seen


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with tempfile.TemporaryDirectory() as folder:
        seen = anyio.run(soak, seconds, Path(folder))
    seen = seen[len(seen) // 3 :]
    quarter = max(1, len(seen) // 4)
    grown = []
    for name in seen[0]:
        early = median(look[name] for look in seen[:quarter])
        late = median(look[name] for look in seen[-quarter:])
        if late > early * 1.05 + SLACK.get(name, 0):
            grown.append(name)
        print(f"{name:10} {early:10.1f} {late:10.1f}  {(late / early - 1) * 100 if early else 0:+.1f} %")
    if grown:
        raise SystemExit(f"these have grown: {', '.join(grown)}\n{json.dumps(seen)}")


if __name__ == "__main__":
    main()
