"""A process that runs a session and is killed at a chosen instant; the parent looks at what is left.

`kill -9` is sent from inside, so that the instant is exact: in the middle of a model call, with half a
picture written, before and after a rename, inside and after a commit of the ledger or of a checkpoint.
"""

from __future__ import annotations

import builtins
import io
import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import anyio

from thinkedit import places
from thinkedit.adapters.base import CritiqueRequest
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.models import Models
from thinkedit.adapters.safety.scripted import ScriptedSafety
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.config import Config
from thinkedit.graph.runner import open_runner
from thinkedit.tools import continue_edit, think_edit
from thinkedit.types import Critique, EditResult, LoopSettings

PHOTO = Path(__file__).parents[2] / "examples" / "photos" / "chelsea.png"
LATENCY = 0.03


@dataclass(frozen=True)
class Instant:
    """Where to kill: the n-th time that `place` reaches `moment`."""

    place: str
    moment: str
    n: int
    candidates: int = 1
    passes: int = 1

    @property
    def run(self) -> tuple[int, int, bool]:
        """What the session is: candidates, passes, and whether there is a safety check."""
        return self.candidates, self.passes, self.place == "safety"

    def __str__(self) -> str:
        passes = f"-seen-{self.passes}-times" if self.passes > 1 else ""
        return f"{self.place}-{self.moment}-{self.n}-of-{self.candidates}{passes}"


def script(request: CritiqueRequest) -> Critique:
    """Rises, falls and rises again, so that the best turn is not the last."""
    turn = len(request.history) + 1
    scores = {1: (4.0, 7.0), 2: (7.5, 7.0), 3: (5.0, 6.0)}.get(turn, (7.0, 6.5))
    return Critique(
        semantic=scores[0] - 0.5 * request.look,
        quality=scores[1],
        reasoning=f"turn {turn} after {[past.semantic for past in request.history]}",
        next_prompt=f"{request.instruction}, attempt {turn + 1}",
    )


def models(log: Path, faults: dict[str, Any] | None = None) -> Models:
    faults = faults or {}
    editor = ScriptedEditor(latency=LATENCY, log=log, faults=faults.get("editor"))
    thinker = ScriptedThinker(script, latency=LATENCY, log=log, faults=faults.get("thinker"))
    safety = ScriptedSafety(latency=LATENCY, log=log, faults=faults.get("safety"))
    return Models(editors={"scripted": editor}, thinkers={"scripted": thinker}, safeties={"scripted": safety})


SETTINGS = LoopSettings(editor="scripted", thinker="scripted", turns=5, patience=4, seed=7)


async def begin(
    data: Path, made: Models, candidates: int, passes: int = 1, checked: bool = False
) -> EditResult:
    async with open_runner(Config(data=data), made) as runner:
        settings = SETTINGS.model_copy(
            update={
                "candidates": candidates,
                "passes": passes,
                "safety": "scripted" if checked else None,
            }
        )
        return await think_edit(PHOTO, "make it warmer", settings=settings, runner=runner)


async def resume(data: Path, log: Path, session_id: str) -> EditResult:
    async with open_runner(Config(data=data), models(log)) as runner:
        return await continue_edit(session_id, "go_on", runner=runner)


def run_and_die(data: Path, log: Path, instant: Instant) -> None:
    """The child: arm the instant, then run the session."""
    faults: dict[str, Any] = {}
    if instant.place in ("editor", "thinker", "safety"):
        faults[instant.place] = _in_the_middle(instant.n)
    else:
        _ARM[instant.place](instant)
    anyio.run(begin, data, models(log, faults), *instant.run)


def run_resume(data: Path, log: Path, session_id: str) -> None:
    anyio.run(resume, data, log, session_id)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _counted(n: int) -> Callable[[], bool]:
    count = 0

    def reached() -> bool:
        nonlocal count
        count += 1
        return count == n

    return reached


def _in_the_middle(n: int) -> Callable[[int, Any], Literal["hang"] | None]:
    def fault(number: int, request: Any) -> Literal["hang"] | None:
        if number != n:
            return None
        threading.Timer(LATENCY / 2, _die).start()
        return "hang"  # however busy the machine is, the kill falls into the call

    return fault


def _arm_store(instant: Instant) -> None:
    """Kill while the n-th picture or record is written: half of it there, before or after its rename."""
    suffix = {"image": ".png", "record": ".json"}[instant.place]
    reached = _counted(instant.n)
    replace, write = os.replace, places.Folder.write
    dying = False

    class Half(io.FileIO):
        def write(self, data: Any) -> int:
            super().write(bytes(data)[: len(data) // 2])
            _die()
            return 0

    def watched_open(path: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if dying and instant.moment == "half":
            return Half(path, mode.replace("b", ""))
        return builtins.open(path, mode, *args, **kwargs)

    def watched_replace(source: Any, target: Any) -> None:
        if dying and instant.moment == "before-rename":
            _die()
        replace(source, target)
        if dying and instant.moment == "after-rename":
            _die()

    def watched_write(self: places.Folder, key: str, data: bytes) -> None:
        nonlocal dying
        dying = key.endswith(suffix) and reached()
        write(self, key, data)

    places.open = watched_open  # type: ignore[attr-defined]
    places.os.replace = watched_replace  # type: ignore[assignment]
    places.Folder.write = watched_write  # type: ignore[method-assign]


def _arm_database(instant: Instant) -> None:
    """Kill inside or after the n-th commit of the ledger or of the checkpoints."""
    name = {"ledger": "sessions.sqlite", "checkpoint": "checkpoints.sqlite"}[instant.place]
    reached = _counted(instant.n)
    connect = sqlite3.connect

    class Watched(sqlite3.Connection):
        def execute(self, sql: str, *args: Any) -> Any:
            if sql == "COMMIT":
                return self._around(lambda: super(Watched, self).execute(sql, *args))
            return super().execute(sql, *args)

        def commit(self) -> None:
            self._around(super().commit)

        def _around(self, work: Callable[[], Any]) -> Any:
            now = self.in_transaction and reached()
            if now and instant.moment == "inside":
                _die()
            result = work()
            if now:
                _die()
            return result

    def watched_connect(path: Any, *args: Any, **kwargs: Any) -> Any:
        if str(path).endswith(name):
            kwargs["factory"] = Watched
        return connect(path, *args, **kwargs)

    sqlite3.connect = watched_connect  # type: ignore[assignment]


_ARM: dict[str, Callable[[Instant], None]] = {
    "image": _arm_store,
    "record": _arm_store,
    "ledger": _arm_database,
    "checkpoint": _arm_database,
}
