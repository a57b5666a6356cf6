"""/metrics as a scraper reads it, before and after calls that succeed, fail and are cancelled."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import anyio
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.graph.kit import numbered
from tests.server.watched import PROMPT, value, watched
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.config import Config, Limits
from thinkedit.errors import AnswerError, EditorFailed
from thinkedit.graph.watching import ModelCall
from thinkedit.server.app import create_server
from thinkedit.server.lifetime import SharedRunner
from thinkedit.server.watching import metrics as module
from thinkedit.server.watching.metrics import Metrics
from thinkedit.types import Usage

pytestmark = pytest.mark.anyio


@pytest.fixture
def jpeg(pictures: Path) -> bytes:
    return (pictures / "garden.jpg").read_bytes()


async def test_a_run_with_failures_is_counted(config: Config, tmp_path: Path, jpeg: bytes) -> None:
    usage = Usage(input_tokens=1000, output_tokens=50)
    script = [one.model_copy(update={"usage": usage}) for one in numbered(3, 9)]
    editor = ScriptedEditor(faults={1: EditorFailed("out of memory")})
    thinker = ScriptedThinker(script, faults={1: AnswerError("no scores in it", usage=usage)})
    async with watched(config, tmp_path / "d", editor, thinker) as served:
        before = await served.scraped()
        assert value(before, "thinkedit_sessions_ended_total", reason="satisfied") == 0
        assert ("thinkedit_sessions_ended_total", frozenset({("reason", "satisfied")})) in before
        uri = await served.upload(jpeg)
        asked = {"image": uri, "instruction": PROMPT}
        assert not (await served.call("think_edit", asked)).is_error
        assert (await served.call("continue_edit", {"session_id": "none"})).is_error
        await served.web.get("/images/nothing?token=abc")
        await served.web.get("/secret/path")
        page = await served.scraped()
    calls = "thinkedit_model_calls_total"
    assert value(page, calls, role="edit", kind="scripted", outcome="ok") == 2
    assert value(page, calls, role="edit", kind="scripted", outcome="failed") == 1
    assert value(page, calls, role="critique", kind="scripted", outcome="ok") == 2
    assert value(page, calls, role="critique", kind="scripted", outcome="unparseable") == 1
    assert value(page, "thinkedit_model_seconds_count", role="edit") == 3
    assert value(page, "thinkedit_model_retries_total", role="edit") == 1
    assert value(page, "thinkedit_model_retries_total", role="critique") == 1
    assert value(page, "thinkedit_tokens_total", role="critique", direction="input") == 3000
    assert value(page, "thinkedit_tokens_total", role="critique", direction="output") == 150
    assert value(page, "thinkedit_sessions_ended_total", reason="satisfied") == 1
    assert value(page, "thinkedit_session_events_total", event="opened") == 1
    assert value(page, "thinkedit_turns_total") == 2
    assert value(page, "thinkedit_sessions", state="running") == 0
    assert value(page, "thinkedit_sessions", state="queued") == 0
    assert value(page, "thinkedit_tool_calls_total", tool="think_edit", outcome="ok") == 1
    assert value(page, "thinkedit_tool_calls_total", tool="continue_edit", outcome="NotFoundError") == 1
    http = "thinkedit_http_requests_total"
    assert value(page, http, method="POST", route="/images", status="201") == 1
    assert value(page, http, method="GET", route="/images/{sha256}", status="404") == 1
    assert value(page, http, method="GET", route="other", status="404") == 1
    assert value(page, "thinkedit_http_seconds_count", route="/metrics") == 1
    assert value(page, "process_resident_memory_bytes") > 10e6
    assert any(name == "thinkedit_build_info" for name, _ in page)


async def test_what_runs_and_what_waits_is_shown_while_it_does(
    config: Config, tmp_path: Path, jpeg: bytes
) -> None:
    config = config.model_copy(update={"limits": Limits(sessions=1, queue=1)})
    async with watched(config, tmp_path / "d", ScriptedEditor(latency=30)) as served:
        uri = await served.upload(jpeg)
        for number in range(2):
            asked = {"image": uri, "instruction": f"{PROMPT} {number}", "wait_seconds": 0}
            assert not (await served.call("think_edit", asked)).is_error
        with anyio.fail_after(20):
            while value(page := await served.scraped(), "thinkedit_sessions", state="running") != 1:
                await anyio.lowlevel.checkpoint()
        assert value(page, "thinkedit_sessions", state="queued") == 1
        ready = await served.web.get("/readyz")
        assert (ready.status_code, ready.json()["part"]) == (503, "queue")
        assert (await served.call("think_edit", {"image": uri, "instruction": "more"})).is_error
        for session in await served.runner.ledger.sessions():
            await served.runner.cancel(session.session_id)
        page = await served.scraped()
        assert value(page, "thinkedit_sessions", state="running") == 0
        assert value(page, "thinkedit_sessions", state="queued") == 0
        assert value(page, "thinkedit_sessions_ended_total", reason="cancelled") == 2
        assert value(page, "thinkedit_tool_calls_total", tool="think_edit", outcome="BusyError") == 1


async def test_failures_of_ledger_and_store_are_counted_where_they_are_met(
    config: Config, tmp_path: Path, jpeg: bytes
) -> None:
    async with watched(config, tmp_path / "d") as served:
        uri = await served.upload(jpeg)
        store = tmp_path / "d" / "store"
        store.rename(tmp_path / "away")
        store.write_text("no folder")
        assert (await served.call("think_edit", {"image": uri, "instruction": PROMPT})).is_error
        assert (await served.web.get(f"/images/{uri.rpartition('/')[2]}")).status_code >= 400
        await served.web.get("/readyz")
        page = await served.scraped()
    failures = "thinkedit_failures_total"
    assert value(page, failures, part="store", where="call") == 1
    assert value(page, failures, part="store", where="probe") == 1
    assert value(page, failures, part="ledger", where="call") == 0


async def test_no_label_says_what_only_some_may_know(config: Config, tmp_path: Path, jpeg: bytes) -> None:
    async with watched(config, tmp_path / "d") as served:
        uri = await served.upload(jpeg)
        done = await served.call("think_edit", {"image": uri, "instruction": PROMPT})
        session_id = done.structured_content["session_id"]
        await served.web.get(f"/sessions/{session_id}")
        text = (await served.web.get("/metrics")).text
    for secret in (PROMPT, session_id, uri.rpartition("/")[2], str(tmp_path), "127.0.0.1"):
        assert secret not in text
    labels = {
        name
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        for name in sample.labels
    }
    assert labels <= {
        *("direction", "event", "kind", "le", "method", "outcome", "part", "python"),
        *("reason", "role", "route", "state", "status", "tool", "version", "where"),
    }


def test_values_that_nobody_knows_beforehand_become_one() -> None:
    metrics = Metrics()
    for number in range(50):
        metrics.called(ModelCall("edit", f"mine{number}(a)", "", 0, "ok", 1.0, 1.0))
        metrics.tool(f"tool{number}", f"Error{number}", 0.1)
        metrics.request(f"METHOD{number}", "other", 200, 0.1)
    text = metrics.page()[0].decode()
    assert 'thinkedit_model_calls_total{kind="other",outcome="ok",role="edit"} 50.0' in text
    assert 'thinkedit_tool_calls_total{outcome="other",tool="other"} 50.0' in text
    assert 'thinkedit_http_requests_total{method="other",route="other",status="200"} 50.0' in text
    assert "_created" not in text


async def test_the_tools_that_are_counted_by_name_are_those_that_there_are(config: Config) -> None:
    async with SharedRunner(config) as unused:
        named = {tool.name for tool in await create_server(unused, config).list_tools()}
    assert named == module._TOOLS


async def test_the_delay_of_the_event_loop_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SAMPLED_EVERY", 0.001)
    metrics = Metrics()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(metrics.sample_delay)
        with anyio.fail_after(20):
            while 'delay_seconds_bucket{le="+Inf"} 0.0' in metrics.page()[0].decode():
                await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()


async def test_without_the_extra_the_page_names_it_and_the_rest_works(
    config: Config, tmp_path: Path, jpeg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = builtins.__import__

    def lacking(name: str, *rest: Any, **more: Any) -> Any:
        if name == "thinkedit.server.watching.metrics":
            raise ModuleNotFoundError("No module named 'prometheus_client'", name="prometheus_client")
        return whole(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", lacking)
    async with watched(config, tmp_path / "d") as served:
        answer = await served.web.get("/metrics")
        assert answer.status_code == 404
        assert answer.text == 'metrics need the extra "watch": pip install "thinkedit[watch]"\n'
        uri = await served.upload(jpeg)
        assert not (await served.call("think_edit", {"image": uri, "instruction": PROMPT})).is_error
        assert (await served.web.get("/readyz")).status_code == 200
