"""`thinkedit edit` with real model classes, in processes of their own, as people run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.models import needed
from tests.models_loop.conftest import FAMILIES, SIZE, Configure, looks_right

torch = needed("torch")
for package in ("torchvision", "diffusers", "transformers", "accelerate"):
    needed(package)

pytestmark = pytest.mark.models

MANY = """
import contextlib, io, json, sys
from thinkedit.cli.app import run
for arguments in json.load(sys.stdin):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = run(arguments)
    print(json.dumps({"code": code, "said": said.getvalue()}), flush=True)
"""
"""Several commands in one process: the imports of the libraries take longer than the edits."""


def environment(home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "OMP_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "PASSIVE",
        "HF_HUB_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }


def arguments_for(family: str, photo: Path, settings: Path, output: Path) -> list[str]:
    return [
        "edit",
        str(photo),
        "make it warmer",
        *("--editor", family),
        *("--config", str(settings)),
        *("--output", str(output)),
        *("--turns", "2"),
        "--json",
    ]


def written(output: Path, photo: Path) -> None:
    """The file has the photograph's size and is another picture."""
    with Image.open(output) as made, Image.open(photo) as source:
        assert made.size == SIZE
        assert made.convert("RGB").tobytes() != source.convert("RGB").tobytes()


def test_one_command_prints_one_document(photo: Path, configure: Configure, tmp_path: Path) -> None:
    settings, output = configure("flux-kontext"), tmp_path / "warm.png"
    ran = subprocess.run(
        [sys.executable, "-m", "thinkedit", *arguments_for("flux-kontext", photo, settings, output)],
        capture_output=True,
        text=True,
        env=environment(tmp_path),
        cwd=tmp_path,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    looks_right(json.loads(ran.stdout))
    written(output, photo)
    assert "Traceback" not in ran.stderr
    assert "it/s" not in ran.stderr  # the libraries' own progress bars


def test_every_family_edits_a_photograph(photo: Path, configure: Configure, tmp_path: Path) -> None:
    families = [family for family in FAMILIES if family != "flux-kontext"]
    settings = configure(*families)
    asked = [
        arguments_for(family, photo, settings, tmp_path / "results" / f"{family}.png") for family in families
    ]
    (tmp_path / "results").mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", MANY],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        env=environment(tmp_path),
        cwd=tmp_path,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(answers) == len(families)
    for family, answer in zip(families, answers, strict=True):
        assert answer["code"] == 0, (family, answer["said"], ran.stderr)
        looks_right(json.loads(answer["said"]))
        written(tmp_path / "results" / f"{family}.png", photo)
