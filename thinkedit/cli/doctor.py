"""`thinkedit doctor`: what is installed, configured and reachable, and how hosts start the server."""

from __future__ import annotations

import typer

from thinkedit.cli import options

__all__ = ["doctor"]


def doctor(
    editor: options.Editor = None,
    thinker: options.Thinker = None,
    data: options.Data = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Show what is installed, configured and reachable, and the lines to paste into hosts.

    With --editor or --thinker the pair that `edit` would take is loaded and makes one small edit and one
    critique: seconds, memory, and what each model decided. This may download a model.

    The exit code is that of the first fault: 2 the configuration, 5 the data folder, 4 a model.
    """
    from thinkedit.cli.checklist import show, telling
    from thinkedit.cli.checkup import checked
    from thinkedit.cli.interrupts import run
    from thinkedit.cli.output import write_json

    with telling(shown=not as_json) as tell:
        report = run(lambda: checked(config, data, editor=editor, thinker=thinker, tell=tell))
    if as_json:
        write_json(report.document())
    else:
        show(report)
    if report.code:
        raise typer.Exit(report.code)
