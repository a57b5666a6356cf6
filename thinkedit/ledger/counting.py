"""What one caller has in the ledger: the numbers that limits are held against.

Counted in the database and not in a process, so that all servers over one ledger agree. The statements are
plain SQL.
"""

from __future__ import annotations

import time
from typing import Any

from thinkedit.ledger.ledger import Ledger
from thinkedit.types import Status

__all__ = ["begun_since", "picture_bytes", "running"]

_TO_BEGIN = 60.0
"""Seconds after which a session that nobody runs counts no more: its server has parked it."""


async def running(ledger: Ledger, owner: str) -> int:
    """Sessions of `owner` that run or wait for a place; not those that a server which ended has parked."""

    def work(db: Any) -> int:
        row = db.execute(
            "SELECT COUNT(*) AS n FROM sessions WHERE owner=? AND status=? AND (runner<>'' OR updated>?)",
            (owner, Status.RUNNING.value, time.time() - _TO_BEGIN),
        ).fetchone()
        return int(row["n"])

    return await ledger._run(work)


async def begun_since(ledger: Ledger, owner: str, since: float) -> tuple[int, float]:
    """(sessions of `owner` created after `since`, when the oldest of them was; 0 where there is none)."""

    def work(db: Any) -> tuple[int, float]:
        row = db.execute(
            "SELECT COUNT(*) AS n, COALESCE(MIN(created), 0) AS oldest FROM sessions"
            " WHERE owner=? AND created>?",
            (owner, since),
        ).fetchone()
        return int(row["n"]), float(row["oldest"])

    return await ledger._run(work)


async def picture_bytes(ledger: Ledger, owner: str) -> int:
    """Bytes of all pictures that `owner` may use, each counted once."""

    def work(db: Any) -> int:
        row = db.execute("SELECT COALESCE(SUM(bytes), 0) AS n FROM images WHERE owner=?", (owner,)).fetchone()
        return int(row["n"])

    return await ledger._run(work)
