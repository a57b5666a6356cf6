"""`thinkedit dataset`: from an editor, an expert and a judge to training data. Here: what asks models."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from thinkedit.cli import options

if TYPE_CHECKING:
    from thinkedit.dataset.engines import Engine

__all__ = ["AtOnce", "EngineName", "Folder", "RetryFailed", "Shown", "dataset", "say_stage"]

T = TypeVar("T")

dataset = typer.Typer(
    name="dataset",
    help="Make training data for a thinker: generate, score, filter, build, check.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Folder = Annotated[
    Path,
    typer.Option("--folder", "-o", metavar="DIR", help="The folder of the dataset, made where it is not."),
]
AtOnce = Annotated[int, typer.Option("--at-once", metavar="N", min=1, max=256, help="How many at once.")]
EngineName = Annotated[
    Literal["local", "ray"], typer.Option("--engine", help="Work in this process, or on Ray.")
]
Workers = Annotated[
    int, typer.Option("--workers", metavar="N", min=1, help="Actors of Ray, each with models of its own.")
]
Address = Annotated[
    str | None,
    typer.Option("--address", metavar="ADDRESS", help="Of a Ray cluster, such as auto.", show_default=False),
]
Gpus = Annotated[
    float, typer.Option("--gpus", metavar="X", min=0, help="Of each actor of Ray; 0.5 is a half.")
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Try again what failed in an earlier run.")]

SOURCES = "Where sources come from"
ASKING = "How models are asked"


@dataset.command()
def generate(
    folder: Folder = Path("dataset"),
    editor: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="The editor, or several, among which the sources are dealt.",
            show_default=False,
        ),
    ] = None,
    expert: Annotated[
        str, typer.Option(metavar="NAME", help="The thinker that critiques each image.", show_default=False)
    ] = "",
    sources: Annotated[
        str | None,
        typer.Option(
            metavar="N|FILE",
            help="How many, from the pools or the proving ground; or a .jsonl of {image, instruction}.",
            show_default=False,
            rich_help_panel=SOURCES,
        ),
    ] = None,
    pool: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND:PLACE",
            help="opengpt-4o-image, sharegpt-4o-image, pico-banana-400k or folder; in a folder, or hf:NAME.",
            show_default=False,
            rich_help_panel=SOURCES,
        ),
    ] = None,
    sessions: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="A folder of `thinkedit sessions export`.",
            show_default=False,
            rich_help_panel=SOURCES,
        ),
    ] = None,
    benchmark: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="Pictures of a benchmark; sources that are copies of them are dropped.",
            show_default=False,
            rich_help_panel=SOURCES,
        ),
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Of the sources that name none.",
            show_default=False,
            rich_help_panel=SOURCES,
        ),
    ] = None,
    world: Annotated[
        Literal["full", "small"], typer.Option(help="Of the proving ground.", rich_help_panel=SOURCES)
    ] = "full",
    stratified: Annotated[
        bool,
        typer.Option(
            "--stratified/--not-stratified",
            help="Deal sources among editors evenly in each task type.",
            rich_help_panel=SOURCES,
        ),
    ] = True,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="Of the lots that are drawn.", rich_help_panel=SOURCES)
    ] = 0,
    turns: Annotated[
        int, typer.Option(metavar="N", min=1, max=12, help="Editor passes at most.", rich_help_panel=ASKING)
    ] = 5,
    expert_last: Annotated[
        bool,
        typer.Option(
            "--expert-last/--no-expert-last",
            help="Whether the expert is asked about the last image too.",
            rich_help_panel=ASKING,
        ),
    ] = True,
    editor_seed: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, help="The editor's, the same in every step.", rich_help_panel=ASKING
        ),
    ] = 0,
    retries: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=10, help="Of a call that failed.", rich_help_panel=ASKING),
    ] = 2,
    at_once: AtOnce = 8,
    engine: EngineName = "local",
    workers: Workers = 2,
    address: Address = None,
    gpus: Gpus = 0.0,
    retry_failed: RetryFailed = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Make trajectories: the loop over each source, its images critiqued by the expert.

    Sources come from the proving ground (--sources N with an editor of it), from a file, from pools and from
    exported sessions; without any, those of an earlier run are gone on with. After an interruption or a kill
    the same command goes on where it was and pays for no recorded call twice.
    """
    from thinkedit.cli.dataset_sources import guard_of, items_of, shown
    from thinkedit.dataset.folder import made_folder
    from thinkedit.dataset.generate import generate as make
    from thinkedit.dataset.generating import GenerateSettings
    from thinkedit.dataset.sources import take_sources
    from thinkedit.errors import SettingsError

    loaded = options.configured(config, None)
    place, editors = made_folder(folder), editor or []
    if sources is not None or pool or sessions:
        items = items_of(place, editors, sources, pool or [], sessions or [], licence, world, seed)
        told = {
            "sources": shown(sources),
            "pools": pool or [],
            "sessions": len(sessions or []),
            "world": world,
        }
        take_sources(
            place,
            items,
            editors,
            stratified=stratified,
            seed=seed,
            guard=guard_of(benchmark or []),
            settings=told | {"benchmarks": [path.name for path in benchmark or []]},
        )
    if not expert and not (sessions and sources is None and not pool):
        raise SettingsError("no expert is named: give --expert, such as chat:openai:gpt-4.1")
    settings = GenerateSettings(
        folder=place,
        expert=expert,
        turns=turns,
        expert_last=expert_last,
        seed=editor_seed,
        retries=retries,
        threshold=loaded.loop.threshold,
        backoff=loaded.loop.backoff,
        edit_timeout=loaded.loop.edit_timeout,
        critique_timeout=loaded.loop.critique_timeout,
        models=loaded.models,
        at_once=at_once,
    )
    with Shown("generating", as_json) as bar:
        manifest = _run(
            lambda: make(
                settings, _engine(engine, workers, address, gpus), retry_failed=retry_failed, heard=bar.step
            )
        )
    say_stage(manifest, "generate", as_json)


