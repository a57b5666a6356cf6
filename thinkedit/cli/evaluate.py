"""`thinkedit evaluate`: the benchmarks and the ablations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thinkedit.cli import options
from thinkedit.cli.options import LOOP

if TYPE_CHECKING:
    from thinkedit.evaluation.base import Benchmark, Layout, Loaded
    from thinkedit.evaluation.folder import RunFolder
    from thinkedit.evaluation.records import Sample

__all__ = ["evaluate", "evaluate_run", "evaluate_score"]

evaluate = typer.Typer(name="evaluate", help="Measure the loop on benchmarks.", no_args_is_help=True)

JudgeName = Annotated[
    str | None,
    typer.Option(
        "--judge",
        metavar="NAME",
        help="Who scores: KIND, KIND:MODEL or a name from thinkedit.toml.",
        show_default=False,
    ),
]
JudgePrompts = Annotated[
    Path | None,
    typer.Option(
        "--judge-prompts",
        metavar="DIR",
        help="Folder with the benchmark's official prompts, instead of our own wording.",
        show_default=False,
    ),
]
JudgeSeconds = Annotated[
    float, typer.Option("--judge-timeout", metavar="SECONDS", min=0.01, help="For one call of the judge.")
]
AtOnce = Annotated[int, typer.Option(metavar="N", min=1, max=256, help="Samples at once.")]


@evaluate.command("run")
def evaluate_run(
    benchmark: Annotated[
        str, typer.Option("--benchmark", metavar="NAME", help="gedit, imgedit, kris, rise or provingground.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="RUN", help="Folder of the run; the same one goes on.")
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="The benchmark's folder, as it is published.", show_default=False
        ),
    ] = None,
    judge: JudgeName = None,
    judge_prompts: JudgePrompts = None,
    judge_timeout: JudgeSeconds = 300.0,
    layout: Annotated[
        str, typer.Option(metavar="LAYOUT", help="Of the outputs: official or editthinker.")
    ] = "official",
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="So many samples, spread over all categories.", show_default=False
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="CATEGORY", help="Only this category; may be repeated.", show_default=False),
    ] = None,
    skip: Annotated[
        list[str] | None,
        typer.Option(metavar="CATEGORY", help="Without this category; may be repeated.", show_default=False),
    ] = None,
    at_once: AtOnce = 8,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run again what was skipped or failed.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would cost, and run nothing.")
    ] = False,
    editor: options.Editor = None,
    thinker: options.Thinker = None,
    refiner: options.Refiner = None,
    mode: Annotated[
        str | None,
        typer.Option(metavar="MODE", help="while, before or both.", show_default=False, rich_help_panel=LOOP),
    ] = None,
    turns: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Editor passes at most, 1 to 12.", show_default=False, rich_help_panel=LOOP
        ),
    ] = None,
    threshold: options.Threshold = None,
    candidates: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Images in each turn, 1 to 8.", show_default=False, rich_help_panel=LOOP
        ),
    ] = None,
    passes: options.Passes = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="The editor's seed; 0 by default.", show_default=False, rich_help_panel=LOOP
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the summary alone.")] = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Run a benchmark through the loop, and let a judge score the results.

    The folder RUN gets the outputs in the benchmark's own layout, one line for each sample in results.jsonl,
    every answer of the judge, and the scores. What was interrupted goes on with the same command; nothing is
    paid for twice. A picture that is missing or damaged is reported and skipped.
    """
    from thinkedit.cli.evaluating import Running, show_costs
    from thinkedit.evaluation.base import create_benchmark
    from thinkedit.evaluation.folder import RunFolder
    from thinkedit.tools.inputs import loop_settings

    loaded = options.configured(config, None)
    given = {
        "editor": editor,
        "thinker": thinker,
        "refiner": refiner,
        "mode": mode,
        "turns": turns,
        "threshold": threshold,
        "candidates": candidates,
        "passes": passes,
        "seed": seed,
    }
    settings = loop_settings(loaded.loop, None, given)
    chosen = create_benchmark(benchmark)
    folder = RunFolder(output.expanduser().absolute())
    found = _found(chosen, data, folder)
    samples = _chosen(found.samples, limit, only or [], skip or [])
    running = Running(
        benchmark=chosen,
        folder=folder,
        found=found,
        samples=samples,
        settings=settings,
        config=loaded,
        judge=judge,
        judge_prompts=judge_prompts,
        judge_timeout=judge_timeout,
        layout=_layout(layout),
        at_once=at_once,
        retry_failed=retry_failed,
        data="" if data is None else str(data),
        quiet=quiet,
        as_json=as_json,
    )
    running.tell_data()
    if dry_run:
        show_costs(running)
        return
    running.run()


