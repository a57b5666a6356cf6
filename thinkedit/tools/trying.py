"""Model calls outside of a session: tried again after failures that may pass, and recorded nowhere."""

from __future__ import annotations

import logging
import time
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
Tell = Callable[[float, int, BaseException | None], None]


async def tried(
    once: Callable[[], Awaitable[T]],
    settings: LoopSettings,
    failed: type[EditorFailed] | type[ThinkerFailed],
    tell: Tell,
) -> T:
    """Call once, and again after failures that may pass. `failed` is for what no contract names.

    tell: told (when it began, the attempt, the error or None) as each attempt ends.
    """
    for failures in range(settings.retries + 1):
        began = time.time()
        try:
            result = await once()
        except ThinkEditError as error:
            problem = error
        except Exception as error:
            log.exception("a model raised an error that its contract does not name")
            problem = failed(in_one_line(error))
        else:
            tell(began, failures + 1, None)
            return result
        tell(began, failures + 1, problem)
        if not problem.retryable or failures == settings.retries:
            raise problem
        await anyio.sleep(min(settings.backoff * 2**failures, LONGEST_BACKOFF))
    raise AssertionError("unreachable")
