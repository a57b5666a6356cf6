"""The lines in docs/hosts.md are what people paste."""

import json
import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "hosts.md").read_text("utf-8")


def test_every_snippet_is_json_that_starts_the_server() -> None:
    snippets = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    entries = [next(iter(snippet.values()))["thinkedit"] for snippet in snippets]
    local = [entry for entry in entries if "command" in entry]
    assert len(local) >= 4
    for entry in local:
        assert entry["command"] == "uvx"
        assert entry["args"][:4] == ["--from", "thinkedit[mcp]", "thinkedit", "serve"]
    assert {entry["url"] for entry in entries if "url" in entry} == {"http://127.0.0.1:8321/mcp"}


def test_vs_code_has_its_own_key() -> None:
    vs_code = PAGE.partition("## VS Code")[2].partition("## Cursor")[0]
    (text,) = re.findall(r"```json\n(.*?)```", vs_code, re.DOTALL)
    assert json.loads(text)["servers"]["thinkedit"]["type"] == "stdio"
