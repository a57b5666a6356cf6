"""The server as a process of its own on standard input and output, as agent hosts start it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import pytest
from mcp.client import Client

from tests.server.conftest import Process, error_of, taken_apart
from thinkedit.server.delivery import PREVIEW_BYTES

pytestmark = pytest.mark.anyio

WARMER = "make it warmer"


def session_named(message: str | None) -> str:
    """The session that a line of progress is about."""
    return (message or "").removeprefix("session ").partition(",")[0].partition(":")[0]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_all_tools(process: Process, pictures: Path, tmp_path: Path, mode: Any) -> None:
    seen: list[tuple[float, str]] = []
    garden = str(pictures / "garden.jpg")

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, message or ""))

    async with Client(process(), mode=mode) as client:
        tools = {tool.name: tool.output_schema or {} for tool in (await client.list_tools()).tools}
        asked = {"image": garden, "instruction": WARMER}
        answer = taken_apart(await client.call_tool("think_edit", asked, progress_callback=note))
        jsonschema.validate(answer.data, tools["think_edit"])
        assert answer.data["stop_reason"] == "satisfied"
        assert [value for value, _ in seen] == sorted({value for value, _ in seen})
        assert any("turn 3 of 4: scored" in message for _, message in seen)
        assert answer.preview is not None
        assert len(base64.b64decode(answer.preview.data)) <= PREVIEW_BYTES
        assert answer.link is not None
        (contents,) = (await client.read_resource(answer.link.uri)).contents
        whole = base64.b64decode(contents.blob)  # type: ignore[union-attr]  # bytes come as a blob
        assert f"thinkedit://images/{hashlib.sha256(whole).hexdigest()}" == answer.data["image"]["uri"]
        assert answer.data["image"]["path"] == str(tmp_path / "results" / "garden-edited.jpg")
        session = {"session_id": answer.data["session_id"], "turn": 2}
        for tool, arguments in {
            "continue_edit": {**session, "action": "pick"},
            "edit_image": {"image": answer.data["source"]["uri"], "prompt": "colder"},
            "critique_image": session,
            "refine_instruction": session,
        }.items():
            more = taken_apart(await client.call_tool(tool, arguments))
            jsonschema.validate(more.data, tools[tool])


async def test_a_picture_outside_is_refused(process: Process, pictures: Path) -> None:
    secret = pictures.parent / "secret.jpg"
    secret.write_bytes((pictures / "garden.jpg").read_bytes())
    (pictures / "link.jpg").symlink_to(secret)
    async with Client(process()) as client:
        for named in (str(secret), f"{pictures}/../secret.jpg", str(pictures / "link.jpg"), secret.as_uri()):
            asked = {"image": named, "prompt": WARMER}
            assert "--allow" in error_of(await client.call_tool("edit_image", asked))


async def test_cancel_in_the_middle_and_go_on_in_another_process(process: Process, pictures: Path) -> None:
    sessions: list[str] = []
    reached = anyio.Event()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        sessions.append(session_named(message))
        if "turn 2 of 4: editing" in (message or ""):
            reached.set()

    asked = {"image": str(pictures / "garden.jpg"), "instruction": WARMER}
    async with Client(process(latency=0.3)) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: client.call_tool("think_edit", asked, progress_callback=note))
            with anyio.fail_after(30):
                await reached.wait()
            tasks.cancel_scope.cancel()
        left = await settled(client, sessions[0])
        assert left["stop_reason"] == "cancelled"
        assert left["selected_turn"] == 1
        assert left["image"] is not None
    async with Client(process()) as client:
        done = taken_apart(await client.call_tool("continue_edit", {"session_id": sessions[0]}))
    assert done.data["stop_reason"] == "satisfied"
    assert done.data["turns"][0] == left["turns"][0]
    assert [turn["turn"] for turn in done.data["turns"]] == [1, 2, 3]


async def settled(client: Client, session_id: str) -> dict[str, Any]:
    """The session's result once it no longer runs: a cancellation travels on its own."""
    with anyio.fail_after(30):
        while True:
            uri = f"thinkedit://sessions/{session_id}"
            (contents,) = (await client.read_resource(uri, cache_mode="bypass")).contents
            result: dict[str, Any] = json.loads(contents.text)  # type: ignore[union-attr]  # JSON is text
            if result["status"] != "running":
                return result


