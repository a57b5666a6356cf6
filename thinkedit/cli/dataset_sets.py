"""`thinkedit dataset filter | build | check`: what needs no model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from thinkedit.cli import options
from thinkedit.cli.dataset import Folder, dataset, say_stage

__all__: list[str] = []

OPEN = "What the paper leaves open (docs/data.md)"


@dataset.command("filter")
def filter_(
    folder: Folder = Path("dataset"),
    tie: Annotated[
        Literal["first", "last"],
        typer.Option(help="Which of equally good steps is the best one.", rich_help_panel=OPEN),
    ] = "first",
    single: Annotated[
        Literal["discard", "keep_if_good"],
        typer.Option(help="What becomes of a trajectory of one image.", rich_help_panel=OPEN),
    ] = "discard",
    good: Annotated[
        float,
        typer.Option(
            metavar="0-10", min=0, max=10, help="Both scores of a single image.", rich_help_panel=OPEN
        ),
    ] = 8.0,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Keep trajectories in which a later image is at least as good as the first, up to their best step."""
    from thinkedit.dataset.filter import FilterSettings, filter_folder
    from thinkedit.dataset.folder import made_folder

    settings = FilterSettings(tie=tie, single=single, good=good)
    say_stage(filter_folder(made_folder(folder), settings), "filter", as_json)


@dataset.command()
def build(
    folder: Folder = Path("dataset"),
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Of the lots that are drawn.")] = 0,
    terminal: Annotated[
        Literal["stop", "drop", "expert"],
        typer.Option(help="What is to be answered at the best step.", rich_help_panel=OPEN),
    ] = "stop",
    good: Annotated[
        float,
        typer.Option(
            metavar="0-10", min=0, max=10, help="Both scores, where it is to stop.", rich_help_panel=OPEN
        ),
    ] = 8.0,
    decimals: Annotated[
        int, typer.Option(metavar="0|1", min=0, max=1, help="Of scores in targets.", rich_help_panel=OPEN)
    ] = 1,
    balance: Annotated[
        Literal["quantile", "flat", "target", "none"],
        typer.Option(help="How task types and score bins are evened out.", rich_help_panel=OPEN),
    ] = "quantile",
    quantile: Annotated[
        float,
        typer.Option(metavar="0-1", min=0, max=1, help="Of the sizes, for the cap.", rich_help_panel=OPEN),
    ] = 0.75,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="W,W,W,W,W,W",
            help="Weights of the score bins 0, 2, 4, 6, 8, 10 [default: the paper's bars].",
            show_default=False,
            rich_help_panel=OPEN,
        ),
    ] = None,
    theta: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            min=0,
            help="RL takes trajectories of greater variance.",
            show_default=False,
            rich_help_panel=OPEN,
        ),
    ] = None,
    rl: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="Trajectories of RL at most [default: a seventh, if theta is not given].",
            show_default=False,
            rich_help_panel=OPEN,
        ),
    ] = None,
    sft_variance: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            min=0,
            help="SFT takes at most this variance [default: theta].",
            show_default=False,
            rich_help_panel=OPEN,
        ),
    ] = None,
    steady: Annotated[
        float,
        typer.Option(
            metavar="0-10",
            min=0,
            max=10,
            help="Or all scores at least this, for SFT.",
            rich_help_panel=OPEN,
        ),
    ] = 8.0,
    sft: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Samples of SFT at most.", show_default=False),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The thinker's prompt, instead of the loop's own.", show_default=False
        ),
    ] = None,
    image_root: Annotated[
        str,
        typer.Option(metavar="DIR", help="Put before the paths in sft_train.json.", show_default=False),
    ] = "",
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Make step samples of the kept trajectories, even them out and part them into SFT and RL."""
    from pydantic import ValidationError

    from thinkedit.cli.output import say
    from thinkedit.dataset.build import build_folder
    from thinkedit.dataset.choosing import BuildSettings
    from thinkedit.dataset.folder import made_folder
    from thinkedit.dataset.lines import reason_of
    from thinkedit.errors import SettingsError

    given: dict[str, Any] = {
        "seed": seed,
        "terminal": terminal,
        "good": good,
        "decimals": decimals,
        "balance": balance,
        "quantile": quantile,
        "theta": theta,
        "rl": rl,
        "sft_variance": sft_variance,
        "steady": steady,
        "sft": sft,
        "template": template,
        "image_root": image_root,
    }
    if target is not None:
        given["target"] = [part.strip() for part in target.split(",")]
    try:
        settings = BuildSettings.model_validate(given)
    except ValidationError as error:
        raise SettingsError(reason_of(error)) from error
    manifest = build_folder(made_folder(folder), settings)
    say_stage(manifest, "build", as_json)
    if not as_json:
        told = manifest["stages"]["build"]
        ways = told["trajectories"]
        say(f"SFT: {told['sets']['sft']:,} samples of {ways['sft']:,} trajectories")
        say(f"RL: {told['sets']['rl']:,} samples of {ways['rl']:,} trajectories, theta {told['theta']:g}")


@dataset.command()
def check(
    folder: Folder = Path("dataset"),
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """See again, in the files themselves, everything that must hold of a dataset.

    Pictures are hashed, the filter is applied anew and the sets are built anew and compared. The exit code
    is not 0 where anything does not hold.
    """
    from thinkedit.cli.failures import UNEXPECTED
    from thinkedit.cli.output import clean, say, write_json
    from thinkedit.dataset.check import check_folder, missing_stages
    from thinkedit.dataset.folder import made_folder

    place = made_folder(folder)
    found = []
    for finding in check_folder(place):
        found.append(finding)
        if as_json:
            continue
        say(f"{'ok    ' if finding.ok else 'FAILED'}  {finding.name} ({finding.seen:,})")
        for fault in finding.faults:
            say(f"        {clean(fault)}")
        if finding.more:
            say(f"        and {finding.more:,} more")
    left = missing_stages(place)
    good = all(finding.ok for finding in found)
    if as_json:
        write_json({"ok": good, "not_run": left, "checks": [vars(finding) for finding in found]})
    else:
        if left:
            say(f"not run, or of other data: {', '.join(left)}")
        say("all of it holds" if good else f"{sum(not one.ok for one in found)} of {len(found)} do not hold")
    if not good:
        raise typer.Exit(UNEXPECTED)
