"""`thinkedit view` and `edit --report`: a session as one HTML file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thinkedit.cli import options

if TYPE_CHECKING:
    from thinkedit.store import Store
    from thinkedit.types import EditResult

__all__ = ["checked_report", "view", "write_page"]


def view(
    session: options.SessionId,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write it.", show_default=False),
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Only write it, and print its path.")] = False,
    data: options.Data = None,
    config: options.ConfigFile = None,
    debug: options.Debug = False,
) -> None:
    """Look at a session in the browser: every turn, what was seen, and where pixels changed.

    The page is one file that loads nothing from anywhere; without -o it lies in the data folder.
    """
    import webbrowser

    from thinkedit.cli.interrupts import run
    from thinkedit.cli.opening import found, opened
    from thinkedit.cli.output import say
    from thinkedit.graph.sessions import result_of

    loaded = options.configured(config, data)
    given = None if output is None else checked_report(output)

    async def work() -> Path:
        from anyio.to_thread import run_sync

        async with opened(loaded) as (store, ledger):
            known = await found(ledger, session)
            result = await result_of(store, ledger, known.session_id)
            target = given or loaded.data / "pages" / f"{known.session_id}.html"
            return await run_sync(lambda: write_page(store, result, target, replace=given is None))

    path = run(work)
    say(str(path))
    if not no_open:
        webbrowser.open(path.as_uri())


def checked_report(path: Path) -> Path:
    """Where a page is to be written, absolute. InputError where something is there, or the folder is not."""
    from thinkedit.errors import InputError
    from thinkedit.tools.inputs import checked_folder

    target = path.expanduser().absolute()
    if target.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{target.name} is no name for a page: let it end in .html")
    if os.path.lexists(target):
        raise InputError(f"{target} exists already: choose another name (nothing is ever overwritten)")
    checked_folder(target)
    return target


def write_page(store: Store, result: EditResult, target: Path, *, replace: bool = False) -> Path:
    """Write the session's page; returns the path. Blocking. StoreError where it cannot be written.

    replace: whether an older page may be there.
    """
    from thinkedit.errors import StoreError
    from thinkedit.page import page_data, session_page

    page = session_page(page_data(store, result))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "w" if replace else "x", encoding="utf-8") as file:
            file.write(page)
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror or error}") from error
    return target
