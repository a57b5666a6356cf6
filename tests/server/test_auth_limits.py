"""What one caller may have: at once, in a day and in bytes; and that others have theirs all the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp_types import CallToolResult

from tests.server.conftest import error_of, taken_apart
from tests.server.team import ANNA, BERT, team, token_file
from thinkedit.config import CallerLimits, Config
from thinkedit.errors import LimitError
from thinkedit.ledger import Ledger
from thinkedit.server.allowance import Allowance
from thinkedit.types import Image

pytestmark = pytest.mark.anyio

SLOW = {"slow": {"kind": "scripted", "latency": 30}}
WARMER = {"instruction": "make it warmer"}


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    return token_file(tmp_path, anna=ANNA, bert=BERT)


async def test_sessions_at_once(config: Config, tokens: Path, garden: str) -> None:
    """Ten calls at the same moment: two run, whoever comes first, and the others are told to come back."""
    server = {"tokens": tokens, "callers": {"at_once": 2}}
    asked = {"image": garden, **WARMER, "wait_seconds": 0}
    async with team(config, server, models=SLOW) as served, served.client(ANNA) as client:
        done = taken_apart(await client.call_tool("think_edit", asked)).data["session_id"]
        taken_apart(await client.call_tool("continue_edit", {"session_id": done, "action": "wait"}))
        answers: list[CallToolResult] = []

        async def begin() -> None:
            answers.append(await client.call_tool("think_edit", {**asked, "editor": "slow"}))

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(begin)
        running = [taken_apart(one).data["session_id"] for one in answers if not one.is_error]
        assert len(running) == 2
        for refused in (error_of(one) for one in answers if one.is_error):
            assert re.fullmatch(r"2 sessions of yours run at once, and 2 may: .* try again in 30 s", refused)
        # Nor by going on with one that has ended, or by going another way from one.
        for more in (
            {"turns": 1},
            {"action": "prompt", "prompt": "x"},
            {"action": "fork", "turn": 1, "prompt": "x"},
        ):
            told = error_of(await client.call_tool("continue_edit", {"session_id": done, **more}))
            assert "2 sessions of yours" in told
        async with served.client(BERT) as other:
            taken_apart(await other.call_tool("think_edit", {"image": garden, **WARMER}))
        cancel = {"session_id": running[0], "action": "cancel"}
        taken_apart(await client.call_tool("continue_edit", cancel))
        taken_apart(await client.call_tool("think_edit", asked))
        await client.call_tool("continue_edit", {"session_id": running[1], "action": "cancel"})


async def test_a_session_that_waits_for_its_caller_runs_not(
    config: Config, tokens: Path, garden: str
) -> None:
    server = {"tokens": tokens, "callers": {"at_once": 1}}
    asked = {"image": garden, **WARMER, "pause": "turn"}
    async with team(config, server, models=SLOW) as served, served.client(ANNA) as client:
        waits = [
            taken_apart(await client.call_tool("think_edit", asked)).data["session_id"] for _ in range(2)
        ]
        slow = {**asked, "editor": "slow", "wait_seconds": 0}
        runs = taken_apart(await client.call_tool("think_edit", slow)).data["session_id"]
        told = error_of(await client.call_tool("continue_edit", {"session_id": waits[0]}))
        assert "1 sessions of yours" in told
        stopped = await client.call_tool("continue_edit", {"session_id": waits[0], "action": "stop"})
        assert taken_apart(stopped).data["stop_reason"] == "stopped_by_caller"
        await client.call_tool("continue_edit", {"session_id": runs, "action": "cancel"})
        taken_apart(await client.call_tool("continue_edit", {"session_id": waits[1]}))


async def test_single_calls_at_once(config: Config, tokens: Path, garden: str) -> None:
    server = {"tokens": tokens, "callers": {"at_once": 1}}
    slow = {"slow": {"kind": "scripted", "latency": 0.5}}
    async with team(config, server, models=slow) as served, served.client(ANNA) as client:
        answers: list[CallToolResult] = []

        async def edit() -> None:
            asked = {"image": garden, "prompt": "x", "editor": "slow"}
            answers.append(await client.call_tool("edit_image", asked))

        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(edit)
        assert sorted(one.is_error or False for one in answers) == [False, True, True, True]
        await edit()
        taken_apart(answers[-1])


async def test_sessions_a_day(config: Config, tokens: Path, garden: str) -> None:
    """Counted in the ledger: another server over it goes on counting."""
    server = {"tokens": tokens, "callers": {"sessions_a_day": 2}}
    asked = {"image": garden, **WARMER, "turns": 1}
    async with team(config, server) as served, served.client(ANNA) as client:
        first = taken_apart(await client.call_tool("think_edit", asked)).data["session_id"]
    async with team(config, server) as served, served.client(ANNA) as client:
        taken_apart(await client.call_tool("think_edit", asked))
        fork = {"session_id": first, "action": "fork", "turn": 1, "prompt": "x"}
        for refused in (
            await client.call_tool("think_edit", asked),
            await client.call_tool("continue_edit", fork),
        ):
            told = error_of(refused)
            assert "you began 2 sessions in 24 hours, and 2 may be: try again in 86" in told
            assert "try again in 86" in told
        taken_apart(await client.call_tool("continue_edit", {"session_id": first, "turns": 1}))
        async with served.client(BERT) as other:
            taken_apart(await other.call_tool("think_edit", asked))

        def age(db: Any) -> None:
            db.execute("UPDATE sessions SET created=created-86400 WHERE session_id=?", (first,))

        ledger = Ledger(config.data / "sessions.sqlite")
        await ledger._run(age)
        ledger.close()
        taken_apart(await client.call_tool("think_edit", asked))


async def test_bytes_of_pictures(config: Config, tokens: Path, pictures: Path, garden: str) -> None:
    jpeg = (pictures / "garden.jpg").read_bytes()
    server = {"tokens": tokens, "callers": {"image_bytes": len(jpeg) + 100}}
    async with team(config, server) as served, served.web(ANNA) as web:
        async with anyio.create_task_group() as tasks:  # at the same moment, and one fits

            async def send() -> None:
                statuses.append((await web.post("/images", content=jpeg + b"\0" * len(statuses))).status_code)

            statuses: list[int] = []
            for _ in range(4):
                tasks.start_soon(send)
        assert sorted(statuses) == [201, 429, 429, 429]
        answer = await web.post("/images", content=jpeg)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
        assert "0.0 MB may be" in answer.json()["error"]
        async with served.web(BERT) as other:
            assert (await other.post("/images", content=jpeg)).status_code == 201
    server = {"tokens": tokens, "callers": {"image_bytes": len(jpeg) - 100}}
    async with team(config, server) as served, served.client(ANNA) as client:
        for tool, more in (("think_edit", WARMER), ("edit_image", {"prompt": "x"})):
            assert "your pictures here take" in error_of(
                await client.call_tool(tool, {"image": garden, **more})
            )


async def test_without_authentication_nothing_is_limited() -> None:
    ledger = Ledger(None)
    await ledger.put_image("", Image.stored("0" * 64, 1, 1, "image/png", 1000))
    await ledger.put_image("anna", Image.stored("0" * 64, 1, 1, "image/png", 1000))
    allowance = Allowance(CallerLimits(at_once=1, sessions_a_day=1, image_bytes=1))
    async with (
        allowance.session(ledger, "", new=True),
        allowance.session(ledger, "", new=True),
        allowance.call(ledger, ""),
        allowance.call(ledger, ""),
        allowance.picture(ledger, "", 1000),
    ):
        with pytest.raises(LimitError, match=r"0\.0 MB"):
            await allowance.picture(ledger, "anna", 1).__aenter__()
    ledger.close()
