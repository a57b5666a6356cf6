"""`thinkedit serve` and `thinkedit upload`: the MCP server, and pictures for one that is served over HTTP."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thinkedit.cli import options

if TYPE_CHECKING:
    from thinkedit.config import Config

__all__ = ["DEFAULT_SERVER", "serve", "upload"]

DEFAULT_SERVER = "http://127.0.0.1:8321"


def serve(
    http: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Serve streamable HTTP there instead of stdio.", show_default=False
        ),
    ] = None,
    allow: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="A further folder whose pictures may be named (repeatable).",
            show_default=False,
        ),
    ] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where results go, instead of Pictures/thinkedit.", show_default=False
        ),
    ] = None,
    connect: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="On stdio, pass everything on to the server there, so that hosts share its models.",
            show_default=False,
        ),
    ] = None,
    tokens: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With --http: ask callers who they are; the file has a NAME TOKEN on each line.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="With --http: take up runs that a server left when it ended.")
    ] = False,
    log_format: Annotated[
        str | None,
        typer.Option(
            metavar="text|json", help="How the log on standard error is written.", show_default=False
        ),
    ] = None,
    data: options.Data = None,
    config: options.ConfigFile = None,
    debug: options.Debug = False,
) -> None:
    """Serve the tools over MCP: on stdio for a host that starts this command, or over HTTP.

    `thinkedit doctor` prints the lines to paste into Claude Desktop, Claude Code, VS Code and Cursor.
    """
    from thinkedit.cli.logs import ending_in_json
    from thinkedit.cli.output import warn
    from thinkedit.server import run_bridge, run_http, run_stdio

    loaded = _with_server(options.configured(config, data), allow or [], output_dir, tokens)
    loaded = _with_log_format(loaded, log_format)
    if connect is not None and http is not None:
        raise typer.BadParameter("--connect and --http do not go together: it passes on what another serves")
    if resume and http is None:
        raise typer.BadParameter("--resume goes with --http: on stdio the next call takes a session up")
    if tokens is not None and http is None:
        raise typer.BadParameter("--tokens goes with --http: on stdio nobody but the host can call")
    as_json = loaded.server.log_format == "json"
    with ending_in_json() if as_json else nullcontext():
        if connect is not None:
            from thinkedit.server.remote import own_token

            run_bridge(loaded, connect, own_token())
            return
        if http is None:
            run_stdio(loaded)
            return
        from thinkedit.server.collecting import give_back_what_is_freed

        host, port = parse_address(http)
        ready = "serving MCP at {} (Ctrl-C ends it)"
        on_ready = None if as_json else lambda url: warn(ready.format(url))
        give_back_what_is_freed()
        run_http(loaded, host, port, on_ready=on_ready, resume=resume)


def _with_log_format(config: Config, given: str | None) -> Config:
    if given not in (None, "text", "json"):
        raise typer.BadParameter(f"--log-format is {given!r}: write text or json")
    update = {} if given is None else {"log_format": given}
    return config.model_copy(update={"server": config.server.model_copy(update=update)})


def _with_server(config: Config, allow: list[Path], output_dir: Path | None, tokens: Path | None) -> Config:
    from thinkedit.errors import SettingsError

    for folder in allow:
        if not folder.expanduser().is_dir():
            raise SettingsError(f"--allow {folder} is not a folder")
    update: dict[str, Any] = {
        "allow": [*config.server.allow, *(folder.expanduser().absolute() for folder in allow)]
    }
    if output_dir is not None:
        update["output_dir"] = output_dir.expanduser().absolute()
    if tokens is not None:
        update["tokens"] = tokens.expanduser().absolute()
    return config.model_copy(update={"server": config.server.model_copy(update=update)})


def parse_address(text: str) -> tuple[str, int]:
    """(host, port) of `127.0.0.1:8321`, `localhost:8321`, `[::1]:8321`, `:8321` or `8321`. BadParameter."""
    found = re.fullmatch(r"(?:(\[[0-9A-Fa-f:.]+\]|[^:\[\]/]*):)?(\d{1,5})", text.strip())
    if found is None or int(found[2]) > 65535:
        raise typer.BadParameter(f"{text!r} is no address: write 127.0.0.1:8321")
    return (found[1] or "").strip("[]") or "127.0.0.1", int(found[2])


def upload(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A picture.", show_default=False)],
    server: Annotated[str, typer.Option(metavar="URL", help="The server's address.")] = DEFAULT_SERVER,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Send a picture to a server over HTTP, and print the URI by which its tools take it.

    A tool over HTTP reads no files: give it the thinkedit:// URI instead.
    """
    from thinkedit.cli.interrupts import run
    from thinkedit.cli.output import say, write_json
    from thinkedit.cli.uploading import send

    entry = run(lambda: send(Path(file), server))
    if as_json:
        write_json(entry)
    else:
        say(entry.uri)
