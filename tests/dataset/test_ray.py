"""Generation and scoring on Ray: the same files as without it, whoever dies on the way."""

from __future__ import annotations

import io
import json
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from PIL import Image

from thinkedit.dataset import ray_engine
from thinkedit.dataset.engines import create_engine
from thinkedit.dataset.generate import generate
from thinkedit.dataset.generating import GenerateSettings
from thinkedit.dataset.lines import read_records
from thinkedit.dataset.ray_worker import TRIED, TRIES, Worker, place_of
from thinkedit.dataset.records import PoolItem, SourceRecord, Trajectory
from thinkedit.dataset.score import score
from thinkedit.dataset.scoring import ScoreSettings
from thinkedit.dataset.sources import take_sources
from thinkedit.errors import LedgerError, MissingExtra, SettingsError, StoreError
from thinkedit.images import load

WORDS = ("make it warmer", "lift the shadows", "black and white", "add 20 % contrast", "blur the background")


def taken(folder: Path, photos: Path, count: int) -> Path:
    """A dataset folder with small sources that the built-in pair can edit."""
    small = [load(Image.open(path).convert("RGB").resize((72, 48))).picture for path in photos.glob("*.png")]
    items = (
        PoolItem(f"s{n}", "mine", small[n % len(small)], WORDS[n % len(WORDS)], "adjust", "CC0-1.0", f"x:{n}")
        for n in range(count)
    )
    take_sources(folder, items, ["photo"])
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """All that is data; `work/` is not."""
    names = [path for path in folder.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in names
        if path.relative_to(folder).parts[0] != "work"
    }


async def made(folder: Path, engine: Any, heard: Callable[..., None] | None = None) -> None:
    await generate(
        GenerateSettings(folder=folder, expert="measured", turns=3, at_once=4), engine, heard=heard
    )
    await score(ScoreSettings(folder=folder, judge="thinker:measured", at_once=4), engine, heard=heard)


def sources_of(folder: Path) -> list[SourceRecord]:
    return [r for r in read_records(folder / "sources.jsonl", SourceRecord) if isinstance(r, SourceRecord)]


def called(worker: Worker, items: list[Any]) -> list[dict[str, Any]]:
    told = worker({"line": [item.model_dump_json() for item in items]})["told"]
    return [json.loads(line) for line in told]


@pytest.mark.anyio
async def test_a_worker_makes_what_the_local_engine_makes(tmp_path: Path, photos: Path) -> None:
    folder, alone = taken(tmp_path / "a", photos, 4), taken(tmp_path / "b", photos, 4)
    await made(alone, create_engine("local"))
    settings = GenerateSettings(folder=folder, expert="measured", turns=3, at_once=2)
    sources = sources_of(folder)
    told = called(Worker("generate", settings.model_dump_json()), sources)
    assert {one["id"] for one in told} == {source.id for source in sources}
    lines = {
        json.loads(line)["record"]: line for line in (alone / "trajectories.jsonl").read_text().splitlines()
    }
    assert {one["id"]: one["line"] for one in told} == lines
    assert (folder / "work" / place_of(settings, sources[0])).is_dir()

    trajectories = [Trajectory.model_validate_json(line) for line in lines.values()]
    scoring = ScoreSettings(folder=folder, judge="thinker:measured", at_once=2)
    worker = Worker("score", scoring.model_dump_json())
    scored = {one["id"]: one["line"] for one in called(worker, trajectories)}
    assert sorted(scored.values()) == sorted((alone / "scored.jsonl").read_text().splitlines())
    for trajectory in trajectories:
        ray_engine._gather(scoring, trajectory)
    kept, wanted = (
        {json.loads(line)["key"] for line in (place / "work/judge.jsonl").read_text().splitlines()}
        for place in (folder, alone)
    )
    assert kept == wanted
    assert not list((folder / "work/ray").glob("judge-*"))


def test_a_batch_that_kills_its_workers_ends_the_run_by_name(tmp_path: Path, photos: Path) -> None:
    folder = taken(tmp_path, photos, 2)
    settings = GenerateSettings(folder=folder, expert="measured", turns=2)
    worker = Worker("generate", settings.model_dump_json())
    sources = sources_of(folder)
    assert [one["error"] for one in called(worker, sources)] == [None, None]
    tried = folder / "work" / TRIED
    assert not list(tried.iterdir())
    worker._note([source.model_dump_json() for source in sources]).write_bytes(b"." * TRIES)
    [told] = called(worker, sources)
    assert told["error"][0] == "EditorFailed"
    assert f"{TRIES} workers died at the batch of 2 that begins with 's0'" in told["error"][1]
    assert [one["error"] for one in called(worker, sources[:1])] == [None]


def test_what_ends_a_run_is_told_as_what_it_is(tmp_path: Path, photos: Path) -> None:
    folder = taken(tmp_path, photos, 1)
    settings = GenerateSettings(folder=folder, expert="no-such-thinker")
    [told] = called(Worker("generate", settings.model_dump_json()), sources_of(folder))
    error = ray_engine._rebuilt(*told["error"])
    assert isinstance(error, SettingsError)
    assert "no-such-thinker" in str(error)
    missing = ray_engine._rebuilt("MissingExtra", "it needs something")
    assert isinstance(missing, MissingExtra)
    assert str(missing) == "it needs something"
    assert not ray_engine._rebuilt("EditorFailed", "gone").args[1:]


