"""What the package notes while it works, as single lines on standard error; tracebacks only with --debug."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from thinkedit.cli.output import clean, warn

__all__ = ["noted"]

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