@evaluate.command("score")
def evaluate_score(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.", show_default=False)],
    judge: JudgeName = None,
    judge_prompts: JudgePrompts = None,
    judge_timeout: JudgeSeconds = 300.0,
    compat: Annotated[
        bool, typer.Option("--compat", help="Score as the published code does, faults included.")
    ] = False,
    all_turns: Annotated[
        bool, typer.Option("--all-turns", help="Judge the images of all turns and not only the result.")
    ] = False,
    at_once: AtOnce = 8,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the summary alone.")] = False,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Score the outputs of a run.

    With --judge it is asked what it has not answered yet; without, the answers that are there are read
    anew. Scores go to scores.jsonl (scores.compat.jsonl with --compat), the benchmark's own result files to
    the folder official (official.compat).
    """
    from thinkedit.cli.evaluating import Scoring
    from thinkedit.evaluation.base import create_benchmark
    from thinkedit.evaluation.folder import RunFolder

    run_folder = RunFolder(folder.expanduser().absolute())
    Scoring(
        benchmark=create_benchmark(run_folder.info().benchmark),
        folder=run_folder,
        config=options.configured(config, None),
        judge=judge,
        judge_prompts=judge_prompts,
        judge_timeout=judge_timeout,
        compat=compat,
        all_turns=all_turns,
        at_once=at_once,
        quiet=quiet,
        as_json=as_json,
    ).run()


def _found(benchmark: Benchmark, data: Path | None, folder: RunFolder) -> Loaded:
    from thinkedit.errors import InputError

    if data is None and benchmark.name != "provingground":
        raise InputError(f"--data is missing: the folder of {benchmark.title} as it is published")
    work = folder.path / "sources"
    if data is not None and data.expanduser().exists():
        data = data.expanduser().absolute()  # or it is a name on the hub
    return benchmark.load(work if data is None else data, work)


def _chosen(samples: tuple[Sample, ...], limit: int | None, only: list[str], skip: list[str]) -> list[Sample]:
    """The samples wanted, in their order; a limit takes from each category in turn."""
    from thinkedit.errors import InputError

    groups = dict.fromkeys(sample.group for sample in samples)
    for name in (*only, *skip):
        if name not in groups:
            raise InputError(f"there is no category {name!r}: there are {', '.join(groups)}")
    left = [s for s in samples if s.group not in skip and (not only or s.group in only)]
    if not left:
        raise InputError("no samples are left to run: give other categories, or look at the data folder")
    if limit is None:
        return left
    rounds: dict[str, int] = {}
    ranked = []
    for place, sample in enumerate(left):
        rounds[sample.group] = rounds.get(sample.group, 0) + 1
        ranked.append((rounds[sample.group], place))
    kept = {place for _, place in sorted(ranked)[:limit]}
    return [sample for place, sample in enumerate(left) if place in kept]


def _layout(name: str) -> Layout:
    from thinkedit.errors import SettingsError

    layouts: dict[str, Layout] = {"official": "official", "editthinker": "editthinker"}
    if name not in layouts:
        raise SettingsError(f"there is no layout {name!r}: give {' or '.join(layouts)}")
    return layouts[name]
