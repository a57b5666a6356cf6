"""Spans of calls, sessions and models: how they hang together, and what stands in none of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.graph.kit import numbered
from tests.server.watched import PROMPT, watched
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.config import Config
from thinkedit.errors import EditorFailed, MissingExtra, SettingsError, UnsupportedEdit
from thinkedit.server.watching import Watching, tracing
from thinkedit.server.watching.telling import kind_of, model_of
from thinkedit.server.watching.tracing import Traces, provider_from
from thinkedit.types import Usage

pytestmark = pytest.mark.anyio

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def jpeg(pictures: Path) -> bytes:
    return (pictures / "garden.jpg").read_bytes()


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Where this test's spans go, those of the MCP SDK too; the process's own provider is left alone."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("mcp.shared._otel._tracer", provider.get_tracer("mcp-python-sdk"))
    monkeypatch.setattr(Watching, "traces_of_test", Traces(provider), raising=False)
    yield exporter
    provider.shutdown()


def watching() -> Watching:
    return Watching(None, Watching.traces_of_test)  # type: ignore[attr-defined]  # set by the fixture


def by_name(spans: InMemorySpanExporter) -> dict[str, list[ReadableSpan]]:
    found: dict[str, list[ReadableSpan]] = {}
    for span in spans.get_finished_spans():
        found.setdefault(span.name, []).append(span)
    return found


def parent(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent is not None else None


async def test_a_call_a_session_and_its_models_are_one_trace(
    config: Config, tmp_path: Path, jpeg: bytes, spans: InMemorySpanExporter
) -> None:
    usage = Usage(input_tokens=700, output_tokens=30)
    script = [one.model_copy(update={"usage": usage, "reasoning": PROMPT}) for one in numbered(3, 9)]
    editor = ScriptedEditor(faults={1: EditorFailed(f"could not {PROMPT}")})
    thinker = ScriptedThinker(script)
    async with watched(config, tmp_path / "d", editor, thinker, watching()) as served:
        uri = await served.upload(jpeg)
        done = await served.call("think_edit", {"image": uri, "instruction": PROMPT})
        session_id = done.structured_content["session_id"]
    found = by_name(spans)
    (call,) = [s for s in found["tools/call think_edit"] if s.kind.name == "SERVER"]
    (run,) = found["invoke_agent thinkedit"]
    models = {name: made for name, made in found.items() if name.startswith(("chat ", "generate_content "))}
    edit, critique = f"generate_content {model_of(editor.identity)}", f"chat {model_of(thinker.identity)}"
    assert sorted(models) == sorted([edit, critique])
    edits, critiques = models[edit], models[critique]
    assert parent(run) == call.context.span_id
    assert {parent(span) for span in (*edits, *critiques)} == {run.context.span_id}
    assert call.attributes is not None
    assert call.attributes["gen_ai.operation.name"] == "execute_tool"
    assert call.attributes["thinkedit.session_id"] == session_id
    assert call.attributes["thinkedit.outcome"] == "ok"
    assert run.attributes is not None
    assert run.attributes["gen_ai.conversation.id"] == session_id
    assert run.attributes["thinkedit.outcome"] == "satisfied"
    outcomes = [(s.attributes or {})["thinkedit.outcome"] for s in edits]
    assert outcomes == ["failed", "ok", "ok"]
    assert [s.status.status_code.name for s in edits] == ["ERROR", "UNSET", "UNSET"]
    first = dict(critiques[0].attributes or {})
    assert first == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": model_of(thinker.identity),
        "gen_ai.output.type": "text",
        "gen_ai.conversation.id": session_id,
        "gen_ai.usage.input_tokens": 700,
        "gen_ai.usage.output_tokens": 30,
        "thinkedit.session_id": session_id,
        "thinkedit.turn": 1,
        "thinkedit.role": "critique",
        "thinkedit.kind": "scripted",
        "thinkedit.attempt": 1,
        "thinkedit.outcome": "ok",
        "thinkedit.replayed": False,
    }
    assert edits[0].start_time is not None
    assert run.start_time is not None
    assert run.start_time <= edits[0].start_time + 1_000_000


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_trace_of_the_request_is_gone_on_with(
    config: Config, tmp_path: Path, jpeg: bytes, spans: InMemorySpanExporter, mode: Any
) -> None:
    """By HTTP's header, which proxies and meshes set, in both eras of the protocol."""
    import httpx2
    from mcp.client import Client
    from mcp.client.streamable_http import streamable_http_client

    async with watched(config, tmp_path / "d", watching=watching()) as served:
        uri = await served.upload(jpeg)
        async with httpx2.AsyncClient(headers={"traceparent": PARENT}) as web:
            way = streamable_http_client(f"{served.base}/mcp", http_client=web)
            # The client's own spans would be the parents, were they recorded: another program's are not.
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("mcp.shared.jsonrpc_dispatcher.inject_trace_context", lambda meta: None)
                async with Client(way, mode=mode) as client:
                    await client.call_tool("think_edit", {"image": uri, "instruction": PROMPT})
    found = by_name(spans)
    (call,) = [s for s in found["tools/call think_edit"] if s.kind.name == "SERVER"]
    (run,) = found["invoke_agent thinkedit"]
    assert f"{call.context.trace_id:032x}" == f"{run.context.trace_id:032x}" == TRACE
    assert parent(call) == 0x00F067AA0BA902B7


