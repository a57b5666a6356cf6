"""Runs that a server which is gone has left: taken up by the next one, or one beside it, if told to."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio

from thinkedit.errors import BusyError, LedgerError, ThinkEditError

if TYPE_CHECKING:
    from thinkedit.graph.runner import Runner
    from thinkedit.server.lifetime import RunnerSource

__all__ = ["take_up"]

log = logging.getLogger("thinkedit.server")

_EVERY = 1.0
_BESIDE = 5.0
"""Seconds between two looks for what a server beside this one left."""
_QUIET = 10.0
"""Seconds for which nothing has happened to that: the other may be about to run what it has just made."""
_AGAIN = 600.0
"""Seconds until a session that was taken up already may be so again."""


async def take_up(source: RunnerSource, shared: bool = False) -> None:
    """Begin every run that no living process has, for as long as a dead one's lease may still last.

    Sessions that wait for their caller are left alone. A run that cannot begin is logged and left.
    shared: whether there are servers beside this one, which may go at any time: it looks for as long as it
    lives then, and takes up what it has places for.
    """
    tried: dict[str, float] = {}
    until = None
    with suppress(BusyError):  # the server is ending already
        while until is None or anyio.current_time() < until:
            async with source.use() as runner:
                until = until or anyio.current_time() + runner.ledger.lease + _EVERY
                await _take_up(runner, tried)
            await anyio.sleep(_EVERY)
        while shared:
            async with source.use() as runner:
                await _take_up(runner, tried, beside=True)
            await anyio.sleep(_BESIDE)


async def _take_up(runner: Runner, tried: dict[str, float], *, beside: bool = False) -> None:
    now = anyio.current_time()
    try:
        left = await runner.ledger.left(_QUIET if beside else 0.0)
    except LedgerError as error:
        log.warning("what other servers left could not be looked for: %s", error)
        return
    for session_id in left:
        if runner.runs_here(session_id):
            continue
        if beside and runner.ledger.holding >= runner.config.limits.sessions:
            return
        if session_id in tried and not (beside and now > tried[session_id] + _AGAIN):
            continue
        tried[session_id] = now
        try:
            await runner.start(session_id)
        except ThinkEditError as error:
            log.warning("session %s could not be taken up: %s", session_id, error)
        else:
            log.warning("session %s was left by a server that is gone, and goes on", session_id)
