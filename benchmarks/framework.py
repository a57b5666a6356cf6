"""What the loop itself costs: a turn, eight sessions at once, checkpoints on disk, and imports.

Method. *A turn*: scripted models without latency; the editor hands out 1-megapixel pictures that were encoded
beforehand, a fresh one each turn, so that a turn holds all that the loop does (prompts, records, recorded
calls, leases, checkpoints, writing the picture) and no coding. The time is from one critique to the next,
over sessions of ten turns; the hash that a picture is named by is timed apart and taken off, and the coding
of such a picture stands beside it. *Eight sessions* of five turns share one editor slot of 100 ms and one
thinker slot of 60 ms; the bound is what a perfect pipeline needs, 40 edits and the last critique.
*Checkpoints*: all bytes of a ten-turn session whose critiques have 750 characters. *Imports*: a fresh
interpreter, median of 9. The calibration line is a fixed loop of arithmetic, timed before and after: compare
it between two tables to see how busy the machines were. Numbers are medians.

    python benchmarks/framework.py [N]        # N turns, 250 by default; about a minute
"""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import numpy as np
from PIL import Image

from thinkedit.adapters.base import CritiqueRequest, EditRequest
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.config import Config
from thinkedit.graph.runner import Runner, open_runner
from thinkedit.images import Picture
from thinkedit.ledger import Ledger
from thinkedit.store import Store
from thinkedit.tools import think_edit
from thinkedit.types import Critique, LoopSettings

PHOTO = Path(__file__).parent.parent / "examples" / "photos" / "china.jpg"
SIZE = (1155, 866)
TURNS = 10
EDIT, THINK = 0.1, 0.06
SETTINGS = LoopSettings(editor="e", thinker="t", patience=12, seed=1)
INSTRUCTION = "make it warmer and brighten the shadows"
REASONING = ("The sky is warmer now, but the skin has turned orange and the wall is yellow. " * 10)[:750]
IMPORTS = {
    "import thinkedit": 0.1,
    "from thinkedit import think_edit, Critique": 0.3,
}


def calibration() -> float:
    """Milliseconds that a fixed loop takes, the median of 15."""
    return median_ms(lambda: sum(number * number for number in range(200_000)), 15)


def median_ms(work: Callable[[], object], runs: int) -> float:
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds) * 1000


