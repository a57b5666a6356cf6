"""The ledger's questions and answers: sessions, turns, recorded calls and images."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from thinkedit.ledger.leases import Leases, no_such_session
from thinkedit.ledger.rows import Call, Session, Spent, TurnEntry, image_of, session_of
from thinkedit.types import Image, LoopSettings

__all__ = ["Ledger"]


class Ledger(Leases):
    """The session database at `path`, or in memory where path is None.

    Methods are async; SQLite works in a thread. Raises LedgerError where the file cannot be used,
    LeaseLost where another process runs the session, NotFoundError for an unknown session.
    """

    # sessions

    async def create(self, session: Session) -> None:
        """Insert a new session and hold its lease."""

        def work(db: sqlite3.Connection) -> None:
            values = {
                **session.__dict__,
                "settings": session.settings.model_dump_json(),
                "stop_reason": session.stop_reason,
                "runner": self.runner,
                "lease_until": time.time() + self.lease,
                "fence": 1,
            }
            names = ",".join(values)
            marks = ",".join("?" * len(values))
            db.execute(f"INSERT INTO sessions ({names}) VALUES ({marks})", tuple(values.values()))

        await self._run(work)
        self._fences[session.session_id] = 1

    async def session(self, session_id: str) -> Session:
        def work(db: sqlite3.Connection) -> sqlite3.Row | None:
            row: sqlite3.Row | None = db.execute(
                "SELECT * FROM sessions WHERE session_id=?", (session_id,)
            ).fetchone()
            return row

        row = await self._run(work)
        if row is None:
            raise no_such_session(session_id)
        return session_of(row)

    async def sessions(self, owner: str | None = None, limit: int = 1000) -> list[Session]:
        """Newest first; of every owner where owner is None."""

        def work(db: sqlite3.Connection) -> list[sqlite3.Row]:
            return db.execute(
                "SELECT * FROM sessions WHERE ?1 IS NULL OR owner=?1 ORDER BY created DESC LIMIT ?2",
                (owner, limit),
            ).fetchall()

        return [session_of(row) for row in await self._run(work)]

    async def update(self, session_id: str, **values: Any) -> None:
        """Set columns of a session that this process runs."""
        if isinstance(values.get("settings"), LoopSettings):
            values["settings"] = values["settings"].model_dump_json()
        values["updated"] = time.time()
        names = ",".join(f"{name}=?" for name in values)

        def work(db: sqlite3.Connection) -> None:
            db.execute(f"UPDATE sessions SET {names} WHERE session_id=?", (*values.values(), session_id))

        await self._write(session_id, work)

    async def delete(self, session_id: str) -> None:
        """Forget a session, its turns and its calls. Pictures stay in the store until it is pruned."""

        def work(db: sqlite3.Connection) -> None:
            for table in ("calls", "turns", "sessions"):
                db.execute(f"DELETE FROM {table} WHERE session_id=?", (session_id,))

        await self._write(session_id, work)
        self._fences.pop(session_id, None)

    async def note_output(self, session_id: str, path: str | None) -> None:
        """Note where the result was written for a person."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("UPDATE sessions SET output=? WHERE session_id=?", (path, session_id))

        await self._run(work)

    # turns and calls

    async def put_turn(self, session_id: str, turn: int, record: str, *, complete: bool) -> None:
        """Note the newest record of a turn; later turns, left over from another branch, go."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM turns WHERE session_id=? AND turn>?", (session_id, turn))
            db.execute(
                "INSERT OR REPLACE INTO turns VALUES (?,?,?,?)", (session_id, turn, record, int(complete))
            )

        await self._write(session_id, work)

    async def turns(self, session_id: str) -> list[TurnEntry]:
        def work(db: sqlite3.Connection) -> list[TurnEntry]:
            rows = db.execute(
                "SELECT turn, record, complete FROM turns WHERE session_id=? ORDER BY turn", (session_id,)
            )
            return [TurnEntry(row["turn"], row["record"], bool(row["complete"])) for row in rows]

        return await self._run(work)

    async def record(
        self,
        session_id: str,
        role: str,
        turn: int,
        item: int,
        digest: str,
        call: Call,
        image: Image | None = None,
    ) -> None:
        """Record a finished model call, with the picture it made, in one transaction."""
        now = time.time()

        def work(db: sqlite3.Connection) -> None:
            leg, owner = db.execute(
                "SELECT leg, owner FROM sessions WHERE session_id=?", (session_id,)
            ).fetchone()
            key = (session_id, role, turn, item, digest, leg)
            attempt = db.execute(
                "SELECT COUNT(*) FROM calls WHERE session_id=? AND role=? AND turn=? AND item=? AND digest=?"
                " AND leg=?",
                key,
            ).fetchone()[0]
            db.execute(
                "INSERT INTO calls VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                (*key, attempt + 1, call.state, call.output, call.error, call.seconds, now),
            )
            if image is not None:
                _put_image(db, owner, image, now)

        await self._write(session_id, work)

    async def recorded(
        self, session_id: str, role: str, turn: int, item: int, digest: str
    ) -> tuple[Call | None, list[Call]]:
        """(the call that succeeded, or None; attempts of this leg that did not)."""

        def work(db: sqlite3.Connection) -> tuple[Call | None, list[Call]]:
            rows = db.execute(
                "SELECT c.*, s.leg AS now FROM calls c JOIN sessions s USING (session_id) WHERE session_id=?"
                " AND role=? AND turn=? AND item=? AND digest=? ORDER BY c.leg, attempt",
                (session_id, role, turn, item, digest),
            ).fetchall()
            calls = [(row, Call(row["state"], row["output"], row["error"], row["seconds"])) for row in rows]
            done = next((call for _, call in calls if call.state == "ok"), None)
            return done, [call for row, call in calls if call.state != "ok" and row["leg"] == row["now"]]

        return await self._run(work)

    async def spent(self, session_id: str) -> Spent:
        """Model seconds and calls of a session, failed attempts included, over all its runs."""

        def work(db: sqlite3.Connection) -> Spent:
            row = db.execute(
                "SELECT COALESCE(SUM(seconds),0) AS s, COUNT(*) AS n FROM calls WHERE session_id=?",
                (session_id,),
            ).fetchone()
            return Spent(row["s"], row["n"])

        return await self._run(work)

    # images

    async def put_image(self, owner: str, image: Image) -> None:
        """Note that `owner` may use the image."""
        await self._run(lambda db: _put_image(db, owner, image, time.time()))

    async def images(self, hashes: set[str]) -> dict[str, Image]:
        """What is known of the images, by hash; unknown ones are left out."""

        def work(db: sqlite3.Connection) -> dict[str, Image]:
            marks = ",".join("?" * len(hashes))
            rows = db.execute(f"SELECT * FROM images WHERE sha IN ({marks})", tuple(hashes))
            return {row["sha"]: image_of(row) for row in rows}

        return await self._run(work)

    async def may_use(self, owner: str, sha: str) -> bool:
        def work(db: sqlite3.Connection) -> bool:
            row = db.execute("SELECT 1 FROM images WHERE sha=? AND owner=?", (sha, owner)).fetchone()
            return row is not None

        return await self._run(work)


def _put_image(db: sqlite3.Connection, owner: str, image: Image, now: float) -> None:
    db.execute(
        "INSERT OR IGNORE INTO images VALUES (?,?,?,?,?,?,?)",
        (image.sha256, owner, image.width, image.height, image.mime_type, image.bytes, now),
    )
