"""The runs of an ablation, one folder for each cell and seed, in one process or several.

Every run is an ordinary one, resumable at any kill; a second call over the same folder does what is left.
Processes share nothing but the folder of samples, which is written before they begin.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from thinkedit.adapters.base import Closable, Planner
from thinkedit.adapters.judges.recorded import RecordedJudge
from thinkedit.adapters.models import Models
from thinkedit.config import Config
from thinkedit.errors import InputError, SettingsError, StoreError
from thinkedit.evaluation.ablation.plan import CellPlan, Plan
from thinkedit.evaluation.base import Benchmark, Loaded, create_benchmark
from thinkedit.evaluation.folder import RunFolder
from thinkedit.evaluation.records import Sample, SampleResult, TurnScore
from thinkedit.evaluation.running import run_samples
from thinkedit.evaluation.scoring import every_turn, judge_turns, score_turns, write_answers
from thinkedit.journal import replace_file
from thinkedit.types import LoopSettings, Mode

__all__ = ["Done", "Job", "check_models", "jobs_of", "read_plan", "run_ablation", "run_folder"]

_PLAN = "ablation.json"


@dataclass(frozen=True)
class Job:
    """One run: a cell with one seed. folder: where it is kept. data, left_out, notes: of the loading."""

    benchmark: str
    cell: CellPlan
    seed: int
    samples: tuple[Sample, ...]
    folder: Path
    settings: LoopSettings
    judge: str
    config: Config
    prompts: Path | None = None
    at_once: int = 8
    retry_failed: bool = False
    data: str = ""
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """What a run came to. turns: editor passes; problems: samples that lack a result or a score."""

    cell: CellPlan
    seed: int
    samples: int
    turns: int
    problems: int
    skipped: bool = False


def run_folder(root: Path, cell: CellPlan, seed: int) -> RunFolder:
    return RunFolder(root / "runs" / cell.name / f"seed-{seed}")


def read_plan(root: Path) -> Plan:
    """InputError where the folder holds no ablation, or another version's."""
    file = root / _PLAN
    try:
        return Plan.model_validate_json(file.read_bytes())
    except FileNotFoundError as error:
        raise InputError(f"{root} holds no ablation: there is no {_PLAN} in it") from error
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{file} is damaged ({str(error).splitlines()[0]}): begin a new folder") from error


def check_models(plan: Plan, config: Config) -> None:
    """Make every model once, so that a wrong name is found before anything runs. SettingsError."""
    models = Models(config.models)
    for editor in plan.editors:
        models.editor(editor)
    for thinker in plan.thinkers:
        models.thinker(thinker)
    models.judge(plan.judge)
    thinking = [mode.value for mode in plan.modes if mode is not Mode.WHILE]
    if thinking and not isinstance(models.thinker(plan.reference), Planner):
        raise SettingsError(
            f"modes {', '.join(thinking)} need a thinker that can plan, and {plan.reference!r} cannot: "
            "give --modes while, or another --reference"
        )


def jobs_of(
    plan: Plan,
    root: Path,
    config: Config,
    *,
    at_once: int = 8,
    retry_failed: bool = False,
) -> list[Job]:
    """The runs in an order in which early ones are of all cells; writes the plan and simulated samples.

    InputError where the folder holds another ablation, or the data cannot be used.
    """
    _begin(plan, root)
    benchmark = create_benchmark(plan.benchmark)
    by_seed = [_loaded(benchmark, plan, root, seed) for seed in range(plan.seeds)]
    return [
        Job(
            benchmark=plan.benchmark,
            cell=cell,
            seed=seed,
            samples=by_seed[seed].samples,
            folder=run_folder(root, cell, seed).path,
            settings=plan.settings(cell, seed, config.loop),
            judge=plan.judge,
            config=config,
            prompts=Path(plan.prompts) if plan.prompts else None,
            at_once=at_once,
            retry_failed=retry_failed,
            data=plan.data,
            left_out=by_seed[seed].problems,
            notes=by_seed[seed].notes,
        )
        for seed in range(plan.seeds)
        for cell in plan.cells()
    ]


def run_ablation(
    jobs: Sequence[Job],
    *,
    processes: int = 1,
    on_done: Callable[[Done], None] | None = None,
    on_result: Callable[[Job, SampleResult], None] | None = None,
) -> list[Done]:
    """Run them all; blocks. on_done: called as each ends; on_result: as each sample ends, of one process.

    Errors as `run_samples`; the first ends the rest, and what is recorded stays.
    """
    done = []
    if processes < 2:
        for job in jobs:
            done.append(_run(job, on_result))
            if on_done is not None:
                on_done(done[-1])
        return done
    # Started anew and not forked: threads and database connections do not survive a fork.
    context = multiprocessing.get_context("spawn")
    workers = min(processes, len(jobs) or 1)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_die_with_parent) as pool:
        try:
            for future in as_completed([pool.submit(_run, job) for job in jobs]):
                done.append(future.result())
                if on_done is not None:
                    on_done(done[-1])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():  # what they recorded stays
                child.terminate()
            raise
    return done


