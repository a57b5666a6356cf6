"""The commands of `thinkedit` that make the data and train, as a user would type them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["command", "make_data"]

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "recipes" / "provingground"


def command(arguments: Sequence[str | Path], say: Callable[[str], None]) -> None:
    """Run `thinkedit ARGUMENTS` and say its lines as they come. SystemExit with its code where it fails."""
    given = [str(argument) for argument in arguments]
    say(f"$ thinkedit {' '.join(given)}")
    with subprocess.Popen(
        [sys.executable, "-m", "thinkedit", *given],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            say(f"  {line.rstrip()}")
    if running.returncode:
        raise SystemExit(running.returncode)


def make_data(folder: Path, sources: int, say: Callable[[str], None]) -> None:
    """The two sets of the proving ground, by the four commands; what is there already is not made again.

    Generated with the middle editor alone, so that the other two are editors that nobody has learnt from, and
    with a perfect expert. Steps that were good at once stay (keep_if_good): without them no answer that says
    so to the bare instruction would be learnt. Scores are whole numbers, which the judge's are nearly.
    """
    at = ("--folder", folder)
    generate = ("--editor", "provingground:middle", "--expert", "provingground:1.0", "--world", "small")
    command(
        ["dataset", "generate", *at, *generate, "--sources", str(sources), "--seed", "1", "--at-once", "16"],
        say,
    )
    command(["dataset", "score", *at, "--judge", "provingground"], say)
    command(["dataset", "filter", *at, "--single", "keep_if_good"], say)
    built = ("--decimals", "0", "--balance", "none", "--template", RECIPES / "template.txt")
    command(["dataset", "build", *at, *built], say)
