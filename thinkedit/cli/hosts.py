"""The lines to paste into hosts that speak MCP."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Host", "hosts", "this_installation"]

_UVX = ("uvx", ["--from", "thinkedit[mcp]", "thinkedit", "serve"])


@dataclass(frozen=True)
class Host:
    """name; where: the file or the shell that `text` goes into."""

    name: str
    where: str
    text: str


def hosts(command: tuple[str, list[str]] = _UVX) -> list[Host]:
    """Every host's own lines for starting the server by `command` (program, arguments)."""
    program, arguments = command
    entry = {"command": program, "args": arguments}
    servers = json.dumps({"mcpServers": {"thinkedit": entry}})
    vs_code = json.dumps({"servers": {"thinkedit": {"type": "stdio", **entry}}})
    shell = " ".join(_quoted(part) for part in (program, *arguments))
    return [
        Host("Claude Code", "a shell", f"claude mcp add --scope user thinkedit -- {shell}"),
        Host("Claude Desktop", _desktop(), servers),
        Host("Cursor", "~/.cursor/mcp.json", servers),
        Host("VS Code", ".vscode/mcp.json in your workspace", vs_code),
    ]


def this_installation() -> tuple[str, list[str]]:
    """The command that starts the server of this very installation, from any folder."""
    script = Path(sys.executable).with_name("thinkedit")
    found = str(script) if script.exists() else shutil.which("thinkedit")
    return (found, ["serve"]) if found else (sys.executable, ["-m", "thinkedit", "serve"])


def _desktop() -> str:
    name = "claude_desktop_config.json"
    if sys.platform == "darwin":
        return f"~/Library/Application Support/Claude/{name}"
    return f"%APPDATA%\\Claude\\{name}" if sys.platform == "win32" else f"~/.config/Claude/{name}"


def _quoted(part: str) -> str:
    return part if part and all(c.isalnum() or c in "-_./:\\" for c in part) else f'"{part}"'
