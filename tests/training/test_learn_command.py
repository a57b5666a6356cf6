"""`python scripts/learn` goes all the way, with next to no training: what it would learn is not looked at."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models import LEARNING, needed

for package in LEARNING:
    needed(package)

pytestmark = [pytest.mark.models, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]


def test_it_ends_with_the_tables_and_goes_on_where_it_was(tmp_path: Path) -> None:
    command = [sys.executable, ROOT / "scripts" / "learn", "--folder", tmp_path / "learn"]
    counts = {"seeds": 2, "at-once": 2, "sources": 140, "scenes": 6, "sft-steps": 2, "grpo-steps": 1}
    small = [part for name, count in counts.items() for part in (f"--{name}", str(count))]

    def run() -> str:
        done = subprocess.run(
            [*map(str, command), *small],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "THINKEDIT_DATA": str(tmp_path / "sessions")},
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    first = run()
    assert "Simulation:" in first
    for seed in range(2):
        assert any(line.startswith(f"seed {seed} ") and "== GRPO" in line for line in first.splitlines())
    tables = first[first.rindex("| thinker |") :]
    assert "| base | 0.0 %" in tables, "random weights write nothing that can be read"
    assert tables.count("| middle") == 4, "the loop and its differences, greedy and sampled"
    assert tables.count("| weak") == 2, "greedy alone"
    again = run()
    assert "==" not in again, "nothing is made a second time"
    assert again[again.rindex("| thinker |") :] == tables
