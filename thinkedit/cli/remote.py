"""`thinkedit edit --server`: the picture goes up, the run is followed over there, the result comes down."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from anyio.to_thread import run_sync

from thinkedit import errors
from thinkedit.cli.follow import Followed
from thinkedit.cli.interrupts import Interrupted, Interrupts
from thinkedit.cli.output import clean, say
from thinkedit.cli.results import beside, checked_output
from thinkedit.errors import SettingsError, StoreError, ThinkEditError
from thinkedit.types import EditResult, Status

if TYPE_CHECKING:
    from mcp.client import Client

__all__ = ["HERE_ONLY", "edit_remotely"]

HERE_ONLY = ("safety", "patience", "budget_calls")
"""Settings that a server's callers do not choose: its configuration does."""

_WAIT = 40.0
_LAST_WORDS = 10.0


async def edit_remotely(
    server: str, image: str, instruction: str, arguments: dict[str, Any], output: Path | None, *, quiet: bool
) -> Followed:
    """Edit a picture on the server at `server`, and write its result here.

    arguments: of think_edit. An interruption cancels the run over there; the best so far comes down.
    Raises what the server said as the error that it was; SettingsError where it cannot be reached.
    """
    try:
        from thinkedit.server.strict import ERROR_KIND
        from thinkedit.server.upstream import upstream
    except ModuleNotFoundError as error:
        raise errors.MissingExtra("thinkedit edit --server", "mcp") from error
    from thinkedit.images import save
    from thinkedit.images.sources import read, to_path
    from thinkedit.server.remote import LARGEST, download, own_token, server_url, upload

    base, token, began = server_url(server), own_token(), time.monotonic()
    name, folder, mime, uri = "picture.png", Path.cwd(), "image/png", image
    if not image.lower().startswith(("data:", "thinkedit:")):
        path = to_path(image)
        name, folder = path.name, path.absolute().parent
    target = checked_output(output, beside(name, folder, _mime_of(name) or mime))
    lines = _Lines(quiet=quiet)

    async def call(client: Client, tool: str, given: dict[str, Any]) -> EditResult:
        answer = await client.call_tool(tool, given, progress_callback=lines)
        if answer.is_error:
            kind = str((answer.meta or {}).get(ERROR_KIND, ""))
            raise _error(kind, " ".join(getattr(block, "text", "") for block in answer.content))
        return EditResult.model_validate(answer.structured_content)

    with Interrupts(lines.stopping) as interrupts:
        result: EditResult | None = None
        with anyio.CancelScope() as scope:
            interrupts.cancels(scope)
            if uri is image and not image.lower().startswith(("data:", "thinkedit:")):
                data = await run_sync(read, to_path(image), LARGEST)
                uri = (await upload(base, data, image, token=token)).uri
            async with upstream(base, token=token) as client:
                given = {"image": uri, "instruction": instruction, **arguments, "wait_seconds": _WAIT}
                result = await call(client, "think_edit", given)
                while result.status is Status.RUNNING:
                    given = {"session_id": result.session_id, "action": "wait", "wait_seconds": _WAIT}
                    result = await call(client, "continue_edit", given)
        if scope.cancelled_caught:
            if lines.session_id is None:
                raise Interrupted("interrupted before the first turn: nothing was made")
            with anyio.CancelScope(shield=True), anyio.fail_after(_LAST_WORDS):
                async with upstream(base, token=token) as client:
                    result = await _ended(client, lines.session_id)
    assert result is not None
    written = None
    if result.image is not None:
        picture = await download(base, result.image.sha256, token=token)
        try:
            path = await run_sync(lambda: save(picture, target.path, quality=92, rename=not target.exact))
        except (ThinkEditError, OSError) as error:
            raise StoreError(f"{error}; the server keeps it: {base}/images/{result.image.sha256}") from error
        written = result.image.path = str(path)
    return Followed(result, written, scope.cancelled_caught, time.monotonic() - began)


async def _ended(client: Client, session_id: str) -> EditResult:
    """The session once it has ended, cancelled if it still runs: a cancellation travels on its own."""
    given: dict[str, Any] = {"session_id": session_id, "action": "cancel"}
    await client.call_tool("continue_edit", given)  # refused where it has ended already
    answer = await client.call_tool("continue_edit", {**given, "action": "wait"})
    if answer.is_error:
        raise _error("", " ".join(getattr(block, "text", "") for block in answer.content))
    return EditResult.model_validate(answer.structured_content)


class _Lines:
    """The server's lines of progress, each once."""

    def __init__(self, *, quiet: bool) -> None:
        self.session_id: str | None = None
        self._quiet = quiet
        self._last = ""

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        who, comma, what = (message or "").partition(", ")
        if who.startswith("session "):
            self.session_id = who.removeprefix("session ").partition(":")[0]
        line = what if comma else who
        if line and line != self._last and not self._quiet:
            say(clean(line))
        self._last = line

    def stopping(self) -> None:
        if not self._quiet:
            say("interrupted: ending the run (once more to quit at once)")


def _mime_of(name: str) -> str | None:
    from thinkedit.images import ENDINGS

    return ENDINGS.get(Path(name).suffix.lower())


def _error(kind: str, text: str) -> ThinkEditError:
    """The error that a server told of, as the class that it was where that can be made from a line."""
    found = getattr(errors, kind, SettingsError)
    if not (isinstance(found, type) and issubclass(found, ThinkEditError)):
        found = SettingsError
    try:
        return found(text)
    except TypeError:
        return errors.InputError(text)