def test_nothing_is_lost_unseen() -> None:
    ray_engine._all_heard(0, "sources")
    with pytest.raises(LedgerError, match="of 3 sources the workers on Ray told nothing: run the same"):
        ray_engine._all_heard(3, "sources")


def test_numbers_that_cannot_be_and_a_ray_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    for wrong in ({"workers": 0}, {"batch": 0}, {"gpus": -1}):
        with pytest.raises(SettingsError, match="cannot be"):
            create_engine("ray", **wrong)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r'--engine ray needs .*pip install "thinkedit\[ray\]"'):
        create_engine("ray")


def test_what_ray_says_of_the_dead_stays_out_of_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    apart: Any = ray_engine._Apart(out)
    print("a document", file=apart)
    speaking = threading.Thread(target=lambda: print("died", file=apart), name="ray_listen_error_messages")
    speaking.start()
    speaking.join()
    assert (out.getvalue(), err.getvalue()) == ("a document\n", "died\n")


def workers_of_ray() -> set[int]:
    """The processes of this machine that are actors as ours are, whoever started them."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (entry / "cmdline").read_bytes().startswith(b"ray::MapWorker(MapBatches(Worker))"):
                found.add(int(entry.name))
    return found


def gone(pid: int, seconds: float = 30) -> bool:
    """Whether a process ends in time."""
    try:
        ended = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([ended], [], [], seconds)[0])
    finally:
        os.close(ended)


ON_RAY = (
    pytest.mark.models,
    pytest.mark.slow,
    # Ray's own: it sets its old settings whenever its settings are made.
    pytest.mark.filterwarnings(r"ignore:`\w+` is deprecated:DeprecationWarning:ray\.data\.context"),
)


def on_ray(test: Any) -> Any:
    for mark in ON_RAY:
        test = mark(test)
    return pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="it looks for processes there")(
        test
    )


@on_ray
@pytest.mark.anyio
async def test_two_workers_of_which_one_is_killed_make_the_files_of_the_local_engine(
    tmp_path: Path, photos: Path
) -> None:
    pytest.importorskip("ray")
    alone, many = taken(tmp_path / "alone", photos, 24), taken(tmp_path / "many", photos, 24)
    await made(alone, create_engine("local"))
    killed: list[int] = []
    count = 0

    def heard(*_: Any) -> None:
        nonlocal count
        count += 1
        if count in (4, 28):  # in the middle of either stage
            there = workers_of_ray() - before
            assert len(there) == 2
            os.kill(max(there), signal.SIGKILL)
            killed.append(max(there))

    before = workers_of_ray()
    usual = signal.getsignal(signal.SIGTERM), sys.stdout
    await made(many, create_engine("ray", workers=2, batch=2), heard)
    assert (signal.getsignal(signal.SIGTERM), sys.stdout) == usual
    assert files(many) == files(alone)
    refused = (alone / "dropped/generate.jsonl").read_text().splitlines()
    assert len(refused) == 4  # a small cup has no background that the editor could blur
    assert count == 24 + 20
    assert len(set(killed)) == 2
    assert all(gone(pid) for pid in workers_of_ray() - before)
    assert sorted(path.name for path in (many / "work/ray").iterdir()) in ([], ["tried"])


def test_a_cluster_that_is_not_there_is_told_at_once() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{held.getsockname()[1]}"
        for named in (address, f"ray://{address}"):
            with pytest.raises(StoreError, match=f"{named} .*head node"):
                ray_engine._reachable(named)
    ray_engine._reachable("auto")


@on_ray
@pytest.mark.anyio
async def test_a_model_that_is_not_there_ends_the_run_and_ray(tmp_path: Path, photos: Path) -> None:
    pytest.importorskip("ray")
    folder = taken(tmp_path, photos, 3)
    settings = GenerateSettings(folder=folder, expert="gone", models={"gone": {"kind": "nonesuch"}})
    with pytest.raises(SettingsError, match="nonesuch"):
        await generate(settings, create_engine("ray", workers=1))
    import ray

    assert not ray.is_initialized()


@on_ray
@pytest.mark.anyio
async def test_a_run_that_is_cancelled_ends_ray_and_is_gone_on_with(tmp_path: Path, photos: Path) -> None:
    ray = pytest.importorskip("ray")
    alone, many = taken(tmp_path / "alone", photos, 12), taken(tmp_path / "many", photos, 12)
    before, outcomes = workers_of_ray(), 0

    def settings(folder: Path) -> GenerateSettings:
        return GenerateSettings(folder=folder, expert="measured", turns=3, at_once=2)

    with anyio.CancelScope() as scope:

        def heard(*_: Any) -> None:
            nonlocal outcomes
            outcomes += 1
            if outcomes == 3:
                scope.cancel()

        await generate(settings(many), create_engine("ray", workers=1, batch=1), heard=heard)
    assert scope.cancelled_caught
    assert not ray.is_initialized()
    assert all(gone(pid) for pid in workers_of_ray() - before)
    assert not (many / "trajectories.jsonl").exists()
    left = 0

    def more(*_: Any) -> None:
        nonlocal left
        left += 1

    await generate(settings(many), create_engine("local"), heard=more)
    assert outcomes + left == 12
    await generate(settings(alone), create_engine("local"))
    assert files(many) == files(alone)
