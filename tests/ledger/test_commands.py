"""The command line over a PostgreSQL database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.server import Server

pytestmark = pytest.mark.external


def test_sessions_are_made_listed_pruned_and_rebuilt(
    postgres: Server, database: str, photos: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    env = {**os.environ, "THINKEDIT_DATA": str(data), "THINKEDIT_DATABASE": postgres.url(database)}

    def thinkedit(*words: str, code: int = 0) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "thinkedit", *words, "--json"],
            env=env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stderr or done.stdout
        assert "correct horse" not in done.stdout + done.stderr
        return json.loads(done.stdout)

    def listed() -> list[str]:
        return [one["session_id"] for one in thinkedit("sessions", "list")["sessions"]]

    photo = str(photos / "chelsea.png")
    made = thinkedit("edit", photo, "make it a bit brighter", "-o", str(tmp_path / "out.png"))
    assert made["status"] == "finished"
    assert listed() == [made["session_id"]]
    assert sorted(path.name for path in data.iterdir()) == ["store"], "nothing is kept in SQLite"

    found = thinkedit("doctor")["findings"]
    assert [one["text"] for one in found if one["name"] == "sessions"] == [
        f"1 in {database!r} at 127.0.0.1:{postgres.port}"
    ]

    postgres.sql(
        "DROP TABLE sessions, turns, calls, images, thinkedit, checkpoints, checkpoint_blobs,"
        " checkpoint_writes, checkpoint_migrations",
        database=database,
    )
    assert thinkedit("sessions", "rebuild")["added"] == [made["session_id"]]
    assert listed() == [made["session_id"]]
    assert thinkedit("sessions", "rebuild")["kept"] == [made["session_id"]]

    assert thinkedit("sessions", "prune", "--older-than", "0s", "--grace", "0s")["sessions"] == [
        made["session_id"]
    ]
    assert listed() == []

    env["THINKEDIT_DATABASE"] = postgres.url("nothing")
    said = thinkedit("sessions", "list", code=5)
    assert "create it with `createdb`" in said["error"]["message"]
