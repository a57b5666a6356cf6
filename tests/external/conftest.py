"""Programs beside Python: where they are, or why there are none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"


@pytest.fixture(scope="session")
def node() -> Path:
    """Node 22 from tests/external/node_modules; skips where it is not installed, but fails where CI=true."""
    program = MODULES / ".bin" / "node"
    if not program.exists():
        reason = "run tests/external/install.sh first (it needs npm)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return program


@pytest.fixture
def garden(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    rough = np.random.default_rng(7).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(rough).resize((320, 240), Image.Resampling.BICUBIC).save(folder / "garden.jpg")
    return folder / "garden.jpg"


@pytest.fixture
def server(tmp_path: Path, garden: Path) -> dict[str, Any]:
    """How to start `thinkedit serve` on stdio: command, args, env and cwd."""
    home = tmp_path / "home"
    home.mkdir()
    settings = tmp_path / "thinkedit.toml"
    settings.write_text(
        f"data = {json.dumps(str(tmp_path / 'data'))}\n"
        '[loop]\neditor = "scripted"\nthinker = "scripted"\nturns = 4\n'
        '[models.slow]\nkind = "scripted"\nlatency = 0.3\n'
    )
    options = ["--allow", str(garden.parent), "--output-dir", str(tmp_path / "results")]
    return {
        "command": sys.executable,
        "args": ["-m", "thinkedit", "serve", *options],
        "env": {
            "THINKEDIT_CONFIG": str(settings),
            "HOME": str(home),
            "TMPDIR": str(home),
            "PATH": os.environ["PATH"],
        },
        "cwd": str(home),
    }


@pytest.fixture
def url(server: dict[str, Any]) -> Iterator[str]:
    """`thinkedit serve --http` on a free port of the loopback address."""
    running = subprocess.Popen(
        [server["command"], *server["args"], "--http", "127.0.0.1:0"],
        env=server["env"],
        cwd=server["cwd"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with running:
        try:
            assert running.stderr is not None
            for line in running.stderr:
                if "http://127.0.0.1:" in line:
                    port = line.partition("http://127.0.0.1:")[2].partition("/")[0]
                    yield f"http://127.0.0.1:{port}/mcp"
                    break
            else:
                pytest.fail("the server ended before it listened")
        finally:
            running.terminate()
