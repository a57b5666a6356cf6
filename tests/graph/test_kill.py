"""`kill -9` at instants inside model calls, image writes, ledger commits and checkpoints."""

from __future__ import annotations

import json
import multiprocessing
import signal
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.graph import crash
from tests.graph.crash import Instant
from thinkedit.store import Store
from thinkedit.types import EditResult

INSTANTS = [
    *(Instant("editor", "middle", n) for n in (1, 2, 5)),
    *(Instant("thinker", "middle", n) for n in (1, 3, 5)),
    *(Instant("image", "half", n) for n in (1, 2, 3, 6)),
    *(Instant("image", "before-rename", n) for n in (1, 2, 5)),
    *(Instant("image", "after-rename", n) for n in (1, 2, 4, 6)),
    *(Instant("record", "half", n) for n in (1, 2, 6)),
    *(Instant("record", "after-rename", n) for n in (1, 3, 12)),
    *(Instant("ledger", "inside", n) for n in (3, 4, 6, 9, 14, 20)),
    *(Instant("ledger", "after", n) for n in (2, 3, 5, 8, 13, 21)),
    *(Instant("checkpoint", "inside", n) for n in (1, 3, 4, 7, 12)),
    *(Instant("checkpoint", "after", n) for n in (2, 5, 9, 14)),
    *(Instant("editor", "middle", n, candidates=2) for n in (2, 3)),
    *(Instant("thinker", "middle", n, candidates=2) for n in (1, 4)),
    *(Instant(place, moment, 5, candidates=2) for place, moment in (("image", "half"), ("ledger", "inside"))),
    *(Instant("thinker", "middle", n, passes=3) for n in (1, 2, 3, 5, 9)),
    *(Instant("ledger", "inside", n, passes=3) for n in (7, 8, 9, 10)),
    *(Instant("ledger", "after", n, passes=3) for n in (7, 8, 9, 10)),
    *(Instant("thinker", "middle", n, candidates=2, passes=3) for n in (4, 8)),
    # 1: the instruction; then the result; then in each turn the prompt and the result.
    *(Instant("safety", "middle", n) for n in (1, 2, 3, 4, 9)),
    *(Instant("safety", "middle", n, candidates=2) for n in (2, 3, 5)),
]


@pytest.fixture(scope="module")
def processes() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.graph.crash"])
    return context


@pytest.fixture(scope="module")
def unkilled(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int, bool], EditResult]:
    """The results that an undisturbed run gives, by what the session is."""
    results = {}
    for run in sorted({instant.run for instant in INSTANTS}):
        data = tmp_path_factory.mktemp("unkilled")
        results[run] = anyio.run(crash.begin, data, crash.models(data / "calls.log"), *run)
    return results


def facts(result: EditResult) -> dict[str, Any]:
    """What has to be the same after a kill: everything but the session's id and the times."""
    value = result.model_dump(mode="json", exclude={"session_id"})
    for turn in value["turns"]:
        del turn["seconds"]
    return value


def calls_in(log: Path) -> Counter[tuple[str, str]]:
    """How often each call was begun, by role and request."""
    lines = log.read_text().splitlines() if log.exists() else []
    begun = [json.loads(line) for line in lines]
    return Counter((call["role"], call["digest"]) for call in begun if call["event"] == "start")


def sessions_in(data: Path) -> list[str]:
    path = data / "sessions.sqlite"
    if not path.exists():
        return []
    with sqlite3.connect(path) as db:
        has_table = db.execute("SELECT 1 FROM sqlite_master WHERE name='sessions'").fetchone()
        rows = db.execute("SELECT session_id FROM sessions").fetchall() if has_table else []
    db.close()
    return [row[0] for row in rows]


def recorded_in(data: Path) -> int:
    with sqlite3.connect(data / "sessions.sqlite") as db:
        count: int = db.execute("SELECT COUNT(*) FROM calls WHERE state='ok'").fetchone()[0]
    db.close()
    return count


def check_store(data: Path) -> None:
    """No torn file: whatever has a name in the store reads back under its hash."""
    store = Store(data / "store")
    for stored in store.listing():
        if stored.kind == "image":
            assert store.get(stored.sha).sha256 == stored.sha


@pytest.mark.parametrize("instant", INSTANTS, ids=str)
def test_a_killed_session_goes_on_as_if_nothing_had_happened(
    instant: Instant, processes: Any, unkilled: dict[tuple[int, int, bool], EditResult], tmp_path: Path
) -> None:
    log = tmp_path / "calls.log"
    child = processes.Process(target=crash.run_and_die, args=(tmp_path, log, instant))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL, f"the instant {instant} was not reached"
    check_store(tmp_path)
    before = calls_in(log)
    sessions = sessions_in(tmp_path)
    if not sessions:
        assert not before, "a model was called before the session was written down"
        return
    recorded = recorded_in(tmp_path)

    result = anyio.run(crash.resume, tmp_path, log, sessions[0])

    assert facts(result) == facts(unkilled[instant.run])
    check_store(tmp_path)
    after = calls_in(log)
    repeated = sum(after.values()) - len(after)
    assert repeated <= sum(before.values()) - recorded, "a recorded call was made again"
    at_once = instant.candidates * instant.passes
    if instant.place == "safety":  # a result that was not checked yet is not stored, and is made again
        at_once += instant.candidates
    assert repeated <= at_once, "more than the calls in flight were made again"


def test_the_instants_are_enough() -> None:
    places = Counter(instant.place for instant in INSTANTS)
    assert len(INSTANTS) >= 40
    assert places["editor"] + places["thinker"] >= 5
    assert min(places["image"], places["ledger"], places["checkpoint"]) >= 5
