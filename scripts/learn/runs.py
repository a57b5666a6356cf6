"""The commands of `thinkedit` that make the data and train, as a user would type them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import anyio

from learn.expert import DescribingExpert
from thinkedit.adapters.base import Thinker
from thinkedit.adapters.models import Models
from thinkedit.dataset.engines import LocalEngine
from thinkedit.dataset.folder import made_folder
from thinkedit.dataset.generate import generate
from thinkedit.dataset.generating import GenerateSettings
from thinkedit.dataset.sources import take_sources, world_items

__all__ = ["command", "each_seed", "make_data"]

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "recipes" / "provingground"


def command(arguments: Sequence[str | Path], say: Callable[[str], None]) -> None:
    """Run `thinkedit ARGUMENTS` and say its lines as they come. SystemExit with its code where it fails."""
    given = [str(argument) for argument in arguments]
    say(f"$ thinkedit {' '.join(given)}")
    if code := _run(["-m", "thinkedit", *given], {}, lambda line: say(f"  {line}")):
        raise SystemExit(code)


def each_seed(seeds: Sequence[int], at_once: int, arguments: Sequence[str]) -> None:
    """This program with `--only SEED` for each, `at_once` side by side, which share the cores.

    A model this small gains little from a second core. SystemExit with the first code that is not 0, when
    all have ended.
    """
    threads = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // at_once))}

    def one(seed: int) -> int:
        program = [str(Path(__file__).parent), *arguments, "--only", str(seed)]
        return _run(program, threads, lambda line: print(f"seed {seed} {line}", flush=True))

    with ThreadPoolExecutor(at_once) as pool:
        codes = list(pool.map(one, seeds))
    if code := next(filter(None, codes), 0):
        raise SystemExit(code)


def _run(arguments: Sequence[str], environment: dict[str, str], say: Callable[[str], None]) -> int:
    """Python with these arguments; each line as it comes, and its exit status."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, **environment},
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            say(line.rstrip())
    return running.returncode


def make_data(folder: Path, sources: int, say: Callable[[str], None], expert: Thinker | None = None) -> None:
    """The two sets of the proving ground; what an interrupted run has made is gone on with.

    Generated with the middle editor alone, so that the other two are editors that nobody has learnt from, and
    with the expert of `learn.expert` or the one that is given, for whom `dataset generate` is called as a
    function; the other stages are the commands. Steps that were good at once stay (keep_if_good): without
    them no answer that says so to the bare instruction would be learnt. Scores are whole numbers, which the
    judge's are nearly.
    """
    say(f"generating with {sources} sources")
    made_folder(folder)
    editors = ["provingground:middle"]
    take_sources(folder, world_items(sources, 1, "small"), editors, seed=1, settings={"sources": sources})
    settings = GenerateSettings(folder=folder, expert="expert", at_once=16)
    engine = LocalEngine(Models(thinkers={"expert": expert or DescribingExpert()}))
    anyio.run(partial(generate, settings, engine))
    at = ("--folder", folder)
    command(["dataset", "score", *at, "--judge", "provingground"], say)
    command(["dataset", "filter", *at, "--single", "keep_if_good"], say)
    built = ("--decimals", "0", "--template", RECIPES / "template.txt")
    command(["dataset", "build", *at, *built], say)
