"""Pictures between a user's files and a server that reads none: up before a call, down after it."""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from pathlib import Path, PurePath
from typing import Any

import anyio
from anyio.to_thread import run_sync
from mcp_types import CallToolResult, TextContent

from thinkedit.errors import ThinkEditError
from thinkedit.images import ENDINGS, ImageLimits, Picture, save, stem_for
from thinkedit.server.access import AccessPolicy, is_file_name
from thinkedit.server.remote import download, upload

__all__ = ["Courier"]

log = logging.getLogger(__name__)

_PICTURES = ("image", "source", "edited")
"""Arguments of the tools that name pictures."""

_ENDED = ("finished", "failed")
_REMEMBERED = 1000


class Courier:
    """Between one host's files and the server at `base` (http://HOST:PORT).

    access: which files may be named; folder: where results are written; token: by which the server knows
    the user.
    """

    def __init__(
        self, base: str, access: AccessPolicy, limits: ImageLimits, folder: Path, token: str | None = None
    ) -> None:
        self.base = base
        self._token = token
        self._access = access
        self._limits = limits
        self._folder = folder
        self._names: OrderedDict[str, str] = OrderedDict()  # of source pictures, by their URI
        self._written: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def up(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments with each file sent to the server, and its URI in its place.

        Raises AccessError for a file that may not be named, ImageError for what is none, and what
        `upload` raises.
        """
        sent = dict(arguments)
        for argument in _PICTURES:
            value = arguments.get(argument)
            if isinstance(value, str) and is_file_name(value):
                name, data = await run_sync(self._access.read_bytes, value, self._limits.max_bytes)
                sent[argument] = (await upload(self.base, data, name, token=self._token)).uri
                _remember(self._names, sent[argument], name)
        return sent

    async def down(self, result: CallToolResult) -> CallToolResult:
        """The result with its picture written to a file, and the path where the server's address stood."""
        data = result.structured_content
        if result.is_error or not isinstance(data, dict):
            return result
        image = data.get("image")
        if not isinstance(image, dict) or data.get("status", "finished") not in _ENDED:
            return result
        sha = str(image["uri"]).rpartition("/")[2]
        path, problem = await self._write(sha, data)
        said = f", written to {path}" if path else f". It was not written to a file: {problem}"
        # The server may give out another address for itself than the one by which it is reached from here.
        address = re.compile(rf", download: https?://[^\s/]+/images/{sha}")
        content = [
            block.model_copy(update={"text": address.sub(lambda _: said, block.text)})
            if isinstance(block, TextContent)
            else block
            for block in result.content
        ]
        named = {**data, "image": {**image, "path": path}}
        return result.model_copy(update={"content": content, "structured_content": named})

    async def _write(self, sha: str, data: dict[str, Any]) -> tuple[str | None, str]:
        """(path, "") or (None, what went wrong): the server keeps the picture whatever happens."""
        key = (str(data.get("session_id", "")), sha)
        before = self._written.get(key)
        if before is not None and await anyio.Path(before).is_file():
            return before, ""
        try:
            picture = await download(self.base, sha, token=self._token)
            name = PurePath(self._names.get(data.get("source", {}).get("uri"), "picture.png"))
            ending = name.suffix if name.suffix.lower() in ENDINGS else ".png"
            target = self._folder / f"{stem_for(name.name)}-edited{ending}"
            path = str(await run_sync(_save, picture, target))
        except (ThinkEditError, OSError) as error:
            log.warning("the result was not written: %s", error)
            return None, str(error)
        _remember(self._written, key, path)
        return path, ""


def _save(picture: Picture, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return save(picture, target, rename=True)


def _remember(known: OrderedDict[Any, str], key: Any, value: str) -> None:
    known[key] = value
    known.move_to_end(key)
    while len(known) > _REMEMBERED:
        known.popitem(last=False)
