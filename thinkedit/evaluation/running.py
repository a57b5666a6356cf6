"""Samples through the loop: several at once, resumable at any kill, the outputs in the benchmark's layout.

Each sample is one ordinary session in the run's own store and ledger, under an id made of the sample. What
is paid for is recorded there as it comes, so the same call goes on where a killed process was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import anyio
from anyio.to_thread import run_sync

from thinkedit.adapters.base import identity_of
from thinkedit.adapters.models import Models
from thinkedit.config import Config
from thinkedit.errors import (
    InputError,
    LedgerError,
    NotFoundError,
    SettingsError,
    StoreError,
    ThinkEditError,
)
from thinkedit.evaluation.base import Benchmark, Layout
from thinkedit.evaluation.folder import RunFolder, RunInfo, digest_of
from thinkedit.evaluation.records import Sample, SampleResult, TurnResult
from thinkedit.graph.inputs import load_image
from thinkedit.graph.runner import Runner, open_runner
from thinkedit.graph.sessions import turn_records
from thinkedit.graph.together import each
from thinkedit.images import save
from thinkedit.journal import Journal
from thinkedit.store import Store
from thinkedit.types import LoopSettings, Status, TurnRecord

__all__ = ["run_samples", "session_id_of", "write_image"]


async def run_samples(
    benchmark: Benchmark,
    samples: Sequence[Sample],
    folder: RunFolder,
    *,
    settings: LoopSettings,
    config: Config | None = None,
    models: Models | None = None,
    layout: Layout | None = "official",
    at_once: int = 8,
    retry_failed: bool = False,
    data: str = "",
    left_out: Sequence[str] = (),
    notes: Sequence[str] = (),
    on_result: Callable[[SampleResult], None] | None = None,
) -> list[SampleResult]:
    """Run every sample that the folder has no result of yet; returns all results in the samples' order.

    settings: the loop's; a seed that is not given is 0, so that a run can be repeated. config: for the models
    it names and its limits; its data folder is not used. models: ready ones, closed at the end.
    layout: None writes no outputs. retry_failed: run again what was skipped or failed.
    data, left_out, notes: of the loading, for run.json. on_result: called as each sample ends.

    A sample whose picture cannot be used, whose instruction is refused or whose models fail is a result with
    its `problem`; it stops no other. Raises InputError where the folder holds another run, SettingsError for
    unusable settings, EditError or ThinkerError where a model cannot be reached at the start, StoreError or
    LedgerError where nothing can be kept (what is recorded stays, and the same call goes on).
    """
    chosen = _usable(settings)
    _unique(samples)
    base = config or Config()
    limits = base.limits.model_copy(update={"sessions": max(base.limits.sessions, at_once)})
    usual = {"data": folder.data, "store": None, "database": None, "loop": chosen, "limits": limits}
    opened = base.model_copy(update=usual)
    async with open_runner(opened, models) as runner:
        await runner.models.check(chosen.editor, chosen.thinker, chosen.refiner, chosen.safety)
        info = RunInfo(
            benchmark=benchmark.name,
            data=data,
            layout=layout or "official",
            editor=runner.models.editor(chosen.editor).identity,
            thinker=identity_of(runner.models.thinker(chosen.thinker)),
            settings=chosen,
            samples=len(samples),
            digest=digest_of(samples),
            left_out=tuple(left_out),
            notes=tuple(notes),
            versions=_versions(),
        )
        await run_sync(folder.begin, info, samples)
        done = await run_sync(_done, folder, samples, retry_failed)
        run = _Run(benchmark, folder, runner, chosen, layout, retry_failed)
        with Journal(folder.results) as journal:

            async def one(sample: Sample) -> None:
                result = await run.sample(sample)
                if result is not None:
                    await run_sync(journal.append, result.model_dump(mode="json"))
                    done[sample.id] = result
                    if on_result is not None:
                        on_result(result)

            await each([sample for sample in samples if sample.id not in done], one, at_once=at_once)
        ordered = [done[sample.id] for sample in samples if sample.id in done]
        if len(ordered) == len(samples):
            await run_sync(folder.write_results, ordered)
        return ordered


def session_id_of(benchmark: str, sample: Sample, attempt: int = 1) -> str:
    """The id of a sample's session: the same in every process."""
    told = hashlib.sha256(f"{benchmark}\0{sample.id}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"{benchmark}-{told[:20]}" + (f"-{attempt}" if attempt > 1 else "")


def write_image(
    benchmark: Benchmark,
    sample: Sample,
    store: Store,
    image: str,
    source: str | None,
    images: Path,
    layout: Layout = "official",
) -> list[Path]:
    """Write one output, and its source where the layout wants it, by their hashes; returns the paths.

    Blocks. Raises StoreError.
    """
    places = benchmark.places(sample, layout)
    wanted = [(places.image, image)]
    if places.source is not None and source is not None:
        wanted.append((places.source, source))
    written = []
    for place, sha in wanted:
        target = images / place
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{target.parent} cannot be made: {error.strerror or error}") from error
        written.append(save(store.get(sha), target, overwrite=True))
    return written


class _Run:
    """What all samples of a run share."""

    def __init__(
        self,
        benchmark: Benchmark,
        folder: RunFolder,
        runner: Runner,
        settings: LoopSettings,
        layout: Layout | None,
        retry_failed: bool,
    ) -> None:
        self.benchmark = benchmark
        self.folder = folder
        self.runner = runner
        self.settings = settings
        self.layout = layout
        self.retry_failed = retry_failed
        self._reading = anyio.Lock()  # the first of many begins while the next is read

    async def sample(self, sample: Sample) -> SampleResult | None:
        """What the loop made of it; None where the runner leaves before."""
        try:
            session_id = await self._session(sample)
            await self.runner.follow(session_id)
            session = await self.runner.ledger.session(session_id)
            if session.status is Status.RUNNING:
                return None
            records = await turn_records(self.runner.store, self.runner.ledger, session_id)
        except (StoreError, LedgerError):
            raise
        except ThinkEditError as error:
            return SampleResult(
                sample=sample.id,
                group=sample.group,
                instruction=sample.instruction,
                problem=f"{type(error).__name__}: {' '.join(str(error).split())}",
            )
        turns = tuple(_turn(record) for record in records if record.candidates or record.error)
        selected = next((turn for turn in turns if turn.turn == session.selected_turn and turn.image), None)
        if selected is not None and selected.image is not None and self.layout is not None:
            with anyio.CancelScope(shield=True):
                await run_sync(
                    write_image, self.benchmark, sample, self.runner.store, selected.image, session.source,
                    self.folder.images, self.layout,
                )  # fmt: skip
        failed = session.status is Status.FAILED or selected is None
        return SampleResult(
            sample=sample.id,
            group=sample.group,
            instruction=sample.instruction,
            session_id=session_id,
            source=session.source,
            stop_reason=session.stop_reason,
            selected=None if selected is None else selected.turn,
            turns=turns,
            problem=(" ".join(session.why.split()) or "there is no image") if failed else None,
        )

    async def _session(self, sample: Sample) -> str:
        """The session that the sample has, or a new one."""
        async with self._reading:
            attempt, failed = 1, False
            while True:
                session_id = session_id_of(self.benchmark.name, sample, attempt)
                try:
                    found = await self.runner.ledger.session(session_id)
                except NotFoundError:
                    break
                failed = found.status is Status.FAILED
                attempt += 1
            if attempt > 1 and not (failed and self.retry_failed):
                return session_id_of(self.benchmark.name, sample, attempt - 1)
            source = await load_image(
                self.runner.store, self.runner.ledger, sample.images[0], limits=self.runner.image_limits
            )
            return await self.runner.open(source, sample.instruction, self.settings, session_id=session_id)


def _turn(record: TurnRecord) -> TurnResult:
    critique = record.critique
    return TurnResult(
        turn=record.turn,
        prompt=record.prompt,
        image=record.image,
        semantic=None if critique is None else critique.semantic,
        quality=None if critique is None else critique.quality,
        stop=critique is not None and critique.stop,
        reasoning="" if critique is None else critique.reasoning,
        error=record.error,
    )


def _done(folder: RunFolder, samples: Iterable[Sample], retry_failed: bool) -> dict[str, SampleResult]:
    """The results that stand. Lines that cannot be read are made anew from the recorded sessions."""
    folder.tidy()
    problems: list[str] = []
    known = {sample.id for sample in samples}
    kept = {r.sample: r for r in folder.read_results(problems) if r.sample in known}
    if retry_failed:
        kept = {name: result for name, result in kept.items() if result.problem is None}
    if folder.results.exists():
        folder.write_results(kept.values())
    return kept


def _usable(settings: LoopSettings) -> LoopSettings:
    if settings.thinker == "host" or settings.thinker.startswith("host:"):
        raise SettingsError("the thinker 'host' would be whoever calls: an evaluation needs a model")
    return settings.model_copy(
        update={"pause": "never", "seed": 0 if settings.seed is None else settings.seed}
    )


def _unique(samples: Iterable[Sample]) -> None:
    seen: set[str] = set()
    for sample in samples:
        if sample.id in seen:
            raise InputError(f"the sample {sample.id!r} is there twice: every id names one sample")
        seen.add(sample.id)


def _versions() -> dict[str, str]:
    import platform
    from importlib.metadata import version

    return {"python": platform.python_version(), "thinkedit": version("thinkedit")}
