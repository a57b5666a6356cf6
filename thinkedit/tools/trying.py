"""Model calls outside of a session: tried again after failures that may pass, and recorded nowhere."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from thinkedit.errors import EditorFailed, ThinkEditError, ThinkerFailed
from thinkedit.graph.answers import in_one_line
from thinkedit.graph.calls import LONGEST_BACKOFF
from thinkedit.types import LoopSettings

__all__ = ["tried"]

log = logging.getLogger("thinkedit")
T = TypeVar("T")


async def tried(
    once: Callable[[], Awaitable[T]],
    settings: LoopSettings,
    failed: type[EditorFailed] | type[ThinkerFailed],
) -> T:
    """Call once, and again after failures that may pass. `failed` is for what no contract names."""
    for failures in range(settings.retries + 1):
        try:
            return await once()
        except ThinkEditError as error:
            problem = error
        except Exception as error:
            log.exception("a model raised an error that its contract does not name")
            problem = failed(in_one_line(error))
        if not problem.retryable or failures == settings.retries:
            raise problem
        await anyio.sleep(min(settings.backoff * 2**failures, LONGEST_BACKOFF))
    raise AssertionError("unreachable")
