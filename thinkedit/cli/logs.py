"""What the package notes while it works, as single lines on standard error; tracebacks only with --debug."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from thinkedit.cli.failures import exit_code
from thinkedit.cli.output import clean, warn
from thinkedit.errors import ThinkEditError

__all__ = ["ending_in_json", "noted"]

LOADED = "thinkedit.models"
"""Where a model says what was decided when it was loaded; the only notes below a warning that are shown."""


class _Lines(logging.Handler):
    def __init__(self, *, debug: bool) -> None:
        super().__init__()
        self._debug = debug

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if record.levelno >= logging.WARNING or record.name == LOADED:
                warn(clean(record.getMessage()))
            if self._debug and record.exc_info:
                warn("".join(traceback.format_exception(*record.exc_info)))
        except Exception:
            self.handleError(record)


@contextmanager
def ending_in_json() -> Iterator[None]:
    """Say what ends a server in its log, which is JSON by then, instead of as a line of text."""
    try:
        yield
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:
        expected = isinstance(error, ThinkEditError)
        log = logging.getLogger("thinkedit")
        log.critical("%s", str(error) or type(error).__name__, exc_info=None if expected else error)
        raise typer.Exit(exit_code(error)) from error


@contextmanager
def noted(*, debug: bool, quiet: bool) -> Iterator[None]:
    """Show the notes inside the block. quiet: warnings only, such as for `--json` and `--quiet`."""
    package, loaded = logging.getLogger("thinkedit"), logging.getLogger(LOADED)
    lines, before = _Lines(debug=debug), loaded.level
    package.addHandler(lines)
    loaded.setLevel(logging.WARNING if quiet else logging.INFO)
    try:
        yield
    finally:
        package.removeHandler(lines)
        loaded.setLevel(before)
