"""An agent that steps through sessions over real transports, knowing nothing but their session_id."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import ElicitRequestParams, ElicitResult
from PIL import Image

from tests.server.conftest import Process
from tests.server.hosts import REVISIONS, Said, Target, connected, said
from thinkedit.server.delivery import PREVIEW_BYTES

pytestmark = pytest.mark.anyio

WARMER = "make it warmer"
BAD = {"semantic": 4, "quality": 7, "reasoning": "too cold", "next_prompt": "make it much warmer"}
GOOD = {"semantic": 9, "quality": 8.5, "reasoning": "as asked"}


@contextmanager
def serving(
    parameters: StdioServerParameters, *flags: str, at: str = "127.0.0.1:0", into: list[Any] | None = None
) -> Iterator[str]:
    """`thinkedit serve --http` as a process of its own, which is put `into` a list; its URL."""
    process = subprocess.Popen(
        [parameters.command, *parameters.args, "--http", at, *flags],
        env=parameters.env,
        cwd=parameters.cwd,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    if into is not None:
        into.append(process)
    with process:
        try:
            yield next(f"http{line.split('http')[1].split()[0]}" for line in process.stderr if "/mcp" in line)
        finally:
            process.kill()


@dataclass
class Host:
    """Where an agent sits: how it reaches the server, and in which revision of the protocol."""

    target: Target
    revision: str

    def open(self, **options: Any) -> AbstractAsyncContextManager[Client]:
        return connected(self.target, self.revision, **options)


WAYS = [
    pytest.param((way, revision), id=f"{way}-{revision}", marks=[pytest.mark.slow] * (way == "bridge"))
    for way in ("stdio", "http", "bridge")
    for revision in REVISIONS
]


def bridge(parameters: StdioServerParameters, url: str) -> StdioServerParameters:
    """A stdio server that passes on what the one at `url` has."""
    return parameters.model_copy(update={"args": [*parameters.args, "--connect", url]})


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def at(process: Process, way: tuple[str, str]) -> Any:
    """Opens a host over the server as a process, whose models take `latency` seconds for an edit."""

    @contextmanager
    def opened(latency: float = 0.0) -> Iterator[Host]:
        transport, revision = way
        parameters = process(latency=latency)
        if transport == "stdio":
            yield Host(parameters, revision)
            return
        with serving(parameters) as url:
            yield Host(bridge(parameters, url) if transport == "bridge" else url, revision)

    return opened


async def think(client: Client, image: str, **arguments: Any) -> Said:
    return said(await client.call_tool("think_edit", {"image": image, "instruction": WARMER, **arguments}))


async def go(client: Client, session_id: str, action: str, **arguments: Any) -> Said:
    asked = {"session_id": session_id, "action": action, **arguments}
    return said(await client.call_tool("continue_edit", asked))


async def test_an_agent_steps_through_a_session_and_forks_it(at: Any, pictures: Path) -> None:
    with at() as host:
        async with host.open() as client:
            first = await think(client, str(pictures / "garden.jpg"), pause="turn")
            assert (first.data["status"], len(first.data["turns"])) == ("paused", 1)
            assert first.data["next"] == {"action": "go_on", "prompt": f"{WARMER} (turn 2)", "schema": None}
            assert len(first.pictures) == 1
            assert first.data["image"]["path"] is None
            refused = await go(client, first.session_id, "wind_back")
            assert refused.error
            assert "go_on" in refused.text
        async with host.open() as client:  # on stdio this is another process
            second = await go(client, first.session_id, "critique", turn=1, **BAD)
            assert (second.data["status"], second.prompts) == ("paused", [WARMER, BAD["next_prompt"]])
            assert second.data["turns"][0]["critique"]["semantic"] == 4
            assert (await go(client, first.session_id, "cancel")).error
            late = await go(client, first.session_id, "critique", turn=1, **GOOD)
            assert late.error
            assert "waits after turn 2" in late.text
        async with host.open() as client:
            branch = await go(client, first.session_id, "fork", turn=1, prompt="another way", turns=2)
            assert branch.session_id != first.session_id
            assert branch.prompts == [WARMER, "another way"]
            more = await go(client, branch.session_id, "go_on", turns=3)
            assert (more.data["status"], len(more.data["turns"])) == ("finished", 3)  # satisfied by then
            trunk = await go(client, first.session_id, "prompt", prompt="warmer, and keep the greens")
            assert (trunk.data["status"], trunk.data["stop_reason"]) == ("finished", "satisfied")
            assert trunk.prompts == [WARMER, BAD["next_prompt"], "warmer, and keep the greens"]
            trunk = await go(client, first.session_id, "pick", turn=2)
            assert trunk.data["selected_turn"] == 2
            other = await think(client, str(pictures / "garden.jpg"), pause="turn")
            stopped = await go(client, other.session_id, "stop")
            assert (stopped.data["stop_reason"], stopped.data["selected_turn"]) == ("stopped_by_caller", 1)
            assert stopped.data["next"]["action"] == "go_on"


async def test_an_agent_is_the_thinker_through_to_satisfied(at: Any, pictures: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (1500, 2000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(pictures / "noise.jpg", quality=95)
    with at() as host:
        async with host.open() as client:
            first = await think(client, str(pictures / "noise.jpg"), thinker="host")
            assert (first.data["status"], first.data["next"]["action"]) == ("paused", "critique")
            assert WARMER in first.data["next"]["prompt"]
            assert set(first.data["next"]["schema"]["required"]) == {"semantic", "quality"}
            assert first.data["next"]["prompt"] in first.text
            assert "you cannot be the thinker" in first.text
            assert len(first.pictures) == 2
            assert first.pictures[0] != first.pictures[1]
            assert all(len(base64.b64decode(data)) <= PREVIEW_BYTES for data in first.pictures)
            assert first.size < 1_000_000
            wrong = await go(client, first.session_id, "critique", semantic=14, quality=5)
            assert wrong.error
            assert "'semantic' has the value 14" in wrong.text
            wrong = await go(client, first.session_id, "critique", semantic=4, quality=5, reasoning="no")
            assert wrong.error
            assert "next_prompt is empty" in wrong.text
        async with host.open() as client:
            second = await go(client, first.session_id, "critique", **BAD)
            assert (second.data["status"], second.prompts) == ("paused", [WARMER, BAD["next_prompt"]])
            assert len(second.pictures) == 2
            assert second.pictures[0] == first.pictures[0]
            assert second.pictures[1] != first.pictures[1]
            done = await go(client, first.session_id, "critique", **GOOD)
            assert (done.data["stop_reason"], done.data["selected_turn"]) == ("satisfied", 2)
            several = await think(client, str(pictures / "garden.jpg"), thinker="host", candidates=2)
            assert several.error
            assert "candidates is 2" in several.text


async def test_a_call_returns_when_its_time_is_over_and_another_collects(at: Any, pictures: Path) -> None:
    with at(latency=0.6) as host:
        async with host.open() as client:
            begun = await think(client, str(pictures / "garden.jpg"), wait_seconds=1)
            assert begun.data["status"] == "running"
            assert begun.data["stop_reason"] is None
            assert "action='wait'" in begun.text
            if isinstance(host.target, str):
                await client.__aexit__(None, None, None)
                async with host.open() as other:
                    done = await go(other, begun.session_id, "wait")
            else:
                done = await go(client, begun.session_id, "wait")
            assert done.data["stop_reason"] == "satisfied"
            assert [turn["turn"] for turn in done.data["turns"]] == [1, 2, 3]


@pytest.mark.parametrize("chosen", ["turn 1", None])
async def test_a_person_chooses_between_the_two_best(at: Any, pictures: Path, chosen: str | None) -> None:
    asked: list[ElicitRequestParams] = []

    async def person(context: Any, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params)
        if chosen is None:
            return ElicitResult(action="decline")
        return ElicitResult(action="accept", content={"better": chosen})

    with at() as host:
        async with host.open(elicitation_callback=person) as client:
            first = await think(client, str(pictures / "garden.jpg"), turns=2)
            assert first.data["selected_turn"] == 2
            picked = await go(client, first.session_id, "pick", ask_person=True)
            assert not picked.error, picked.text
            assert picked.data["selected_turn"] == (1 if chosen else 2)
        [params] = asked
        assert WARMER in params.message
        assert params.requested_schema["properties"]["better"]["enum"] == ["turn 2", "turn 1"]  # type: ignore[union-attr]
        async with host.open() as client:
            alone = await go(client, first.session_id, "pick", ask_person=True)
            assert alone.error
            assert "this host cannot ask a person" in alone.text


# The last turn's score may be overtaken by the answer, so the one before it is the latest to be waited for.
STAGES = ["turn 1 of 4: editing", "turn 1 of 4: looking", "turn 2 of 4: editing", "turn 2 of 4: scored"]


@contextmanager
def caller(host: Host, tool: str, arguments: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """An agent's host as a process of its own, which can be killed in the middle of its call."""
    target = host.target if isinstance(host.target, str) else host.target.model_dump_json()
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.server.hosts", host.revision, target, tool, json.dumps(arguments)],
        env={**os.environ, "PYTHONPATH": root},
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def until(process: subprocess.Popen[str], stage: str) -> str:
    """Reads progress up to `stage`; the session's id."""
    assert process.stdout is not None
    for line in process.stdout:
        message = str(json.loads(line).get("progress"))
        if stage in message:
            return message.removeprefix("session ").partition(",")[0]
    raise AssertionError(f"the call ended before {stage!r}")


