"""Where a result is written: beside its source, in the source's format, never over a file that is there."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from thinkedit.errors import InputError

if TYPE_CHECKING:
    from thinkedit.graph.runner import Runner
    from thinkedit.types import EditResult

__all__ = ["Target", "beside", "checked_output", "write"]


class Target:
    """A path to write to. exact: the user named it; else the next free name is taken when it is written."""

    def __init__(self, path: Path, *, exact: bool) -> None:
        self.path = path
        self.exact = exact


def beside(name: str | None, folder: Path, mime_type: str) -> Target:
    """NAME-edited.EXT in `folder`; EXT is the source's own where that is its format's, and can be written."""
    from thinkedit.images import ENDINGS, ending_for

    stem, suffix = os.path.splitext(name or "picture.png")
    ending = suffix if ENDINGS.get(suffix.lower()) == mime_type else ending_for(mime_type)
    # A name of 255 bytes is the most that file systems take; the longest addition is "-edited-999.jpeg".
    while len(os.fsencode(stem)) > 220:
        stem = stem[:-1]
    return Target(folder / f"{stem}-edited{ending}", exact=False)


def checked_output(output: Path | None, otherwise: Target) -> Target:
    """What -o asks for, checked before anything is paid for. InputError in one line.

    A folder that exists is filled by free names like those beside the source.
    """
    from thinkedit.images import ENDINGS

    if output is None:
        target = otherwise
    else:
        path = output.expanduser().absolute()
        target = (
            Target(path / otherwise.path.name, exact=False) if path.is_dir() else Target(path, exact=True)
        )
    path, folder = target.path, target.path.parent
    if target.exact:
        if os.path.lexists(path):
            raise InputError(f"{path} exists already: choose another name (nothing is ever overwritten)")
        if path.suffix.lower() not in ENDINGS:
            raise InputError(
                f"{path.name} has no ending that can be written: use one of {', '.join(ENDINGS)}"
            )
    if not folder.is_dir():
        raise InputError(f"{path} cannot be written: there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"the folder {folder} may not be written to: choose another place with -o")
    return target


async def write(runner: Runner, result: EditResult, target: Target) -> str | None:
    """Write the selected picture, note where, and return the path; None where there is no picture."""
    from anyio.to_thread import run_sync

    from thinkedit.images import save

    if result.image is None:
        return None
    sha = result.image.sha256
    path = await run_sync(
        lambda: save(runner.store.get(sha), target.path, quality=92, rename=not target.exact)
    )
    written = str(path)
    result.image.path = written
    with suppress(UnicodeEncodeError):  # bytes that are no UTF-8 cannot be noted; the file is there
        written.encode()
        await runner.ledger.note_output(result.session_id, written)
    return written