@dataset.command()
def score(
    folder: Folder = Path("dataset"),
    judge: Annotated[
        str, typer.Option(metavar="NAME", help="What scores each image.", show_default=False)
    ] = "",
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="That one answer may take.", rich_help_panel=ASKING)
    ] = 300.0,
    retries: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, max=10, help="Of a call that failed or was not read.", rich_help_panel=ASKING
        ),
    ] = 2,
    at_once: AtOnce = 8,
    engine: EngineName = "local",
    workers: Workers = 2,
    address: Address = None,
    gpus: Gpus = 0.0,
    retry_failed: RetryFailed = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Score every image of every trajectory against its instruction.

    The judge sees no prompt. Its answers are kept in the folder's work/judge.jsonl; an image that got none
    is counted and never guessed.
    """
    from thinkedit.dataset.folder import made_folder
    from thinkedit.dataset.score import score as rate
    from thinkedit.dataset.scoring import ScoreSettings
    from thinkedit.errors import SettingsError

    loaded = options.configured(config, None)
    if not judge:
        raise SettingsError("no judge is named: give --judge, such as chat:openai:gpt-4.1")
    settings = ScoreSettings(
        folder=made_folder(folder),
        judge=judge,
        timeout=timeout,
        retries=retries,
        backoff=loaded.loop.backoff,
        models=loaded.models,
        at_once=at_once,
    )
    with Shown("scoring", as_json) as bar:
        manifest = _run(
            lambda: rate(
                settings, _engine(engine, workers, address, gpus), retry_failed=retry_failed, heard=bar.step
            )
        )
    say_stage(manifest, "score", as_json)


def _run(work: Callable[[], Awaitable[T]]) -> T:
    from thinkedit.cli.interrupts import Interrupted, run

    try:
        return run(work)
    except Interrupted:
        raise Interrupted("interrupted: the same command goes on where it was") from None


def _engine(name: str, workers: int, address: str | None, gpus: float) -> Engine:
    from thinkedit.dataset.engines import create_engine

    options = {"workers": workers, "address": address, "gpus": gpus} if name == "ray" else {}
    return create_engine(name, **options)


class Shown:
    """Says how far a stage is: a bar on a terminal, and nothing elsewhere."""

    def __init__(self, what: str, as_json: bool) -> None:
        from thinkedit.cli.output import console, is_live

        self._progress: Any = None
        if is_live() and not as_json:
            from rich.progress import (
                MofNCompleteColumn,
                Progress,
                SpinnerColumn,
                TextColumn,
                TimeElapsedColumn,
            )

            columns: list[Any] = [SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn()]
            self._progress = Progress(*columns, TimeElapsedColumn(), console=console(), transient=True)
            self._task = self._progress.add_task(what, total=None)

    def __enter__(self) -> Shown:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def step(self, *_: object) -> None:
        """One more is done."""
        if self._progress is not None:
            self._progress.advance(self._task)


def say_stage(manifest: dict[str, Any], stage: str, as_json: bool) -> None:
    """What a stage came to, in one line and one for each reason of a drop."""
    from thinkedit.cli.output import clean, say, write_json

    told = manifest["stages"][stage]
    simulated = "provingground" in json.dumps(manifest["stages"])
    if as_json:
        write_json({"stage": stage, "simulated": simulated, **told})
        return
    dropped = sum(told["dropped"].values())
    say(f"{stage}: {told['in']:,} in, {told['kept']:,} kept, {dropped:,} dropped")
    for reason, count in sorted(told["dropped"].items(), key=lambda one: -one[1]):
        say(f"  {clean(reason.replace('_', ' '))}: {count:,}")
    if simulated:
        from thinkedit.provingground import NOTICE

        say(NOTICE)