def _die_with_parent() -> None:
    """End this process where the one that started it is killed: what is left is that one's successor's."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _run(job: Job, on_result: Callable[[Job, SampleResult], None] | None = None) -> Done:
    return anyio.run(_work, job, on_result)


async def _work(job: Job, on_result: Callable[[Job, SampleResult], None] | None) -> Done:
    """The samples through the loop, then every turn's image before the judge."""
    folder, benchmark = RunFolder(job.folder), create_benchmark(job.benchmark)
    if folder.scores().exists() and not job.retry_failed:
        before = _counted(job, folder.read_results(), folder.read_scores(), skipped=True)
        if not before.problems:  # else the judge is asked again for what it failed to answer
            return before
    results = await run_samples(
        benchmark,
        job.samples,
        folder,
        settings=job.settings,
        config=job.config,
        layout=None,
        at_once=job.at_once,
        retry_failed=job.retry_failed,
        data=job.data,
        left_out=job.left_out,
        notes=job.notes,
        on_result=None if on_result is None else lambda result: on_result(job, result),
    )
    prompts = benchmark.prompts(job.prompts)
    judge = Models(job.config.models).judge(job.judge)
    try:
        with RecordedJudge(judge, folder.judge) as recorded:
            answers = await judge_turns(
                benchmark,
                job.samples,
                results,
                store=folder.store,
                judge=recorded,
                turns=every_turn,
                prompts=prompts,
                at_once=job.at_once,
            )
    finally:
        if isinstance(judge, Closable):
            await judge.aclose()
    write_answers(folder, judge.identity, prompts, answers)
    scores = score_turns(benchmark, job.samples, results, answers)
    folder.write_scores(scores)
    return _counted(job, results, scores)


def _counted(
    job: Job, results: Sequence[SampleResult], scores: Sequence[TurnScore], *, skipped: bool = False
) -> Done:
    wrong = {result.sample for result in results if result.problem is not None}
    wrong |= {score.sample for score in scores if score.problem is not None}
    return Done(
        cell=job.cell,
        seed=job.seed,
        samples=len(job.samples),
        turns=sum(len(result.turns) for result in results),
        problems=len(wrong),
        skipped=skipped,
    )


def _begin(plan: Plan, root: Path) -> None:
    """Write the plan down, or see that the folder holds the same one."""
    file = root / _PLAN
    if file.exists():
        before = read_plan(root)
        for name in Plan.model_fields:
            was, asked = getattr(before, name), getattr(plan, name)
            if was != asked:
                raise InputError(
                    f"{root} holds an ablation with {name} = {was!r} and not {asked!r}: give the same "
                    "options, or another folder"
                )
        return
    try:
        root.mkdir(parents=True, exist_ok=True)
        text = json.dumps(plan.model_dump(mode="json"), indent=2, sort_keys=True)
        replace_file(file, [text, "\n"])
    except OSError as error:
        raise StoreError(f"{root} cannot be written: {error.strerror or error}") from error


def _loaded(benchmark: Benchmark, plan: Plan, root: Path, seed: int) -> Loaded:
    """The samples of one seed: scenes of its own in a simulation, the same ones everywhere else."""
    from thinkedit.evaluation.benchmarks.provingground import ProvingGround, write_scenes

    if isinstance(benchmark, ProvingGround):
        count = plan.samples or 50
        return Loaded(tuple(write_scenes(root / "scenes" / f"seed-{seed}", count, first=seed * count)))
    loaded = benchmark.load(Path(plan.data), root / "sources")
    if plan.samples is None:
        return loaded
    return replace(loaded, samples=tuple(_spread(loaded.samples, plan.samples)))


def _spread(samples: Sequence[Sample], count: int) -> list[Sample]:
    """`count` of them, as evenly over the groups as they allow, in their order."""
    seen: dict[str, int] = {}
    ranked = []
    for place, sample in enumerate(samples):
        seen[sample.group] = seen.get(sample.group, 0) + 1
        ranked.append((seen[sample.group], place))
    kept = sorted(place for _, place in sorted(ranked)[:count])
    return [samples[place] for place in kept]
