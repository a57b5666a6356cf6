"""Traces by OpenTelemetry: a tool call, the run of a session below it, and each model call below that.

The span of a tool call is the MCP SDK's own (`tools/call NAME`); what is known of the session is added to it.
Attributes follow the semantic conventions for generative AI where these have a name, and hold identities,
counts and outcomes: never a prompt, a picture or what a model said.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.trace import ProxyTracerProvider, Span, SpanKind, StatusCode, TracerProvider

import thinkedit
from thinkedit.errors import MissingExtra, SettingsError
from thinkedit.graph.watching import ModelCall, SessionNews
from thinkedit.server.watching.telling import kind_of, model_of

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider as SdkProvider
    from opentelemetry.sdk.trace.export import SpanExporter

__all__ = ["Traces", "provider_from", "traced_elsewhere"]

_BAD_ENDS = frozenset({"broke", "lost"})


class Traces:
    """A Watcher that makes spans.

    provider: makes the tracer; the process's own by default.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("thinkedit", thinkedit.__version__, provider)
        self._runs: dict[str, Span] = {}

    @contextmanager
    def run(self, session_id: str) -> Iterator[None]:
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "thinkedit",
            "gen_ai.conversation.id": session_id,
            "thinkedit.session_id": session_id,
        }
        with self._tracer.start_as_current_span(
            "invoke_agent thinkedit",
            attributes=attributes,
            record_exception=False,  # a message may quote a prompt
            set_status_on_exception=False,
        ) as span:
            self._runs[session_id] = span
            try:
                yield
            finally:
                self._runs.pop(session_id, None)

    def heard(self, news: SessionNews) -> None:
        span = self._runs.get(news.session_id)
        if span is None:  # in the call that opens it, or takes it over: no run yet
            trace.get_current_span().set_attribute("thinkedit.session_id", news.session_id)
            return
        if news.what == "ended" and news.stop_reason is not None:
            span.set_attribute("thinkedit.outcome", news.stop_reason.value)
        elif news.what in ("paused", "parked", "refused", *_BAD_ENDS):
            span.set_attribute("thinkedit.outcome", news.what)
        else:
            span.add_event(f"thinkedit.{news.what}")
        if news.what in _BAD_ENDS:
            span.set_attribute("error.type", news.error or news.what)
            span.set_status(StatusCode.ERROR)

    def called(self, call: ModelCall) -> None:
        operation = "generate_content" if call.role == "edit" else "chat"
        model = model_of(call.model)
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": operation,
            "gen_ai.request.model": model,
            "gen_ai.output.type": "image" if call.role == "edit" else "text",
            "thinkedit.role": call.role,
            "thinkedit.kind": kind_of(call.model),
            "thinkedit.attempt": call.attempt,
            "thinkedit.outcome": call.outcome,
            "thinkedit.replayed": call.replayed,
        }
        if call.session_id:
            attributes["gen_ai.conversation.id"] = attributes["thinkedit.session_id"] = call.session_id
            attributes["thinkedit.turn"] = call.turn
        if call.usage is not None:
            attributes["gen_ai.usage.input_tokens"] = call.usage.input_tokens
            attributes["gen_ai.usage.output_tokens"] = call.usage.output_tokens
        if call.outcome != "ok":
            attributes["error.type"] = call.outcome
        span = self._tracer.start_span(
            f"{operation} {model}",
            kind=SpanKind.CLIENT,
            attributes=attributes,
            start_time=int(call.began * 1e9),
        )
        if call.outcome != "ok":
            span.set_status(StatusCode.ERROR)
        span.end(time.time_ns())


def traced_elsewhere() -> bool:
    """Whether the program around us has set up tracing for this process."""
    return not isinstance(trace.get_tracer_provider(), ProxyTracerProvider)


def provider_from(environment: Mapping[str, str]) -> SdkProvider | None:
    """What the standard OTEL_* variables ask for; None where they name no way out for traces.

    MissingExtra without the extra `watch`, SettingsError for an exporter that is not there.
    """
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    endpoint = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or environment.get(
        "OTEL_EXPORTER_OTLP_ENDPOINT"
    )
    off = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if off or exporter == "none" or not (exporter or endpoint):
        return None
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider as Provider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        sends = _exporter(exporter or "otlp", environment)
    except ModuleNotFoundError as error:
        raise MissingExtra("traces by OpenTelemetry", "watch") from error
    told = environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    named = environment.get("OTEL_SERVICE_NAME") or "service.name=" in told
    own = {"service.version": thinkedit.__version__} | ({} if named else {"service.name": "thinkedit"})
    provider = Provider(resource=Resource.create(own), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(sends))
    return provider


def _exporter(name: str, environment: Mapping[str, str]) -> SpanExporter:
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stderr)  # standard output is the protocol's
    if name != "otlp":
        raise SettingsError(f"OTEL_TRACES_EXPORTER is {name!r}: set it to otlp, console or none")
    protocol = environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environment.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"
    )
    if protocol != "http/protobuf":
        raise SettingsError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}: set it to http/protobuf, at port 4318 as a rule"
        )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()
