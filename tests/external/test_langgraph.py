"""`langgraph.json`: valid, and served by LangGraph's own development server."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.external.conftest import HERE

pytestmark = pytest.mark.external

ROOT = HERE.parents[1]
COMMAND = HERE / ".venv" / "langgraph" / "bin" / "langgraph"


@pytest.fixture(scope="module")
def langgraph() -> str:
    if not COMMAND.exists():
        reason = "run tests/external/install.sh first"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return str(COMMAND)


@pytest.fixture
def api(langgraph: str, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of `langgraph dev`, with a data folder of its own."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    (tmp_path / "langgraph.json").write_text(
        json.dumps(
            {"dependencies": [str(ROOT)], "graphs": {"thinkedit": f"{ROOT}/thinkedit/tools/graph.py:graph"}}
        )
    )
    named = json.loads((ROOT / "langgraph.json").read_text())["graphs"]
    assert named == {"thinkedit": "./thinkedit/tools/graph.py:graph"}
    environment = {**os.environ, "THINKEDIT_DATA": str(tmp_path / "data"), "LANGSMITH_TRACING": "false"}
    command = [langgraph, "dev", "--no-browser", "--no-reload", "--port", str(port)]
    log = (tmp_path / "log").open("w")
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log) as running, log:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                until = time.monotonic() + 60
                while True:
                    try:
                        client.get("/ok").raise_for_status()
                        break
                    except httpx.HTTPError:
                        assert running.poll() is None, (tmp_path / "log").read_text()[-2000:]
                        assert time.monotonic() < until, (tmp_path / "log").read_text()[-2000:]
                        time.sleep(0.2)
                yield client
        finally:
            running.terminate()


def test_the_configuration_is_valid(langgraph: str) -> None:
    done = subprocess.run([langgraph, "validate"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 graph found" in done.stdout


def test_a_run_waits_and_is_answered_over_the_api(api: httpx.Client) -> None:
    def run(thread: str, **body: Any) -> dict[str, Any]:
        answer = api.post(f"/threads/{thread}/runs/wait", json={"assistant_id": "thinkedit", **body})
        answer.raise_for_status()
        result: dict[str, Any] = answer.json()
        return result

    thread = api.post("/threads", json={}).json()["thread_id"]
    given = {
        "image": str(ROOT / "examples" / "photos" / "coffee.png"),
        "instruction": "make it much warmer and sharper",
        "settings": {"pause": "turn", "threshold": 10},
    }
    [interrupt] = run(thread, input=given)["__interrupt__"]
    assert interrupt["value"]["next"]["action"] == "go_on"
    done = run(thread, command={"resume": {"action": "pick", "turn": 1}})
    assert done["result"]["stop_reason"] == "stopped_by_caller"
    assert done["result"]["image"]["bytes"] > 1000
