"""`thinkedit evaluate ablate`: the paper's ablations in one command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thinkedit.cli import options
from thinkedit.cli.evaluate import evaluate
from thinkedit.cli.evaluate_reports import report_ablation

if TYPE_CHECKING:
    from thinkedit.config import Config
    from thinkedit.evaluation.ablation.plan import Plan
    from thinkedit.evaluation.ablation.running import Done, Job

__all__ = ["ablate"]

_SIMULATED = "provingground"
_SCORING = "provingground:0.7 with scores"


@evaluate.command("ablate")
def ablate(
    benchmark: Annotated[
        str, typer.Option(metavar="NAME", help="gedit, imgedit, kris, rise or provingground.")
    ] = _SIMULATED,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The benchmark's data; provingground needs none.", show_default=False
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Where runs and report go, instead of ./ablation-NAME.",
            show_default=False,
        ),
    ] = None,
    editors: Annotated[
        str | None, typer.Option(metavar="A,B", help="Editors, by name.", show_default=False)
    ] = None,
    experts: Annotated[
        str | None, typer.Option(metavar="A,B", help="Thinkers, the weakest first.", show_default=False)
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The thinker that modes are compared with, of --experts.", show_default=False
        ),
    ] = None,
    scoring: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="A further thinker, which gives scores, for the best turn.",
            show_default=False,
        ),
    ] = None,
    modes: Annotated[str, typer.Option(metavar="A,B", help="When to think.")] = "while,before,both",
    turns: Annotated[
        str, typer.Option(metavar="N,N", help="Numbers of turns to report; the largest is run.")
    ] = "1,2,4,6,8",
    seeds: Annotated[int, typer.Option(metavar="N", min=1, max=100, help="Runs of each, one a seed.")] = 1,
    samples: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Samples of each run: all of them, or 50 scenes of provingground.",
            show_default=False,
        ),
    ] = None,
    judge: Annotated[
        str | None, typer.Option(metavar="NAME", help="KIND:MODEL, or a name.", show_default=False)
    ] = None,
    judge_prompts: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The official prompts, from your own copy.", show_default=False),
    ] = None,
    at_once: Annotated[int, typer.Option(metavar="N", min=1, max=256, help="Sessions at once.")] = 8,
    processes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=64,
            help="Runs at once, each in a process: 1, or 2 of provingground.",
            show_default=False,
        ),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run again what failed in an earlier run.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run, and run nothing.")] = False,
    threshold: options.Threshold = None,
    config: options.ConfigFile = None,
    debug: options.Debug = False,
) -> None:
    """The paper's tables of turns, thinking patterns and experts, in one go.

    A sweep over turns runs the longest alone and reads the others off it. Each run has a folder of its own;
    the same command goes on after an interruption, and ends with a report beside the runs.
    """
    from thinkedit.cli.failures import INTERRUPTED, MODEL_FAILED
    from thinkedit.cli.output import say, warn
    from thinkedit.evaluation.ablation.running import check_models, jobs_of, run_ablation

    loaded = options.configured(config, None)
    simulated = benchmark == _SIMULATED
    plan, loaded = _plan(
        loaded,
        benchmark=benchmark,
        data="" if data is None else str(data.absolute() if data.exists() else data),
        prompts="" if judge_prompts is None else str(judge_prompts.absolute()),
        editors=editors,
        experts=experts,
        reference=reference,
        scoring=scoring,
        modes=modes,
        turns=turns,
        seeds=seeds,
        samples=samples,
        judge=judge,
        threshold=threshold,
    )
    target = output or Path(f"ablation-{benchmark}")
    check_models(plan, loaded)
    if dry_run:
        for line in _costs(plan):
            say(line)
        return
    jobs = jobs_of(plan, target, loaded, at_once=at_once, retry_failed=retry_failed)
    shown = _Shown(len(jobs))
    workers = processes or (2 if simulated else 1)
    try:
        with _ended_by_signals():
            done = run_ablation(jobs, processes=workers, on_done=shown.done, on_result=shown.result)
    except KeyboardInterrupt:
        warn("interrupted: the same command goes on")
        raise typer.Exit(INTERRUPTED) from None
    report_ablation(target)
    failed = sum(one.problems for one in done)
    if failed:
        whole = sum(one.samples for one in done)
        warn(f"{failed} of {whole} samples have no result or no score: see the report")
        raise typer.Exit(MODEL_FAILED)


def _plan(loaded: Config, **given: Any) -> tuple[Plan, Config]:
    """The plan with the defaults of its benchmark, and a configuration that knows all of its names."""
    from pydantic import ValidationError

    from thinkedit.errors import SettingsError
    from thinkedit.evaluation.ablation.plan import Plan

    simulated = given["benchmark"] == _SIMULATED
    editors = _words(given["editors"]) or (
        tuple(f"provingground:{name}" for name in ("weak", "middle", "strong"))
        if simulated
        else (loaded.loop.editor,)
    )
    experts = _words(given["experts"]) or (
        tuple(f"provingground:{skill}" for skill in ("0.4", "0.7", "1.0"))
        if simulated
        else (loaded.loop.thinker,)
    )
    scoring = given["scoring"] or (_SCORING if simulated else None)
    models = dict(loaded.models)
    if scoring == _SCORING:
        models.setdefault(_SCORING, {"kind": "provingground:0.7", "scores": True})
    judge = given["judge"] or (_SIMULATED if simulated else None)
    if judge is None:
        raise SettingsError("no judge: give --judge, such as chat:openai:gpt-4.1")
    if not simulated and not given["data"]:
        raise SettingsError(f"no data: give --data DIR, the folder of {given['benchmark']}")
    try:
        plan = Plan(
            benchmark=given["benchmark"],
            judge=judge,
            editors=editors,
            experts=experts,
            reference=given["reference"] or experts[len(experts) // 2 if simulated else -1],
            scoring=scoring,
            modes=_words(given["modes"]),
            turns=tuple(int(word) for word in _words(given["turns"])),
            seeds=given["seeds"],
            samples=given["samples"] or (50 if simulated else None),
            threshold=loaded.loop.threshold if given["threshold"] is None else given["threshold"],
            data=given["data"],
            prompts=given["prompts"],
            models={
                name: _shown(models[name])
                for name in (*editors, *experts, *([scoring] if scoring else []), judge)
                if name in models
            },
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"][:1])
        raise SettingsError(
            f"{f'--{name}: ' if name else ''}{first['msg'].removeprefix('Value error, ')}"
        ) from error
    except ValueError as error:
        raise SettingsError(f"--turns {given['turns']!r}: give whole numbers, such as 1,2,4") from error
    return plan, loaded.model_copy(update={"models": models})


def _shown(options: Mapping[str, Any]) -> dict[str, Any]:
    """What a report tells of a model: its kind, and switches and numbers. Texts may hold keys."""
    return {
        name: value
        for name, value in options.items()
        if name == "kind" or isinstance(value, bool | int | float)
    }


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word for part in (text or "").split(",") if (word := part.strip()))


def _costs(plan: Plan) -> list[str]:
    """What would run, at most."""
    cells = plan.cells()
    runs = len(cells) * plan.seeds
    count = "all" if plan.samples is None else str(plan.samples)
    passes = sum(cell.turns for cell in cells) * plan.seeds
    lines = [
        f"{cell.editor} with {cell.thinker}, mode {cell.mode.value}, {cell.turns} turns" for cell in cells
    ]
    lines.append(f"{runs} runs ({plan.seeds} seeds of each) of {count} samples")
    if plan.samples is not None:
        total = passes * plan.samples
        lines.append(f"at most {total:,} editor passes, as many thinker calls, and as many images to judge")
    return lines


class _Shown:
    """A line for each run that ends, and where one process runs, a count of samples every now and then."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.ended = self.results = 0

    def done(self, one: Done) -> None:
        from thinkedit.cli.output import clean, say

        self.ended += 1
        self.results = 0
        what = "done before" if one.skipped else f"{one.turns} turns"
        wrong = f", {one.problems} without a result or a score" if one.problems else ""
        told = f"{one.cell.editor} with {one.cell.thinker}, {one.cell.mode.value}, seed {one.seed}"
        say(clean(f"[{self.ended}/{self.count}] {told}: {one.samples} samples, {what}{wrong}"))

    def result(self, job: Job, _: Any) -> None:
        from thinkedit.cli.output import say

        self.results += 1
        if self.results % 50 == 0:
            say(f"  {self.results} of {len(job.samples)} samples")


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM interrupts as Ctrl-C does, so that no process is left behind."""
    import signal

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
