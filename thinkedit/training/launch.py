"""A trainer as a script, for `accelerate launch -m thinkedit.training.sft CONFIG`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from thinkedit.errors import ThinkEditError
from thinkedit.training.config import Common
from thinkedit.training.reading import read_config

__all__ = ["launch"]

C = TypeVar("C", bound=Common)


def launch(method: type[C], train: Callable[..., Path], arguments: Sequence[str] | None = None) -> None:
    """Read the command line, train, and say the folder; an error of ours is one line and exit code 2."""
    parser = argparse.ArgumentParser(
        description=f"Train a thinker, configured by a file of {method.__name__}."
    )
    parser.add_argument("config", type=Path)
    parser.add_argument("--resume", action="store_true", help="go on from the last whole checkpoint")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="over the file")
    given: Any = parser.parse_args(arguments)
    try:
        folder = train(read_config(given.config, method, given.set), resume=given.resume, say=_say)
    except ThinkEditError as error:
        sys.stderr.write(f"Error: {error}\n")
        raise SystemExit(2) from None
    _say(str(folder))


def _say(text: str) -> None:
    if not int(os.environ.get("RANK", "0")):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
