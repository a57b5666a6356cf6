"""How a scripted model behaves around its answers: its latency, slots, faults and log."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Generic, Literal, TypeVar

import anyio

from thinkedit.errors import SettingsError

__all__ = ["Behaviour", "Fault", "Faults"]

R = TypeVar("R")

Fault = Exception | Literal["hang"]
"""An exception to raise, or `hang`: the call never ends until it is cancelled."""

Faults = Mapping[int, Fault] | Callable[[int, R], Fault | None]
"""By number of the call, counted from 1 in this object's life, or a function of (number, request)."""


class Behaviour(Generic[R]):
    """Latency, slots, faults and a log for the calls of one scripted model.

    latency: seconds that each call takes while it holds its slot.
    slots: how many calls run at once (None: any number); the others wait in order.
    faults: what goes wrong, see `Faults`; a fault happens after the latency.
    log: a file that gets one JSON line when a call starts and one when it ends, each appended by a
        single write, so that the log of a killed process has whole lines. A call that was killed or
        cancelled has a start and no end.

    calls, finished, running and peak (most at once) count what happened so far.
    """

    def __init__(
        self,
        *,
        latency: float = 0.0,
        slots: int | None = None,
        faults: Faults[R] | None = None,
        log: str | os.PathLike[str] | None = None,
    ) -> None:
        if latency < 0:
            raise SettingsError(f"latency is {latency}: give seconds, 0 or more")
        if slots is not None and slots < 1:
            raise SettingsError(f"slots is {slots}: give 1 or more, or leave it out for any number")
        self.latency = latency
        self.faults = faults
        self.log = None if log is None else os.fspath(log)
        self.calls = self.finished = self.running = self.peak = 0
        self._slot: AbstractAsyncContextManager[object] = (
            nullcontext() if slots is None else anyio.CapacityLimiter(slots)
        )

    @asynccontextmanager
    async def during(self, request: R, **facts: Any) -> AsyncIterator[None]:
        """Surround the making of one answer; raises the call's fault. `facts` go into the log."""
        self.calls += 1
        number = self.calls
        async with self._slot:
            self._note("start", number, facts)
            self.running += 1
            self.peak = max(self.peak, self.running)
            try:
                await anyio.sleep(self.latency)
                fault = self._fault(number, request)
                if fault == "hang":
                    await anyio.sleep_forever()
                if isinstance(fault, Exception):
                    self._note("end", number, {**facts, "error": f"{type(fault).__name__}: {fault}"})
                    raise fault.with_traceback(None)
                yield
                self._note("end", number, facts)
                self.finished += 1
            finally:
                self.running -= 1

    def _fault(self, number: int, request: R) -> Fault | None:
        if self.faults is None:
            return None
        if isinstance(self.faults, Mapping):
            return self.faults.get(number)
        return self.faults(number, request)

    def _note(self, event: str, number: int, facts: Mapping[str, Any]) -> None:
        if self.log is None:
            return
        line = json.dumps({"event": event, "pid": os.getpid(), "call": number, **facts}) + "\n"
        file = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)
