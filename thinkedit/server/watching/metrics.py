"""What Prometheus is told of one server process. Needs the extra `watch`.

Labels have few values that are known beforehand: never a session, a caller, a prompt, a picture or an
address. A registry of its own, so that two servers in one process do not mix, and what an embedding program
counts stays its own.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import anyio
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric

import thinkedit
from thinkedit import errors
from thinkedit.adapters.registry import EDITORS, THINKERS
from thinkedit.errors import LedgerError, StoreError
from thinkedit.graph.watching import HAPPENINGS, ROLES, ModelCall, SessionNews
from thinkedit.server.watching.telling import kind_of
from thinkedit.types import Status, StopReason

__all__ = ["OTHER", "Metrics"]

OTHER = "other"
"""Stands for every value that is not among those known beforehand."""

_KINDS = frozenset(
    {*EDITORS, *THINKERS, *(f"safety-{kind}" for kind in THINKERS), "scripted-safety", "python"}
)
_TOOLS = frozenset({"think_edit", "continue_edit", "edit_image", "critique_image", "refine_instruction"})
_METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS"})
_FAULTS = {"StoreError": "store", "LedgerError": "ledger", "LeaseLost": "ledger"}
_ENDS = frozenset({"ok", "error", "cancelled", *(name for name in errors.__all__)})

_MODEL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640)
_CALL_SECONDS = (0.1, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640, 1280)
_HTTP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600)
_DELAYS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_SAMPLED_EVERY = 0.25


class Metrics:
    """A Watcher whose numbers `page` shows in the format that a scraper asks for."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._active: dict[str, str] = {}
        self._build()
        ProcessCollector(registry=self.registry)

    def _build(self) -> None:
        to: dict[str, Any] = {"registry": self.registry}
        build = Gauge(
            "thinkedit_build_info", "Always 1; the labels say what runs.", ["version", "python"], **to
        )
        build.labels(thinkedit.__version__, platform.python_version()).set(1)
        self._sessions = Gauge(
            "thinkedit_sessions", "Sessions of this process that run, or wait for a place.", ["state"], **to
        )
        self._kept = Gauge(
            "thinkedit_sessions_kept", "Sessions in the ledger, which replicas share.", ["status"], **to
        )
        self._news = Counter(
            "thinkedit_session_events", "What became of sessions: opened, began, parked, ...", ["event"], **to
        )
        self._ended = Counter("thinkedit_sessions_ended", "Sessions by how they ended.", ["reason"], **to)
        self._turns = Counter("thinkedit_turns", "Turns in which an image was made.", **to)
        self._calls = Counter(
            "thinkedit_model_calls", "Attempts at model calls.", ["role", "kind", "outcome"], **to
        )
        self._replayed = Counter(
            "thinkedit_model_calls_replayed",
            "Calls that were read back instead of made again.",
            ["role"],
            **to,
        )
        self._retries = Counter("thinkedit_model_retries", "Attempts after the first.", ["role"], **to)
        self._seconds = Histogram(
            "thinkedit_model_seconds", "Seconds of one attempt.", ["role"], buckets=_MODEL_SECONDS, **to
        )
        self._tokens = Counter(
            "thinkedit_tokens", "Tokens, where the model counts them.", ["role", "direction"], **to
        )
        self._tool_calls = Counter("thinkedit_tool_calls", "MCP tool calls.", ["tool", "outcome"], **to)
        self._tool_seconds = Histogram(
            "thinkedit_tool_seconds", "Seconds of a tool call.", ["tool"], buckets=_CALL_SECONDS, **to
        )
        self._requests = Counter(
            "thinkedit_http_requests", "HTTP requests.", ["method", "route", "status"], **to
        )
        self._request_seconds = Histogram(
            "thinkedit_http_seconds",
            "Seconds up to the last byte; a stream ends with its connection.",
            ["route"],
            buckets=_HTTP_SECONDS,
            **to,
        )
        self._failures = Counter(
            "thinkedit_failures",
            "Failures of ledger and store, where they were met: one may be met by a run and by its call.",
            ["part", "where"],
            **to,
        )
        self._delay = Histogram(
            "thinkedit_event_loop_delay_seconds",
            "How much later than asked the event loop went on.",
            buckets=_DELAYS,
            **to,
        )
        self._begin_at_nought()

    def _begin_at_nought(self) -> None:
        """A series that appears with its first event has no rate at that moment, and no alert."""
        for state in ("queued", "running"):
            self._sessions.labels(state)
        for reason in StopReason:
            self._ended.labels(reason.value)
        for event in HAPPENINGS:
            self._news.labels(event)
        for role in ROLES:
            self._seconds.labels(role)
            self._retries.labels(role)
            self._replayed.labels(role)
        for part in ("ledger", "store"):
            for where in ("run", "call", "http", "probe"):
                self._failures.labels(part, where)

    # what the loop tells

    def called(self, call: ModelCall) -> None:
        if call.replayed:
            self._replayed.labels(call.role).inc()
            return
        kind = kind_of(call.model)
        self._calls.labels(call.role, kind if kind in _KINDS else OTHER, call.outcome).inc()
        self._seconds.labels(call.role).observe(call.seconds)
        if call.attempt > 1:
            self._retries.labels(call.role).inc()
        if call.usage is not None:
            self._tokens.labels(call.role, "input").inc(call.usage.input_tokens)
            self._tokens.labels(call.role, "output").inc(call.usage.output_tokens)

    def heard(self, news: SessionNews) -> None:
        self._news.labels(news.what).inc()
        match news.what:
            case "began":
                self._move(news.session_id, "running")
            case "turn":
                self._turns.inc()
            case "ended" if news.stop_reason is not None:
                self._ended.labels(news.stop_reason.value).inc()
            case "broke":
                self.failed(news.error, "run")

    @contextmanager
    def run(self, session_id: str) -> Iterator[None]:
        self._move(session_id, "queued")
        try:
            yield
        finally:
            self._move(session_id, None)

    def _move(self, session_id: str, state: str | None) -> None:
        if (before := self._active.pop(session_id, None)) is not None:
            self._sessions.labels(before).dec()
        if state is not None:
            self._active[session_id] = state
            self._sessions.labels(state).inc()

    # what the server tells

    def tool(self, name: str, outcome: str, seconds: float) -> None:
        """outcome: ok, error, cancelled or the class of an error."""
        name = name if name in _TOOLS else OTHER
        self._tool_calls.labels(name, outcome if outcome in _ENDS else OTHER).inc()
        self._tool_seconds.labels(name).observe(seconds)
        self.failed(outcome, "call")

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """route: the template of the path, or `other`."""
        self._requests.labels(method if method in _METHODS else OTHER, route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def failed(self, error: BaseException | str, where: str) -> None:
        """Count a failure of ledger or store; any other error is none of these."""
        if isinstance(error, BaseException):
            error = next((k.__name__ for k in (StoreError, LedgerError) if isinstance(error, k)), "")
        if (part := _FAULTS.get(error)) is not None:
            self._failures.labels(part, where).inc()

    def kept(self, counts: Mapping[Status, int]) -> None:
        """How many sessions of each status the ledger has."""
        for status in Status:
            self._kept.labels(status.value).set(counts.get(status, 0))

    async def sample_delay(self) -> None:
        """Measure the event loop's delay, four times a second, until cancelled."""
        while True:
            due = anyio.current_time() + _SAMPLED_EVERY
            await anyio.sleep_until(due)
            self._delay.observe(max(anyio.current_time() - due, 0.0))

    def page(self, accept: str = "") -> tuple[bytes, str]:
        """(the metrics, their media type) in the Prometheus text format, or OpenMetrics where asked for."""
        encode, media_type = choose_encoder(accept)
        return encode(_WithoutBirthdays(self.registry)), media_type


class _WithoutBirthdays:
    """A registry without the `_created` sample of every series, which doubles a page and nobody reads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [one for one in metric.samples if not one.name.endswith("_created")]
            yield metric
