"""The tables and what their rows are read as."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from thinkedit.ledger.database import Db, Row
from thinkedit.types import Image, LoopSettings, Status, StopReason

__all__ = [
    "VERSION",
    "Call",
    "Session",
    "Spent",
    "TurnEntry",
    "image_of",
    "note_image",
    "schema",
    "session_of",
    "short",
]

VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
  session_id TEXT PRIMARY KEY, owner TEXT NOT NULL,
  created DOUBLE PRECISION NOT NULL, updated DOUBLE PRECISION NOT NULL,
  status TEXT NOT NULL, stop_reason TEXT, why TEXT NOT NULL DEFAULT '', instruction TEXT NOT NULL,
  settings TEXT NOT NULL, source TEXT NOT NULL, source_name TEXT, source_mime TEXT NOT NULL,
  editor TEXT NOT NULL DEFAULT '', thinker TEXT NOT NULL DEFAULT '', selected_turn INTEGER,
  leg INTEGER NOT NULL DEFAULT 1, asked TEXT NOT NULL DEFAULT '',
  wanted TEXT NOT NULL DEFAULT '', output TEXT,
  runner TEXT NOT NULL DEFAULT '', lease_until DOUBLE PRECISION NOT NULL DEFAULT 0,
  fence INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS sessions_by_owner ON sessions (owner, created);
CREATE INDEX IF NOT EXISTS sessions_running ON sessions (created) WHERE status = 'running';
CREATE TABLE IF NOT EXISTS turns (
  session_id TEXT NOT NULL, turn INTEGER NOT NULL, record TEXT NOT NULL, complete INTEGER NOT NULL,
  PRIMARY KEY (session_id, turn)) KEYED;
CREATE TABLE IF NOT EXISTS calls (
  session_id TEXT NOT NULL, role TEXT NOT NULL, turn INTEGER NOT NULL, item INTEGER NOT NULL,
  digest TEXT NOT NULL, leg INTEGER NOT NULL, attempt INTEGER NOT NULL, state TEXT NOT NULL,
  output TEXT NOT NULL, error TEXT, seconds DOUBLE PRECISION NOT NULL, created DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (session_id, role, turn, item, digest, leg, attempt)) KEYED;
CREATE TABLE IF NOT EXISTS images (
  sha TEXT NOT NULL, owner TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
  mime_type TEXT NOT NULL, bytes BIGINT NOT NULL, created DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (sha, owner)) KEYED;
"""


def schema(*, keyed: str = "") -> str:
    """The statements that make the tables where they are not there yet.

    keyed: what a table ends with whose rows lie in the order of its primary key.
    """
    return _SCHEMA.replace(" KEYED", f" {keyed}" if keyed else "")


@dataclass(frozen=True)
class Session:
    """One row of `sessions`. source: hash of the normalised source; leg: 1, and one more each
    time it was gone on with; asked: what the caller said last, an Answer as JSON, or empty."""

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


def image_of(row: Row) -> Image:
    return Image.stored(row["sha"], row["width"], row["height"], row["mime_type"], row["bytes"])


def session_of(row: Row) -> Session:
    values = dict(row)
    values["status"] = Status(values["status"])
    values["stop_reason"] = StopReason(values["stop_reason"]) if values["stop_reason"] else None
    values["settings"] = LoopSettings.model_validate_json(values["settings"])
    return Session(**values)


def note_image(db: Db, owner: str, image: Image, now: float) -> None:
    db.execute(
        "INSERT INTO images VALUES (?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
        (image.sha256, owner, image.width, image.height, image.mime_type, image.bytes, now),
    )


def short(digest: str) -> str:
    """A digest as a key holds it: an index of PostgreSQL takes no row of more than 2,704 bytes."""
    return digest if len(digest) <= 256 else f"sha256:{hashlib.sha256(digest.encode()).hexdigest()}"
