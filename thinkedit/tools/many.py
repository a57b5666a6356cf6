"""Many edits at once, which a kill does not lose: `edit_many`.

The folder of results has two files. `journal.jsonl` says which session and which file belong to a job,
written before anything is paid for; `results.jsonl` has a line for each job that has ended. A second run
reads both.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync

from thinkedit.errors import InputError, LedgerError, NotFoundError, StoreError, ThinkEditError
from thinkedit.graph.sessions import new_session_id
from thinkedit.images import ENDINGS, save
from thinkedit.journal import Journal, whole_lines, write_lines
from thinkedit.tools.inputs import a_runner, load_image, loop_settings
from thinkedit.tools.jobs import Job
from thinkedit.types import EditResult, Event, LoopSettings, Status

if TYPE_CHECKING:
    from thinkedit.graph.runner import Runner

__all__ = ["JobResult", "Many", "edit_many"]

_JOURNAL, _RESULTS = "journal.jsonl", "results.jsonl"
_BESIDE = 4
"""Jobs whose pictures are read or written while others run."""


@dataclass(frozen=True)
class JobResult:
    """A line of results.jsonl. status: finished, failed (a model) or error (it could not be run).

    semantic, quality, overall: of the selected turn; first: the first turn's overall. output: the file
    written, relative to the folder of results. seconds: of model time.
    """

    job: str
    image: str
    instruction: str
    session_id: str | None
    status: str
    stop_reason: str | None = None
    turns: int = 0
    selected_turn: int | None = None
    semantic: float | None = None
    quality: float | None = None
    overall: float | None = None
    first: float | None = None
    output: str | None = None
    seconds: float = 0.0
    tokens: int | None = None
    error: str | None = None

    @property
    def good(self) -> bool:
        """Whether there is a picture and nothing failed."""
        return self.status == Status.FINISHED and self.output is not None


@dataclass
class Many:
    """What a run came to. results: of all jobs that have ended, in the order of the jobs.

    skipped: how many had ended before; left: jobs that have not ended, since the run was interrupted.
    """

    results: list[JobResult] = field(default_factory=list)
    skipped: int = 0
    left: int = 0


async def edit_many(
    jobs: Sequence[Job],
    output: str | os.PathLike[str],
    *,
    settings: LoopSettings | None = None,
    at_once: int = 8,
    retry_failed: bool = False,
    runner: Runner | None = None,
    on_result: Callable[[JobResult], None] | None = None,
    on_event: Callable[[Job, Event], None] | None = None,
) -> Many:
    """Run the jobs, `at_once` of them together, and write each result below `output`.

    settings: the usual ones, under those of each job. retry_failed: run those again whose models failed or
    that could not be run. on_result: called as each job ends; on_event: at each of its steps.

    What an earlier run over the same folder has ended is not done again, and what it had begun is gone on
    with: no recorded model call is repeated. A job that cannot be run is a result with its error, and stops
    no other. Raises InputError where a job is another than the one that had its id before, or the folder is
    not usable; StoreError or LedgerError where nothing can be kept.
    """
    async with a_runner(runner) as opened:
        book = await run_sync(_Book.open, Path(output), list(jobs), retry_failed)
        try:
            done = Many(skipped=len(book.ended))
            line = _Line(at_once)
            async with anyio.create_task_group() as tasks:

                async def one(job: Job) -> None:
                    try:
                        result = await _run(opened, book, line, job, settings, on_event)
                        if result is not None:
                            await run_sync(book.note, result)
                            if on_result is not None:
                                on_result(result)
                    finally:
                        line.places.release_on_behalf_of(job.id)

                for job in jobs:
                    if job.id not in book.ended:
                        await line.places.acquire_on_behalf_of(job.id)
                        tasks.start_soon(one, job)
        finally:
            book.close()
        done.results = [book.ended[job.id] for job in jobs if job.id in book.ended]
        done.left = len(jobs) - len(done.results)
        return done


class _Line:
    """Where jobs wait for one another, so that models need not wait for pictures to be read and written.

    running: sessions at work, `at_once` of them. places: those, and some that are being read or written.
    reading: one after another, so that the first of many begins while the next is read.
    """

    def __init__(self, at_once: int) -> None:
        self.running = anyio.CapacityLimiter(at_once)
        self.places = anyio.CapacityLimiter(at_once + _BESIDE)
        self.reading = anyio.Lock()


async def _run(
    runner: Runner,
    book: _Book,
    line: _Line,
    job: Job,
    usual: LoopSettings | None,
    on_event: Callable[[Job, Event], None] | None,
) -> JobResult | None:
    """What the job came to; None where the runner leaves before."""

    async def told(event: Event) -> None:
        if on_event is not None:
            on_event(job, event)

    try:
        chosen = loop_settings(runner.defaults, usual, {**job.settings, "pause": "never"})
        async with line.reading:
            entry = await run_sync(book.begun, job)
            try:
                await runner.ledger.session(entry.session_id)
            except NotFoundError:
                source = await load_image(runner, job.image)
                await runner.open(source, job.instruction, chosen, session_id=entry.session_id)
        async with line.running:
            await runner.follow(entry.session_id, told)
        result = await runner.result(entry.session_id)
        if result.status is Status.RUNNING:
            return None
        output = await _written(runner, book, entry, result)
    except (StoreError, LedgerError):
        raise
    except ThinkEditError as error:
        text = " ".join(str(error).split())
        return JobResult(job.id, str(job.image), job.instruction, None, "error", error=text)
    return _result_of(job, result, output)


async def _written(runner: Runner, book: _Book, entry: _Entry, result: EditResult) -> str | None:
    if result.image is None:
        return None
    picture = await run_sync(runner.store.get, result.image.sha256)
    target = book.folder / entry.output

    def write() -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        # The journal gave this name to this job when nothing was there: what is there now is its own.
        return save(picture, target, overwrite=True)

    path = await run_sync(write)
    await runner.ledger.note_output(result.session_id, str(path))
    return entry.output


def _result_of(job: Job, result: EditResult, output: str | None) -> JobResult:
    selected = next((turn for turn in result.turns if turn.turn == result.selected_turn), None)
    critique = selected.critique if selected is not None else None
    first = result.turns[0].critique if result.turns else None
    usage = [turn.usage for turn in result.turns if turn.usage is not None]
    return JobResult(
        job=job.id,
        image=str(job.image),
        instruction=job.instruction,
        session_id=result.session_id,
        status=result.status.value,
        stop_reason=result.stop_reason and result.stop_reason.value,
        turns=len(result.turns),
        selected_turn=result.selected_turn,
        semantic=critique.semantic if critique is not None else None,
        quality=critique.quality if critique is not None else None,
        overall=critique.overall if critique is not None else None,
        first=first.overall if first is not None else None,
        output=output,
        seconds=round(sum(turn.seconds.edit + turn.seconds.critique for turn in result.turns), 3),
        tokens=sum(one.input_tokens + one.output_tokens for one in usage) if usage else None,
        error=result.why if result.status is Status.FAILED else None,
    )


@dataclass(frozen=True)
class _Entry:
    """A line of the journal."""

    job: str
    digest: str
    session_id: str
    output: str


class _Book:
    """Journal and results of one folder, open for writing; methods block."""

    def __init__(self, folder: Path, known: dict[str, _Entry], ended: dict[str, JobResult]) -> None:
        self.folder = folder
        self.ended = ended
        self._known = known
        self._taken = {entry.output for entry in known.values()}
        self._journal = Journal(folder / _JOURNAL)
        self._results = Journal(folder / _RESULTS)

    @classmethod
    def open(cls, folder: Path, jobs: list[Job], retry_failed: bool) -> _Book:
        folder = folder.expanduser().absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lines = whole_lines(folder / _JOURNAL)
            ends = whole_lines(folder / _RESULTS)
        except OSError as error:
            raise InputError(f"{folder} cannot be used for results: {error.strerror or error}") from error
        try:
            known = {entry.job: entry for entry in (_Entry(**line) for line in lines)}
            ended = {result.job: result for result in (JobResult(**line) for line in ends)}
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{folder} has results of something else ({error}): give another folder"
            ) from error
        for job in jobs:
            before = known.get(job.id)
            if before is not None and before.digest != job.digest:
                raise InputError(
                    f"job {job.id!r} is another than the one that had this id in {folder}: give it an id "
                    "of its own, or another folder of results"
                )
        if retry_failed:
            again = {name for name, result in ended.items() if not result.good}
            ended = {name: result for name, result in ended.items() if name not in again}
            known = {name: entry for name, entry in known.items() if name not in again}
            write_lines(folder / _RESULTS, [vars(result) for result in ended.values()])
            write_lines(folder / _JOURNAL, [vars(entry) for entry in known.values()])
        return cls(folder, known, ended)

    def begun(self, job: Job) -> _Entry:
        """The job's entry, written down first where it is new."""
        if (entry := self._known.get(job.id)) is not None:
            return entry
        entry = _Entry(job.id, job.digest, new_session_id(), self._free_name(job))
        self._journal.append(vars(entry))
        self._known[job.id] = entry
        return entry

    def note(self, result: JobResult) -> None:
        self._results.append(vars(result))
        self.ended[result.job] = result

    def close(self) -> None:
        self._journal.close()
        self._results.close()

    def _free_name(self, job: Job) -> str:
        """A name that no job has and where nothing lies."""
        suffix = job.image.suffix if job.image.suffix.lower() in ENDINGS else ".png"
        wanted = Path(job.output or f"{job.image.stem[:200]}-edited{suffix}")
        number, name = 1, str(wanted)
        while name in self._taken or os.path.lexists(self.folder / name):
            if job.output is not None:
                raise InputError(f"{self.folder / name} exists already: nothing is ever overwritten")
            number += 1
            name = str(wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}"))
        self._taken.add(name)
        return name
