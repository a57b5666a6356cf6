"""`thinkedit edit`: the whole loop on one picture."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from thinkedit.cli import options
from thinkedit.cli.options import LOOP

__all__ = ["edit"]


def edit(
    image: Annotated[
        str,
        typer.Argument(
            metavar="IMAGE", help="A picture: its path, a data: or a thinkedit:// URI.", show_default=False
        ),
    ],
    instruction: Annotated[
        str, typer.Argument(metavar="INSTRUCTION", help="What to change, in words.", show_default=False)
    ],
    output: options.Output = None,
    quiet: options.Quiet = False,
    keep_metadata: options.KeepMetadata = False,
    editor: options.Editor = None,
    thinker: options.Thinker = None,
    refiner: options.Refiner = None,
    safety: options.Safety = None,
    turns: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Editor passes at most, 1 to 12.", show_default=False, rich_help_panel=LOOP
        ),
    ] = None,
    threshold: options.Threshold = None,
    mode: Annotated[
        str | None,
        typer.Option(
            metavar="MODE",
            help="Think `while` editing, once `before`, or `both`.",
            autocompletion=lambda: ["while", "before", "both"],
            show_default=False,
            rich_help_panel=LOOP,
        ),
    ] = None,
    candidates: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Pictures made in each turn, 1 to 8.", show_default=False, rich_help_panel=LOOP
        ),
    ] = None,
    passes: options.Passes = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="The chance of an earlier run again.", show_default=False, rich_help_panel=LOOP
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Stop after N turns without a better picture.",
            show_default=False,
            rich_help_panel=LOOP,
        ),
    ] = None,
    select: Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="Choose the best by `score`, or compare the best two: `pairwise`.",
            autocompletion=lambda: ["score", "pairwise"],
            show_default=False,
            rich_help_panel=LOOP,
        ),
    ] = None,
    pause: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help="`turn`: wait for you after each turn, see `sessions resume` and `sessions judge`.",
            autocompletion=lambda: ["never", "turn"],
            show_default=False,
            rich_help_panel=LOOP,
        ),
    ] = None,
    budget_seconds: Annotated[
        float | None,
        typer.Option(
            metavar="S", help="Stop after S seconds of model time.", show_default=False, rich_help_panel=LOOP
        ),
    ] = None,
    budget_calls: Annotated[
        int | None,
        typer.Option(metavar="N", help="Stop after N model calls.", show_default=False, rich_help_panel=LOOP),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write the session as a page, as `view` does.", show_default=False
        ),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Run it on the `thinkedit serve --http` there, whose models are loaded already.",
            show_default=False,
        ),
    ] = None,
    data: options.Data = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Edit a picture by an instruction, looking at each result and trying again until it is good.

    The result lies beside the picture as NAME-edited.EXT, unless -o says where; nothing is ever
    overwritten. Ctrl-C writes the best so far and says how to go on.
    """
    from anyio.to_thread import run_sync

    from thinkedit.cli.follow import Followed, chosen_view, finish, follow
    from thinkedit.cli.interrupts import Interrupts, run_plainly
    from thinkedit.cli.page import checked_report, write_page
    from thinkedit.cli.results import beside, checked_output
    from thinkedit.graph.runner import open_runner
    from thinkedit.graph.sessions import checked_instruction
    from thinkedit.tools.inputs import load_image, loop_settings

    given = {
        "editor": editor,
        "thinker": thinker,
        "refiner": refiner,
        "safety": safety,
        "turns": turns,
        "threshold": threshold,
        "mode": mode,
        "candidates": candidates,
        "passes": passes,
        "seed": seed,
        "patience": patience,
        "select": select,
        "pause": pause,
        "budget_seconds": budget_seconds,
        "budget_calls": budget_calls,
    }
    text = checked_instruction(instruction)
    view = chosen_view(as_json=as_json, quiet=quiet)
    if server is not None:
        from thinkedit.cli import remote

        here = {**given, "keep_metadata": keep_metadata or None, "data": data, "config": config}
        here["report"] = report
        for option in (*remote.HERE_ONLY, "keep_metadata", "data", "config", "report"):
            if here[option] is not None:
                name = option.replace("_", "-")
                raise typer.BadParameter(f"--{name} does not go with --server: the server's own holds there")
        asked = {name: value for name, value in given.items() if value is not None}
        silent = as_json or quiet
        there = partial(remote.edit_remotely, server, image, text, asked, output, quiet=silent)
        finish(run_plainly(there), view, as_json=as_json, elsewhere=True)
        return
    page = None if report is None else checked_report(report)
    loaded = options.configured(config, data, keep_metadata=keep_metadata)
    settings = loop_settings(loaded.loop, None, given)

    async def work() -> Followed:
        with Interrupts(view.stopping) as interrupts:
            async with open_runner(loaded) as runner:
                source = await load_image(runner, image)
                folder = Path(source.path).parent if source.path is not None else Path.cwd()
                target = checked_output(output, beside(source.name, folder, source.mime_type))
                view.begin(source.name or "picture", text, settings, [])
                followed = await follow(
                    runner, view, interrupts, lambda: runner.open(source, text, settings), target
                )
                if page is not None:
                    await run_sync(write_page, runner.store, followed.result, page)
                return followed

    finish(run_plainly(work), view, as_json=as_json, config=config, data=data)
