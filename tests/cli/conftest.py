"""A folder of one's own with a photograph, a scripted pair and a home, and ways to run the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

SCRIPTED = """
data = "data"
[loop]
editor = "fake-editor"
thinker = "fake-thinker"
turns = 4
backoff = 0
[models.fake-editor]
kind = "scripted"
latency = {latency}
log = "{log}"
[models.fake-thinker]
kind = "scripted"
latency = {latency}
log = "{log}"
{thinker}
"""


@dataclass(frozen=True)
class Place:
    """A working folder. photo: a small JPEG in it; log: the calls of the scripted models."""

    folder: Path

    @property
    def photo(self) -> Path:
        return self.folder / "photo.jpg"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "calls.log"

    def configure(self, *, latency: float = 0.0, thinker: str = "", more: str = "") -> None:
        text = SCRIPTED.format(latency=latency, log=self.log, thinker=thinker)
        (self.folder / "thinkedit.toml").write_text(text + more)

    def calls(self) -> list[dict[str, Any]]:
        """The calls of models that were begun."""
        if not self.log.exists():
            return []
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["event"] == "start"]

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "OMP_NUM_THREADS") if name in os.environ}
        return {**kept, "HOME": str(self.folder / "home"), "PYTHONUNBUFFERED": "1", **more}

    def spawn(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """A process of its own, with pipes for its output."""
        environment = self.environment(**options.pop("env", {}))
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(
            [sys.executable, "-m", "thinkedit", *arguments],
            cwd=self.folder,
            env=environment,
            text=True,
            **streams,
        )


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output; there must be nothing else."""
        return json.loads(self.out)


Invoke = Callable[..., Done]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name in list(os.environ):
        if name.startswith(("THINKEDIT_", "XDG_")) or name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    here = Place(tmp_path)
    Image.linear_gradient("L").resize((64, 48)).convert("RGB").save(here.photo, quality=95)
    here.configure()
    return here


@pytest.fixture
def invoke(place: Place, capfd: pytest.CaptureFixture[str]) -> Invoke:
    """Run a command in this process; returns its code and what it wrote."""
    from thinkedit.cli.app import run

    def call(*arguments: object) -> Done:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Done(code, captured.out, captured.err)

    return call
