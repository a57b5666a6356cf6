"""What the loop tells whoever watches it: model calls as they end, and what becomes of sessions.

The graph knows this contract and no more: metrics, traces and logs are built on it elsewhere. Nothing told
here holds a prompt or a picture, so that a watcher has nothing of the kind to leak.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from thinkedit.errors import AnswerError, EditRefused, UnsupportedEdit
from thinkedit.graph.patience import TooLate
from thinkedit.types import StopReason, Usage

__all__ = [
    "HAPPENINGS",
    "OUTCOMES",
    "ROLES",
    "UNWATCHED",
    "ModelCall",
    "Outcome",
    "Role",
    "SessionNews",
    "Unwatched",
    "Watcher",
    "Watchers",
    "outcome_of",
    "tell_alone",
]

log = logging.getLogger("thinkedit")

Role = Literal["edit", "critique", "plan", "refine", "compare", "safety"]
Outcome = Literal["ok", "failed", "unparseable", "refused", "late"]
"""`refused`: the model will not, or cannot do what is asked; `late`: no answer within its time limit."""

Happening = Literal[
    "opened", "began", "turn", "paused", "ended", "refused", "broke", "parked", "lost", "taken_over"
]
"""What may become of a session.

opened: created, a fork too. began: a run has its slot. turn: an image was made. ended: with a stop_reason.
refused: gone, since its instruction was refused. broke: the run ended by an error that is no model's.
parked: interrupted, since the process leaves. lost: another process has it now. taken_over: from a process
that is gone.
"""

ROLES: tuple[Role, ...] = get_args(Role)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
HAPPENINGS: tuple[Happening, ...] = get_args(Happening)


@dataclass(frozen=True)
class ModelCall:
    """One finished call of a model, or one that was read back from the ledger.

    session_id: empty for a call outside of a session, whose turn is 0. attempt: from 1. began: seconds since
    1970. seconds: this image's share where several were made in one pass; of a replayed call what it once
    took. usage: the tokens of this attempt, where the model counts them.
    """

    role: Role
    model: str
    session_id: str
    turn: int
    outcome: Outcome
    seconds: float
    began: float
    attempt: int = 1
    replayed: bool = False
    usage: Usage | None = None


@dataclass(frozen=True)
class SessionNews:
    """stop_reason: with `ended`. error: the class of what broke a run."""

    what: Happening
    session_id: str
    stop_reason: StopReason | None = None
    error: str = ""


class Watcher(Protocol):
    """Told in the task that does the work, so it has to be quick and must not block."""

    def called(self, call: ModelCall) -> None: ...

    def heard(self, news: SessionNews) -> None: ...

    def run(self, session_id: str) -> AbstractContextManager[None]:
        """Entered for as long as a session runs here, waiting for its turn included."""
        ...


class Unwatched:
    """Watches nothing."""

    def called(self, call: ModelCall) -> None: ...

    def heard(self, news: SessionNews) -> None: ...

    def run(self, session_id: str) -> AbstractContextManager[None]:
        return nullcontext()


UNWATCHED = Unwatched()


class Watchers:
    """Several at once. What one of them raises is logged, and never reaches the loop."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = tuple(watchers)

    def called(self, call: ModelCall) -> None:
        for watcher in self._watchers:
            try:
                watcher.called(call)
            except Exception:
                _failed(watcher)

    def heard(self, news: SessionNews) -> None:
        for watcher in self._watchers:
            try:
                watcher.heard(news)
            except Exception:
                _failed(watcher)

    @contextmanager
    def run(self, session_id: str) -> Iterator[None]:
        with ExitStack() as left:
            for watcher in self._watchers:
                left.enter_context(_guarded(watcher, session_id))
            yield


@contextmanager
def _guarded(watcher: Watcher, session_id: str) -> Iterator[None]:
    """One watcher's share in a run. It hears nothing of what the run raised, and cannot end it."""
    inner: AbstractContextManager[None] = nullcontext()
    try:
        inner = watcher.run(session_id)
        inner.__enter__()
    except Exception:
        _failed(watcher)
        inner = nullcontext()
    try:
        yield
    finally:
        try:
            inner.__exit__(None, None, None)
        except Exception:
            _failed(watcher)


def outcome_of(error: BaseException | None) -> Outcome:
    """What to call the end of a model call by this error, or without one."""
    match error:
        case None:
            return "ok"
        case TooLate():
            return "late"
        case UnsupportedEdit() | EditRefused():
            return "refused"
        case AnswerError():
            return "unparseable"
        case _:
            return "late" if isinstance(error.__cause__ or error.__context__, TooLate) else "failed"


def tell_alone(
    watcher: Watcher, role: Role, model: str, began: float, attempt: int, error: BaseException | None
) -> None:
    """Tell of a call outside of a session, as it ends. began: seconds since 1970."""
    seconds = max(time.time() - began, 0.0)
    watcher.called(ModelCall(role, model, "", 0, outcome_of(error), seconds, began, attempt))


def _failed(watcher: Watcher) -> None:
    log.exception("what watches the loop failed: %s", type(watcher).__name__)
