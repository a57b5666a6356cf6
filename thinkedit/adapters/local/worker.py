"""One thread that owns a model, and the callers that wait for it.

A model in this process is busy for seconds and serves one pass at a time. Callers hand their items to its
worker and wait in the event loop; the thread takes items in a fair order, puts those that go together into
one pass, and gives each its result. A caller that is cancelled takes its item with it; the pass goes on for
the others and is stopped at its next step when nobody is left.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from thinkedit.adapters.base import Progress

__all__ = ["Abandoned", "Pass", "Worker"]

PATIENCE = 5.0
"""Seconds that `aclose` waits for what the thread is in."""

BEHIND = 1.0
"""Seconds between two signs of life to those who wait for their turn."""

Q = TypeVar("Q")
A = TypeVar("A")
T = TypeVar("T")


class Abandoned(Exception):
    """Nobody waits for this pass any more."""


class Pass(Generic[Q]):
    """The items that the model is to work on now. Its methods are for the worker's thread."""

    def __init__(self, jobs: Sequence[_Job[Q]], stepped: Callable[[], None] = lambda: None) -> None:
        self._jobs = jobs
        self._stepped = stepped

    @property
    def items(self) -> list[Q]:
        return [job.item for job in self._jobs]

    def waited_for(self, index: int) -> bool:
        """Whether the caller of this item still wants it."""
        return not self._jobs[index].gone

    def step(self, done: float, total: float, message: str) -> None:
        """Tell every caller how far the pass is. Abandoned where none is left."""
        waiting = [job for job in self._jobs if not job.gone]
        if not waiting:
            raise Abandoned
        for job in waiting:
            job.tell((done, total, message))
        self._stepped()


