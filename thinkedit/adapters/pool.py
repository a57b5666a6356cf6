"""Several members that do the same work, servers or devices: it goes to the least busy one that is well.

A member that fails rests for a while, longer each time, and the work it failed goes to another at once. When
all are resting, the one that comes back soonest is tried. Waiting is fair: first come, first served.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import anyio

from thinkedit.errors import SettingsError

__all__ = ["Pool"]

T = TypeVar("T")
R = TypeVar("R")

LONGEST = 10
"""A member rests at most this many times as long as after its first failure."""


@dataclass(eq=False)
class _Member(Generic[T]):
    name: str
    value: T
    busy: int = 0
    done: int = 0
    last: int = 0
    """When it was given work last, in works of the pool: of two that are as busy, the older one is next."""
    failures: int = 0
    """In a row."""
    falls: int = 0
    """Since ever; tells works that began before a failure from those that began after it."""
    until: float = 0.0
    why: str = ""


@dataclass(eq=False)
class _Waiter(Generic[T]):
    loop: asyncio.AbstractEventLoop
    ready: anyio.Event
    tried: set[int]
    member: _Member[T] | None = None


@dataclass(eq=False)
class _Queue(Generic[T]):
    waiting: list[_Waiter[T]] = field(default_factory=list)
    given: int = 0


class Pool(Generic[T]):
    """Members by name; `run` may be called from several event loops and threads.

        pool = Pool([("a", client_a), ("b", client_b)], at_once=2)
        answer = await pool.run(lambda client: client.ask(question), sick=lambda error: True)

    at_once: works that one member does at the same time; None for as many as come.
    rest: seconds that a member rests after a failure; doubles while it keeps failing, up to ten times. An
        error with an attribute `retry_after` (seconds) says itself how long, within that.
    clock: seconds, from any start.
    """

    def __init__(
        self,
        members: Sequence[tuple[str, T]],
        *,
        at_once: int | None = None,
        rest: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not members:
            raise SettingsError("a pool needs one member or more")
        names = [name for name, _ in members]
        if double := next((name for name in names if names.count(name) > 1), None):
            raise SettingsError(f"{double} is named twice: name each once")
        if at_once is not None and (isinstance(at_once, bool) or not isinstance(at_once, int) or at_once < 1):
            raise SettingsError(f"at_once is {at_once!r}: give 1 or more")
        if isinstance(rest, bool) or not isinstance(rest, int | float) or rest < 0:
            raise SettingsError(f"rest is {rest!r}: give seconds, 0 or more")
        self._members = [_Member(name, value) for name, value in members]
        self._at_once = at_once
        self._rest = float(rest)
        self._clock = clock
        self._queue: _Queue[T] = _Queue()
        self._lock = threading.Lock()

    @property
    def values(self) -> list[T]:
        return [member.value for member in self._members]

    async def run(self, work: Callable[[T], Awaitable[R]], *, sick: Callable[[Exception], bool]) -> R:
        """Do the work on one member, and on the next one where `sick(error)` says it was the member's fault.

        Each member is tried once; when all have failed, the last one's error rises. So does at once any
        error that is not a member's fault.
        """
        tried: set[int] = set()
        while True:
            member = await self._member(tried)
            falls = member.falls
            try:
                result = await work(member.value)
            except Exception as error:
                if not sick(error):
                    self._give_back(member)
                    raise
                self._fell(member, falls, error)
                tried.add(id(member))
                if len(tried) == len(self._members):
                    raise
            except BaseException:
                self._give_back(member)
                raise
            else:
                self._went_well(member)
                return result

    def state(self) -> list[str]:
        """A line for each member: how busy it is, and why it rests."""
        now = self._clock()
        with self._lock:
            return [self._line(member, now) for member in self._members]

    def _line(self, member: _Member[T], now: float) -> str:
        if member.until > now:
            seconds = max(1, round(member.until - now))
            return f"{member.name}: resting {seconds} s more: {member.why}"
        of = "" if self._at_once is None else f" of {self._at_once}"
        health = "healthy" if not member.failures else f"to be tried again after: {member.why}"
        return f"{member.name}: {health}, busy with {member.busy}{of}, {member.done} done"

    async def _member(self, tried: set[int]) -> _Member[T]:
        waiter: _Waiter[T] = _Waiter(asyncio.get_running_loop(), anyio.Event(), tried)
        with self._lock:
            self._queue.waiting.append(waiter)
        self._serve()
        try:
            while waiter.member is None:
                with anyio.move_on_after(self._until_one_is_back()):
                    await waiter.ready.wait()
                if waiter.member is None:
                    self._serve()
        except BaseException:
            with self._lock:
                if waiter in self._queue.waiting:
                    self._queue.waiting.remove(waiter)
            if waiter.member is not None:
                self._give_back(waiter.member)
            raise
        return waiter.member

    def _until_one_is_back(self) -> float | None:
        """Seconds until a resting member may be tried, None where none is resting."""
        now = self._clock()
        with self._lock:
            ends = [member.until - now for member in self._members if member.until > now]
        return max(0.01, min(ends)) if ends else None

    def _serve(self) -> None:
        """Give members to those who wait, in their order."""
        with self._lock:
            for waiter in list(self._queue.waiting):
                member = self._choice(waiter.tried)
                if member is None:
                    continue
                self._queue.waiting.remove(waiter)
                self._queue.given += 1
                member.busy += 1
                member.last = self._queue.given
                waiter.member = member
                try:
                    waiter.loop.call_soon_threadsafe(waiter.ready.set)
                except RuntimeError:  # its event loop has ended, and nobody is left who would give it back
                    member.busy -= 1

    def _choice(self, tried: set[int]) -> _Member[T] | None:
        now = self._clock()
        left = [member for member in self._members if id(member) not in tried]
        awake = [member for member in left if member.until <= now]
        well = [member for member in awake if not member.failures]
        if not awake:
            # All are resting: nobody is helped by waiting for what may work again already.
            awake = sorted(left, key=lambda member: member.until)[:1]
        elif well:
            # One that failed is tried with one work at first, while others do the rest.
            awake = well + [member for member in awake if member.failures and not member.busy]
        free = [m for m in awake if self._at_once is None or m.busy < self._at_once]
        return min(free, key=lambda member: (member.busy, member.last), default=None)

    def _give_back(self, member: _Member[T]) -> None:
        with self._lock:
            member.busy -= 1
        self._serve()

    def _went_well(self, member: _Member[T]) -> None:
        with self._lock:
            member.done += 1
            member.failures = 0
            member.until = 0.0
        self._give_back(member)

    def _fell(self, member: _Member[T], falls: int, error: Exception) -> None:
        with self._lock:
            member.why = (str(error) or type(error).__name__).splitlines()[0]
            if falls == member.falls:  # else it is the same fall, seen by another work
                member.falls += 1
                member.failures += 1
                rest = self._rest * min(2.0 ** min(member.failures - 1, 10), LONGEST)
                wanted = getattr(error, "retry_after", None)
                if wanted is not None:
                    rest = min(max(0.0, float(wanted)), self._rest * LONGEST)
                member.until = self._clock() + rest
        self._give_back(member)
