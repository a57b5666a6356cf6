"""What goes to the terminal: text that cannot disturb it, one JSON document, one line for an error."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from thinkedit.errors import StoreError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console

__all__ = ["OutputFailed", "clean", "console", "is_live", "say", "warn", "write_json"]


class OutputFailed(StoreError):
    """Standard output cannot be written, so not even --json can say so there."""


def clean(text: str) -> str:
    """The text on one line, without control characters: prompts and critiques come from models."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def is_live() -> bool:
    """Whether standard output is a terminal that can be drawn on, and the user did not ask for plain text."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM", "").lower() in ("dumb", "unknown")
    return not plain and sys.stdout.isatty()


def console() -> Console:
    """A rich console on standard output that goes quiet where its reader has gone."""
    from rich.console import Console

    class Quieting(Console):
        def on_broken_pipe(self) -> None:
            self.quiet = True
            _reader_gone()

    return Quieting(highlight=False, markup=False, emoji=False)


def say(text: str = "") -> None:
    """One line on standard output, at once. A reader that has gone (`| head`) stops nothing.

    OutputFailed where it cannot be written for another reason, such as a full disk.
    """
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        _reader_gone()
    except OSError as error:
        _reader_gone()
        raise OutputFailed(f"standard output cannot be written: {error.strerror or error}") from error


def warn(text: str) -> None:
    """One line on standard error; on a terminal it is wrapped between words."""
    if sys.stderr.isatty():
        width = max(shutil.get_terminal_size().columns - 1, 20)
        text = textwrap.fill(text, width, subsequent_indent="  ", break_on_hyphens=False)
    with suppress(OSError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def write_json(document: BaseModel | Mapping[str, Any]) -> None:
    """The one document that `--json` promises."""
    if not isinstance(document, Mapping):
        document = document.model_dump(mode="json", by_alias=True)
    # Names of files may hold bytes that are no UTF-8; escaped they are still JSON.
    text = json.dumps(document, indent=2, ensure_ascii=False, default=str)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(document, indent=2, default=str)
    say(text)


def _reader_gone() -> None:
    """Send the rest nowhere, so that neither later writes nor the flush at exit fail."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
