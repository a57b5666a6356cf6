"""One tree of errors. Every message says what was wrong, with the value, and what to do.

ThinkEditError
├── InputError             what the caller gave cannot be used
│   ├── ImageError           not a picture, too large, damaged, not readable
│   ├── InstructionError     empty, too long, control characters
│   ├── SettingsError        an unknown option, model name or value
│   ├── NotFoundError        no such session, turn or image
│   ├── AccessError          a file or picture that this caller may not use
│   └── ActionError          an action that does not fit the session's state
├── EditError              the editor made no image
│   ├── UnsupportedEdit      it cannot do what the prompt asks; trying again is no use
│   ├── EditRefused          it will not (a safety refusal); trying again is no use
│   └── EditorFailed         it broke, timed out or could not be reached
├── ThinkerError           the thinker gave no critique
│   ├── AnswerError          its answer does not follow the grammar
│   └── ThinkerFailed        it broke, timed out, refused or could not be reached
├── StoreError             pictures or records cannot be written or read
├── LedgerError            the session database cannot be used
│   └── LeaseLost            another process runs the session now
├── BusyError              the queue is full; says when to come back
│   └── LimitError           one caller has all that a caller may have
├── MissingExtra           a package of an extra is not installed; says how to install it
└── NeedsCaller            not a fault: the calling agent is the thinker and must answer
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AccessError",
    "ActionError",
    "AnswerError",
    "BusyError",
    "EditError",
    "EditRefused",
    "EditorFailed",
    "ImageError",
    "InputError",
    "InstructionError",
    "LeaseLost",
    "LedgerError",
    "LimitError",
    "MissingExtra",
    "NeedsCaller",
    "NotFoundError",
    "SettingsError",
    "StoreError",
    "ThinkEditError",
    "ThinkerError",
    "ThinkerFailed",
    "UnsupportedEdit",
]


class ThinkEditError(Exception):
    """The base of every error that this package raises on purpose."""

    retryable = False
    """Whether the same call may go through later without a change by the caller."""


class InputError(ThinkEditError): ...


class ImageError(InputError): ...


class InstructionError(InputError): ...


class SettingsError(InputError): ...


class NotFoundError(InputError): ...


class AccessError(InputError): ...


class ActionError(InputError): ...


class EditError(ThinkEditError): ...


class UnsupportedEdit(EditError):
    """words: the parts of the prompt that were not understood, as written."""

    def __init__(self, message: str, words: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.words = words


class EditRefused(EditError): ...


class EditorFailed(EditError):
    retryable = True

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.retryable = retryable


class ThinkerError(ThinkEditError): ...


class AnswerError(ThinkerError):
    """raw: the answer that could not be parsed. usage: the tokens that it took all the same, a Usage."""

    retryable = True

    def __init__(self, message: str, raw: str = "", usage: Any = None) -> None:
        super().__init__(message)
        self.raw = raw
        self.usage = usage


class ThinkerFailed(ThinkerError):
    retryable = True

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.retryable = retryable


class StoreError(ThinkEditError):
    retryable = True


class LedgerError(ThinkEditError): ...


class LeaseLost(LedgerError): ...


class BusyError(ThinkEditError):
    """retry_after: seconds after which another try makes sense."""

    retryable = True

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LimitError(BusyError): ...


class MissingExtra(ThinkEditError):
    """extra: the name of the extra that brings the package."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} needs the extra "{extra}": pip install "thinkedit[{extra}]"')
        self.extra = extra


class NeedsCaller(ThinkEditError):
    """request: the CritiqueRequest that the calling agent is to answer."""

    def __init__(self, request: Any) -> None:
        super().__init__("the calling agent is the thinker: answer with continue_edit(action='critique')")
        self.request = request
