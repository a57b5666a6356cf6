"""The ledger's questions and answers: sessions, turns, recorded calls and images."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from thinkedit.errors import LeaseLost
from thinkedit.ledger.database import Db, Row
from thinkedit.ledger.leases import Leases, no_such_session
from thinkedit.ledger.rows import (
    Call,
    Session,
    Spent,
    TurnEntry,
    image_of,
    note_image,
    session_of,
    short,
)
from thinkedit.types import Image, LoopSettings, Status

__all__ = ["Ledger"]

_SESSION = "SELECT * FROM sessions WHERE session_id=?"
_CALL = "session_id=? AND role=? AND turn=? AND item=? AND digest=?"
_TURN = (
    "INSERT INTO turns VALUES (?,?,?,?) ON CONFLICT (session_id, turn)"
    " DO UPDATE SET record=excluded.record, complete=excluded.complete"
)


class Ledger(Leases):
    """The session database that `where` names: a postgresql:// URL, a file of SQLite, or memory for None.

    Methods are async; the database works in threads. Raises LedgerError where it cannot be used,
    LeaseLost where another process runs the session, NotFoundError for an unknown session.
    """

    # sessions

    async def create(self, session: Session) -> None:
        """Insert a new session; nobody runs it yet."""
        values = {**vars(session), "settings": session.settings.model_dump_json()}
        names = ",".join(values)
        marks = ",".join("?" * len(values))

        def work(db: Db) -> None:
            if db.again and db.execute(_SESSION, (session.session_id,)).fetchone() is not None:
                return
            db.execute(f"INSERT INTO sessions ({names}) VALUES ({marks})", tuple(values.values()))

        await self._run(work)

    async def take(self, session_id: str) -> Session:
        """The session, held by this process; claimed where nobody holds it, until it is finished."""

        def work(db: Db) -> Row:
            held = self._held.get(session_id)
            if held is not None and held.fence is not None:
                self._renew(db, session_id)
            elif self._claim(db, session_id):
                self._count(session_id, 1, taken=True)
            else:
                raise LeaseLost(f"session {session_id} is run by another process now")
            row: Row = db.execute(_SESSION, (session_id,)).fetchone()
            return row

        return session_of(await self._transaction(session_id, work))

    async def session(self, session_id: str) -> Session:
        def work(db: Db) -> Row | None:
            row: Row | None = db.execute(_SESSION, (session_id,)).fetchone()
            return row

        row = await self._run(work)
        if row is None:
            raise no_such_session(session_id)
        return session_of(row)

    async def sessions(self, owner: str | None = None, limit: int = 1000) -> list[Session]:
        """Newest first; of every owner where owner is None."""

        def work(db: Db) -> Sequence[Row]:
            whose = ("", ()) if owner is None else (" WHERE owner=?", (owner,))
            sql = f"SELECT * FROM sessions{whose[0]} ORDER BY created DESC LIMIT ?"
            return db.execute(sql, (*whose[1], limit)).fetchall()

        return [session_of(row) for row in await self._run(work)]

    async def update(self, session_id: str, **values: Any) -> None:
        """Set columns of a session that this process runs."""
        now = time.time()
        await self._write(session_id, lambda db: _set(db, session_id, values, now))

    async def change(self, session: Session, **values: Any) -> bool:
        """Set columns of a session that is still as `session` says; False where it has moved on since."""

        now = time.time()

        def work(db: Db) -> bool:
            row = db.execute(f"{_SESSION}{db.locking}", (session.session_id,)).fetchone()
            if row is None:
                raise no_such_session(session.session_id)
            if db.again and _is_set(row, values, now):
                return True
            if (row["status"], row["leg"]) != (session.status, session.leg):
                return False
            if session.status is Status.PAUSED and row["updated"] != session.updated:
                return False  # it waits again, after another turn
            _set(db, session.session_id, values, now)
            return True

        return await self._transaction(session.session_id, work)

    async def finish(self, session_id: str, records: Sequence[str], in_hand: int, **values: Any) -> None:
        """End a session with these turns and no others; `in_hand` more may be noted already.

        The turns are written again because the ledger may hold those of another branch: of a graph
        that went back to an earlier checkpoint.
        """
        now = time.time()

        def work(db: Db) -> None:
            rows = [(session_id, turn, record, 1) for turn, record in enumerate(records, 1)]
            db.executemany(_TURN, rows)
            db.execute("DELETE FROM turns WHERE session_id=? AND turn>?", (session_id, len(rows) + in_hand))
            _set(db, session_id, values, now)
            self._end_taken(db, session_id)

        await self._write(session_id, work)

    async def pause(self, session_id: str) -> None:
        """Note that a session waits for its caller; nobody runs it meanwhile."""
        now = time.time()

        def work(db: Db) -> None:
            _set(db, session_id, {"status": Status.PAUSED, "asked": ""}, now)
            self._end_taken(db, session_id)

        await self._write(session_id, work)

    async def delete(self, session_id: str) -> None:
        """Forget a session, its turns and its calls. Pictures stay in the store until it is pruned."""

        def work(db: Db) -> None:
            if db.again and db.execute(_SESSION, (session_id,)).fetchone() is None:
                self._held.pop(session_id, None)
                return
            if not self._claim(db, session_id):
                raise LeaseLost(f"session {session_id} is run by another process: cancel it first")
            for table in ("calls", "turns", "sessions"):
                db.execute(f"DELETE FROM {table} WHERE session_id=?", (session_id,))
            self._held.pop(session_id, None)

        await self._transaction(session_id, work)

    async def note_output(self, session_id: str, path: str | None) -> None:
        """Note where the result was written for a person."""

        def work(db: Db) -> None:
            db.execute("UPDATE sessions SET output=? WHERE session_id=?", (path, session_id))

        await self._run(work)

    # turns and calls

    async def put_turn(self, session_id: str, turn: int, record: str, *, complete: bool) -> None:
        """Note the newest record of a turn; later turns, left over from another branch, go."""

        def work(db: Db) -> None:
            db.execute("DELETE FROM turns WHERE session_id=? AND turn>?", (session_id, turn))
            db.execute(_TURN, (session_id, turn, record, int(complete)))

        await self._write(session_id, work)

    async def turns(self, session_id: str) -> list[TurnEntry]:
        def work(db: Db) -> list[TurnEntry]:
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

        def work(db: Db) -> None:
            leg, owner = db.execute(
                "SELECT leg, owner FROM sessions WHERE session_id=?", (session_id,)
            ).fetchone()
            key = (session_id, role, turn, item, short(digest))
            same = (call.state, call.output, call.error, call.seconds, now)
            kept = db.execute(
                f"SELECT state, output, error, seconds, created FROM calls WHERE {_CALL} AND leg=?",
                (*key, leg),
            ).fetchall()
            if not (db.again and any(tuple(row) == same for row in kept)):
                db.execute(
                    "INSERT INTO calls VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", (*key, leg, len(kept) + 1, *same)
                )
            if image is not None:
                note_image(db, owner, image, now)

        await self._write(session_id, work)

    async def recorded(
        self, session_id: str, role: str, turn: int, item: int, digest: str
    ) -> tuple[Call | None, list[Call]]:
        """(the call that succeeded, or None; attempts of this leg that did not)."""

        def work(db: Db) -> tuple[Call | None, list[Call]]:
            rows = db.execute(
                f"SELECT c.*, s.leg AS now FROM calls c JOIN sessions s USING (session_id) WHERE {_CALL}"
                " ORDER BY c.leg, attempt",
                (session_id, role, turn, item, short(digest)),
            ).fetchall()
            calls = [(row, Call(row["state"], row["output"], row["error"], row["seconds"])) for row in rows]
            done = next((call for _, call in calls if call.state == "ok"), None)
            return done, [call for row, call in calls if call.state != "ok" and row["leg"] == row["now"]]

        return await self._run(work)

    async def spent(self, session: Session) -> Spent:
        """Model seconds and calls of this leg, failed attempts and interrupted runs included."""

        def work(db: Db) -> Spent:
            row = db.execute(
                "SELECT COALESCE(SUM(seconds),0) AS s, COUNT(*) AS n FROM calls WHERE session_id=? AND leg=?",
                (session.session_id, session.leg),
            ).fetchone()
            return Spent(row["s"], row["n"])

        return await self._run(work)

    # images

    async def put_image(self, owner: str, image: Image) -> None:
        """Note that `owner` may use the image."""
        await self._run(lambda db: note_image(db, owner, image, time.time()))

    async def images(self, hashes: set[str]) -> dict[str, Image]:
        """What is known of the images, by hash; unknown ones are left out."""

        def work(db: Db) -> dict[str, Image]:
            marks = ",".join("?" * len(hashes)) or "NULL"
            rows = db.execute(f"SELECT * FROM images WHERE sha IN ({marks})", tuple(hashes))
            return {row["sha"]: image_of(row) for row in rows}

        return await self._run(work)

    async def may_use(self, owner: str, sha: str) -> bool:
        def work(db: Db) -> bool:
            row = db.execute("SELECT 1 FROM images WHERE sha=? AND owner=?", (sha, owner)).fetchone()
            return row is not None

        return await self._run(work)


def _columns(values: dict[str, Any], now: float) -> dict[str, Any]:
    columns = {**values, "updated": now}
    if isinstance(columns.get("settings"), LoopSettings):
        columns["settings"] = columns["settings"].model_dump_json()
    return columns


def _set(db: Db, session_id: str, values: dict[str, Any], now: float) -> None:
    columns = _columns(values, now)
    names = ",".join(f"{name}=?" for name in columns)
    db.execute(f"UPDATE sessions SET {names} WHERE session_id=?", (*columns.values(), session_id))


def _is_set(row: Row, values: dict[str, Any], now: float) -> bool:
    """Whether the row is as this very change has left it."""
    return all(row[name] == value for name, value in _columns(values, now).items())
