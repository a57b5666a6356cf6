"""The ledger's questions and answers: sessions, turns, recorded calls and images."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import Any

from thinkedit.errors import LeaseLost
from thinkedit.ledger.leases import Leases, no_such_session
from thinkedit.ledger.rows import Call, Session, Spent, TurnEntry, image_of, session_of
from thinkedit.types import Image, LoopSettings, Status

__all__ = ["Ledger"]

_SESSION = "SELECT * FROM sessions WHERE session_id=?"


class Ledger(Leases):
    """The session database at `path`, or in memory where path is None.

    Methods are async; SQLite works in a thread. Raises LedgerError where the file cannot be used,
    LeaseLost where another process runs the session, NotFoundError for an unknown session.
    """

    # sessions

    async def create(self, session: Session) -> None:
        """Insert a new session; nobody runs it yet."""
        values = {**vars(session), "settings": session.settings.model_dump_json()}
        names = ",".join(values)
        marks = ",".join("?" * len(values))

        def work(db: sqlite3.Connection) -> None:
            db.execute(f"INSERT INTO sessions ({names}) VALUES ({marks})", tuple(values.values()))

        await self._run(work)

    async def take(self, session_id: str) -> Session:
        """The session, held by this process; claimed where nobody holds it, until it is finished."""

        def work(db: sqlite3.Connection) -> sqlite3.Row:
            if session_id in self._fences:
                self._renew(db, session_id)
            elif self._claim(db, session_id):
                self._holders[session_id] += 1
                self._taken.add(session_id)
            else:
                raise LeaseLost(f"session {session_id} is run by another process now")
            row: sqlite3.Row = db.execute(_SESSION, (session_id,)).fetchone()
            return row

        return session_of(await self._transaction(work))

    async def session(self, session_id: str) -> Session:
        def work(db: sqlite3.Connection) -> sqlite3.Row | None:
            row: sqlite3.Row | None = db.execute(_SESSION, (session_id,)).fetchone()
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
        await self._write(session_id, lambda db: _set(db, session_id, values))

    async def change(self, session: Session, **values: Any) -> bool:
        """Set columns of a session that is still as `session` says; False where it has moved on since."""

        def work(db: sqlite3.Connection) -> bool:
            row = db.execute(_SESSION, (session.session_id,)).fetchone()
            if row is None:
                raise no_such_session(session.session_id)
            if (row["status"], row["leg"]) != (session.status, session.leg):
                return False
            if session.status is Status.PAUSED and row["updated"] != session.updated:
                return False  # it waits again, after another turn
            _set(db, session.session_id, values)
            return True

        return await self._transaction(work)

    async def finish(self, session_id: str, records: Sequence[str], in_hand: int, **values: Any) -> None:
        """End a session with these turns and no others; `in_hand` more may be noted already.

        The turns are written again because the ledger may hold those of another branch: of a graph
        that went back to an earlier checkpoint.
        """

        def work(db: sqlite3.Connection) -> None:
            rows = [(session_id, turn, record, 1) for turn, record in enumerate(records, 1)]
            db.executemany("INSERT OR REPLACE INTO turns VALUES (?,?,?,?)", rows)
            db.execute("DELETE FROM turns WHERE session_id=? AND turn>?", (session_id, len(rows) + in_hand))
            _set(db, session_id, values)
            if session_id in self._taken:
                self._free(db, session_id)

        await self._write(session_id, work)

    async def pause(self, session_id: str) -> None:
        """Note that a session waits for its caller; nobody runs it meanwhile."""

        def work(db: sqlite3.Connection) -> None:
            _set(db, session_id, {"status": Status.PAUSED, "asked": ""})
            if session_id in self._taken:
                self._free(db, session_id)

        await self._write(session_id, work)

    async def delete(self, session_id: str) -> None:
        """Forget a session, its turns and its calls. Pictures stay in the store until it is pruned."""

        def work(db: sqlite3.Connection) -> None:
            if not self._claim(db, session_id):
                raise LeaseLost(f"session {session_id} is run by another process: cancel it first")
            for table in ("calls", "turns", "sessions"):
                db.execute(f"DELETE FROM {table} WHERE session_id=?", (session_id,))
            self._free(db, session_id)

        await self._transaction(work)

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

    async def spent(self, session: Session) -> Spent:
        """Model seconds and calls of this leg, failed attempts and interrupted runs included."""

        def work(db: sqlite3.Connection) -> Spent:
            row = db.execute(
                "SELECT COALESCE(SUM(seconds),0) AS s, COUNT(*) AS n FROM calls WHERE session_id=? AND leg=?",
                (session.session_id, session.leg),
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


def _set(db: sqlite3.Connection, session_id: str, values: dict[str, Any]) -> None:
    values = {**values, "updated": time.time()}
    if isinstance(values.get("settings"), LoopSettings):
        values["settings"] = values["settings"].model_dump_json()
    names = ",".join(f"{name}=?" for name in values)
    db.execute(f"UPDATE sessions SET {names} WHERE session_id=?", (*values.values(), session_id))


def _put_image(db: sqlite3.Connection, owner: str, image: Image, now: float) -> None:
    db.execute(
        "INSERT OR IGNORE INTO images VALUES (?,?,?,?,?,?,?)",
        (image.sha256, owner, image.width, image.height, image.mime_type, image.bytes, now),
    )
