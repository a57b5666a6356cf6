"""Make the one-click bundle for hosts that install MCP servers from a file (.mcpb): `make bundle`.

A bundle is a zip archive with a manifest. This one is of the type `uv`: it holds our code and says what that
needs, and the host's uv fetches Python and the packages. Version and tools come from the package, and equal
files give an equal archive, whose hash may be published.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from thinkedit.config import Config
from thinkedit.server.app import create_server
from thinkedit.server.lifetime import SharedRunner

ROOT = Path(__file__).parent.parent
HERE = ROOT / "deploy" / "mcpb"

_PYPROJECT = """\
[project]
name = "thinkedit-bundle"
version = "{version}"
requires-python = ">=3.11,<3.14"
dependencies = {dependencies}

[tool.uv]
package = false
"""


def manifest(version: str) -> dict[str, Any]:
    """The manifest with what the package says of itself: its version, and the tools that it serves."""
    read: dict[str, Any] = json.loads((HERE / "manifest.json").read_text("utf-8"))
    tools = [{"name": name, "description": text} for name, text in asyncio.run(_tools())]
    names = list(read)
    names.insert(names.index("display_name") + 1, "version")
    whole = {**read, "version": version}
    return {**{name: whole[name] for name in names}, "tools": tools}


async def _tools() -> list[tuple[str, str]]:
    config = Config()
    async with SharedRunner(config) as unused:  # listing opens nothing
        listed = await create_server(unused, config).list_tools()
    return [(tool.name, tool.description or "") for tool in listed]


def pyproject(project: dict[str, Any]) -> str:
    """What uv installs: our dependencies and those of the extra `mcp`; the code itself lies in the bundle."""
    needed = [*project["dependencies"], *project["optional-dependencies"]["mcp"]]
    return _PYPROJECT.format(
        version=project["version"],
        dependencies=json.dumps(needed, indent=2, ensure_ascii=False),
    )


def contents() -> Iterator[tuple[str, bytes]]:
    """(name, content) of every file of the bundle."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    yield "manifest.json", (json.dumps(manifest(project["version"]), indent=2) + "\n").encode()
    yield "pyproject.toml", pyproject(project).encode()
    yield "server.py", (HERE / "server.py").read_bytes()
    for name in ("LICENSE", "NOTICE"):
        yield name, (ROOT / name).read_bytes()
    for path in sorted((ROOT / "thinkedit").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(ROOT).as_posix(), path.read_bytes()


def write(folder: Path) -> Path:
    """Write thinkedit-VERSION.mcpb into `folder`, over an earlier one."""
    files = list(contents())
    version = json.loads(files[0][1])["version"]
    folder.mkdir(parents=True, exist_ok=True)
    bundle = folder / f"thinkedit-{version}.mcpb"
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name)  # of 1980, whenever it is made
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return bundle


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist", help="default: dist")
    written = write(parser.parse_args().folder)
    print(f"{written}  sha256 {hashlib.sha256(written.read_bytes()).hexdigest()}")
