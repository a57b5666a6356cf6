"""Sessions, their turns, leases and recorded model calls, in one SQLite file.

The ledger is an index: pictures and turn records lie in the store under their hashes. It answers which
sessions there are, who runs one now, and which model calls have been paid for already.

A session has one runner at a time. The runner holds a *lease* (name, end, fencing number); every write
checks the number, so that a runner which lost its lease can no longer write. A lease ends by its time, or
at once where its process is known to be dead.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import anyio
from anyio.to_thread import run_sync

from thinkedit.errors import LeaseLost, LedgerError, NotFoundError
from thinkedit.types import Image, LoopSettings, Status, StopReason

__all__ = ["Call", "Ledger", "Session", "Spent", "TurnEntry"]

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
  session_id TEXT PRIMARY KEY, owner TEXT NOT NULL, created REAL NOT NULL, updated REAL NOT NULL,
  status TEXT NOT NULL, stop_reason TEXT, why TEXT NOT NULL DEFAULT '', instruction TEXT NOT NULL,
  settings TEXT NOT NULL, source TEXT NOT NULL, source_name TEXT, source_mime TEXT NOT NULL,
  editor TEXT NOT NULL DEFAULT '', thinker TEXT NOT NULL DEFAULT '', selected_turn INTEGER,
  leg INTEGER NOT NULL DEFAULT 1, asked TEXT NOT NULL DEFAULT '', wanted TEXT NOT NULL DEFAULT '', output TEXT,
  runner TEXT NOT NULL DEFAULT '', lease_until REAL NOT NULL DEFAULT 0, fence INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS sessions_by_owner ON sessions (owner, created);
CREATE TABLE IF NOT EXISTS turns (
  session_id TEXT NOT NULL, turn INTEGER NOT NULL, record TEXT NOT NULL, complete INTEGER NOT NULL,
  PRIMARY KEY (session_id, turn)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS calls (
  session_id TEXT NOT NULL, role TEXT NOT NULL, turn INTEGER NOT NULL, item INTEGER NOT NULL,
  digest TEXT NOT NULL, leg INTEGER NOT NULL, attempt INTEGER NOT NULL, state TEXT NOT NULL,
  output TEXT NOT NULL, error TEXT, seconds REAL NOT NULL, created REAL NOT NULL,
  PRIMARY KEY (session_id, role, turn, item, digest, leg, attempt)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS images (
  sha TEXT NOT NULL, owner TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
  mime_type TEXT NOT NULL, bytes INTEGER NOT NULL, created REAL NOT NULL,
  PRIMARY KEY (sha, owner)) WITHOUT ROWID;
"""
_VERSION = 1


@dataclass(frozen=True)
class Session:
    """One row of `sessions`. source: hash of the normalised source; leg: 1, and one more each
    time it was gone on with; asked: the caller's own prompt for this leg, or empty."""

    session_id: str
    owner: str
    created: float
    updated: float
    status: Status
    stop_reason: StopReason | None
    why: str
    instruction: str
    settings: LoopSettings
    source: str
    source_name: str | None
    source_mime: str
    editor: str
    thinker: str
    selected_turn: int | None
    leg: int
    asked: str
    wanted: str
    output: str | None
    runner: str
    lease_until: float
    fence: int


@dataclass(frozen=True)
class TurnEntry:
    turn: int
    record: str
    complete: bool


@dataclass(frozen=True)
class Call:
    """A recorded model call. state: ok, failed or unparseable; output: an image hash or a model's JSON."""

    state: Literal["ok", "failed", "unparseable", "refused"]
    output: str
    error: str | None
    seconds: float


@dataclass(frozen=True)
class Spent:
    seconds: float
    calls: int


def _machine() -> str:
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        namespace = 0
    return f"{socket.gethostname()}:{namespace}"


def _process_is_gone(runner: str) -> bool:
    """Whether `runner` names a process of this machine that no longer lives. False where unsure."""
    machine, _, rest = runner.rpartition("/")
    pid = rest.partition("-")[0]
    if machine != _machine() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


