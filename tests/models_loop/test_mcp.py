"""The MCP server over real model classes: every family, a step at a time, cancelled in the middle."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from PIL import Image

from tests.conftest import PHOTOS
from tests.models import needed
from tests.models_loop.conftest import FAMILIES, SIZE, Configure, looks_right

torch = needed("torch")
for package in ("torchvision", "diffusers", "transformers", "accelerate"):
    needed(package)

from mcp.client import Client  # noqa: E402
from mcp.client.stdio import StdioServerParameters  # noqa: E402

from tests.server.conftest import taken_apart  # noqa: E402
from thinkedit.config import load_config  # noqa: E402
from thinkedit.server.app import create_server  # noqa: E402
from thinkedit.server.lifetime import SharedRunner  # noqa: E402

pytestmark = [
    pytest.mark.models,
    pytest.mark.anyio,
    # A scheduler of diffusers hands tensors to NumPy in a way that NumPy is leaving.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

WARMER = "make it warmer"
STEP = re.compile(r"editing: .*?(\d+) of (\d+)")


@asynccontextmanager
async def served(settings: Path, photo: Path) -> AsyncIterator[Client]:
    """An in-memory client of a server with this configuration, which may read the photograph's folder."""
    config = load_config(settings)
    config.server.allow.append(photo.parent)
    async with SharedRunner(config) as shared, Client(create_server(shared, config)) as client:
        yield client


class Told:
    """Progress as a client hears it. reached: set once a line matches `waiting_for`."""

    def __init__(self, waiting_for: str = "") -> None:
        self.values: list[float] = []
        self.lines: list[str] = []
        self.reached = anyio.Event()
        self._waiting_for = waiting_for

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.values.append(progress)
        self.lines.append(message or "")
        if self._waiting_for and re.search(self._waiting_for, message or ""):
            self.reached.set()

    def steps(self, turn: int) -> list[tuple[int, int]]:
        """(step, of how many) of every line of that turn that names one."""
        found = (STEP.search(line) for line in self.lines if f"turn {turn} of" in line)
        return [(int(match[1]), int(match[2])) for match in found if match]


@pytest.mark.parametrize("family", FAMILIES)
async def test_every_family_in_memory(family: str, photo: Path, configure: Configure) -> None:
    told = Told()
    async with served(configure(family), photo) as client:
        asked = {"image": str(photo), "instruction": WARMER, "turns": 1}
        answer = taken_apart(await client.call_tool("think_edit", asked, progress_callback=told))
    looks_right(answer.data)
    assert answer.preview is not None
    assert told.values == sorted(set(told.values))
    assert (2, 2) in told.steps(1), told.lines


async def test_the_same_seed_gives_the_same_picture(photo: Path, configure: Configure) -> None:
    async with served(configure("flux-kontext"), photo) as client:
        made = []
        for seed in (1, 1, 2):
            asked = {"image": str(photo), "prompt": WARMER, "seed": seed}
            made.append(taken_apart(await client.call_tool("edit_image", asked)).data["image"]["uri"])
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize("family", ["flux-kontext", "flux2-klein"])
async def test_sessions_at_once_never_see_each_others_pictures(
    family: str, photo: Path, configure: Configure
) -> None:
    photos = [photo, *(photo.with_name(f"{name}.png") for name in ("coffee", "chelsea"))]
    for other in photos[1:]:
        with Image.open(PHOTOS / other.name) as image:
            image.convert("RGB").resize(SIZE).save(other)
    alone: dict[Path, Any] = {}
    together: dict[Path, Any] = {}
    async with served(configure(family), photo) as client:

        async def edit(source: Path, results: dict[Path, Any]) -> None:
            asked = {"image": str(source), "prompt": WARMER, "seed": 3}
            made = taken_apart(await client.call_tool("edit_image", asked)).data["image"]["uri"]
            (contents,) = (await client.read_resource(made)).contents
            whole = base64.b64decode(contents.blob)  # type: ignore[union-attr]  # bytes come as a blob
            results[source] = np.asarray(Image.open(io.BytesIO(whole)).convert("RGB")).astype(int)

        for source in photos:
            await edit(source, alone)
        async with anyio.create_task_group() as tasks:
            for source in photos:
                tasks.start_soon(edit, source, together)
    for source in photos:
        assert np.abs(alone[source] - together[source]).max() <= 2
    assert np.abs(alone[photos[0]] - alone[photos[1]]).max() > 10


async def test_cancelling_between_steps_ends_soon_and_the_session_goes_on(
    photo: Path, configure: Configure
) -> None:
    settings = configure("flux-kontext", steps=5000)  # a minute, were it not cancelled
    told = Told(waiting_for=r"[1-9]\d* of 5000")
    async with served(settings, photo) as client:
        asked = {"image": str(photo), "instruction": WARMER}
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: client.call_tool("think_edit", asked, progress_callback=told))
            with anyio.fail_after(60):
                await told.reached.wait()
            cancelled = time.monotonic()
            tasks.cancel_scope.cancel()
        session = told.lines[0].removeprefix("session ").partition(":")[0].partition(",")[0]
        left = await settled(client, session)
        assert left["stop_reason"] == "cancelled"
    # Closing waits for the pass: had it not been left between two steps, most of them would still be made.
    assert time.monotonic() - cancelled < 5
    assert max(step for step, _ in told.steps(1)) < 1000
    async with served(configure("flux-kontext", steps=2), photo) as client:
        arguments = {"session_id": session, "action": "go_on"}
        done = taken_apart(await client.call_tool("continue_edit", arguments))
    looks_right(done.data)


async def settled(client: Client, session_id: str) -> dict[str, Any]:
    """The session's result once it no longer runs: a cancellation travels on its own."""
    with anyio.fail_after(30):
        while True:
            uri = f"thinkedit://sessions/{session_id}"
            (contents,) = (await client.read_resource(uri, cache_mode="bypass")).contents
            result: dict[str, Any] = json.loads(contents.text)  # type: ignore[union-attr]  # JSON is text
            if result["status"] != "running":
                return result


async def test_a_server_process_on_standard_input_and_output(
    photo: Path, configure: Configure, tmp_path: Path
) -> None:
    settings, told = configure("flux-kontext"), Told()
    process = StdioServerParameters(
        command=sys.executable,
        args=["-m", "thinkedit", "serve", "--allow", str(photo.parent)],
        env={
            "THINKEDIT_CONFIG": str(settings),
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
            "HF_HUB_OFFLINE": "1",
            "CUDA_VISIBLE_DEVICES": "",
        },
        cwd=tmp_path,
    )
    async with Client(process) as client:
        asked = {"image": str(photo), "instruction": WARMER, "turns": 2}
        answer = taken_apart(await client.call_tool("think_edit", asked, progress_callback=told))
    looks_right(answer.data)
    assert (2, 2) in told.steps(1)
    assert await anyio.Path(answer.data["image"]["path"]).is_file()
