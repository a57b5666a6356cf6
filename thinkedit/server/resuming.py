"""Runs that a server which is gone has left: taken up by the next one, if it is told to."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio

from thinkedit.errors import BusyError, ThinkEditError
from thinkedit.types import Status

if TYPE_CHECKING:
    from thinkedit.graph.runner import Runner
    from thinkedit.server.lifetime import RunnerSource

__all__ = ["take_up"]

log = logging.getLogger("thinkedit.server")

_EVERY = 1.0
_MOST = 10_000


async def take_up(source: RunnerSource) -> None:
    """Begin every run that no living process has, for as long as a dead one's lease may still last.

    Sessions that wait for their caller are left alone. A run that cannot begin is logged and left.
    """
    tried: set[str] = set()
    until = None
    with suppress(BusyError):  # the server is ending already
        while until is None or anyio.current_time() < until:
            async with source.use() as runner:
                until = until or anyio.current_time() + runner.ledger.lease + _EVERY
                await _take_up(runner, tried)
            await anyio.sleep(_EVERY)


async def _take_up(runner: Runner, tried: set[str]) -> None:
    newest = await runner.ledger.sessions(limit=_MOST)
    for session in reversed([one for one in newest if one.status is Status.RUNNING]):
        session_id = session.session_id
        if session_id in tried or not await runner.ledger.is_free(session_id):
            continue
        tried.add(session_id)
        try:
            await runner.start(session_id)
        except ThinkEditError as error:
            log.warning("session %s could not be taken up: %s", session_id, error)
        else:
            log.warning("session %s was left by a server that is gone, and goes on", session_id)