class Ledger:
    """The session database at `path`, or in memory where path is None.

    Methods are async; SQLite works in a thread. Raises LedgerError where the file cannot be used,
    LeaseLost where another process runs the session, NotFoundError for an unknown session.

    lease: seconds that a claim lasts without being renewed.
    """

    def __init__(self, path: str | os.PathLike[str] | None, *, lease: float = 30.0) -> None:
        self.path = None if path is None else Path(path)
        self.lease = lease
        self.runner = f"{_machine()}/{os.getpid()}-{uuid.uuid4().hex[:12]}"
        self._fences: dict[str, int] = {}
        self._lock = threading.Lock()
        self._db = self._guard(self._connect)

    def _connect(self) -> sqlite3.Connection:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(
            ":memory:" if self.path is None else str(self.path),
            timeout=10,
            isolation_level=None,
            check_same_thread=False,
        )
        db.row_factory = sqlite3.Row
        try:
            db.execute("PRAGMA journal_mode=WAL")
            # In WAL mode NORMAL loses nothing when a process dies; a power cut can cost the last commits,
            # never the file, and what they recorded is then done again.
            db.execute("PRAGMA synchronous=NORMAL")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _VERSION):
                raise LedgerError(
                    f"the session database {self.path} is of version {version}, this thinkedit reads "
                    f"{_VERSION}: use the release that wrote it, or another --data folder"
                )
            if version == 0:
                db.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}PRAGMA user_version={_VERSION};COMMIT;")
        except BaseException:
            db.close()
            raise
        return db

    def _guard(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except sqlite3.DatabaseError as error:
            kind = type(error).__name__
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                hint = "another process holds it; try again"
            elif isinstance(error, sqlite3.OperationalError):
                hint = "check that the folder can be written and has space left"
            else:
                hint = (
                    "it is damaged; move it away and run `thinkedit sessions rebuild`: "
                    "pictures and turn records are safe in the store"
                )
            raise LedgerError(f"the session database {self.path}: {error} ({kind}): {hint}") from error
        except OSError as error:
            raise LedgerError(f"the session database {self.path}: {error.strerror or error}") from error

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await run_sync(self._locked, work)

    def _locked(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock:
            return self._guard(lambda: work(self._db))

    async def _write(self, session_id: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in one transaction, in which this process is seen to hold the session's lease."""

        def transaction(db: sqlite3.Connection) -> T:
            db.execute("BEGIN IMMEDIATE")
            try:
                self._check_fence(db, session_id)
                result = work(db)
                db.execute("COMMIT")
            except BaseException:
                db.execute("ROLLBACK")
                raise
            return result

        return await self._run(transaction)

    def _check_fence(self, db: sqlite3.Connection, session_id: str) -> None:
        now = time.time()
        row = db.execute("SELECT fence FROM sessions WHERE session_id=?", (session_id,)).fetchone()
        if row is None:
            raise NotFoundError(f"there is no session {session_id!r}: `thinkedit sessions list` shows them")
        if self._fences.get(session_id) != row["fence"]:
            raise LeaseLost(f"session {session_id} is run by another process now")
        db.execute("UPDATE sessions SET lease_until=? WHERE session_id=?", (now + self.lease, session_id))

    def close(self) -> None:
        with self._lock:
            self._db.close()

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
            raise NotFoundError(f"there is no session {session_id!r}: `thinkedit sessions list` shows them")
        return _session(row)

    async def sessions(self, owner: str | None = None, limit: int = 1000) -> list[Session]:
        """Newest first; of every owner where owner is None."""

        def work(db: sqlite3.Connection) -> list[sqlite3.Row]:
            return db.execute(
                "SELECT * FROM sessions WHERE ?1 IS NULL OR owner=?1 ORDER BY created DESC LIMIT ?2",
                (owner, limit),
            ).fetchall()

        return [_session(row) for row in await self._run(work)]

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

    # leases and marks

    async def claim(self, session_id: str) -> bool:
        """Take or renew the lease; False where a living process holds it."""

        def work(db: sqlite3.Connection) -> int | None:
            now = time.time()
            db.execute("BEGIN IMMEDIATE")
            try:
                row = db.execute(
                    "SELECT runner, lease_until, fence FROM sessions WHERE session_id=?", (session_id,)
                ).fetchone()
                if row is None:
                    raise NotFoundError(
                        f"there is no session {session_id!r}: `thinkedit sessions list` shows them"
                    )
                mine = row["runner"] == self.runner
                held = row["runner"] and not mine and row["lease_until"] > now
                fence: int | None = None
                if not held or _process_is_gone(row["runner"]):
                    fence = row["fence"] + (0 if mine else 1)
                    db.execute(
                        "UPDATE sessions SET runner=?, lease_until=?, fence=? WHERE session_id=?",
                        (self.runner, now + self.lease, fence, session_id),
                    )
                db.execute("COMMIT")
            except BaseException:
                db.execute("ROLLBACK")
                raise
            return fence

        fence = await self._run(work)
        if fence is None:
            return False
        self._fences[session_id] = fence
        return True

    async def release(self, session_id: str) -> None:
        """Give the lease back, if this process still has it."""
        fence = self._fences.pop(session_id, None)

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE sessions SET runner='', lease_until=0 WHERE session_id=? AND fence=? AND runner=?",
                (session_id, fence, self.runner),
            )

        await self._run(work)

    @asynccontextmanager
    async def hold(self, session_id: str) -> AsyncIterator[None]:
        """Keep the lease alive during a model call, which may last longer than the lease."""

        async def renew() -> None:
            while True:
                await anyio.sleep(self.lease / 3)
                await self._write(session_id, lambda db: None)

        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(renew)
                yield
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            if len(group.exceptions) == 1:
                raise group.exceptions[0] from None
            raise

    async def note_output(self, session_id: str, path: str | None) -> None:
        """Note where the result was written for a person."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("UPDATE sessions SET output=? WHERE session_id=?", (path, session_id))

        await self._run(work)

    async def mark(self, session_id: str, wanted: Literal["", "stop", "cancel"]) -> None:
        """Ask the session's runner, whichever process that is, to stop or cancel it."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("UPDATE sessions SET wanted=? WHERE session_id=?", (wanted, session_id))

        await self._run(work)

    async def marked(self) -> dict[str, str]:
        """Marks on the sessions that this process runs."""

        def work(db: sqlite3.Connection) -> dict[str, str]:
            rows = db.execute(
                "SELECT session_id, wanted FROM sessions WHERE runner=? AND wanted<>''", (self.runner,)
            )
            return {row["session_id"]: row["wanted"] for row in rows}

        return await self._run(work)

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
            return {row["sha"]: _image(row) for row in rows}

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


def _image(row: sqlite3.Row) -> Image:
    return Image.stored(row["sha"], row["width"], row["height"], row["mime_type"], row["bytes"])


def _session(row: sqlite3.Row) -> Session:
    values = dict(row)
    values["status"] = Status(values["status"])
    values["stop_reason"] = StopReason(values["stop_reason"]) if values["stop_reason"] else None
    values["settings"] = LoopSettings.model_validate_json(values["settings"])
    return Session(**values)
