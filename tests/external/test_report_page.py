"""Reports of an ablation and of runs in a real Chromium: light, dark, a phone, hostile text, and axe."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.evaluation.made import HOSTILE, made_run
from tests.external.conftest import HERE
from tests.external.test_page import chromium
from thinkedit.config import Config
from thinkedit.evaluation.ablation.findings import read_ablation
from thinkedit.evaluation.ablation.plan import Plan
from thinkedit.evaluation.ablation.running import jobs_of, run_ablation
from thinkedit.evaluation.report.ablations import ablation_report
from thinkedit.evaluation.report.runs import run_report
from thinkedit.evaluation.report.writing import write_report

__all__ = ["chromium"]

pytestmark = pytest.mark.external

SCORES = {"scored": {"kind": "provingground:0.6", "scores": True}}


def opened(node: Path, program: str, page: Path, shots: Path) -> dict[str, Any]:
    done = subprocess.run(
        [str(node), str(HERE / "report.mjs"), program, page.as_uri(), str(shots)],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said: dict[str, Any] = json.loads(done.stdout)
    assert (said["dialogs"], said["errors"]) == (0, [])
    assert set(said["requests"]) == {page.as_uri()}, "nothing else was loaded"
    assert said["axe"] == {"light-1200": [], "dark-1200": [], "light-360": []}
    assert all(over <= 0 for over in said["overflow"].values()), said["overflow"]
    for seen in said["seen"].values():
        assert seen["broken"] == 0
        assert seen["images"] > 0
        assert seen["text"] >= 9, "the figures' text can be read"
    assert said["seen"]["light-1200"]["ground"] != said["seen"]["dark-1200"]["ground"]
    assert said["seen"]["light-1200"]["ink"] != said["seen"]["dark-1200"]["ink"]
    return said


def test_an_ablation(node: Path, chromium: str, tmp_path: Path) -> None:
    plan = Plan(
        benchmark="provingground",
        judge="provingground",
        editors=("provingground:weak", "provingground:strong"),
        experts=("provingground:0.5", "provingground:1.0"),
        reference="provingground:0.5",
        scoring="scored",
        turns=(1, 2, 4),
        samples=9,
        models=SCORES,
    )
    run_ablation(jobs_of(plan, tmp_path / "a", Config(models=SCORES)))
    page, _ = write_report(ablation_report(read_ablation(tmp_path / "a", plan)), tmp_path / "report")
    said = opened(node, chromium, page, tmp_path)
    seen = said["seen"]["light-360"]
    assert "Simulation" in seen["notice"]
    assert seen["figures"] == 6, "turns, calibration and gains, each of two editors"


def test_runs_with_hostile_texts(node: Path, chromium: str, tmp_path: Path) -> None:
    judged = [[2, 6], [4, 1], [8, 5, 9], [7, 7, 3]]
    one = made_run(tmp_path / "one", judged, judged, text=HOSTILE, editor=HOSTILE, groups=(HOSTILE, "b" * 90))
    two = made_run(tmp_path / "two", judged, text=HOSTILE, problems=["x" * 300], groups=(HOSTILE, "b" * 90))
    page, _ = write_report(run_report([one, two]), tmp_path / "report")
    opened(node, chromium, page, tmp_path)
