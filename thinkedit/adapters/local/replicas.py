"""Copies of one model, one on each device, each with the thread that owns it; work goes to the least busy.

A device that fails a pass (out of memory, a CUDA error) rests for a while, and the work goes to another.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, Protocol, TypeVar

from anyio.to_thread import run_sync

from thinkedit.adapters.base import Progress
from thinkedit.adapters.local.loading import Failure, running
from thinkedit.adapters.local.placement import Decision
from thinkedit.adapters.local.residency import Resident, residency_of
from thinkedit.adapters.local.worker import Abandoned, Pass, Worker
from thinkedit.adapters.pool import Pool
from thinkedit.errors import SettingsError, ThinkEditError

__all__ = ["LoadedModel", "Replicas", "devices_of"]

log = logging.getLogger("thinkedit")

Q = TypeVar("Q")
A = TypeVar("A")
M = TypeVar("M", bound="LoadedModel")


class LoadedModel(Resident, Protocol):
    """A model in memory. lines: what was decided in loading, for people."""

    decision: Decision

    def lines(self) -> list[str]: ...

    def close(self) -> None: ...


class Replicas(Generic[M, Q, A]):
    """The copies of one model.

    load: makes one for a device, or for the best there is; blocking. run: a pass of it, as for `Worker`.
    failed: what a pass that breaks is told as. together, most, window: see `Worker`.
    """

    def __init__(
        self,
        devices: Sequence[str | None],
        load: Callable[[str | None], M],
        run: Callable[[M, Pass[Q]], Sequence[A | Exception]],
        *,
        failed: Failure,
        together: Callable[[Q], Hashable | None],
        most: int,
        window: float,
        name: str,
    ) -> None:
        self.members: list[_Replica[M, Q, A]] = []
        for device in devices:

            def loaded(device: str | None = device) -> M:
                return load(device)

            worker = _Replica(loaded, run, failed, together, most, window, name)
            self.members.append(worker)
        names = [f"{device or name} ({number})" for number, device in enumerate(devices, 1)]
        self._pool = Pool(list(zip(names, self.members, strict=True)))

    @property
    def passes(self) -> int:
        """Forward passes so far; several items may share one."""
        return sum(member.passes for member in self.members)

    async def model(self) -> M:
        """One loaded copy, to see what it is; all are alike but for their device."""
        there = next((member for member in self.members if member.model is not None), self.members[0])
        return await there.load()

    async def check(self) -> None:
        """Load every copy. Raises what loading does; the next call tries again."""
        for member in self.members:
            await member.load()

    async def describe(self) -> list[str]:
        """What was decided in loading, for each copy."""
        lines = [line for member in self.members for line in (await member.load()).lines()]
        return lines + (self._pool.state() if len(self.members) > 1 else [])

    async def submit(self, item: Q, *, group: object = None, progress: Progress | None = None) -> A:
        """The result for one item. Raises `failed` where the pass broke, and what `run` gave for the item."""
        try:
            return await self._pool.run(
                lambda member: member.submit(item, group, progress),
                sick=lambda error: isinstance(error, _DeviceFault),
            )
        except _DeviceFault as fault:
            raise fault.error from fault.error.__cause__

    async def aclose(self) -> None:
        for member in self.members:
            await member.aclose()


class _DeviceFault(Exception):
    """A pass broke, and not for what it was asked: another device may do better."""

    def __init__(self, error: ThinkEditError) -> None:
        super().__init__(str(error))
        self.error = error


class _Replica(Generic[M, Q, A]):
    """One copy on one device."""

    def __init__(
        self,
        load: Callable[[], M],
        run: Callable[[M, Pass[Q]], Sequence[A | Exception]],
        failed: Failure,
        together: Callable[[Q], Hashable | None],
        most: int,
        window: float,
        name: str,
    ) -> None:
        self.passes = 0
        self.model: M | None = None
        self.worker: Worker[Q, A] = Worker(self._pass, together=together, most=most, window=window, name=name)
        self._load = load
        self._run = run
        self._failed = failed

    async def load(self) -> M:
        if self.model is None:
            await self.worker.call(self._loaded)
        assert self.model is not None
        return self.model

    async def submit(self, item: Q, group: object, progress: Progress | None) -> A:
        await self.load()
        return await self.worker.submit(item, group=group, progress=progress)

    async def aclose(self) -> None:
        await self.worker.aclose()
        model, self.model = self.model, None
        if model is not None:
            residency_of(model.decision.device).forget(model)
            await run_sync(model.close)

    def _loaded(self) -> None:
        if self.model is None:
            self.model = self._load()

    def _pass(self, work: Pass[Q]) -> Sequence[A | Exception]:
        model = self.model
        assert model is not None
        self.passes += 1
        try:
            with residency_of(model.decision.device).using(model):
                return self._run(model, work)
        except (ThinkEditError, Abandoned):
            raise
        except Exception as error:
            raise _DeviceFault(self._explained(model, error)) from error

    def _explained(self, model: M, error: Exception) -> ThinkEditError:
        try:
            with running(model.name, self._failed):
                raise error
        except ThinkEditError as explained:
            return explained
        except Exception:
            log.exception("%s failed", model.name)
            line = " ".join(str(error).split())[:300]
            told = self._failed(f"{model.name} failed: {type(error).__name__}: {line}", retryable=False)
            told.__cause__ = error
            return told


def devices_of(device: str | None, devices: str | Sequence[str] | None) -> tuple[str | None, ...]:
    """The options `device` and `devices` as one list; None stands for the best there is."""
    if device is not None and devices:
        raise SettingsError(f"device is {device!r} and devices is {devices!r}: give one of them")
    given = (devices,) if isinstance(devices, str) else tuple(devices or (device,))
    if not all(item is None or isinstance(item, str) for item in given):
        raise SettingsError(f"devices is {devices!r}: give names such as cuda:0")
    return given