async def test_no_span_holds_a_prompt_or_a_picture(
    config: Config, tmp_path: Path, jpeg: bytes, spans: InMemorySpanExporter
) -> None:
    refusing = ScriptedEditor(faults={1: UnsupportedEdit(f"cannot {PROMPT}"), 2: RuntimeError(PROMPT)})
    async with watched(config, tmp_path / "d", refusing, watching=watching()) as served:
        uri = await served.upload(jpeg)
        assert (await served.call("think_edit", {"image": uri, "instruction": PROMPT})).is_error
        await served.call("edit_image", {"image": uri, "prompt": PROMPT})
        await served.call("think_edit", {"image": uri, "instruction": PROMPT, "turns": PROMPT})
        await served.call(
            "think_edit", {"image": f"data:image/png;base64,{'A' * 300}", "instruction": PROMPT}
        )
        await served.call("critique_image", {"source": uri, "edited": uri, "instruction": PROMPT})
        await served.call("continue_edit", {"session_id": PROMPT})
    finished = spans.get_finished_spans()
    assert len(finished) > 8
    for span in finished:
        told = json.dumps(json.loads(span.to_json()))
        for secret in (PROMPT, "sunrise", "AAAAAAAAAA", uri.rpartition("/")[2]):
            assert secret not in told, span.name
    runs = [span for span in finished if span.name == "invoke_agent thinkedit"]
    assert (runs[0].attributes or {})["thinkedit.outcome"] == "refused"


def test_traces_are_sent_only_where_the_environment_asks_for_them() -> None:
    assert provider_from({}) is None
    assert (
        provider_from({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"})
        is None
    )
    assert provider_from({"OTEL_TRACES_EXPORTER": "console", "OTEL_SDK_DISABLED": "true"}) is None
    provider = provider_from({"OTEL_TRACES_EXPORTER": "console"})
    assert provider is not None
    assert provider.resource.attributes["service.name"] == "thinkedit"
    provider.shutdown()
    with pytest.raises(
        SettingsError, match="OTEL_TRACES_EXPORTER is 'zipkin': set it to otlp, console or none"
    ):
        provider_from({"OTEL_TRACES_EXPORTER": "zipkin"})
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'"):
        provider_from({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_TRACES_EXPORTER": "otlp"})


@pytest.mark.parametrize(
    ("identity", "kind", "model"),
    [
        ("photo/7", "photo", "photo/7"),
        ("chat(openai:gpt-4.1, temperature=0)", "chat", "openai:gpt-4.1"),
        ("diffusers(org/FLUX.1-Kontext@main, steps=28)", "diffusers", "org/FLUX.1-Kontext@main"),
        ("scripted(size=tiny, picture=None)", "scripted", "scripted"),
        ("", "", ""),
    ],
)
def test_a_model_is_named_without_its_settings(identity: str, kind: str, model: str) -> None:
    assert (kind_of(identity), model_of(identity)) == (kind, model)


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(name: str, environment: object) -> Any:
        raise ModuleNotFoundError("No module named 'opentelemetry.exporter'")

    monkeypatch.setattr(tracing, "_exporter", lacking)
    with pytest.raises(MissingExtra, match=r'pip install "thinkedit\[watch\]"'):
        provider_from({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})
