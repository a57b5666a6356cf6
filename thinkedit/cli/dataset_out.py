"""`thinkedit dataset stats | export-hub`: a dataset as a table and a picture, and as a folder to publish."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkedit.cli import options
from thinkedit.cli.dataset import Folder, dataset

__all__: list[str] = []


@dataset.command()
def stats(
    folder: Folder = Path("dataset"),
    picture: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Draw it: a .png or .svg, again for both.", show_default=False),
    ] = None,
    groups: Annotated[
        bool, typer.Option("--groups", help="The paper's five groups of tasks, instead of task types.")
    ] = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Show how many samples there are by task and score, before and after balancing (paper, Figure 3)."""
    from thinkedit.cli.output import clean, say, write_json
    from thinkedit.dataset.folder import made_folder
    from thinkedit.dataset.stats import draw_stats, read_stats, table

    found = read_stats(made_folder(folder))
    sets = {name: counts.grouped() if groups else counts for name, counts in found.sets.items()}
    for path in picture or []:
        draw_stats(found, path)
    if as_json:
        write_json(
            {
                "note": found.note,
                "stages": dict(found.stages),
                "sets": {
                    name: {"before": dict(counts.before), "after": dict(counts.after)}
                    for name, counts in sets.items()
                },
                "pictures": [str(path) for path in picture or []],
            }
        )
        return
    for name, stage in found.stages.items():
        dropped = sum(stage["dropped"].values())
        say(f"{name}: {stage['in']:,} in, {stage['kept']:,} kept, {dropped:,} dropped")
    for name, counts in sets.items():
        say()
        say(f"{name.upper()}, samples by task and score, before balancing > after:")
        rows = table(counts)
        widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
        for row in rows:
            cells = [
                clean(row[0]).ljust(widths[0]),
                *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)),
            ]
            say("  ".join(cells).rstrip())
    if found.note:
        say()
        say(found.note)
    for path in picture or []:
        say(f"written: {path}")


@dataset.command("export-hub")
def export_hub(
    output: Annotated[
        Path, typer.Option("--output", "-d", metavar="DIR", help="A new folder.", show_default=False)
    ],
    folder: Folder = Path("dataset"),
    name: Annotated[
        str, typer.Option(metavar="TEXT", help="The title of its card.")
    ] = "THINKEDIT-style data",
    licence: Annotated[
        str,
        typer.Option(
            metavar="ID", help="Of the whole, as the Hugging Face hub calls it; see the sources' own."
        ),
    ] = "other",
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Write the SFT and RL sets as a folder that `datasets.load_dataset` reads, with a data card.

    Parquet with the pictures inside, configurations `sft` and `rl`, and a README.md with counts, licences of
    each source and how it was made.
    """
    from thinkedit.cli.output import say, warn, write_json
    from thinkedit.dataset.folder import made_folder
    from thinkedit.dataset.hub import export_folder

    done = export_folder(made_folder(folder), output, name=name, licence=licence)
    if as_json:
        write_json({"output": str(output), **done})
        return
    for reason, count in done["dropped"].items():
        warn(f"left out, {reason.replace('_', ' ')}: {count:,}")
    for set_, count in done["rows"].items():
        say(f"{set_}: {count:,} rows")
    say(f"written: {output}")
