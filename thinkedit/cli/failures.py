"""From an error to its exit code and its one line. docs/cli.md has the table."""

from __future__ import annotations

from typing import Any

from thinkedit.cli.output import OutputFailed, clean, warn, write_json
from thinkedit.errors import (
    EditError,
    EditRefused,
    InputError,
    LedgerError,
    MissingExtra,
    StoreError,
    ThinkEditError,
    ThinkerError,
    UnsupportedEdit,
)

__all__ = [
    "BAD_INPUT",
    "INTERRUPTED",
    "MODEL_FAILED",
    "REFUSED",
    "STORE_FAILED",
    "UNEXPECTED",
    "exit_code",
    "report",
]

UNEXPECTED = 1
BAD_INPUT = 2
REFUSED = 3
MODEL_FAILED = 4
STORE_FAILED = 5
INTERRUPTED = 130

_CODES: tuple[tuple[type[ThinkEditError], int], ...] = (
    (InputError, BAD_INPUT),
    (MissingExtra, BAD_INPUT),
    (UnsupportedEdit, REFUSED),
    (EditRefused, REFUSED),
    (EditError, MODEL_FAILED),
    (ThinkerError, MODEL_FAILED),
    (StoreError, STORE_FAILED),
    (LedgerError, STORE_FAILED),
)


def exit_code(error: BaseException) -> int:
    return next((code for kind, code in _CODES if isinstance(error, kind)), UNEXPECTED)


def report(error: BaseException, *, as_json: bool, code: int | None = None) -> int:
    """Say what went wrong, as a line on standard error or as the JSON document; returns the exit code."""
    code = exit_code(error) if code is None else code
    message = clean(str(error))
    if not isinstance(error, ThinkEditError) and code == UNEXPECTED:
        message = f"{type(error).__name__}: {message}" if message else type(error).__name__
        message += " (this is a fault of thinkedit; run with --debug for the traceback)"
    if not as_json or isinstance(error, OutputFailed):
        warn(f"Error: {message}")
        return code
    described: dict[str, Any] = {"type": type(error).__name__, "message": message, "exit_code": code}
    if isinstance(error, UnsupportedEdit):
        described["words"] = list(error.words)
    write_json({"error": described})
    return code
