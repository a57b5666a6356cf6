"""`thinkedit edit-many`: a list of edits, several at once, which a kill does not lose."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thinkedit.cli import options
from thinkedit.cli.options import LOOP

if TYPE_CHECKING:
    from thinkedit.tools.jobs import Job
    from thinkedit.tools.many import JobResult, Many
    from thinkedit.types import Event

__all__ = ["edit_many"]


def edit_many(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where the pictures are.", show_default=False)
    ],
    jobs: Annotated[
        Path,
        typer.Argument(metavar="JOBS", help="A .jsonl or .csv file: image, instruction.", show_default=False),
    ],
    output_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of results, instead of FOLDER/edited.", show_default=False),
    ] = None,
    at_once: Annotated[int, typer.Option(metavar="N", min=1, max=256, help="Sessions at once.")] = 8,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run again what failed in an earlier run.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the jobs, say what would run, and run nothing.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the summary alone.")] = False,
    editor: options.Editor = None,
    thinker: options.Thinker = None,
    turns: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Editor passes at most, 1 to 12.", show_default=False, rich_help_panel=LOOP
        ),
    ] = None,
    threshold: options.Threshold = None,
    data: options.Data = None,
    config: options.ConfigFile = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One line of JSON for each result, and nothing else.")
    ] = False,
    debug: options.Debug = False,
) -> None:
    """Edit many pictures by a list of jobs, several at once.

    Each line names an image and an instruction, perhaps an id, an output and any setting of the loop. All
    lines are checked before anything runs. Results and a line for each in results.jsonl go to the folder of
    results; run the same command again after an interruption, and it goes on where it was.
    """
    from thinkedit.cli.failures import INTERRUPTED, MODEL_FAILED
    from thinkedit.cli.interrupts import Interrupts, run_plainly
    from thinkedit.cli.output import is_live, say
    from thinkedit.graph.runner import open_runner
    from thinkedit.tools.inputs import loop_settings
    from thinkedit.tools.many import edit_many as run_many

    loaded = options.configured(config, data)
    given = {"editor": editor, "thinker": thinker, "turns": turns, "threshold": threshold}
    usual = loop_settings(loaded.loop, None, given)
    listed = _checked(jobs, folder, usual, as_json=as_json)
    target = output_dir or folder / "edited"
    if dry_run:
        for job in listed:
            say(f"{job.id}: {job.image.name}: {job.instruction}")
        say(f"{len(listed)} jobs would be run, {at_once} at once, with results in {target}")
        return
    began = time.monotonic()
    shown: _Lines = _Bar(len(listed)) if is_live() and not as_json and not quiet else _Lines(len(listed))
    shown.as_json, shown.quiet = as_json, quiet

    async def work() -> Many | None:
        import anyio

        limits = loaded.limits.model_copy(update={"sessions": max(loaded.limits.sessions, at_once)})
        done = None
        with Interrupts(shown.stopping) as interrupts, anyio.CancelScope() as scope:
            interrupts.cancels(scope)
            async with open_runner(loaded.model_copy(update={"limits": limits})) as runner:
                done = await run_many(
                    listed,
                    target,
                    settings=usual,
                    at_once=at_once,
                    retry_failed=retry_failed,
                    runner=runner,
                    on_result=shown.result,
                    on_event=shown.event,
                )
        return done

    try:
        done = run_plainly(work)
    finally:
        shown.close()
    if done is None:
        if not as_json:
            say(f"interrupted after {shown.ended} of {len(listed)} jobs: the same command goes on")
        raise typer.Exit(INTERRUPTED)
    if not as_json:
        for line in summary(done, time.monotonic() - began, target):
            say(line)
    if any(not result.good for result in done.results):
        raise typer.Exit(MODEL_FAILED)


def _checked(jobs: Path, folder: Path, usual: Any, *, as_json: bool) -> list[Job]:
    """The jobs; where some cannot be, a line for each of them and exit code 2."""
    from thinkedit.cli.failures import BAD_INPUT
    from thinkedit.cli.output import warn
    from thinkedit.errors import InputError
    from thinkedit.tools.jobs import read_jobs

    try:
        return read_jobs(jobs, folder, usual)
    except InputError as error:
        lines = str(error).splitlines()
        if as_json or len(lines) == 1:
            raise
        for line in lines:
            warn(f"Error: {line}")
        raise typer.Exit(BAD_INPUT) from error


def summary(done: Many, went: float, folder: Path) -> list[str]:
    """What a run came to, in a few lines."""
    from thinkedit.cli.view import seconds

    reasons: dict[str, int] = {}
    for result in done.results:
        reason = "could not be run" if result.status == "error" else (result.stop_reason or result.status)
        reasons[reason] = reasons.get(reason, 0) + 1
    ordered = sorted(reasons.items(), key=lambda counted: -counted[1])
    counts = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in ordered)
    skipped = f" ({done.skipped} of an earlier run)" if done.skipped else ""
    lines = [f"{len(done.results)} jobs{skipped} in {seconds(went)}: {counts}"]
    scored = [r for r in done.results if r.overall is not None and r.first is not None]
    if scored:
        first = sum(r.first or 0 for r in scored) / len(scored)
        last = sum(r.overall or 0 for r in scored) / len(scored)
        turns = sum(r.turns for r in scored) / len(scored)
        lines.append(f"overall {first:.2f} after the first turn, {last:.2f} selected; {turns:.1f} turns each")
    tokens = [r.tokens for r in done.results if r.tokens is not None]
    if tokens:
        lines.append(f"tokens: {sum(tokens):,}")
    return [*lines, f"results: {folder / 'results.jsonl'}"]


class _Lines:
    """A line for each job that ends."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.ended = 0
        self.as_json = self.quiet = False

    def result(self, result: JobResult) -> None:
        from thinkedit.cli.output import clean, say

        self.ended += 1
        if self.as_json:
            say(json.dumps(vars(result)))
        elif not self.quiet:
            score = "" if result.overall is None else f", overall {result.overall:.1f}"
            what = result.error or f"{(result.stop_reason or '').replace('_', ' ')}{score}"
            name = Path(result.image).name
            self.line(clean(f"[{self.ended}] {result.job}: {name}: {what}"))

    def line(self, text: str) -> None:
        from thinkedit.cli.output import say

        say(text)

    def event(self, job: Job, event: Event) -> None:
        pass

    def stopping(self) -> None:
        if not self.as_json:
            self.line("interrupted: parking what runs (once more to quit at once)")

    def close(self) -> None:
        pass


class _Bar(_Lines):
    """The same above a bar, on a terminal."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        from thinkedit.cli.output import console

        columns: list[Any] = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
        self._progress = Progress(*columns, TimeElapsedColumn(), console=console(), transient=True)
        self._task = self._progress.add_task("editing", total=count)
        self._turns = 0
        self._progress.start()

    def result(self, result: JobResult) -> None:
        super().result(result)
        self._progress.update(self._task, completed=self.ended)

    def line(self, text: str) -> None:
        self._progress.console.print(text, soft_wrap=True)

    def event(self, job: Job, event: Event) -> None:
        if event.kind == "critiqued":
            self._turns += 1
            self._progress.update(self._task, description=f"{self._turns} turns")

    def close(self) -> None:
        self._progress.stop()