def photograph() -> np.ndarray:
    pixels = np.asarray(Image.open(PHOTO).convert("RGB").resize(SIZE, Image.Resampling.LANCZOS))
    noise = np.random.default_rng(0).normal(0, 2, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def fresh_pictures(pixels: np.ndarray) -> Iterator[Picture]:
    """Pictures that differ in a few bytes after their last chunk, without coding each."""
    data = Picture.from_pixels(pixels).data
    number = 0
    while True:
        number += 1
        yield Picture.from_bytes(data + number.to_bytes(8, "big"))


def thinker(times: list[tuple[float, float]] | None = None, **options: float | int) -> ScriptedThinker:
    def script(request: CritiqueRequest) -> Critique:
        if times is not None:
            times.append((time.perf_counter(), time.process_time()))
        turn = len(request.history) + 1
        return Critique(
            semantic=5 + turn / 10,
            quality=5,
            reasoning=REASONING,
            next_prompt=f"{INSTRUCTION}: a little more, as in attempt {turn}",
        )

    return ScriptedThinker(script, **options)  # type: ignore[arg-type]  # latency and slots


@asynccontextmanager
async def runner_in(place: str, models: Models) -> AsyncIterator[Runner]:
    if place == "in memory":
        async with Runner(store=Store.in_memory(), ledger=Ledger(None), models=models) as runner:
            yield runner
        return
    with tempfile.TemporaryDirectory() as folder:
        async with open_runner(Config(data=Path(folder)), models) as runner:
            yield runner


async def turn_ms(place: str, source: bytes, pictures: Iterator[Picture], count: int) -> tuple[float, float]:
    """(elapsed, processor) milliseconds from one critique to the next."""
    times: list[tuple[float, float]] = []
    gaps: list[tuple[float, float]] = []

    def take(request: EditRequest) -> Picture:
        return next(pictures)

    editor = ScriptedEditor(picture=take)
    async with runner_in(place, Models(editors={"e": editor}, thinkers={"t": thinker(times)})) as runner:
        while len(gaps) < count:
            times.clear()
            await think_edit(source, INSTRUCTION, settings=SETTINGS, turns=TURNS, runner=runner)
            gaps += [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(times)]
    elapsed, processor = (statistics.median(column) * 1000 for column in zip(*gaps, strict=True))
    return elapsed, processor


async def makespan(place: str, source: bytes) -> float:
    """Seconds that eight sessions of five turns take together."""
    editor = ScriptedEditor(picture=source, latency=EDIT, slots=1)
    models = Models(editors={"e": editor}, thinkers={"t": thinker(latency=THINK, slots=1)})
    async with runner_in(place, models) as runner:
        await think_edit(source, INSTRUCTION, settings=SETTINGS, turns=1, runner=runner)  # warms it up
        start = time.perf_counter()
        async with anyio.create_task_group() as tasks:
            for number in range(8):
                chosen = SETTINGS.model_copy(update={"turns": 5, "seed": number})
                tasks.start_soon(lambda s: think_edit(source, INSTRUCTION, settings=s, runner=runner), chosen)
        return time.perf_counter() - start


async def checkpoint_bytes(source: bytes) -> int:
    models = Models(editors={"e": ScriptedEditor(picture=source)}, thinkers={"t": thinker()})
    with tempfile.TemporaryDirectory() as folder:
        async with open_runner(Config(data=Path(folder)), models) as runner:
            await think_edit(source, INSTRUCTION, settings=SETTINGS, turns=TURNS, runner=runner)
        db = sqlite3.connect(Path(folder) / "checkpoints.sqlite")
        columns = {"checkpoints": ("checkpoint", "metadata"), "writes": ("value",)}
        total = 0
        for table, names in columns.items():
            lengths = "+".join(f"COALESCE(LENGTH({name}),0)" for name in names)
            total += db.execute(f"SELECT SUM({lengths}) FROM {table}").fetchone()[0]
        db.close()
        return total


def import_ms(statement: str) -> tuple[float, float]:
    """(elapsed, processor) milliseconds in a fresh interpreter."""
    code = (
        "import time; a, b = time.perf_counter(), time.process_time()\n"
        f"{statement}\nprint(time.perf_counter() - a, time.process_time() - b)"
    )
    runs = [
        [float(word) for word in subprocess.check_output([sys.executable, "-c", code], text=True).split()]
        for _ in range(9)
    ]
    elapsed, processor = zip(*runs, strict=True)
    return statistics.median(elapsed) * 1000, statistics.median(processor) * 1000


def line(what: str, value: str, goal: str = "") -> None:
    print(f"{what:<46}{value:>16}{goal:>22}")


async def main(count: int) -> None:
    before = calibration()
    pixels = photograph()
    source = Picture.from_pixels(pixels).data
    pictures = fresh_pictures(pixels)
    hashing = median_ms(lambda: hashlib.sha256(source).hexdigest(), 50)
    coding = median_ms(lambda: Picture.from_pixels(pixels), 50)
    line("", "median", "goal")
    for place, goal in [("in memory", 10), ("on SQLite and disk", 25)]:
        elapsed, processor = await turn_ms(place, source, pictures, count)
        line(f"framework, a turn at 1 MP, {place}", f"{elapsed - hashing:.1f} ms", f"{goal} ms")
        line("  of it processor time", f"{processor - hashing:.1f} ms")
    line("  beside it: hashing one picture", f"{hashing:.1f} ms")
    line("  beside it: coding one picture as PNG", f"{coding:.1f} ms")
    small = Picture.from_pixels(pixels[::8, ::8]).data
    bound = 8 * 5 * EDIT + THINK
    for place in ("in memory", "on SQLite and disk"):
        took = statistics.median([await makespan(place, small) for _ in range(3)])
        line(f"8 sessions of 5 turns, {place}", f"{took:.2f} s", f"{1.05 * bound:.2f} s")
    line("  the bound of a perfect pipeline", f"{bound:.2f} s")
    line("checkpoints of ten turns", f"{await checkpoint_bytes(small) / 1000:.1f} kB", "80 kB")
    for statement, limit in IMPORTS.items():
        elapsed, processor = import_ms(statement)
        line(statement, f"{elapsed:.0f} ms", f"{limit * 1000:.0f} ms")
        line("  of it processor time", f"{processor:.0f} ms")
    line("calibration loop, before and after", f"{before:.1f}, {calibration():.1f} ms")


if __name__ == "__main__":
    anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 250)
