"""`thinkedit doctor`: what is found, and what hosts are to be told."""

from __future__ import annotations

import json
import shlex

from thinkedit.cli.hosts import hosts, this_installation

from .conftest import Invoke, Place


def finding(document: dict[str, object], name: str) -> dict[str, object]:
    found = document["findings"]
    assert isinstance(found, list)
    return next(one for one in found if one["name"] == name)


def test_all_is_well(place: Place, invoke: Invoke) -> None:
    done = invoke("doctor", "--json")
    assert (done.code, done.err) == (0, "")
    document = done.json
    assert document["ok"] is True
    assert document["packages"]["langgraph"]
    assert finding(document, "file")["text"] == str(place.folder / "thinkedit.toml")
    assert finding(document, "editor")["good"] is True
    assert not place.data.exists(), "looking makes no folder"
    plain = invoke("doctor")
    assert "reachable editor: ok: fake-editor" in plain.out
    assert 'claude mcp add --scope user thinkedit -- uvx --from "thinkedit[mcp]" thinkedit serve' in plain.out
    for name in ("Claude Desktop", "Claude Code", "VS Code", "Cursor"):
        assert name in plain.out


def test_each_fault_is_found_and_has_its_code(place: Place, invoke: Invoke) -> None:
    invoke("edit", place.photo, "x", "--turns", "1")
    place.configure(more='[models.odd]\nkind = "no-such-kind"\n')
    text = (place.folder / "thinkedit.toml").read_text()
    (place.folder / "thinkedit.toml").write_text(text.replace('thinker = "fake-thinker"', 'thinker = "odd"'))
    document = invoke("doctor", "--json")
    assert (document.code, document.json["ok"]) == (2, False)
    assert finding(document.json, "editor")["good"] is True
    assert "no-such-kind" in str(finding(document.json, "thinker")["text"])
    unwritable = invoke("doctor", "--data", "/proc/thinkedit", "--json")
    assert unwritable.code == 5
    assert finding(unwritable.json, "data")["good"] is False
    (place.data / "sessions.sqlite").write_bytes(b"garbage" * 1000)
    assert invoke("doctor").code == 5


def test_the_lines_for_hosts_start_the_server() -> None:
    for command in (("uvx", ["--from", "thinkedit[mcp]", "thinkedit", "serve"]), this_installation()):
        program, arguments = command
        by_name = {host.name: host for host in hosts(command)}
        assert shlex.split(by_name["Claude Code"].text) == [
            "claude", "mcp", "add", "--scope", "user", "thinkedit", "--", program, *arguments,
        ]  # fmt: skip
        entry = {"command": program, "args": arguments}
        assert json.loads(by_name["Claude Desktop"].text) == {"mcpServers": {"thinkedit": entry}}
        assert json.loads(by_name["Cursor"].text) == {"mcpServers": {"thinkedit": entry}}
        assert json.loads(by_name["VS Code"].text) == {"servers": {"thinkedit": {"type": "stdio", **entry}}}
