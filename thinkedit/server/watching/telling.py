"""What is known of the work at hand, for log lines: which session it is for, and within which trace."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry import trace

from thinkedit.graph.watching import ModelCall, SessionNews

__all__ = ["Noting", "at_work_on", "is_session_id", "kind_of", "model_of", "session_at_hand", "trace_at_hand"]

log = logging.getLogger("thinkedit.sessions")

_SESSION = re.compile(r"[0-9]{8}-[0-9a-f]{12,40}")
_KIND = re.compile(r"[a-z][a-z0-9-]*")
_LONGEST_MODEL = 100

_session: ContextVar[str] = ContextVar("thinkedit_session_at_hand", default="")


def session_at_hand() -> str:
    """The session that the present task works for; empty where it works for none."""
    return _session.get()


def is_session_id(value: object) -> bool:
    """Whether it has the form of a session's id; what a caller sends may be anything."""
    return isinstance(value, str) and _SESSION.fullmatch(value) is not None


@contextmanager
def at_work_on(session_id: object) -> Iterator[None]:
    """What is logged inside is logged for this session. Anything but a session's id is left out."""
    token = _session.set(str(session_id)) if is_session_id(session_id) else None
    try:
        yield
    finally:
        if token is not None:
            _session.reset(token)


def trace_at_hand() -> tuple[str, str]:
    """(trace id, span id) as W3C Trace Context writes them; empty where there is none."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return "", ""
    return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)


def kind_of(identity: str) -> str:
    """`chat` of `chat(openai:gpt-4.1, temperature=0)`, `photo` of `photo/7`: what kind a model is of."""
    found = _KIND.match(identity)
    return found[0] if found is not None else ""


def model_of(identity: str) -> str:
    """`openai:gpt-4.1` of the same: the model's own name where it has one, without its settings."""
    kind, _, rest = identity.partition("(")
    name = rest.partition(",")[0].rstrip(")") if rest and "=" not in rest.partition(",")[0] else kind
    return name[:_LONGEST_MODEL]


class Noting:
    """A watcher that writes a line of log for each session that ends, and for each model call that fails."""

    def called(self, call: ModelCall) -> None:
        if call.outcome != "ok" and not call.replayed:
            log.info(
                "%s by %s: %s after %.1f s (turn %d, attempt %d)",
                call.role,
                kind_of(call.model),
                call.outcome,
                call.seconds,
                call.turn,
                call.attempt,
            )

    def heard(self, news: SessionNews) -> None:
        more = news.stop_reason.value if news.stop_reason is not None else news.error
        if news.what != "turn":
            with at_work_on(news.session_id):
                log.info("session %s%s", news.what.replace("_", " "), f": {more}" if more else "")

    @contextmanager
    def run(self, session_id: str) -> Iterator[None]:
        with at_work_on(session_id):
            yield
