"""`evaluate run` killed in the loop and again before the judge ends as a run does that was not killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.evaluation import folders
from thinkedit.evaluation.folder import RunFolder

ROOT = Path(__file__).parents[2]


def configured(folder: Path, log: Path) -> dict[str, str]:
    """A judge that takes its time and writes down its calls."""
    path = folder / f"{log.stem}.toml"
    answers = json.dumps([json.dumps({"reasoning": "drawn", "score": [n, 9 - n]}) for n in range(10)])
    path.write_text(
        f'[models.judge]\nkind = "scripted"\nlatency = 0.05\nlog = "{log}"\nanswers = {answers}\n'
    )
    return {**os.environ, "THINKEDIT_CONFIG": str(path), "OMP_WAIT_POLICY": "PASSIVE"}


def command(data: Path, run: Path) -> list[str]:
    told = f"evaluate run --benchmark gedit --data {data} -o {run} --judge judge --at-once 2 --turns 2 --json"
    return [sys.executable, "-m", "thinkedit", *told.split()]


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def files(run: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in sorted(run.rglob("*"))
        if path.is_file() and path.relative_to(run).parts[0] not in ("data", "judge.jsonl")
    }


def test_killed_twice_it_ends_as_an_unkilled_run_and_pays_for_no_answer_twice(tmp_path: Path) -> None:
    data = folders.gedit(tmp_path / "data")
    killed = RunFolder(tmp_path / "run-1")
    log = tmp_path / "killed.log"
    environment = configured(tmp_path, log)
    for grown, count in ((killed.results, 3), (killed.judge, 5)):
        with subprocess.Popen(
            command(data, killed.path), cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
        ) as running:
            while lines(grown) < count:
                assert running.poll() is None
            running.kill()
        assert running.returncode == -9
    paid = lines(killed.judge)
    assert 5 <= paid < 22
    before = lines_of(log, "start")
    done = subprocess.run(
        command(data, killed.path), cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["samples"], told["with_image"], told["skipped"]) == (11, 11, 0)
    assert (told["scores"]["reused"], told["scores"]["asked"]) == (paid, 22 - paid)
    asked = Counter(call["digest"] for call in lines_of(log, "start")[len(before) :])
    assert asked.total() == 22 - paid
    assert max(asked.values()) == 1
    assert lines(killed.judge) == 22

    plain = tmp_path / "run-2"
    environment = configured(tmp_path, tmp_path / "plain.log")
    subprocess.run(command(data, plain), cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    assert files(killed.path).keys() == files(plain).keys()
    for name, content in files(plain).items():
        assert files(killed.path)[name].replace(b"run-1", b"run-2") == content, name


@pytest.mark.slow
def test_an_interrupt_parks_what_runs_and_the_same_command_goes_on(tmp_path: Path) -> None:
    data, run = folders.gedit(tmp_path / "data"), RunFolder(tmp_path / "run")
    environment = configured(tmp_path, tmp_path / "calls.log")
    wanted = [argument for argument in command(data, run.path) if argument != "--json"]
    with subprocess.Popen(
        wanted, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        while lines(run.judge) < 2:
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        told = running.communicate()[0]
    assert running.returncode == 130
    assert "images had been judged: the same command goes on" in told
    paid = lines(run.judge)
    done = subprocess.run(
        command(data, run.path), cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    scores = json.loads(done.stdout)["scores"]
    assert (scores["reused"], scores["asked"], scores["unread"]) == (paid, 22 - paid, 0)


def lines_of(log: Path, event: str) -> list[dict[str, str]]:
    return [line for line in map(json.loads, log.read_text().splitlines()) if line["event"] == event]
