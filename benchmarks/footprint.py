"""What a server takes: memory idle, after an edit and at its highest; disk for each session.

`thinkedit serve --http` as it is installed, with the built-in pair. china.jpg enlarged with a camera's noise,
to 1 and to 12 megapixels; sessions of one turn, source in as JPEG and result kept as PNG. Memory is
the process's own (VmRSS, and VmHWM for the highest).

    python benchmarks/footprint.py
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import cv2
import numpy as np
from mcp.client import Client
from PIL import Image

PHOTO = Path(__file__).parent.parent / "examples" / "photos" / "china.jpg"
SIZES = {"1 megapixel": (1224, 816), "12 megapixels": (4240, 2832)}


@contextmanager
def serving(folder: Path) -> Iterator[tuple[int, str]]:
    command = [sys.executable, "-m", "thinkedit", "serve", "--http", "127.0.0.1:0", "--allow", str(folder)]
    environment = {**os.environ, "THINKEDIT_DATA": str(folder / "data")}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            found = re.search(r"serving MCP at (\S+)", process.stderr.readline())
            assert found is not None
            yield process.pid, found[1]
        finally:
            process.terminate()


def photographs(folder: Path) -> dict[str, Path]:
    rng, made = np.random.default_rng(0), {}
    small = np.asarray(Image.open(PHOTO).convert("RGB"))
    for name, size in SIZES.items():
        pixels = cv2.resize(small, size, interpolation=cv2.INTER_CUBIC).astype(np.int16)
        pixels += rng.normal(0, 4, pixels.shape).astype(np.int16)
        made[name] = folder / f"{size[0]}.jpg"
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(made[name], quality=92)
    return made


def memory(pid: int, field: str) -> str:
    status = Path(f"/proc/{pid}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith(f"{field}:"))
    return f"{int(kilobytes) / 1000:.0f} MB"


def disk(folder: Path, names: str) -> float:
    return sum(path.stat().st_size for path in folder.rglob(names) if path.is_file()) / 1e6


async def edit(url: str, image: Path, *, seed: int) -> None:
    told = {"image": str(image), "instruction": "make it warmer", "seed": seed}
    async with Client(url) as client:
        answer = await client.call_tool("think_edit", told)
        assert not answer.is_error, answer.content
        assert len(answer.structured_content["turns"]) == 1, answer.structured_content  # type: ignore[index]


async def measure(folder: Path) -> None:
    images = photographs(folder)
    with serving(folder) as (pid, url):
        async with Client(url) as client:
            await client.list_tools()
        print("memory of a server that has done nothing:", memory(pid, "VmRSS"))
        before = databases = 0.0
        for name, image in images.items():
            await edit(url, image, seed=1)
            if not before:
                print(f"memory after an edit at {name}:", memory(pid, "VmRSS"))
            after, tables = disk(folder / "data" / "store", "*"), disk(folder / "data", "*.sqlite*")
            print(f"disk of a session of one turn at {name}: {after - before:.1f} MB of pictures, records")
            before, databases = after, tables
        async with anyio.create_task_group() as tasks:
            for seed in range(3):
                tasks.start_soon(lambda seed=seed: edit(url, images["12 megapixels"], seed=seed + 2))
        print("memory at most, with three edits at 12 megapixels at once:", memory(pid, "VmHWM"))
        print(f"databases with their logs, after two sessions: {databases:.2f} MB")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(measure, Path(folder))


if __name__ == "__main__":
    main()