@pytest.mark.parametrize("stage", [STAGES[0], *(pytest.param(s, marks=pytest.mark.slow) for s in STAGES[1:])])
async def test_a_killed_client_loses_nothing(at: Any, pictures: Path, stage: str) -> None:
    asked = {"image": str(pictures / "garden.jpg"), "instruction": WARMER}
    with at(latency=0.3) as host:
        with caller(host, "think_edit", asked) as process:
            session_id = until(process, stage)
            process.send_signal(signal.SIGKILL)
        async with host.open() as client:
            left = await go(client, session_id, "wait")
            if left.data["status"] != "finished" or left.data["stop_reason"] == "cancelled":
                left = await go(client, session_id, "go_on")
            assert left.data["stop_reason"] == "satisfied"
            assert [turn["turn"] for turn in left.data["turns"]] == [1, 2, 3]


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize("stage", [STAGES[1], *(pytest.param(s, marks=pytest.mark.slow) for s in STAGES[2:])])
async def test_a_killed_server_loses_nothing(
    process: Process, pictures: Path, stage: str, revision: str
) -> None:
    asked = {"image": str(pictures / "garden.jpg"), "instruction": WARMER}
    parameters = process(latency=0.3)
    with ExitStack() as server:
        url = server.enter_context(serving(parameters))
        with caller(Host(url, revision), "think_edit", asked) as agent:
            session_id = until(agent, stage)
            server.close()
    async with connected(parameters, revision) as client:
        left = await go(client, session_id, "wait")
        assert left.data["stop_reason"] == "satisfied"
        assert [turn["turn"] for turn in left.data["turns"]] == [1, 2, 3]


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_server_killed_while_a_session_waits_or_runs_on(
    process: Process, pictures: Path, revision: str
) -> None:
    parameters = process(latency=0.3)
    garden = str(pictures / "garden.jpg")
    with serving(parameters) as url:
        async with connected(url, revision) as client:
            paused = await think(client, garden, pause="turn")
            hosted = await think(client, garden, thinker="host")
            running = await think(client, garden, wait_seconds=0)
            assert running.data["status"] == "running"
    with serving(parameters) as url:
        async with connected(url, revision) as client:
            again = await go(client, paused.session_id, "go_on")
            assert (again.data["status"], len(again.data["turns"])) == ("paused", 2)
            done = await go(client, hosted.session_id, "critique", **GOOD)
            assert done.data["stop_reason"] == "satisfied"
            done = await go(client, running.session_id, "wait")
            assert done.data["stop_reason"] == "satisfied"
