"""`thinkedit sessions export | delete | prune | rebuild`: what is done to sessions as a whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thinkedit.cli import options
from thinkedit.cli.sessions import sessions

if TYPE_CHECKING:
    from thinkedit.graph.export import Trajectory
    from thinkedit.graph.rebuild import Rebuilt
    from thinkedit.graph.upkeep import Pruning

__all__ = ["megabytes", "parse_age", "parse_size"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZES = {"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}


def parse_age(text: str) -> float:
    """Seconds in `30d`, `12h`, `90m`, `45s` or `2w`. BadParameter for anything else."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)([smhdw])", text.strip().lower())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no span of time: write 30d, 12h, 90m or 2w")
    return float(found[1]) * _UNITS[found[2]]


def parse_size(text: str) -> int:
    """Bytes in `2GB`, `500 MB` or `800000000`; 1 kB is 1,000 bytes. BadParameter for anything else."""
    found = re.fullmatch(r"(\d{1,15}(?:\.\d+)?)\s*([kmgt]?b|)", text.strip().lower())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no size: write 2GB, 500MB or a number of bytes")
    return int(float(found[1]) * _SIZES[found[2]])


def megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"


@sessions.command()
def export(
    session: options.SessionIds,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", help="A folder that is new or empty.", show_default=False
        ),
    ],
    data: options.Data = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Write sessions into a folder: their pictures, and a line of trajectories.jsonl for each."""
    from thinkedit.cli.interrupts import run
    from thinkedit.cli.opening import found, opened
    from thinkedit.cli.output import say, write_json
    from thinkedit.graph.export import FILE
    from thinkedit.graph.export import export as write

    loaded = options.configured(config, data)
    folder = output.expanduser().absolute()

    async def work() -> list[Trajectory]:
        async with opened(loaded) as (store, ledger):
            ids = [(await found(ledger, text)).session_id for text in session]
            return await write(store, ledger, ids, folder)

    lines = run(work)
    if as_json:
        ids = [line.id for line in lines]
        write_json({"folder": str(folder), "trajectories": str(folder / FILE), "sessions": ids})
        return
    pictures = sum(1 + sum(step.image is not None for step in line.steps) for line in lines)
    say(f"{len(lines)} session{'s' * (len(lines) != 1)}, {pictures} pictures: {folder / FILE}")


@sessions.command()
def delete(
    session: options.SessionIds,
    data: options.Data = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Delete sessions, with their records and the pictures that no other session uses.

    Results that were written as files stay where they are.
    """
    from thinkedit.cli.interrupts import run
    from thinkedit.cli.opening import found
    from thinkedit.graph.runner import open_runner
    from thinkedit.graph.upkeep import Pruning, delete_session

    loaded = options.configured(config, data)

    async def work() -> Pruning:
        async with open_runner(loaded) as runner:
            # All ids are looked up before the first is deleted: a misspelt one deletes nothing.
            known = {(await found(runner.ledger, text)).session_id: None for text in session}
            done = [await delete_session(runner, id_) for id_ in known]
            return Pruning(
                [s for one in done for s in one.sessions],
                [],
                [stored for one in done for stored in one.unused],
            )

    _say_pruned(run(work), as_json=as_json, dry_run=False)


@sessions.command()
def prune(
    older_than: Annotated[
        str | None,
        typer.Option(
            metavar="AGE", help="Delete sessions untouched for so long: 30d, 12h.", show_default=False
        ),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Keep the newest N whatever their age.", show_default=False),
    ] = None,
    max_bytes: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Delete the oldest that are over, until all pictures take no more: 2GB, 500MB.",
            show_default=False,
        ),
    ] = None,
    grace: Annotated[
        str, typer.Option(metavar="AGE", help="Keep unused pictures for so long: they may be uploads.")
    ] = "1h",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be deleted, and delete nothing.")
    ] = False,
    data: options.Data = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Delete old sessions, and pictures and records that no session uses any more.

    Without --older-than, --keep and --max-bytes no session is deleted. Running sessions never are, and those
    that wait for you or were interrupted only by age.
    """
    from thinkedit.cli.interrupts import run
    from thinkedit.graph.runner import open_runner
    from thinkedit.graph.upkeep import plan_pruning
    from thinkedit.graph.upkeep import prune as delete_planned

    age = parse_age(older_than) if older_than is not None else None
    spared = parse_age(grace)
    size = parse_size(max_bytes) if max_bytes is not None else None
    loaded = options.configured(config, data)

    async def work() -> Pruning:
        async with open_runner(loaded) as runner:
            plan = await plan_pruning(runner, older_than=age, keep=keep, max_bytes=size, grace=spared)
            return plan if dry_run else await delete_planned(runner, plan, grace=spared)

    _say_pruned(run(work), as_json=as_json, dry_run=dry_run)


def _say_pruned(done: Pruning, *, as_json: bool, dry_run: bool) -> None:
    from thinkedit.cli.output import say, write_json

    pictures = sum(stored.kind == "image" for stored in done.unused)
    records = len(done.unused) - pictures
    if as_json:
        document: dict[str, Any] = {
            "dry_run": dry_run,
            "sessions": [session.session_id for session in done.sessions],
            "running": [session.session_id for session in done.running],
            "pictures": pictures,
            "records": records,
            "bytes": done.bytes,
        }
        write_json(document)
        return
    would = "would delete" if dry_run else "deleted"
    for session in done.sessions:
        say(f"{would} {session.session_id}")
    for session in done.running:
        say(f"kept {session.session_id}: it is running")
    count = len(done.sessions)
    say(
        f"{would} {count} session{'s' * (count != 1)}, {pictures} picture{'s' * (pictures != 1)} and "
        f"{records} record{'s' * (records != 1)}, {megabytes(done.bytes)}"
    )


@sessions.command()
def rebuild(
    data: options.Data = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Make a lost or damaged session database again from the records in the store.

    A damaged database is renamed, never deleted, and one in PostgreSQL only filled; sessions that are there
    already stay as they are. End servers that use the data folder first.
    """
    from anyio.to_thread import run_sync

    from thinkedit.cli.interrupts import run
    from thinkedit.cli.opening import opened
    from thinkedit.cli.output import clean, say, warn, write_json
    from thinkedit.graph.rebuild import rebuild as put_back
    from thinkedit.ledger.upkeep import set_aside_if_damaged

    loaded = options.configured(config, data)

    async def work() -> tuple[list[Path], Rebuilt]:
        names = ("sessions.sqlite", "checkpoints.sqlite") if loaded.database is None else ()
        moved = [await run_sync(set_aside_if_damaged, loaded.data / name) for name in names]
        async with opened(loaded) as (store, ledger):
            return [path for path in moved if path is not None], await put_back(store, ledger)

    moved, done = run(work)
    if as_json:
        document = {"added": done.added, "kept": done.kept, "lost": done.lost, "renamed": moved}
        write_json(document)
        return
    for path in moved:
        say(f"the damaged database was renamed: {path}")
    for session_id, why in done.lost.items():
        warn(f"not put back: {session_id}: {clean(why)}")
    say(f"{len(done.added)} sessions put back, {len(done.kept)} were there already, {len(done.lost)} lost")
