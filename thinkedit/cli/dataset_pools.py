"""`thinkedit dataset pool | leakage`: what published sets hold, and what of it stands in a benchmark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thinkedit.cli import options
from thinkedit.cli.dataset import Folder, dataset, say_stage

if TYPE_CHECKING:
    from thinkedit.dataset.leakage import Benchmarks
    from thinkedit.dataset.records import Dropped

__all__: list[str] = []

SHOWN = 20

Against = Annotated[
    list[Path],
    typer.Option(
        "--against",
        metavar="DIR",
        help="A folder of a benchmark's pictures, again for more.",
        show_default=False,
    ),
]


@dataset.command()
def pool(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="opengpt-4o-image, sharegpt-4o-image, pico-banana-400k or folder.",
            show_default=False,
        ),
    ],
    place: Annotated[
        str,
        typer.Argument(metavar="PLACE", help="A folder, an annotation file, or hf:NAME.", show_default=False),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The list of sources to write.")
    ] = Path("sources.jsonl"),
    count: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="How many, categories as even as can be.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the lots that are drawn.")] = 0,
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where the pictures were unpacked, if elsewhere.", show_default=False
        ),
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Of all rows, instead of what the kind states.", show_default=False
        ),
    ] = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Look through a pool and list sources of it for `dataset generate --sources FILE`.

    Each picture that is listed was decoded. What cannot be used is named with its file and line and counted,
    and ends nothing; rows without a picture, with several, or of several turns are passed over.
    """
    from thinkedit.cli.output import clean, say, write_json
    from thinkedit.dataset.pools import read_pool
    from thinkedit.dataset.pools.writing import write_pool

    found = read_pool(kind, place, images=images, count=count, seed=seed, licence=licence)
    write_pool(found, output)
    reasons = Counter(drop.reason for drop in found.dropped)
    if as_json:
        write_json(
            {
                "output": str(output),
                "read": found.read,
                "taken": len(found.rows),
                "left": found.left,
                "skipped": dict(found.skipped),
                "dropped": dict(sorted(reasons.items())),
                "task_types": dict(found.tasks),
                "problems": [drop.model_dump() for drop in found.dropped],
            }
        )
        return
    _warn_of(found.dropped)
    say(f"{found.kind}: {found.read:,} records, {len(found.rows):,} taken, {found.left:,} left")
    for what, told in (("skipped", found.skipped), ("dropped", reasons)):
        for reason, number in sorted(told.items(), key=lambda one: -one[1]):
            say(f"  {what}, {reason.replace('_', ' ')}: {number:,}")
    for task, number in sorted(found.tasks.items(), key=lambda one: (-one[1], one[0])):
        say(f"  {clean(task)}: {number:,}")
    say(f"written: {output}")


@dataset.command()
def leakage(
    against: Against,
    folder: Folder = Path("dataset"),
    drop: Annotated[
        bool, typer.Option("--drop", help="Take them out of sources.jsonl; later stages are to be run again.")
    ] = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Name the sources of a dataset that are copies of a benchmark's pictures, by how they look.

    Resized, recompressed, slightly cropped and brightened copies are found. `dataset generate --benchmark
    DIR` keeps them out from the start.
    """
    from thinkedit.cli.output import clean, say, write_json
    from thinkedit.dataset.folder import made_folder
    from thinkedit.dataset.leakage import Benchmarks, drop_leaks, find_leaks

    place = made_folder(folder)
    benchmarks = Benchmarks.read([path.absolute() for path in against])
    leaks, unseen = find_leaks(place, benchmarks)
    manifest = drop_leaks(place, leaks) if drop and leaks else None
    if as_json:
        write_json(
            {
                "benchmark_pictures": len(benchmarks),
                "leaks": [
                    {"id": leak.source.id, "image": leak.source.image, **vars(leak.match)} for leak in leaks
                ],
                "dropped": manifest is not None,
                "problems": [one.model_dump() for one in (*benchmarks.unreadable, *unseen)],
            }
        )
        return
    _warn_of((*benchmarks.unreadable, *unseen))
    for leak in leaks:
        say(clean(f"{leak.source.id}: {leak.match}"))
    say(_summary(benchmarks, len(leaks)))
    if manifest is not None:
        say_stage(manifest, "sources", as_json)
        say("run generate, score, filter and build again: what was made of the others is taken from it")


def _summary(benchmarks: Benchmarks, leaks: int) -> str:
    return f"{leaks:,} sources stand among {len(benchmarks):,} pictures of benchmarks"


def _warn_of(drops: Iterable[Dropped]) -> None:
    from thinkedit.cli.output import clean, warn

    told = list(drops)
    for one in told[:SHOWN]:
        warn(clean(f"{one.place}: {one.why}"))
    if len(told) > SHOWN:
        warn(f"and {len(told) - SHOWN:,} more (all of them with --json)")
