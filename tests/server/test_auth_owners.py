"""Two callers of one server: neither sees, uses or guesses anything of the other's."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from tests.server.conftest import error_of, taken_apart
from tests.server.team import ANNA, BERT, bearer, team, token_file
from thinkedit.config import Config
from thinkedit.ledger import Ledger

pytestmark = pytest.mark.anyio

UNKNOWN = "20260101-0123456789ab"
SHA = "0" * 64


@pytest.fixture
def server(tmp_path: Path) -> dict[str, Any]:
    return {"tokens": token_file(tmp_path, anna=ANNA, bert=BERT)}


@pytest.fixture
def jpeg(pictures: Path) -> bytes:
    return (pictures / "garden.jpg").read_bytes()


async def read(client: Client, uri: str) -> str:
    (contents,) = (await client.read_resource(uri, cache_mode="bypass")).contents
    return getattr(contents, "text", "") or getattr(contents, "blob", "")


async def refused(client: Client, uri: str) -> str:
    with pytest.raises(MCPError) as raised:
        await read(client, uri)
    return f"{raised.value.code} {raised.value}"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_nothing_of_another(config: Config, server: dict[str, Any], jpeg: bytes, mode: str) -> None:
    async with (
        team(config, server) as served,
        served.client(ANNA, mode) as anna,
        served.client(BERT, mode) as bert,
        served.web(BERT) as web,
    ):
        uri = (await served.upload(ANNA, jpeg))["uri"]
        asked = {"image": uri, "instruction": "make it warmer, my secret", "turns": 2}
        done = taken_apart(await anna.call_tool("think_edit", asked)).data
        session_id, shas = done["session_id"], [uri[-64:], done["image"]["uri"][-64:]]
        paused = taken_apart(await anna.call_tool("think_edit", {**asked, "pause": "turn"})).data[
            "session_id"
        ]

        # Every tool that takes a session says of hers what it says of one that never was.
        calls: list[tuple[str, dict[str, Any]]] = [
            *[("continue_edit", {"action": a}) for a in ("go_on", "wait", "stop", "cancel")],
            ("continue_edit", {"action": "prompt", "prompt": "colder"}),
            ("continue_edit", {"action": "pick", "turn": 1}),
            ("continue_edit", {"action": "pick", "ask_person": True}),
            ("continue_edit", {"action": "fork", "turn": 1}),
            ("continue_edit", {"action": "critique", "semantic": 1, "quality": 1}),
            ("critique_image", {"turn": 1}),
            ("refine_instruction", {"turn": 1}),
            ("refine_instruction", {}),
        ]
        for tool, arguments in calls:
            said = []
            for one in (session_id, paused, UNKNOWN):
                answer = await bert.call_tool(tool, {"session_id": one, **arguments})
                said.append(error_of(answer).replace(one, "ID"))
            assert said[0] == said[1] == said[2]
            assert "there is no session 'ID'" in said[0]
        # Pictures are as unknown as those that never were, the source and the results.
        for sha in shas:
            for tool, arguments in (
                ("think_edit", {"image": f"thinkedit://images/{sha}", "instruction": "warmer"}),
                ("edit_image", {"image": f"thinkedit://images/{sha}", "prompt": "warmer"}),
            ):
                theirs = error_of(await bert.call_tool(tool, arguments))
                none = error_of(
                    await bert.call_tool(tool, {**arguments, "image": f"thinkedit://images/{SHA}"})
                )
                assert theirs.replace(sha, SHA) == none
            pair = {"source": f"thinkedit://images/{sha}", "edited": f"thinkedit://images/{sha}"}
            said_of = error_of(await bert.call_tool("critique_image", {**pair, "instruction": "warmer"}))
            assert "there is no image" in said_of
            resource = f"thinkedit://images/{sha}"
            assert (await refused(bert, resource)).replace(sha, SHA) == await refused(
                bert, f"thinkedit://images/{SHA}"
            )
            got, never = await web.get(f"/images/{sha}"), await web.get(f"/images/{SHA}")
            assert (got.status_code, got.text.replace(sha, SHA)) == (404, never.text)
            tagged = await web.get(f"/images/{sha}", headers={"if-none-match": f'"{sha}"'})
            assert tagged.status_code == 404
        # Nor is it listed, as a resource or as a page.
        assert json.loads(await read(bert, "thinkedit://sessions")) == []
        template = "thinkedit://sessions/{}"
        unknown = await refused(bert, template.format(UNKNOWN))
        assert (await refused(bert, template.format(session_id))).replace(session_id, UNKNOWN) == unknown
        for path in ("/sessions/{}", "/sessions/{}/data"):
            theirs_, none_ = await web.get(path.format(session_id)), await web.get(path.format(UNKNOWN))
            assert theirs_.status_code == none_.status_code == 404
            assert theirs_.text.replace(session_id, UNKNOWN) == none_.text
        listing = (await web.get("/sessions")).text
        assert session_id not in listing
        assert "my secret" not in listing

        # And it is all as she left it.
        newest = json.loads(await read(anna, "thinkedit://sessions"))
        assert [one["session_id"] for one in newest] == [paused, session_id]
        assert [one["status"] for one in newest] == ["paused", "finished"]
        async with served.web(ANNA) as own:
            for path in ("/sessions", f"/sessions/{session_id}", f"/images/{shas[1]}"):
                assert (await own.get(path)).status_code == 200
            assert (await own.get(f"/sessions/{session_id}/data")).status_code == 200


async def test_what_is_made_for_a_caller_is_theirs(
    config: Config, server: dict[str, Any], jpeg: bytes
) -> None:
    async with team(config, server) as served, served.client(ANNA) as client, served.web(ANNA) as web:
        uri = (await served.upload(ANNA, jpeg))["uri"]
        one = taken_apart(await client.call_tool("edit_image", {"image": uri, "prompt": "warmer"})).data
        done = taken_apart(await client.call_tool("think_edit", {"image": uri, "instruction": "warmer"})).data
        fork = {"session_id": done["session_id"], "action": "fork", "turn": 1, "prompt": "much colder"}
        forked = taken_apart(await client.call_tool("continue_edit", fork)).data
        made = [one["image"], *[turn["image"] for data in (done, forked) for turn in data["turns"]]]
        assert len({image["uri"] for image in made}) > 3
        for image in made:
            assert (await web.get(f"/images/{image['uri'][-64:]}")).status_code == 200
            assert await read(client, image["uri"])
    owners = await owners_of(config)
    assert owners == {"anna"}


async def owners_of(config: Config) -> set[str]:
    """Whose everything in the ledger is."""

    def work(db: Any) -> set[str]:
        rows = db.execute("SELECT owner FROM sessions UNION SELECT owner FROM images").fetchall()
        return {row["owner"] for row in rows}

    ledger = Ledger(config.data / "sessions.sqlite")
    try:
        return await ledger._run(work)
    finally:
        ledger.close()


async def test_equal_pictures_are_each_ones_own(config: Config, server: dict[str, Any], jpeg: bytes) -> None:
    async with team(config, server) as served, served.web(BERT) as web:
        hers = await served.upload(ANNA, jpeg)
        assert (await web.get(f"/images/{hers['uri'][-64:]}")).status_code == 404
        his = await served.upload(BERT, jpeg)
        assert his == hers
        assert (await web.get(f"/images/{his['uri'][-64:]}")).status_code == 200
        async with served.client(ANNA) as anna, served.client(BERT) as bert:
            asked = {"image": hers["uri"], "instruction": "make it warmer", "seed": 1}
            first = taken_apart(await anna.call_tool("think_edit", asked)).data
            result = first["image"]["uri"]
            assert "no image" in error_of(
                await bert.call_tool("edit_image", {"image": result, "prompt": "x"})
            )
            second = taken_apart(await bert.call_tool("think_edit", asked)).data
            assert second["image"]["uri"] == result
            assert second["session_id"] != first["session_id"]
            taken_apart(await bert.call_tool("edit_image", {"image": result, "prompt": "x"}))


INIT = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "raw", "version": "1"},
    },
}
ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


async def opened(web: httpx.AsyncClient, token: str) -> dict[str, str]:
    """The headers of a protocol session of revision 2025-11-25."""
    answer = await web.post("/mcp", json=INIT, headers={**ACCEPT, **bearer(token)})
    assert answer.status_code == 200
    headers = {
        **ACCEPT,
        "mcp-protocol-version": "2025-11-25",
        "mcp-session-id": answer.headers["mcp-session-id"],
    }
    done = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert (await web.post("/mcp", json=done, headers={**headers, **bearer(token)})).status_code == 202
    return headers


async def test_the_protocol_session_of_another(config: Config, server: dict[str, Any]) -> None:
    ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    async with team(config, server) as served, served.web() as web:
        hers = await opened(web, ANNA)
        for method in ("POST", "GET", "DELETE"):
            body = ping if method == "POST" else None
            answer = await web.request(method, "/mcp", json=body, headers={**hers, **bearer(BERT)})
            never = await web.request(
                method, "/mcp", json=body, headers={**hers, **bearer(BERT), "mcp-session-id": "f" * 32}
            )
            assert (answer.status_code, answer.text) == (never.status_code, never.text)
            assert answer.status_code == 404
        assert (await web.post("/mcp", json=ping, headers=hers)).status_code == 401
        assert (await web.post("/mcp", json=ping, headers={**hers, **bearer(ANNA)})).status_code == 200


async def events(web: httpx.AsyncClient, headers: dict[str, str], last: str) -> str:
    """What the server sends again after this event, as far as it comes at once."""
    text = ""
    with anyio.move_on_after(0.5):
        async with web.stream("GET", "/mcp", headers={**headers, "last-event-id": last}) as answer:
            with contextlib.suppress(httpx.HTTPError):
                async for chunk in answer.aiter_text():
                    text += chunk
    return text


async def test_events_of_another_cannot_be_had(config: Config, server: dict[str, Any], jpeg: bytes) -> None:
    """Streams are named after requests, and events numbered, so both can be guessed."""
    async with team(config, server) as served, served.web() as web:
        uri = (await served.upload(ANNA, jpeg))["uri"]
        hers, his, again = await opened(web, ANNA), await opened(web, BERT), await opened(web, ANNA)
        arguments = {"image": uri, "instruction": "make it warmer, my secret"}
        call = {"jsonrpc": "2.0", "id": 7, "method": "tools/call"}
        asked = {**call, "params": {"name": "think_edit", "arguments": arguments}}
        answer = await web.post("/mcp", json=asked, headers={**hers, **bearer(ANNA)}, timeout=30)
        assert "my secret" in answer.text
        first = next(line[3:].strip() for line in answer.text.splitlines() if line.startswith("id:"))
        mine = {**call, "params": {"name": "think_edit", "arguments": {**arguments, "image": "data:,"}}}
        own = await web.post("/mcp", json=mine, headers={**his, **bearer(BERT)})
        his_first = next(line[3:].strip() for line in own.text.splitlines() if line.startswith("id:"))
        assert "my secret" in await events(web, {**hers, **bearer(ANNA)}, first)
        for headers, token in ((his, BERT), (again, ANNA)):
            for last in ("0", "1", "2", first, his_first, str(int(first) + 1), str(int(first) - 1)):
                assert "my secret" not in await events(web, {**headers, **bearer(token)}, last), last


async def test_a_refusal_is_told_to_its_caller_alone(
    config: Config, server: dict[str, Any], jpeg: bytes
) -> None:
    """A session that is refused after its call had returned is gone; why, only its owner hears."""
    loop = config.loop.model_copy(update={"editor": "photo", "thinker": "measured"})
    async with team(config, server, loop=loop.model_dump()) as served:
        uri = (await served.upload(ANNA, jpeg))["uri"]
        async with served.client(ANNA) as anna, served.client(BERT) as bert:
            asked = {"image": uri, "instruction": "add a dragon", "wait_seconds": 0}
            answer = await anna.call_tool("think_edit", asked)
            if answer.is_error:  # it was refused at once
                return
            session_id = taken_apart(answer).data["session_id"]
            wait = {"session_id": session_id, "action": "wait"}
            assert "dragon" in error_of(await anna.call_tool("continue_edit", wait))
            assert error_of(await bert.call_tool("continue_edit", wait)).startswith("there is no session")


async def test_a_server_that_resumes_takes_up_everybodys(
    config: Config, server: dict[str, Any], jpeg: bytes
) -> None:
    slow = {"slow": {"kind": "scripted", "latency": 0.2}}
    started: dict[str, str] = {}
    async with team(config, server, models=slow) as served:
        for token in (ANNA, BERT):
            uri = (await served.upload(token, jpeg))["uri"]
            asked = {"image": uri, "instruction": "make it warmer", "editor": "slow", "wait_seconds": 0}
            async with served.client(token) as client:
                started[token] = taken_apart(await client.call_tool("think_edit", asked)).data["session_id"]
    async with team(config, server, models=slow, resume=True) as served:
        for token, other in ((ANNA, BERT), (BERT, ANNA)):
            async with served.client(token) as client:
                uri = f"thinkedit://sessions/{started[token]}"
                with anyio.fail_after(20):
                    while json.loads(await read(client, uri))["status"] == "running":
                        await anyio.lowlevel.checkpoint()
                assert json.loads(await read(client, uri))["stop_reason"] == "satisfied"
                assert "no session" in await refused(client, f"thinkedit://sessions/{started[other]}")
