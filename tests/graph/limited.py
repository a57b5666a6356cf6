"""A process that may write no file beyond a size, as on a disk that fills up and then has room again."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import anyio
import numpy as np

from tests.graph.kit import INSTRUCTION, SETTINGS, numbered
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.config import Config
from thinkedit.errors import ThinkEditError
from thinkedit.graph.runner import open_runner
from thinkedit.images import Picture
from thinkedit.ledger.leases import Leases
from thinkedit.tools import continue_edit, think_edit
from thinkedit.types import Status

NOISE = np.random.default_rng(1).integers(0, 255, (120, 120, 3), dtype=np.uint8)
SCRIPT = numbered(3, 4, 5, 9)


def limit(size: int | None) -> None:
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard if size is None else size, hard))


async def one(data: Path, size: int) -> dict[str, Any]:
    """What a session came to under the limit, and what going on gave without it."""
    editor = ScriptedEditor()
    models = Models(editors={"e": editor}, thinkers={"t": ScriptedThinker(SCRIPT)})
    source = Picture.from_pixels(NOISE).data
    told: dict[str, Any] = {"error": None, "again": None}
    limit(size)
    try:
        async with open_runner(Config(data=data), models) as runner:
            await think_edit(source, INSTRUCTION, settings=SETTINGS, runner=runner)
    except ThinkEditError as error:
        told["error"] = f"{type(error).__name__}: {error}"
    finally:
        limit(None)
    async with open_runner(Config(data=data), models) as runner:
        for session in await runner.ledger.sessions():
            before = await runner.result(session.session_id)
            told["before"] = [turn.image is not None for turn in before.turns]
            if session.status is Status.RUNNING:
                again = await continue_edit(session.session_id, runner=runner)
                told["again"] = [again.stop_reason, len(again.turns)]
    return {**told, "calls": editor.calls}


def run(folder: Path, sizes: list[int]) -> None:
    # Where the disk is too full to give a lease back, it lasts to its end: not half a minute here.
    Leases.__init__.__kwdefaults__["lease"] = 1.0
    outcomes = {size: anyio.run(one, folder / str(size), size) for size in sizes}
    (folder / "outcomes.json").write_text(json.dumps(outcomes))
