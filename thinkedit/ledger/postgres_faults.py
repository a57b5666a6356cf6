"""What PostgreSQL says, in one line: what is wrong, what to do, and whether it may pass by itself."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from thinkedit.errors import SettingsError

__all__ = ["PATIENCE", "Address", "Fault", "fault_of"]

PATIENCE = 10.0
"""Seconds to wait for another process that has a session's row, or that makes the tables."""

_CONNECT = 5
"""Seconds to wait for a host that does not answer."""

_OPTIONS = {
    "connect_timeout": _CONNECT,
    "application_name": "thinkedit",
    # A host that is gone without a word is noticed within 15 s.
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}

_URL = (
    "the setting 'database' is no URL like postgresql://user@host:5432/name: write special characters of "
    "user and password in percent-encoding (@ as %40, / as %2F)"
)


@dataclass(frozen=True)
class Address:
    """Where the database is. named: for people, without user and password; options: of each connection."""

    url: str
    named: str
    options: dict[str, Any]

    @classmethod
    def of(cls, url: str) -> Address:
        """SettingsError where it cannot be read; that shows none of it: any part may be of the password."""
        authority, _, path = url.partition("://")[2].partition("?")[0].partition("/")
        try:
            parts = conninfo_to_dict(url)
        except psycopg.Error:
            raise SettingsError(_URL) from None
        ports = str(parts.get("port") or os.environ.get("PGPORT") or 5432)
        if authority.count("@") > 1 or "@" in path or not ports.replace(",", "").isdigit():
            raise SettingsError(_URL)
        host = str(parts.get("host") or os.environ.get("PGHOST") or "this machine")
        name = parts.get("dbname") or os.environ.get("PGDATABASE") or parts.get("user") or "postgres"
        options = {key: value for key, value in _OPTIONS.items() if key not in parts}
        return cls(url, f"the session database {name!r} at {host}:{ports}", {**options, "autocommit": True})


@dataclass(frozen=True)
class Fault:
    """passing: whether the same work may go through in a moment."""

    text: str
    hint: str
    passing: bool = False


_AWAY = "start it, or correct the setting 'database'"
_TURNED_AWAY = (
    (
        r"password|SCRAM|authentication|pg_hba",
        "correct user and password in the setting 'database', or PGPASSWORD",
    ),
    (r"role .* does not exist", "correct the user in the setting 'database', or create it with `createuser`"),
    (r"database .* does not exist", "create it with `createdb`, or correct the setting 'database'"),
    (r"too many|remaining connection slots", "raise its max_connections, or run fewer replicas"),
    (r"SSL|certificate", "correct sslmode and its files in the setting 'database'"),
    (r"translate host name|resolve", "correct the host in the setting 'database'"),
)
_NOT_YET = re.compile(
    r"starting up|shutting down|in recovery|not yet accepting|too many|remaining connection slots"
)
_PASSING = ("08", "40", "57P", "55P03", "25P03", "53300", "25006")
"""Beginnings of SQLSTATEs: connections, serialisation and dead-lock, shutting down, a lock or a transaction
that took too long, too many connections, and a server that is not the primary one yet."""

_HINTS = {
    "25006": "the setting 'database' has to name the primary server",
    "42501": "make its user the owner of the database: `ALTER DATABASE name OWNER TO user`",
    "53100": "make space on its disk",
    "55P03": "another process holds the session; try again",
}


def fault_of(error: psycopg.Error) -> Fault:
    """What an error of psycopg means. Its text never holds the URL."""
    state = error.sqlstate
    diagnosed = error.diag.message_primary
    text = _in_one_line(diagnosed or str(error))
    if state is not None:
        passing = state.startswith(_PASSING)
        again = "sessions go on from their recorded calls when it is back" if passing else "see its log"
        return Fault(text, _HINTS.get(state, again), passing)
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return Fault(f"{text} ({type(error).__name__})", "see its log")
    hint = next((hint for words, hint in _TURNED_AWAY if re.search(words, text)), _AWAY)
    answered = re.search(r"FATAL|SSL|certificate", text) is not None
    return Fault(text, hint, not answered or _NOT_YET.search(text) is not None)


def _in_one_line(text: str) -> str:
    """libpq's message without its advice and the address; of several addresses that were tried, the first."""
    first = re.split(
        r"Multiple connection attempts failed|\n\s*(?:Is the server running|This probably|- host)", text
    )[0]
    line = re.sub(
        r"^connection (is bad|failed): |^consuming input failed: |connection to server (at|on) .*? failed: ",
        "",
        first,
    )
    return " ".join(line.split()).rstrip(" .:")
