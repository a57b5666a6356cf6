"""From what the tools return to what a call answers with.

Structured content is the result as Python and `--json` have it. Many hosts drop that or the pictures, so the
same facts follow as short text, then a preview that fits into a conversation, then a link to the full
picture. On the user's machine the full picture is also written to a file.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import pybase64
from anyio.to_thread import run_sync
from mcp_types import CallToolResult, ContentBlock, ImageContent, ResourceLink, TextContent
from pydantic import BaseModel

from thinkedit.config import Config
from thinkedit.errors import ThinkEditError
from thinkedit.images import ending_for, save, stem_for
from thinkedit.server.texts import of_critique, of_edited, of_refined, of_session
from thinkedit.types import EditResult, Image, Status

if TYPE_CHECKING:
    from thinkedit.graph.runner import Runner
    from thinkedit.tools import CritiqueResult, EditedResult, RefinedResult

__all__ = ["PREVIEW_BYTES", "Delivery", "output_folder"]

log = logging.getLogger(__name__)

PREVIEW_BYTES = 256_000
"""Before base64: hosts cut or drop results of about a megabyte, and models see no more in a larger one."""

WHOLE_BYTES = 960_000
"""Of a result with two previews, everything in it: hosts drop what is over a megabyte."""

_KEPT_PREVIEWS = 16


def output_folder(config: Config) -> Path:
    """Where results are written for a person: as configured, else `thinkedit` in the user's Pictures."""
    folder = config.server.output_dir or Path(platformdirs.user_pictures_dir()) / "thinkedit"
    return folder.expanduser().absolute()


@dataclass
class Delivery:
    """folder: where results are written for a client on this machine; None for one that may be elsewhere."""

    folder: Path | None = None
    _previews: OrderedDict[tuple[str, int], ImageContent] = field(default_factory=OrderedDict)

    async def session(
        self,
        runner: Runner,
        result: EditResult,
        before: Image | None = None,
        *,
        note: str = "",
        base_url: str | None = None,
    ) -> CallToolResult:
        """before: the session's image as it was before this call, so that it is not written twice.

        A session that runs or waits has no result yet: no file is written, and its newest picture is shown.
        """
        if result.image is None:
            return _answer(result, of_session(result, note=note))
        if result.status in (Status.RUNNING, Status.PAUSED):
            return await self._under_way(runner, result, note, base_url)
        if self.folder is None:
            result.image.path = None
        elif not _is_there(before, result.image):
            session = await runner.ledger.session(result.session_id)
            path, note = await self._write(runner, result.image, session.source_name, session.source_mime)
            await runner.ledger.note_output(result.session_id, path)
            result.image.path = path
        else:
            assert before is not None
            if result.image.path != before.path:
                await runner.ledger.note_output(result.session_id, before.path)
            result.image.path = before.path
        text = of_session(result, note=note, download=_download(base_url, result.image))
        return _answer(result, text, *await self._pictures(runner, result.image))

    async def _under_way(
        self, runner: Runner, result: EditResult, note: str, base_url: str | None
    ) -> CallToolResult:
        newest = next(turn for turn in reversed(result.turns) if turn.image is not None)
        assert newest.image is not None
        assert result.image is not None
        result.image.path = None
        text = of_session(result, note=note, download=_download(base_url, newest.image))
        if result.next is None or result.next.action != "critique":
            return _answer(result, text, *await self._pictures(runner, newest.image))
        # The caller is the thinker: both pictures, whatever else there is to say.
        left = WHOLE_BYTES - len(text.encode()) - len(_structured(result))
        each = min(PREVIEW_BYTES, int(left / 2 * 3 / 4))
        source = await self._preview(runner, result.source, each)
        shown = await self._preview(runner, newest.image, each)
        labels = ("The first picture, the source:", f"The second picture, the result of turn {newest.turn}:")
        first, second = (TextContent(type="text", text=label) for label in labels)
        return _answer(result, text, first, source, second, shown, _link(newest.image))

    async def edited(
        self,
        runner: Runner,
        result: EditedResult,
        source_name: str | None,
        source_mime: str,
        *,
        base_url: str | None = None,
    ) -> CallToolResult:
        note = ""
        if self.folder is not None:
            result.image.path, note = await self._write(runner, result.image, source_name, source_mime)
        text = of_edited(result, note=note, download=_download(base_url, result.image))
        return _answer(result, text, *await self._pictures(runner, result.image))

    def critique(self, result: CritiqueResult) -> CallToolResult:
        return _answer(result, of_critique(result))

    def refined(self, result: RefinedResult) -> CallToolResult:
        return _answer(result, of_refined(result))

    async def _write(
        self, runner: Runner, image: Image, source_name: str | None, mime: str
    ) -> tuple[str | None, str]:
        """(path written, "") or (None, what went wrong): the picture is in the store whatever happens."""
        assert self.folder is not None
        target = self.folder / f"{stem_for(source_name)}-edited{ending_for(mime)}"
        try:
            return str(await run_sync(_save, runner, image, target)), ""
        except (ThinkEditError, OSError) as error:
            log.warning("the result was not written to %s: %s", target, error)
            return None, f"It was not written to a file: {error}"

    async def _pictures(self, runner: Runner, image: Image) -> list[ContentBlock]:
        return [await self._preview(runner, image), _link(image)]

    async def _preview(self, runner: Runner, image: Image, max_bytes: int = PREVIEW_BYTES) -> ImageContent:
        kept, key = self._previews, (image.sha256, max_bytes)
        if key in kept:
            kept.move_to_end(key)
            return kept[key]
        made = kept[key] = await run_sync(_make_preview, runner, image, max_bytes)
        while len(kept) > _KEPT_PREVIEWS:
            kept.popitem(last=False)
        return made


def _link(image: Image) -> ResourceLink:
    name = Path(image.path).name if image.path else f"{image.sha256[:12]}.{image.mime_type.split('/')[1]}"
    return ResourceLink(
        type="resource_link",
        uri=image.uri,
        name=name,
        description=f"the full picture, {image.width} x {image.height} pixels",
        mime_type=image.mime_type,
        size=image.bytes,
    )


def _structured(result: BaseModel) -> bytes:
    return result.model_dump_json(by_alias=True).encode()


def _answer(result: BaseModel, text: str, *pictures: ContentBlock) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=text), *pictures],
        structured_content=result.model_dump(mode="json", by_alias=True),
    )


def _is_there(before: Image | None, image: Image) -> bool:
    """Whether the very same picture was written earlier and still lies there."""
    return (
        before is not None
        and before.uri == image.uri
        and before.path is not None
        and Path(before.path).is_file()
    )


def _save(runner: Runner, image: Image, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return save(runner.store.get(image.sha256), target, rename=True)


def _make_preview(runner: Runner, image: Image, max_bytes: int) -> ImageContent:
    preview = runner.store.get(image.sha256).preview(max_bytes)
    data = pybase64.b64encode(preview.data).decode("ascii")
    return ImageContent(type="image", data=data, mime_type=preview.mime_type)


def _download(base_url: str | None, image: Image) -> str:
    return f"{base_url}/images/{image.sha256}" if base_url else ""
