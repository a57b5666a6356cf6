"""How many sessions the ledger has, for whoever watches the server."""

from __future__ import annotations

from typing import Any

from thinkedit.ledger.ledger import Ledger
from thinkedit.types import Status

__all__ = ["statuses"]


async def statuses(ledger: Ledger) -> dict[Status, int]:
    """Sessions by status, of all owners; a status that none has is left out. LedgerError."""

    def work(db: Any) -> dict[Status, int]:
        rows = db.execute("SELECT status, COUNT(*) AS n FROM sessions GROUP BY status").fetchall()
        return {Status(row["status"]): int(row["n"]) for row in rows}

    return await ledger._run(work)
