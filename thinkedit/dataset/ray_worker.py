"""What runs in an actor of `ray_engine`: models that are made once, and batches of lines."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from thinkedit.adapters.base import Checkable, Judge, JudgeRequest
from thinkedit.adapters.models import Models
from thinkedit.dataset.folder import workshop
from thinkedit.dataset.generating import GenerateSettings, open_generator
from thinkedit.dataset.records import SourceRecord, Trajectory
from thinkedit.dataset.scoring import ScoreSettings, open_scorer
from thinkedit.errors import EditorFailed, ThinkEditError
from thinkedit.graph.together import each
from thinkedit.types import Judgement

__all__ = ["TRIED", "Worker", "place_of"]

TRIED = "ray/tried"
"""Below the folder's `work/`: batches that were begun."""
TRIES = 5
"""Workers that a batch may cost their lives."""


def place_of(settings: GenerateSettings | ScoreSettings, item: SourceRecord | Trajectory) -> str:
    """Where a worker keeps what it does of one item, below the folder's `work/`: the same in each try."""
    if isinstance(settings, GenerateSettings):
        assert isinstance(item, SourceRecord)
        return f"ray/{settings.session_id(item)}"
    return f"ray/judge-{hashlib.sha256(item.id.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}.jsonl"


class Worker:
    """Called by Ray Data with a batch of lines; gives a line for each, or one that says what ends the run.

    stage: `generate` or `score`. settings: its settings, as JSON.
    """

    def __init__(self, stage: str, settings: str) -> None:
        # Clients of endpoints live in one event loop. Its thread must not keep a process that Ray has left.
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="models", daemon=True).start()
        if stage == "generate":
            self._settings: GenerateSettings | ScoreSettings = GenerateSettings.model_validate_json(settings)
        else:
            self._settings = ScoreSettings.model_validate_json(settings)
        self._models = _Lasting(self._settings.models)
        self._judge: _Bare | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        lines = [str(line) for line in batch["line"]]
        tries = self._tries(lines)
        if tries > TRIES:
            first = json.loads(lines[0])["id"]
            why = f"{TRIES} workers died at the batch of {len(lines)} that begins with {first!r}"
            return {"told": [_ended(EditorFailed(f"{why}: see the logs of Ray, or run with --engine local"))]}
        told = asyncio.run_coroutine_threadsafe(self._done(lines), self._loop).result()
        self._note(lines).unlink(missing_ok=True)
        return {"told": told}

    def _note(self, lines: Sequence[str]) -> Path:
        digest = hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
        return workshop(self._settings.folder, TRIED) / digest

    def _tries(self, lines: Sequence[str]) -> int:
        """How often this batch was begun and not ended, with this time: Ray would try for ever."""
        with open(self._note(lines), "ab") as file:
            file.write(b".")
            return file.tell()

    async def _done(self, lines: Sequence[str]) -> list[str]:
        told: list[str] = []

        async def one(line: str) -> None:
            id_, made = await self._one(line)
            told.append(json.dumps({"id": id_, "line": made, "error": None}))

        try:
            await each(lines, one, at_once=self._settings.at_once)
        except ThinkEditError as error:
            told.append(_ended(error))
        return told

    async def _one(self, line: str) -> tuple[str, str]:
        settings = self._settings
        if isinstance(settings, GenerateSettings):
            source = SourceRecord.model_validate_json(line)
            alone = settings.model_copy(update={"work": place_of(settings, source), "at_once": 1})
            async with open_generator(alone, self._models) as generator:
                outcome = await generator.one(source)
            return source.id, outcome.model_dump_json()
        if self._judge is None:
            judge = self._models.judge(settings.judge)
            if isinstance(judge, Checkable):
                await judge.check()
            self._judge = _Bare(judge)
        trajectory = Trajectory.model_validate_json(line)
        alone_too = settings.model_copy(update={"work": place_of(settings, trajectory), "at_once": 1})
        async with open_scorer(alone_too, self._judge) as scorer:
            scored = await scorer.one(trajectory)
        return trajectory.id, scored.model_dump_json()


def _ended(error: ThinkEditError) -> str:
    return json.dumps({"id": "", "line": "", "error": [type(error).__name__, str(error)]})


class _Lasting(Models):
    """Models that outlive the sessions that were run with them."""

    async def aclose(self) -> None:
        pass


class _Bare:
    """A judge without its `aclose` and `check`, for the same reason."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.identity = judge.identity

    async def judge(self, request: JudgeRequest) -> Judgement:
        return await self._judge.judge(request)