@pytest.mark.slow
async def test_two_processes_at_once_over_one_folder(process: Process, pictures: Path) -> None:
    answers: dict[str, dict[str, Any]] = {}

    async def edit(instruction: str) -> None:
        async with Client(process()) as client:
            asked = {"image": str(pictures / "garden.jpg"), "instruction": instruction}
            answers[instruction] = taken_apart(await client.call_tool("think_edit", asked)).data

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(edit, WARMER)
        tasks.start_soon(edit, "make it colder")
    assert all(answer["stop_reason"] == "satisfied" for answer in answers.values())
    assert all(answer["instruction"] == instruction for instruction, answer in answers.items())
    assert len({answer["image"]["path"] for answer in answers.values()}) == 2


class Wire:
    """JSON-RPC by hand, line by line, to see what really is on the wire."""

    def __init__(self, running: subprocess.Popen[str]) -> None:
        self.running = running
        self.lines: list[dict[str, Any]] = []

    def send(self, method: str, params: dict[str, Any] | None = None, number: int | None = None) -> None:
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params or {}}
        if number is not None:
            message["id"] = number
        assert self.running.stdin is not None
        self.running.stdin.write(json.dumps(message) + "\n")
        self.running.stdin.flush()

    def until(self, found: Any) -> dict[str, Any]:
        """Read messages until `found` says yes to one; every line has to be a message."""
        assert self.running.stdout is not None
        for line in self.running.stdout:
            message: dict[str, Any] = json.loads(line)
            assert message["jsonrpc"] == "2.0"
            self.lines.append(message)
            if found(message):
                return message
        raise AssertionError(f"the server closed its output after {self.lines[-1:]}")


@pytest.fixture
def wire(process: Process) -> Any:
    @contextmanager
    def opened(latency: float = 0.0) -> Iterator[Wire]:
        parameters = process(latency=latency)
        running = subprocess.Popen(
            [parameters.command, *parameters.args],
            env=parameters.env,
            cwd=parameters.cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with running:
            try:
                talk = Wire(running)
                client = {"name": "by hand", "version": "0"}
                hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
                talk.send("initialize", hello, 1)
                talk.until(lambda message: message.get("id") == 1)
                talk.send("notifications/initialized")
                yield talk
            finally:
                running.kill()

    return opened


def call(wire: Wire, number: int, tool: str, arguments: dict[str, Any]) -> None:
    wire.send(
        "tools/call",
        {"name": tool, "arguments": arguments, "_meta": {"progressToken": number}},
        number,
    )


def test_nothing_but_messages_on_standard_output(wire: Any, pictures: Path) -> None:
    (pictures / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    with wire() as talk:
        call(talk, 2, "think_edit", {"image": str(pictures / "garden.jpg"), "instruction": WARMER})
        talk.until(lambda message: message.get("id") == 2)
        call(talk, 3, "edit_image", {"image": str(pictures / "cut.png"), "prompt": WARMER})
        assert talk.until(lambda message: message.get("id") == 3)["result"]["isError"]
        talk.send("nonsense/method", {}, 4)
        assert "error" in talk.until(lambda message: message.get("id") == 4)
        talk.running.stdin.write("this is no message\n")
        talk.running.stdin.close()
        for line in talk.running.stdout:
            assert json.loads(line)["jsonrpc"] == "2.0"
        assert talk.running.wait(timeout=20) == 0


@pytest.mark.parametrize(
    "way",
    [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow), "input ends", signal.SIGKILL],
)
def test_a_server_that_ends_leaves_its_runs_to_the_next(wire: Any, pictures: Path, way: Any) -> None:
    asked = {"image": str(pictures / "garden.jpg"), "instruction": WARMER}
    with wire(latency=0.4) as talk:
        call(talk, 2, "think_edit", asked)
        step = talk.until(lambda message: "turn 2 of 4: editing" in json.dumps(message))
        session_id = session_named(step["params"]["message"])
        if way == "input ends":
            talk.running.stdin.close()
        else:
            os.kill(talk.running.pid, way)
        code = talk.running.wait(timeout=20)
        rest = [json.loads(line) for line in talk.running.stdout]
        if way in (signal.SIGTERM, signal.SIGINT):
            assert code == 0
            (answer,) = [message for message in rest if message.get("id") == 2]
            assert answer["result"]["structuredContent"]["status"] == "running"
            assert "wait" in answer["result"]["content"][0]["text"]
    with wire() as talk:
        call(talk, 2, "continue_edit", {"session_id": session_id})
        done = talk.until(lambda message: message.get("id") == 2)["result"]["structuredContent"]
    assert done["stop_reason"] == "satisfied"
    assert [turn["turn"] for turn in done["turns"]] == [1, 2, 3]
