"""What a server deletes by itself, and what it leaves."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from tests.graph.kit import SETTINGS, Seen, numbered
from thinkedit.adapters.models import Models
from thinkedit.cli.housekeeping import parse_size
from thinkedit.config import Config, Retention, ServerConfig
from thinkedit.errors import LedgerError, NotFoundError
from thinkedit.graph import upkeep
from thinkedit.graph.references import References
from thinkedit.graph.runner import Runner, open_runner
from thinkedit.graph.upkeep import plan_pruning, prune
from thinkedit.images import Picture, load
from thinkedit.server.lifetime import FixedRunner
from thinkedit.server.retention import keep_within, look
from thinkedit.tools import continue_edit, think_edit
from thinkedit.tools.inputs import stored
from thinkedit.types import EditResult, Status

pytestmark = pytest.mark.anyio

DAY = 86_400.0


def picture(seed: int) -> bytes:
    """Some 60 kB, another for each seed."""
    pixels = np.random.default_rng(seed).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    return Picture.from_pixels(pixels).data


@asynccontextmanager
async def opened(folder: Path, seen: Seen | None = None, latency: float = 0.0) -> AsyncIterator[Runner]:
    seen = seen or Seen()
    models = Models(
        editors={"e": seen.editor(latency=latency)}, thinkers={"t": seen.thinker(numbered(4, 6, 9))}
    )
    config = Config(data=folder, loop=SETTINGS)
    async with open_runner(config, models) as runner:
        yield runner


async def session(runner: Runner, seed: int, days_old: float = 0.0, **options: Any) -> EditResult:
    """A session over a picture of its own that ended so long ago, as do its files."""
    options.setdefault("wait_seconds", 60)
    before = {path: path.stat().st_mtime for path in files(runner)}
    result = await think_edit(picture(seed), "make it warmer", runner=runner, seed=seed, **options)
    await age(runner, result.session_id, days_old, [path for path in files(runner) if path not in before])
    return result


async def age(runner: Runner, session_id: str, days_old: float, made: list[Path]) -> None:
    when = time.time() - days_old * DAY
    if days_old:
        for path in made:
            os.utime(path, (when - 1, when - 1))
        await runner.ledger._run(
            lambda db: db.execute(
                "UPDATE sessions SET created=?, updated=? WHERE session_id=?", (when, when, session_id)
            )
        )


def files(runner: Runner) -> list[Path]:
    return [path for path in Path(runner.store.url).rglob("*.*") if path.is_file()]


async def ids(runner: Runner) -> set[str]:
    return {one.session_id for one in await runner.ledger.sessions()}


def picture_bytes(runner: Runner) -> int:
    return sum(stored.bytes for stored in runner.store.listing() if stored.kind == "image")


async def test_deletes_by_age_with_all_that_was_theirs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path) as runner:
        old, new = await session(runner, 1, days_old=40), await session(runner, 2, days_old=3)
        kept = used_by(new)
        with caplog.at_level(logging.INFO, "thinkedit.retention"):
            assert await look(runner, Retention(days=30)) is False
        assert await ids(runner) == {new.session_id}
        assert {one.sha for one in runner.store.listing() if one.kind == "image"} == kept
        (line,) = [record.getMessage() for record in caplog.records]
        assert line.startswith("deleted 1 sessions, 4 pictures and ")
        assert not await runner.ledger.may_use("", old.source.sha256)
        assert (await continue_edit(new.session_id, turns=1, runner=runner)).status is Status.FINISHED


def used_by(result: EditResult) -> set[str]:
    return {result.source.sha256, *(turn.image.sha256 for turn in result.turns if turn.image)}


async def test_deletes_the_oldest_until_the_rest_fits(tmp_path: Path) -> None:
    async with opened(tmp_path) as runner:
        made = [await session(runner, seed, days_old=10 - seed) for seed in range(1, 6)]
        each = picture_bytes(runner) / 5
        await look(runner, Retention(bytes=int(each * 2.5)))
        assert await ids(runner) == {one.session_id for one in made[-2:]}
        assert picture_bytes(runner) <= each * 2.5
        await look(runner, Retention(bytes=int(each * 2.5)))
        assert await ids(runner) == {one.session_id for one in made[-2:]}


async def test_a_picture_that_two_sessions_have_counts_and_stays_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as runner:
        first = await session(runner, 1, days_old=9)
        twin = await session(runner, 1, days_old=8)
        third = await session(runner, 3, days_old=7)
        assert used_by(first) == used_by(twin)
        await age(runner, twin.session_id, 8, files(runner))  # it stored them again
        both = picture_bytes(runner)
        # To delete the first alone frees nothing, so its twin goes too.
        await look(runner, Retention(bytes=both - 1))
        assert await ids(runner) == {third.session_id}
        assert {one.sha for one in runner.store.listing() if one.kind == "image"} == used_by(third)


async def test_paused_and_interrupted_ones_go_by_age_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as runner:
        paused = await session(runner, 1, days_old=9, pause="turn")
        assert paused.status is Status.PAUSED
    async with opened(tmp_path, latency=0.2) as runner:
        parked = await session(runner, 2, wait_seconds=0)
        assert parked.status is Status.RUNNING
    async with opened(tmp_path) as runner:
        await age(runner, parked.session_id, 9, files(runner))
        ended = await session(runner, 3, days_old=1)
        await look(runner, Retention(bytes=1))
        assert await ids(runner) == {paused.session_id, parked.session_id}
        await look(runner, Retention(days=5))
        assert await ids(runner) == set()
        assert files(runner) == []
        with pytest.raises(NotFoundError):
            await runner.ledger.session(ended.session_id)


async def test_never_one_that_runs_here_or_elsewhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path, latency=30) as elsewhere, opened(tmp_path) as runner:
        running = await think_edit(picture(1), "x", runner=elsewhere, wait_seconds=0)
        await age(runner, running.session_id, 40, files(runner))
        plan = await plan_pruning(runner, older_than=1)
        assert [one.session_id for one in plan.running] == [running.session_id]
        with caplog.at_level(logging.WARNING, "thinkedit.retention"):
            for one in (runner, elsewhere):
                await look(one, Retention(days=1, bytes=1))
        assert await ids(runner) == {running.session_id}
        assert runner.store.has(running.source.sha256)
        assert "more than server.retention.bytes" in caplog.text


async def test_an_upload_has_its_hour(tmp_path: Path) -> None:
    async with opened(tmp_path) as runner:
        fresh = await stored(runner, load(picture(1)))
        stale = await stored(runner, load(picture(2)))
        path = runner.store.path(stale.sha256)
        assert path is not None
        os.utime(path, (time.time() - 3700, time.time() - 3700))
        await look(runner, Retention(bytes=1))
        assert (runner.store.has(fresh.sha256), runner.store.has(stale.sha256)) == (True, False)
        assert await runner.ledger.may_use("", fresh.sha256)
        assert not await runner.ledger.may_use("", stale.sha256)


async def test_an_upload_of_what_an_old_session_had_has_its_hour_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as runner:
        old = await session(runner, 1, days_old=40)
        again = await stored(runner, load(picture(1)))
        assert again.sha256 == old.source.sha256
        await look(runner, Retention(days=30))
        assert await ids(runner) == set()
        assert [one.sha for one in runner.store.listing()] == [again.sha256]
        assert await runner.ledger.may_use("", again.sha256)


async def test_a_picture_stored_again_during_the_look_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as runner:
        old = await session(runner, 1, days_old=40)
        genuine = upkeep._delete

        def meanwhile(store: Any, unused: Any) -> Any:
            store.put(load(picture(1)).picture)
            return genuine(store, unused)

        monkeypatch.setattr(upkeep, "_delete", meanwhile)
        await look(runner, Retention(days=30))
        assert [one.sha for one in runner.store.listing()] == [old.source.sha256]


async def test_a_session_gone_on_with_since_the_plan_stays(tmp_path: Path) -> None:
    async with opened(tmp_path) as runner:
        old = await session(runner, 1, days_old=40)
        plan = await plan_pruning(runner, older_than=DAY)
        assert [one.session_id for one in plan.sessions] == [old.session_id]
        more = await continue_edit(old.session_id, turns=1, runner=runner)
        done = await prune(runner, plan)
        assert (done.sessions, await ids(runner)) == ([], {old.session_id})
        assert all(runner.store.has(sha) for sha in used_by(more))
        assert await runner.ledger.is_free(old.session_id)


async def test_two_servers_delete_no_more_than_one_would(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        made = [await session(one, seed, days_old=20 - seed) for seed in range(1, 9)]
        limit = int(picture_bytes(one) / 8 * 4.5)
        async with anyio.create_task_group() as tasks:
            for runner in (one, other):
                tasks.start_soon(look, runner, Retention(bytes=limit))
        assert await ids(one) == {kept.session_id for kept in made[-4:]}
        for kept in made[-4:]:
            assert all(one.store.has(sha) for sha in used_by(kept))


async def test_what_another_is_deleting_does_not_count(tmp_path: Path) -> None:
    """The other has deleted the session, and not come to its young pictures yet."""
    async with opened(tmp_path) as runner:
        first, second = await session(runner, 1), await session(runner, 2)
        limit = picture_bytes(runner) - 1
        await runner.delete(first.session_id)
        await look(runner, Retention(bytes=limit))
        assert await ids(runner) == {second.session_id}


async def test_a_look_has_a_bound_and_the_next_goes_on(tmp_path: Path) -> None:
    async with opened(tmp_path) as runner:
        made = [await session(runner, seed, days_old=40 - seed) for seed in range(1, 6)]
        references = References()
        assert await look(runner, Retention(days=1), references, most=2) is True
        assert await ids(runner) == {one.session_id for one in made[2:]}
        assert await look(runner, Retention(days=1), references, most=2) is True
        assert await look(runner, Retention(days=1), references, most=2) is False
        assert (await ids(runner), files(runner)) == (set(), [])


async def test_the_newest_can_be_kept_whatever_they_take(tmp_path: Path) -> None:
    async with opened(tmp_path) as runner:
        made = [await session(runner, seed, days_old=10 - seed) for seed in range(1, 5)]

        async def going(**options: Any) -> list[str]:
            plan = await plan_pruning(runner, **options)
            return [one.session_id for one in plan.sessions]

        newest_first = [one.session_id for one in reversed(made)]
        assert await going(max_bytes=1) == newest_first
        assert await going(max_bytes=1, keep=3) == newest_first[3:]
        assert await going(max_bytes=10**9, keep=1) == []
        assert await going(max_bytes=10**9, older_than=7.5 * DAY) == newest_first[2:]


async def test_the_server_looks_again_after_a_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(tmp_path) as runner:
        await session(runner, 1, days_old=40)
        faults = [LedgerError("it is locked"), ValueError("a bug")]
        genuine, forget, done = runner.ledger.sessions, runner.delete, anyio.Event()

        async def failing(*args: Any, **options: Any) -> Any:
            if faults:
                raise faults.pop(0)
            return await genuine(*args, **options)

        async def noted(session_id: str) -> None:
            await forget(session_id)
            done.set()

        runner.ledger.sessions = failing  # type: ignore[method-assign]
        runner.delete = noted  # type: ignore[method-assign]
        with caplog.at_level(logging.INFO, "thinkedit.retention"):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(keep_within, FixedRunner(runner), Retention(days=1, every_seconds=0.05))
                with anyio.fail_after(20):
                    await done.wait()
                tasks.cancel_scope.cancel()
        assert "nothing was deleted this time: it is locked" in caplog.text
        assert "in a way it should not" in caplog.text


async def test_nothing_is_looked_at_where_nothing_is_limited() -> None:
    with anyio.fail_after(1):
        await keep_within(None, Retention())  # type: ignore[arg-type]  # it is not asked


def test_settings() -> None:
    retention = ServerConfig.model_validate({"retention": {"days": 30, "bytes": 5}}).retention
    assert (retention.days, retention.bytes, retention.every_seconds) == (30, 5, 3600)
    assert ServerConfig().retention.days is None


@pytest.mark.parametrize(("text", "size"), [("2GB", 2 * 10**9), ("1.5 mb", 1_500_000), ("800", 800)])
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size
