"""The options that several commands share, with the words of their help."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from thinkedit.config import Config

__all__ = [
    "ConfigFile",
    "Data",
    "Debug",
    "Editor",
    "Json",
    "KeepMetadata",
    "Output",
    "Passes",
    "Quiet",
    "Refiner",
    "Safety",
    "SessionId",
    "SessionIds",
    "Thinker",
    "Threshold",
    "configured",
    "hint",
]

EVERYWHERE = "Everywhere"
LOOP = "The loop (defaults: thinkedit.toml, see `thinkedit doctor`)"


def _session_ids(incomplete: str) -> list[tuple[str, str]]:
    """Shell completion: the newest sessions' ids, with their instructions. Never an error."""
    import sqlite3
    from contextlib import closing

    from thinkedit.config import load_config

    try:
        config = load_config()
        if config.database is not None:  # a key that is pressed does not wait for another machine
            return []
        path = config.data / "sessions.sqlite"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            rows = db.execute(
                "SELECT session_id, instruction FROM sessions WHERE substr(session_id, 1, ?) = ?"
                " ORDER BY created DESC LIMIT 50",
                (len(incomplete), incomplete),
            ).fetchall()
    except Exception:
        return []
    return [(str(session_id), str(instruction)[:40]) for session_id, instruction in rows]


Json = Annotated[
    bool,
    typer.Option(
        "--json", help="One JSON document on standard output, and nothing else.", rich_help_panel=EVERYWHERE
    ),
]
Debug = Annotated[
    bool, typer.Option("--debug", help="Show the traceback of an error.", rich_help_panel=EVERYWHERE)
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder of sessions and pictures.",
        show_default=False,
        rich_help_panel=EVERYWHERE,
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Configuration file, instead of ./thinkedit.toml or the user's.",
        show_default=False,
        rich_help_panel=EVERYWHERE,
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print only the path of the picture written.", show_default=False),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help="Where to write the picture; the ending names the format. A file that exists is never replaced.",
        show_default=False,
    ),
]
KeepMetadata = Annotated[
    bool, typer.Option("--keep-metadata", help="Keep all EXIF data, GPS included.", show_default=False)
]
Editor = Annotated[
    str | None,
    typer.Option(
        "--editor",
        metavar="NAME",
        help="KIND, KIND:MODEL or a name from thinkedit.toml.",
        show_default=False,
        rich_help_panel=LOOP,
    ),
]
Thinker = Annotated[
    str | None,
    typer.Option(
        "--thinker",
        metavar="NAME",
        help="KIND, KIND:MODEL or a name from thinkedit.toml.",
        show_default=False,
        rich_help_panel=LOOP,
    ),
]
Refiner = Annotated[
    str | None,
    typer.Option(
        "--refiner",
        metavar="NAME",
        help="Another thinker, that writes the next prompt.",
        show_default=False,
        rich_help_panel=LOOP,
    ),
]
Safety = Annotated[
    str | None,
    typer.Option(
        "--safety",
        metavar="NAME",
        help="Checks instruction, prompts and results: KIND:MODEL, a name, or python:MODULE:FUNCTION.",
        show_default=False,
        rich_help_panel=LOOP,
    ),
]
Passes = Annotated[
    int | None,
    typer.Option(
        "--passes",
        metavar="N",
        help="Critiques of each picture, whose scores are averaged, 1 to 8.",
        show_default=False,
        rich_help_panel=LOOP,
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        metavar="0-10",
        help="Good enough when both scores reach this.",
        show_default=False,
        rich_help_panel=LOOP,
    ),
]
SessionId = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="A session: its id, the beginning of it, or `last`.",
        autocompletion=_session_ids,
        show_default=False,
    ),
]
SessionIds = Annotated[
    list[str],
    typer.Argument(
        metavar="ID...",
        help="Sessions: ids, beginnings of ids, or `last`.",
        autocompletion=_session_ids,
        show_default=False,
    ),
]


def configured(config: Path | None, data: Path | None, *, keep_metadata: bool = False) -> Config:
    """The configuration with the flags of this call over it. SettingsError in one line."""
    from thinkedit.config import load_config

    return load_config(config, data=data, keep_metadata=keep_metadata or None)


def hint(command: str, config: Path | None, data: Path | None) -> str:
    """A command for the user to copy, with the flags without which it would look elsewhere."""
    flags = [("--config", config), ("--data", data)]
    given = [f"{name} {shlex.quote(str(path))}" for name, path in flags if path is not None]
    return " ".join([f"thinkedit {command}", *given])