class Worker(Generic[Q, A]):
    """Runs `run` on passes of items, in a thread of its own that starts with the first item.

    run: gets a Pass and gives one result for each item; an Exception among them goes to that caller alone,
        one that it raises to all of the pass.
    together: a key; items with the same key may share a pass. None: by itself.
    most: items in one pass. window: seconds that an idle worker waits for company to an item with a key.
    """

    def __init__(
        self,
        run: Callable[[Pass[Q]], Sequence[A | Exception]],
        *,
        together: Callable[[Q], Hashable | None] = lambda _: None,
        most: int = 1,
        window: float = 0.0,
        name: str = "model",
    ) -> None:
        self._run = run
        self._together = together
        self._most = most
        self._window = window
        self._name = name
        self._groups: dict[object, deque[_Job[Any]]] = {}  # by caller, in the order of their turns
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._told = 0.0

    async def submit(self, item: Q, *, group: object = None, progress: Progress | None = None) -> A:
        """The result for one item. Groups take turns, so that a long one does not keep the others waiting.

        progress is called in the caller's own task. RuntimeError after `aclose`.
        """
        return cast(A, await self._wait(_Job(item, self._together(item)), group, progress))

    async def call(self, function: Callable[[], T]) -> T:
        """Something else that belongs into the model's thread, such as loading it."""
        return cast(T, await self._wait(_Job(None, None, function), object(), None))

    async def aclose(self) -> None:
        """Refuse what waits, let the pass that runs end, and end the thread.

        Loading cannot be interrupted: after a few seconds the thread is left to end with the process.
        """
        with self._changed:
            self._closed = True
            waiting = [job for jobs in self._groups.values() for job in jobs]
            self._groups.clear()
            self._changed.notify_all()
        for job in waiting:
            job.end(RuntimeError(f"{self._name} was closed"))
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            await asyncio.get_running_loop().run_in_executor(None, thread.join, PATIENCE)

    async def _wait(self, job: _Job[Any], group: object, progress: Progress | None) -> object:
        with self._changed:
            if self._closed:
                raise RuntimeError(f"{self._name} was closed")
            self._groups.setdefault(group if group is not None else job, deque()).append(job)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name=f"thinkedit {self._name}", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()
        try:
            while True:
                await job.news.wait()
                job.news.clear()
                # Only the newest step is told: a slow listener is not to hold up a result.
                if (said := job.said) is not None and progress is not None:
                    job.said = None
                    await progress(*said)
                if job.done:
                    break
        finally:
            job.gone = True
        if isinstance(job.result, Exception):
            raise job.result
        return job.result

    def _work(self) -> None:
        idle = True
        while (jobs := self._next(idle)) is not None:
            first = jobs[0]
            idle = first.function is not None  # those who waited for the loading are about to ask
            try:
                if first.function is not None:
                    results: Sequence[object] = [first.function()]
                else:
                    results = self._run(Pass(jobs, self._tell_those_behind))
                    if len(results) != len(jobs):
                        raise RuntimeError(f"{self._name} gave {len(results)} results for {len(jobs)} items")
            except Abandoned:
                continue
            except Exception as error:
                results = [error] * len(jobs)
            except BaseException as error:  # callers must not wait for ever on a thread that is gone
                results = [RuntimeError(f"{self._name} stopped: {type(error).__name__}: {error}")] * len(jobs)
            for job, result in zip(jobs, results, strict=True):
                job.end(result)
            del jobs, first, results  # a result kept until the next pass would hold its memory

    def _tell_those_behind(self) -> None:
        """Once in a while tell the callers whose turn has not come that the model is at work."""
        now = time.monotonic()
        if now - self._told < BEHIND:
            return
        self._told = now
        with self._changed:
            behind = [job for jobs in self._groups.values() for job in jobs if not job.gone]
        for job in behind:
            job.tell((0, 0, "waiting for the model"))

    def _next(self, idle: bool) -> list[_Job[Any]] | None:
        """The next pass: the first item whose turn it is, and those that may go with it. None: closed."""
        with self._changed:
            while not self._closed:
                job = self._first()
                if job is None:
                    idle = True
                    self._changed.wait()
                    continue
                jobs = [job]
                if job.key is not None and self._most > 1:
                    if idle:
                        self._await_company(job)
                        if job.gone:
                            continue
                    jobs += self._company(job, self._most - 1)
                return jobs
            return None

    def _await_company(self, job: _Job[Any]) -> None:
        until = time.monotonic() + self._window
        while not self._closed and (left := until - time.monotonic()) > 0:
            alike = sum(
                other.key == job.key and not other.gone for jobs in self._groups.values() for other in jobs
            )
            if alike >= self._most - 1:
                return
            self._changed.wait(left)

    def _first(self) -> _Job[Any] | None:
        """Takes the next item of the group whose turn it is; the group goes to the end of the line."""
        while self._groups:
            group, jobs = next(iter(self._groups.items()))
            del self._groups[group]
            job = jobs.popleft()
            if jobs:
                self._groups[group] = jobs
            if not job.gone:
                return job
        return None

    def _company(self, first: _Job[Any], room: float) -> list[_Job[Any]]:
        """Takes up to `room` items that go with the first, one from each group in turn."""
        taken: list[_Job[Any]] = []
        found = True
        while found and len(taken) < room:
            found = False
            for group, jobs in list(self._groups.items()):
                alike = next((job for job in jobs if job.key == first.key and not job.gone), None)
                if alike is None or len(taken) >= room:
                    continue
                jobs.remove(alike)
                taken.append(alike)
                found = True
                if not jobs:
                    del self._groups[group]
        return taken


@dataclass(eq=False)
class _Job(Generic[Q]):
    """One caller's item; `news` lies in the caller's event loop, everything else is plain data."""

    item: Q
    key: Hashable | None
    function: Callable[[], object] | None = None
    said: tuple[float, float, str] | None = None
    result: object = None
    done: bool = False
    gone: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    def tell(self, said: tuple[float, float, str]) -> None:
        def arrive() -> None:
            self.said = said
            self.news.set()

        self._post(arrive)

    def end(self, result: object) -> None:
        def arrive() -> None:
            self.result, self.done = result, True
            self.news.set()

        self._post(arrive)

    def _post(self, arrive: Callable[[], None]) -> None:
        if self.loop.is_closed():
            return
        try:
            self.loop.call_soon_threadsafe(arrive)
        except RuntimeError:  # closed in between: nobody is left to be told
            self.gone = True
