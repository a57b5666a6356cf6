"""The page of a session: whole, escaped, and closed to everything else; tests/external has a browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp.client import Client

from tests.cli.conftest import Invoke, Place
from tests.graph.kit import INSTRUCTION, Seen, begun, running, scored
from tests.server.conftest import Serve
from tests.server.test_http import Started
from thinkedit.page import app_page, live_page, page_data, session_page

HOSTILE = '</script><script>alert(1)</script><!-- <img src=x onerror="alert(2)"> %DATA% %JS%'


async def made(**thinker: Any) -> dict[str, Any]:
    script = [scored(3, next_prompt=HOSTILE), scored(9, next_prompt="b")]
    async with running(thinker=Seen().thinker(script)) as runner:
        return page_data(runner.store, await begun(runner, instruction=f"{INSTRUCTION} {HOSTILE}"))


@pytest.mark.anyio
async def test_it_holds_everything_and_hostile_text_stays_text() -> None:
    data = await made()
    page = session_page(data)
    [carried] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert json.loads(carried) == {"result": data}
    assert data["turns"][1]["prompt"] == HOSTILE.strip()
    assert page.count("<script") == 2
    assert "alert(1)</script>" not in page
    assert [turn["image"][:15] for turn in data["turns"]] == ["data:image/jpeg"] * 2
    assert all(turn["change"].startswith("data:image/png") for turn in data["turns"])


@pytest.mark.anyio
async def test_nothing_is_loaded_from_anywhere() -> None:
    for page in (session_page(await made()), app_page(), live_page("x", "/sessions/s/data")):
        without = re.sub(r'<script type="application/json".*?</script>', "", page, flags=re.S)
        assert not re.search(r"https?://|@import|url\(", without)
        [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        for tag, rule in (("style", "style-src"), ("script", "script-src")):
            [text] = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.S)
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"{rule} 'sha256-{digest}'" in policy


@pytest.mark.anyio
async def test_a_turn_without_a_picture_and_a_lost_source_are_shown_as_such() -> None:
    async with running() as runner:
        result = await begun(runner)
        result.turns[0].image = None
        lost = result.model_copy(update={"source": result.source.model_copy(update={"uri": "x/" + "0" * 64})})
        data = page_data(runner.store, lost)
    assert data["source"] is None
    assert (data["turns"][0]["image"], data["turns"][0]["change"]) == (None, None)


def test_view_and_report_write_it(place: Place, invoke: Invoke, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    assert invoke("edit", place.photo, "make it warmer", "--report", str(report)).code == 0
    assert "make it warmer" in report.read_text()
    path = Path(invoke("view", "last", "--no-open").out.strip())
    assert path.read_text() == report.read_text()
    assert invoke("view", "last", "--no-open").code == 0, "its own page may be written again"
    for arguments, line in [
        (("view", "last", "-o", str(report)), "exists already"),
        (("view", "last", "-o", str(tmp_path / "x.pdf")), "let it end in .html"),
        (("view", "last", "-o", str(tmp_path / "none" / "x.html")), "there is no folder"),
        (("view", "nobody"), "there is no session"),
        (("edit", place.photo, "warmer", "--report", str(report)), "exists already"),
    ]:
        refused = invoke(*arguments, *(["--no-open"] if arguments[0] == "view" else []))
        assert refused.code == 2
        assert line in refused.err


@pytest.mark.anyio
async def test_the_server_lists_sessions_and_shows_each(started: Started, jpeg: bytes) -> None:
    async with started() as base, httpx.AsyncClient(base_url=base) as web:
        assert "no sessions yet" in (await web.get("/sessions")).text
        uri = (await web.post("/images", content=jpeg)).json()["uri"]
        async with Client(f"{base}/mcp") as client:
            asked = {"image": uri, "instruction": f"warmer {HOSTILE}"}
            result = await client.call_tool("think_edit", asked)
        assert isinstance(result.structured_content, dict)
        session_id = result.structured_content["session_id"]
        listing = await web.get("/sessions")
        assert f'href="/sessions/{session_id}"' in listing.text
        assert "<script" not in listing.text
        page = await web.get(f"/sessions/{session_id}")
        assert "connect-src 'self'" in page.headers["content-security-policy"]
        assert page.headers["x-content-type-options"] == "nosniff"
        data = await web.get(f"/sessions/{session_id}/data")
        assert [turn["turn"] for turn in data.json()["turns"]] == [1, 2, 3]
        again = await web.get(f"/sessions/{session_id}/data", headers={"If-None-Match": data.headers["etag"]})
        assert again.status_code == 304
        for missing in ("/sessions/nobody", "/sessions/nobody/data"):
            answer = await web.get(missing)
            assert answer.status_code == 404
            assert "there is no session" in answer.json()["error"]
        assert (await web.head("/sessions")).status_code == 200
        strange = await web.get(f"/sessions/{session_id}", headers={"Host": "evil.example.com"})
        assert strange.status_code in (403, 421)


@pytest.mark.anyio
async def test_hosts_of_apps_are_given_the_page(serve: Serve) -> None:
    async with serve() as served:
        tools = {tool.name: tool for tool in (await served.client.list_tools()).tools}
        for name in ("think_edit", "continue_edit"):
            shown = (tools[name].meta or {})["ui"]
            assert shown["resourceUri"] == "ui://thinkedit/session.html"
        (contents,) = (await served.client.read_resource("ui://thinkedit/session.html")).contents
        assert contents.mime_type == "text/html;profile=mcp-app"
        assert contents.text == app_page()  # type: ignore[union-attr]  # HTML is text
