"""`thinkedit doctor`: what is installed, configured and reachable, and how hosts start the server."""

from __future__ import annotations

import typer

from thinkedit.cli import options

__all__ = ["doctor"]


def doctor(
    data: options.Data = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Show what is installed, configured and reachable, and the lines to paste into hosts.

    The exit code is that of the first fault: 2 the configuration, 5 the data folder, 4 a model.
    """
    from thinkedit.cli.checklist import show
    from thinkedit.cli.checkup import checked
    from thinkedit.cli.interrupts import run
    from thinkedit.cli.output import write_json

    report = run(lambda: checked(config, data))
    if as_json:
        write_json(report.document())
    else:
        show(report)
    if report.code:
        raise typer.Exit(report.code)
