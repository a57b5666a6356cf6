"""`thinkedit token`: a new token for a caller of a server over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from thinkedit.cli import options

__all__ = ["token"]


def token(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who is to have it.", show_default=False)],
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Make a token for a caller of `thinkedit serve --http`, and the line for the server's file of tokens.

    The line holds only its hash: the token is shown once, for its owner, who sets THINKEDIT_TOKEN to it.
    """
    from thinkedit.cli.output import say, write_json
    from thinkedit.server.tokens import hashed_line, new_token

    made = new_token()
    line = hashed_line(name, made)
    if as_json:
        write_json({"name": name, "token": made, "line": line})
    else:
        say(f"for {name}, shown only now:  THINKEDIT_TOKEN={made}")
        say(f"for the file of serve --tokens:  {line}")
