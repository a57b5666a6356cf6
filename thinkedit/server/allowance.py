"""What one caller may have at once, in a day and in all. Without authentication there are no such limits.

Sessions and pictures are counted in the ledger, so that servers over one ledger agree. A count and what is
done upon it are one step within this process; two servers may together let one more in than they should.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import anyio

from thinkedit.errors import LimitError
from thinkedit.ledger.counting import begun_since, picture_bytes, running

if TYPE_CHECKING:
    from thinkedit.config import CallerLimits
    from thinkedit.ledger import Ledger

__all__ = ["Allowance"]

_DAY = 86_400.0
_SOON = 30.0
_LATER = 3600.0


class Allowance:
    """The limits of a server's callers. LimitError says the number, the limit, and when to come again."""

    def __init__(self, limits: CallerLimits) -> None:
        self._limits = limits
        self._doors: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()
        self._calls: Counter[str] = Counter()

    @asynccontextmanager
    async def session(self, ledger: Ledger, owner: str, *, new: bool) -> AsyncIterator[None]:
        """Around the moment at which a session of `owner` begins to run, or is begun where it is `new`."""
        if not owner:
            yield
            return
        async with self._door(owner):
            most = self._limits.at_once
            if (now := await running(ledger, owner)) >= most:
                raise LimitError(
                    f"{now} sessions of yours run at once, and {most} may: wait for one to end or cancel it, "
                    f"and try again in {_SOON:g} s",
                    _SOON,
                )
            if new:
                await self._check_day(ledger, owner)
                await self._check_bytes(ledger, owner)
            yield

    @asynccontextmanager
    async def picture(self, ledger: Ledger, owner: str, size: int) -> AsyncIterator[None]:
        """Around the moment at which `owner` is given a picture of `size` bytes."""
        if not owner:
            yield
            return
        async with self._door(owner):
            await self._check_bytes(ledger, owner, size)
            yield

    @asynccontextmanager
    async def call(self, ledger: Ledger, owner: str) -> AsyncIterator[None]:
        """Around a call of a model that belongs to no session."""
        if not owner:
            yield
            return
        most = self._limits.at_once
        if self._calls[owner] >= most:
            raise LimitError(
                f"{self._calls[owner]} single calls of yours run at once, and {most} may: try again in "
                f"{_SOON:g} s",
                _SOON,
            )
        self._calls[owner] += 1
        try:
            await self._check_bytes(ledger, owner)
            yield
        finally:
            self._calls[owner] -= 1
            if not self._calls[owner]:
                del self._calls[owner]

    async def _check_day(self, ledger: Ledger, owner: str) -> None:
        now, most = time.time(), self._limits.sessions_a_day
        begun, oldest = await begun_since(ledger, owner, now - _DAY)
        if begun >= most:
            # Where a limit was lowered, more than the oldest have to be a day old.
            after = max(oldest + _DAY - now, 1.0)
            raise LimitError(
                f"you began {begun} sessions in 24 hours, and {most} may be: try again in {after:.0f} s, or "
                "go on with one that you have (continue_edit)",
                after,
            )

    async def _check_bytes(self, ledger: Ledger, owner: str, more: int = 0) -> None:
        most = self._limits.image_bytes
        used = await picture_bytes(ledger, owner)
        if used + more > most or (not more and used >= most):
            with_it = f" and this one {more / 1e6:.1f} MB" if more else ""
            raise LimitError(
                f"your pictures here take {used / 1e6:.1f} MB{with_it}, and {most / 1e6:.1f} MB may be: ask "
                "the operator to delete sessions of yours, and try again in an hour",
                _LATER,
            )

    def _door(self, owner: str) -> anyio.Lock:
        door = self._doors.get(owner)
        if door is None:
            door = self._doors[owner] = anyio.Lock()
        return door
