"""Where a result is written: beside its source, in the source's format, never over a file that is there."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thinkedit.graph.runner import Runner
    from thinkedit.ledger import Session
    from thinkedit.types import EditResult

__all__ = ["Target", "beside", "beside_last", "checked_output", "write"]


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


def beside_last(session: Session) -> Target:
    """Where a session's next result goes: beside its last one, else NAME-edited.EXT in this folder."""
    if session.output is not None and (last := Path(session.output)).parent.is_dir():
        stem = re.sub(r"(-edited)-\d+$", r"\1", last.stem)  # the next number of the same row
        return Target(last.with_name(f"{stem}{last.suffix}"), exact=False)
    return beside(session.source_name, Path.cwd(), session.source_mime)


def checked_output(output: Path | None, otherwise: Target) -> Target:
    """What -o asks for, checked before anything is paid for. InputError in one line.

    A folder that exists is filled by free names like those beside the source.
    """
    from thinkedit.tools import inputs

    path = None if output is None else output.expanduser().absolute()
    if path is not None and not path.is_dir():
        inputs.checked_output(path)
        return Target(path, exact=True)
    target = otherwise if path is None else Target(path / otherwise.path.name, exact=False)
    inputs.checked_folder(target.path)
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
