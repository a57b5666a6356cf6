"""What only housekeeping asks of a ledger: what is in use, what may go, and sessions put back."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from thinkedit.errors import LedgerError
from thinkedit.ledger.database import Db
from thinkedit.ledger.ledger import Ledger
from thinkedit.ledger.rows import Call, Session, TurnEntry, note_image, short
from thinkedit.types import Image

__all__ = ["RecordedCall", "forget_images", "in_use", "restore", "set_aside_if_damaged"]

_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True)
class RecordedCall:
    """A call with its key in the ledger."""

    role: str
    turn: int
    item: int
    digest: str
    call: Call


async def in_use(ledger: Ledger, without: Collection[str] = ()) -> tuple[set[str], set[str]]:
    """(ids of the sessions, hashes of the pictures and records that they refer to).

    without: ids to leave out, as if those sessions were deleted already.
    """
    left_out = set(without)

    def work(db: Db) -> tuple[set[str], set[str]]:
        sessions = db.execute("SELECT session_id FROM sessions").fetchall()
        named = db.execute(
            "SELECT session_id, source FROM sessions UNION SELECT session_id, record FROM turns"
            " UNION SELECT session_id, output FROM calls WHERE role='edit' AND state='ok'"
        )
        return (
            {row[0] for row in sessions if row[0] not in left_out},
            {row[1] for row in named if row[0] not in left_out},
        )

    return await ledger._run(work)


async def forget_images(ledger: Ledger, hashes: Collection[str]) -> None:
    """Take back every caller's leave to use these pictures, which are gone."""

    def work(db: Db) -> None:
        db.executemany("DELETE FROM images WHERE sha=?", [(sha,) for sha in sorted(hashes)])

    await ledger._run(work)


async def restore(
    ledger: Ledger,
    session: Session,
    turns: Sequence[TurnEntry],
    calls: Sequence[RecordedCall],
    images: Sequence[Image],
) -> None:
    """Put a whole session back, in one transaction; nobody runs it then."""
    now = time.time()
    values = {
        **session.__dict__,
        "settings": session.settings.model_dump_json(),
        "runner": "",
        "lease_until": 0,
    }
    id_ = session.session_id

    def work(db: Db) -> None:
        if db.again and db.execute("SELECT 1 FROM sessions WHERE session_id=?", (id_,)).fetchone():
            return
        marks = ",".join("?" * len(values))
        db.execute(f"INSERT INTO sessions ({','.join(values)}) VALUES ({marks})", tuple(values.values()))
        db.executemany(
            "INSERT INTO turns VALUES (?,?,?,?)",
            [(id_, entry.turn, entry.record, int(entry.complete)) for entry in turns],
        )
        db.executemany(
            "INSERT INTO calls VALUES (?,?,?,?,?,1,1,?,?,?,?,?) ON CONFLICT DO NOTHING",
            [
                (id_, one.role, one.turn, one.item, short(one.digest), *vars(one.call).values(), now)
                for one in calls
            ],
        )
        for image in sorted(images, key=lambda image: image.sha256):  # in one order, or two would dead-lock
            note_image(db, session.owner, image, now)

    await ledger._transaction(id_, work)


def set_aside_if_damaged(path: Path) -> Path | None:
    """Rename a database that SQLite cannot read; returns its new name, or None where it is sound or absent.

    LedgerError where it cannot be looked at or renamed.
    """
    if not path.exists():
        return None
    if _sound(path):
        return None
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    try:
        for ending in ("-wal", "-shm", ""):
            part = path.with_name(path.name + ending)
            if part.exists():
                part.rename(aside.with_name(aside.name + ending))
    except OSError as error:
        raise LedgerError(f"the damaged database {path} cannot be renamed: {error.strerror}") from error
    return aside


def _sound(path: Path) -> bool:
    try:
        with open(path, "rb") as stream:
            beginning = stream.read(len(_MAGIC))
        # SQLite deletes the log of a file that it does not take for a database: look before it does.
        if beginning not in (b"", _MAGIC):
            return False
        with closing(sqlite3.connect(path, timeout=10)) as db:
            return bool(db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except (OSError, sqlite3.OperationalError) as error:
        raise LedgerError(f"the database {path} cannot be checked: {error}") from error
    except sqlite3.DatabaseError:
        return False
