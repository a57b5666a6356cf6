"""What a server on HTTP deletes by itself: old sessions, and the oldest where pictures take too much room.

Several servers over one database may look at the same time. That costs each the look, and nothing else: a
session is deleted under its lease, in one transaction, by whoever comes first; a picture only where the
ledger names no session that uses it; and the pictures of sessions that another is deleting do not count. So
there is no leader to elect, and none that can be lost.
"""

from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING

import anyio

from thinkedit.config import Retention
from thinkedit.errors import ThinkEditError

if TYPE_CHECKING:
    from thinkedit.graph.references import References
    from thinkedit.graph.runner import Runner
    from thinkedit.server.lifetime import RunnerSource

__all__ = ["keep_within", "look"]

log = logging.getLogger("thinkedit.retention")

AT_MOST = 200
"""Sessions deleted in one look; where there are more, the next look comes soon."""

_SOON = 5.0
_DAY = 86_400.0


async def keep_within(source: RunnerSource, retention: Retention) -> None:
    """Look every `every_seconds` until cancelled; nothing where `retention` names no limit.

    A look that fails is logged, and the next one tries again.
    """
    if retention.days is None and retention.bytes is None:
        return
    from thinkedit.graph.references import References

    references = References()
    # Servers that are started together need not look together, nor while they start.
    pause = retention.every_seconds * random.uniform(0.1, 0.5)
    while True:
        await anyio.sleep(pause)
        pause = retention.every_seconds
        try:
            async with source.use() as runner:
                if await look(runner, retention, references):
                    pause = min(_SOON, pause)
        except ThinkEditError as error:
            log.warning("nothing was deleted this time: %s", error)
        except Exception:
            log.exception("the look at what may be deleted failed in a way it should not")


async def look(
    runner: Runner, retention: Retention, references: References | None = None, *, most: int = AT_MOST
) -> bool:
    """Delete what `retention` says, at most `most` sessions; whether there may be more to delete."""
    from thinkedit.graph.upkeep import plan_pruning, prune

    plan = await plan_pruning(
        runner,
        older_than=None if retention.days is None else retention.days * _DAY,
        max_bytes=retention.bytes,
        most=most,
        references=references,
    )
    done = await prune(runner, plan, references=references)
    if done.sessions or done.unused:
        pictures = sum(stored.kind == "image" for stored in done.unused)
        log.info(
            "deleted %d sessions, %d pictures and %d records, %.1f MB; %d sessions stay because they run",
            *(len(done.sessions), pictures, len(done.unused) - pictures, done.bytes / 1e6, len(done.running)),
        )
    if len(plan.sessions) >= most:
        return True
    if retention.bytes is not None and done.left_bytes is not None and done.left_bytes > retention.bytes:
        log.warning(
            "pictures take %.1f MB, more than server.retention.bytes (%.1f MB): the rest is of sessions that "
            "run or wait, or was sent in the last hour",
            *(done.left_bytes / 1e6, retention.bytes / 1e6),
        )
    return False
