"""A dataset made over three kills of its process is the one that nothing disturbed, byte for byte."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dataset.kit import files_of

SOURCES = 60
EDITOR, EXPERT, JUDGE = "provingground:middle", "provingground:0.8", "provingground"

COMMANDS = (
    ["generate", "--editor", EDITOR, "--expert", EXPERT, "--sources", str(SOURCES)],
    ["score", "--judge", JUDGE],
    ["filter"],
    ["build"],
)


def command(folder: Path, words: list[str]) -> list[str]:
    return [sys.executable, "-m", "thinkedit", "dataset", *words, "--folder", str(folder)]


def run(folder: Path, words: list[str]) -> str:
    ran = subprocess.run(command(folder, words), capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def grows(path: Path, process: subprocess.Popen[Any]) -> Iterator[int]:
    """The number of lines of a file, each time that it is another, while the process lives."""
    before = -1
    while process.poll() is None:
        count = path.read_bytes().count(b"\n") if path.exists() else 0
        if count != before:
            before = count
            yield count


def killed_at(folder: Path, words: list[str], journal: str, lines: int) -> None:
    """Start the command and kill it once its journal has that many lines."""
    with subprocess.Popen(
        command(folder, words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        for count in grows(folder / "work" / journal, process):
            if count >= lines:
                os.kill(process.pid, signal.SIGKILL)
                break
        assert process.wait() == -signal.SIGKILL


@pytest.mark.slow
def test_killed_three_times_it_is_the_same_to_the_byte(tmp_path: Path) -> None:
    draw = random.Random()
    generate, score, *others = COMMANDS
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for words in COMMANDS:
        run(whole, words)
    first, second = sorted(draw.sample(range(1, SOURCES - 10), 2))
    killed_at(broken, generate, "trajectories.jsonl", first)
    killed_at(broken, generate, "trajectories.jsonl", second)
    run(broken, generate)
    killed_at(broken, score, "scored.jsonl", draw.randrange(1, SOURCES - 10))
    run(broken, score)
    for words in others:
        run(broken, words)
    before, after = files_of(whole), files_of(broken)
    assert sorted(before) == sorted(after), (first, second)
    assert [name for name in before if before[name] != after[name]] == [], (first, second)
    assert {name.partition("/")[0] for name in after} == {
        "dropped",
        "filtered.jsonl",
        "images",
        "manifest.json",
        "rl_train.jsonl",
        "scored.jsonl",
        "sft_train.json",
        "sources.jsonl",
        "steps.jsonl",
        "trajectories.jsonl",
    }
    assert "all of it holds" in run(broken, ["check"])


@pytest.mark.slow
def test_ctrl_c_ends_it_in_good_order_and_the_same_command_goes_on(tmp_path: Path) -> None:
    words = [*COMMANDS[0][:-1], "30"]
    with subprocess.Popen(
        command(tmp_path, words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for count in grows(tmp_path / "work" / "trajectories.jsonl", process):
            if count >= 1:
                process.send_signal(signal.SIGINT)
                break
        out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert said == "Error: interrupted: the same command goes on where it was\n"
    assert not (tmp_path / "trajectories.jsonl").exists()
    assert "generate: 30 in, 30 kept, 0 dropped" in run(tmp_path, words)
