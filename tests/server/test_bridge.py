"""`thinkedit serve --connect`: a stdio server in front of one over HTTP, which hosts share."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client.stdio import StdioServerParameters

from tests.server.conftest import Process, error_of, taken_apart
from tests.server.hosts import REVISIONS, connected
from tests.server.test_stdio import WARMER, session_named, settled
from tests.server.test_stepwise import bridge, go, serving

pytestmark = pytest.mark.anyio


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.mark.parametrize("revision", REVISIONS)
async def test_files_go_up_and_results_come_down(
    process: Process, pictures: Path, tmp_path: Path, revision: str
) -> None:
    parameters = process(latency=0.1)
    seen: list[str] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append(message or "")

    with serving(parameters) as url:
        async with connected(bridge(parameters, url), revision) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            assert tools >= {"think_edit", "continue_edit", "critique_image"}
            if client.instructions is not None:  # which a client that names its revision does not ask for
                assert "Pictures are given by path" in client.instructions
            asked = {"image": str(pictures / "garden.jpg"), "instruction": WARMER}
            result = await client.call_tool("think_edit", asked, progress_callback=note)
            answer = taken_apart(result)
            written = Path(answer.data["image"]["path"])
            assert written == tmp_path / "results" / "garden-edited.jpg"
            assert await anyio.Path(written).is_file()
            assert f"written to {written}" in answer.text
            assert "download" not in answer.text
            assert any("turn 2 of 4: scored" in line for line in seen)
            picked = await go(client, answer.data["session_id"], "pick", turn=1)
            assert Path(picked.data["image"]["path"]).name == "garden-edited-2.jpg"
            back = await go(client, answer.data["session_id"], "pick", turn=3)
            assert back.data["image"]["path"] == str(written)
            critique = {"source": str(pictures / "garden.jpg"), "edited": str(written), "instruction": WARMER}
            assert taken_apart(await client.call_tool("critique_image", critique)).data["semantic"]
            secret = {"image": "/etc/passwd", "instruction": WARMER}
            assert "--allow" in error_of(await client.call_tool("think_edit", secret))
            assert answer.link is not None
            (whole,) = (await client.read_resource(answer.link.uri)).contents
            assert whole.mime_type == "image/png"


@pytest.mark.parametrize("revision", REVISIONS)
async def test_cancelling_ends_the_run_over_there(process: Process, pictures: Path, revision: str) -> None:
    parameters = process(latency=0.4)
    reached, sessions = anyio.Event(), []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        sessions.append(session_named(message))
        if "turn 2 of 4: editing" in (message or ""):
            reached.set()

    asked = {"image": str(pictures / "garden.jpg"), "instruction": WARMER}
    with serving(parameters) as url:
        async with connected(bridge(parameters, url), revision) as client:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lambda: client.call_tool("think_edit", asked, progress_callback=note))
                with anyio.fail_after(30):
                    await reached.wait()
                tasks.cancel_scope.cancel()
            left = await settled(client, sessions[0])
            assert (left["stop_reason"], left["selected_turn"]) == ("cancelled", 1)


async def test_three_hosts_share_one_model(process: Process, pictures: Path, tmp_path: Path) -> None:
    """The server's editor notes each call; its log names one process."""
    parameters = process()
    log = tmp_path / "editor.jsonl"
    settings = tmp_path / "thinkedit.toml"
    settings.write_text(settings.read_text() + f"log = {json.dumps(str(log))}\n")
    answers: list[dict[str, Any]] = []

    async def edit(url: str, number: int) -> None:
        async with connected(bridge(parameters, url), REVISIONS[number % 2]) as client:
            asked = {"image": str(pictures / "garden.jpg"), "instruction": f"{WARMER}, way {number}"}
            answers.append(taken_apart(await client.call_tool("think_edit", asked)).data)

    with serving(parameters) as url:
        async with anyio.create_task_group() as tasks:
            for number in range(3):
                tasks.start_soon(edit, url, number)
    assert [answer["stop_reason"] for answer in answers] == ["satisfied"] * 3
    assert len({answer["image"]["path"] for answer in answers}) == 3
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert [entry["event"] for entry in entries].count("start") == 9
    assert len({entry["pid"] for entry in entries}) == 1


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_server_that_is_not_there_is_said_in_one_line(
    process: Process, pictures: Path, revision: str
) -> None:
    parameters = process(latency=0.4)
    port = free_port()
    processes: list[Any] = []
    asked = {"image": str(pictures / "garden.jpg"), "instruction": WARMER}
    url = f"http://127.0.0.1:{port}"
    async with connected(bridge(parameters, url), revision) as client:
        assert len((await client.list_tools()).tools) == 5
        line = error_of(await client.call_tool("think_edit", asked))
        assert url in line
        assert "cannot be reached" in line
        with serving(parameters, at=f"127.0.0.1:{port}", into=processes):
            begun = taken_apart(await client.call_tool("think_edit", {**asked, "wait_seconds": 0}))
            assert begun.data["status"] == "running"
            taking: list[str] = []

            async def wait() -> None:
                taking.append(
                    error_of(await client.call_tool("continue_edit", waiting, progress_callback=note))
                )

            under_way = anyio.Event()

            async def note(progress: float, total: float | None, message: str | None) -> None:
                under_way.set()

            waiting = {"session_id": begun.data["session_id"], "action": "wait"}
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(wait)
                with anyio.fail_after(30):
                    await under_way.wait()
                processes[0].kill()
        assert "cannot be reached" in taking[0]
        with serving(parameters, "--resume", at=f"127.0.0.1:{port}"):
            done = taken_apart(await client.call_tool("continue_edit", waiting))
            assert done.data["stop_reason"] == "satisfied"


@pytest.mark.parametrize(
    ("url", "line"),
    [("ftp://x", "is no server address"), ("http://", "is no server address"), ("127.0.0.1:8321", "--http")],
)
def test_what_cannot_be_is_refused_at_once(process: Process, url: str, line: str) -> None:
    parameters = bridge(process(), url)
    more = ["--http", "127.0.0.1:0"] if "8321" in url else []
    done = subprocess.run(
        [parameters.command, *parameters.args, *more],
        env=parameters.env,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert line in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_server_that_starts_takes_up_what_another_left(process: Process, pictures: Path) -> None:
    parameters: StdioServerParameters = process(latency=0.4)
    asked = {"image": str(pictures / "garden.jpg"), "instruction": WARMER, "wait_seconds": 0}
    with serving(parameters) as url:
        async with connected(url, REVISIONS[1]) as client:
            left = [taken_apart(await client.call_tool("think_edit", asked)).data for _ in range(2)]
            paused = taken_apart(await client.call_tool("think_edit", {**asked, "pause": "turn"})).data
    with serving(parameters, "--resume") as url:
        async with connected(url, REVISIONS[1]) as client:
            for one in left:
                assert (await settled(client, one["session_id"]))["stop_reason"] == "satisfied"
            waits = await settled(client, paused["session_id"])
            assert (waits["status"], len(waits["turns"])) == ("paused", 1)
