"""`--engine ray`: generation and scoring on many machines, by Ray Data.

Each worker is an actor that holds its own editors and expert, made once (or clients of their endpoints, where
a name stands for a server), and does a batch at a time. What an actor is at lies below the dataset's `work/`,
in a place for each source: when an actor is killed, Ray starts another one and gives it the batch again, and
its sessions go on from their recorded calls. Outcomes come back as JSON lines in any order; the stage puts
them in order, so the files are those of the local engine.

The dataset's folder must be one that every machine sees under the same path.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, TypeVar, cast

from anyio.to_thread import run_sync

from thinkedit import errors
from thinkedit.adapters.require import require
from thinkedit.dataset.folder import workshop
from thinkedit.dataset.generating import GenerateSettings
from thinkedit.dataset.ray_worker import TRIED, Worker, place_of
from thinkedit.dataset.records import Dropped, Outcome, ScoredTrajectory, SourceRecord, Trajectory
from thinkedit.dataset.scoring import ScoreSettings
from thinkedit.errors import (
    EditorFailed,
    LedgerError,
    SettingsError,
    StoreError,
    ThinkEditError,
    ThinkerFailed,
)

__all__ = ["RayEngine"]

_PATIENCE = 10.0
"""Seconds for a cluster to take a connection."""

M = TypeVar("M", SourceRecord, Trajectory)

_OBJECT_STORE = 100 * 1024 * 1024
"""Bytes, of a Ray of our own on this machine: only lines of text go through it."""


class RayEngine:
    """Implements `engines.Engine`.

    workers: actors. address: of a Ray cluster (`auto`, `HOST:PORT`, `ray://HOST:PORT`); without one, that
    of RAY_ADDRESS, or a Ray of our own on this machine for as long as the work lasts. batch: sources that an
    actor takes at a time, all of them at once if the settings allow it. cpus, gpus: of each actor; with
    gpus above 0 it sees that many devices, or a share of one.
    Raises MissingExtra without Ray, SettingsError for numbers that cannot be.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        address: str | None = None,
        batch: int | None = None,
        cpus: float = 1,
        gpus: float = 0,
    ) -> None:
        require("--engine ray", "ray")
        if workers < 1 or (batch is not None and batch < 1) or cpus < 0 or gpus < 0:
            raise SettingsError(
                f"{workers} workers with batches of {batch}, {cpus} CPUs and {gpus} GPUs each cannot be: "
                "give at least 1 worker and batch, and no negative number"
            )
        self._workers, self._address, self._batch = workers, address, batch
        self._resources = {"num_cpus": cpus, "num_gpus": gpus}

    async def generate(
        self,
        sources: Iterable[SourceRecord],
        settings: GenerateSettings,
        heard: Callable[[SourceRecord, Outcome], Awaitable[None]],
    ) -> None:
        """As `Engine.generate`. What is recorded of a source's session is deleted once it was heard."""
        waiting = {source.id: source for source in await run_sync(list, sources)}

        async def tell(id_: str, line: str) -> None:
            outcome = json.loads(line)
            made = Dropped if "reason" in outcome else Trajectory
            await heard(waiting[id_], made.model_validate(outcome))
            done = settings.folder / "work" / place_of(settings, waiting.pop(id_))
            await run_sync(lambda: shutil.rmtree(done, ignore_errors=True))

        await self._run("generate", settings, list(waiting.values()), tell)
        _all_heard(len(waiting), "sources")

    async def score(
        self,
        trajectories: Iterable[Trajectory],
        settings: ScoreSettings,
        heard: Callable[[ScoredTrajectory], Awaitable[None]],
    ) -> None:
        """As `Engine.score`. The workers' answers of the judge are added to the file of the settings."""
        waiting = {trajectory.id: trajectory for trajectory in await run_sync(list, trajectories)}

        async def tell(id_: str, line: str) -> None:
            await heard(ScoredTrajectory.model_validate_json(line))
            await run_sync(_gather, settings, waiting.pop(id_))

        await self._run("score", settings, list(waiting.values()), tell)
        _all_heard(len(waiting), "trajectories")

    async def _run(
        self,
        stage: str,
        settings: GenerateSettings | ScoreSettings,
        items: list[M],
        tell: Callable[[str, str], Awaitable[None]],
    ) -> None:
        if not items:
            return
        tried = await run_sync(workshop, settings.folder, TRIED)
        await run_sync(lambda: shutil.rmtree(tried, ignore_errors=True))
        with _ray(self._address, self._workers, self._resources):
            rows = self._rows(stage, settings, items)
            try:
                # A wait that is cancelled is left alone: the end of Ray ends it.
                while (row := await run_sync(next, rows, None, abandon_on_cancel=True)) is not None:
                    told = json.loads(row)
                    if told["error"] is not None:
                        raise _rebuilt(*told["error"])
                    await tell(told["id"], told["line"])
            finally:
                with suppress(ValueError):  # it is waiting still
                    rows.close()

    def _rows(
        self, stage: str, settings: GenerateSettings | ScoreSettings, items: list[M]
    ) -> Generator[str, None, None]:
        """What the workers say, as they say it."""
        import ray.data
        import ray.exceptions

        batch = min(self._batch or settings.at_once, len(items))
        lines = [{"line": item.model_dump_json()} for item in items]
        data = ray.data.from_items(lines, override_num_blocks=-(-len(lines) // batch)).map_batches(
            Worker,
            fn_constructor_args=(stage, settings.model_dump_json()),
            batch_size=batch,
            compute=ray.data.ActorPoolStrategy(size=self._workers, max_tasks_in_flight_per_actor=2),
            **self._resources,
        )
        try:
            for row in data.iter_rows():
                yield row["told"]
        except ray.exceptions.RayError as error:
            said = str(error).strip().splitlines()[-1].strip()[:300]  # a remote traceback ends in its error
            kind = EditorFailed if stage == "generate" else ThinkerFailed
            raise kind(
                f"the workers on Ray cannot go on ({said}): what is done is kept; run the same command again,"
                " or with --engine local to see what kills them"
            ) from error


@contextmanager
def _ray(address: str | None, workers: int, resources: dict[str, float]) -> Iterator[None]:
    """Connected to Ray: to the one that the caller is connected to, a cluster, or one of our own. Blocks."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    # A thread that waits for a row when all is over must not start a Ray of its own to ask.
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")
    import ray
    import ray.data

    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS")
    own: dict[str, Any] = {}
    if address:
        _reachable(address)
    else:
        own = {
            "num_cpus": max(1, round(workers * max(resources["num_cpus"], 1))),
            "include_dashboard": False,
            "object_store_memory": _OBJECT_STORE,
        }
    ended = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, **own)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, ended)  # Ray takes it over, and would not park what runs
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = address or "this machine"
        raise StoreError(f"Ray cannot be reached at {where}: {' '.join(str(error).split())[:300]}") from error
    before = sys.stdout
    try:
        sys.stdout = cast(TextIO, _Apart(before))
        ray.data.DataContext.get_current().enable_progress_bars = False
        yield
    finally:
        sys.stdout = before
        ray.shutdown()


def _all_heard(missing: int, what: str) -> None:
    """LedgerError where the workers ended and something never came back: nothing may be lost unseen."""
    if missing:
        raise LedgerError(
            f"of {missing:,} {what} the workers on Ray told nothing: run the same command again"
        )


def _reachable(address: str) -> None:
    """Ask before Ray does, which tries for minutes. StoreError where nobody answers."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
    except OSError as error:
        raise StoreError(
            f"Ray cannot be reached at {address} ({error.strerror or error}): is its head node running?"
        ) from error


class _Apart:
    """Standard output without what Ray says of dead workers, which it prints from threads of its own there.

    That goes to standard error, so that a document on standard output stays one.
    """

    def __init__(self, plain: TextIO) -> None:
        self._plain = plain

    def __getattr__(self, name: str) -> Any:
        ray_speaks = threading.current_thread().name.startswith("ray_")
        return getattr(sys.stderr if ray_speaks else self._plain, name)


def _gather(settings: ScoreSettings, trajectory: Trajectory) -> None:
    """Add what the judge answered a worker to the file in which the local engine keeps answers."""
    work = settings.folder / "work"
    part = work / place_of(settings, trajectory)
    try:
        with open(work / settings.work, "ab") as file:
            file.write(part.read_bytes())
        part.unlink()
    except FileNotFoundError:  # it had no image to score
        return
    except OSError as error:
        raise StoreError(f"{work / settings.work} cannot be written: {error.strerror or error}") from error


def _rebuilt(name: str, message: str) -> ThinkEditError:
    """A worker's error; not every kind can be sent as it is, and its name and message are all that counts."""
    kind = getattr(errors, name, ThinkEditError)
    made: ThinkEditError = kind.__new__(kind)
    Exception.__init__(made, message)
    return made
