"""The loop over sources: from a SourceRecord to a Trajectory, by whoever runs it (this process, or many).

A source's session has an id that follows from the source and the settings, and lies with its recorded model
calls below the folder's `work/`: a process that is killed in the middle, and the one that takes its work up,
pay for no recorded call twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync
from pydantic import Field

from thinkedit.adapters.base import Checkable, CritiqueRequest, Editor, Thinker
from thinkedit.adapters.models import Models
from thinkedit.config import Config, Limits
from thinkedit.dataset.folder import keep_file, read_picture, workshop
from thinkedit.dataset.records import Dropped, Outcome, SourceRecord, Trajectory
from thinkedit.errors import (
    EditRefused,
    ImageError,
    InstructionError,
    LedgerError,
    NotFoundError,
    UnsupportedEdit,
)
from thinkedit.graph.export import trajectory
from thinkedit.graph.runner import Runner, open_runner
from thinkedit.graph.sessions import turn_records
from thinkedit.graph.together import each
from thinkedit.images import Loaded
from thinkedit.types import Critique, LoopSettings, Status
from thinkedit.types.words import Frozen, Score

__all__ = ["PATIENCE", "GenerateSettings", "Generator", "generate_batch", "generate_one", "open_generator"]

PATIENCE = ("retries", "backoff", "timeout", "edit_timeout", "critique_timeout")
"""Settings that may change from run to run without anything being made again."""

_NO_PATIENCE = 12
"""More turns than a session may have: only the expert and N end one."""


class GenerateSettings(Frozen):
    """How trajectories are made; plain values, so that it can be sent to another process.

    folder: the dataset's, absolute; every process that works on it sees it under this path.
    expert: the thinker. turns: N, editor passes at most (paper: 5). expert_last: whether the image of step N
    is critiqued too, for which the expert is asked once more. seed: of every step, so that what changes is
    the prompt alone (one higher each time a prompt comes again). retries, backoff, edit_timeout,
    critique_timeout, threshold: as in LoopSettings; the threshold matters to an expert that gives scores.
    models: blocks of the configuration by name. at_once: sessions of one process at the same time.
    work: where this process keeps its sessions, below the folder's `work/`. retry_failed: forget what is
    recorded of a session that ended because a model failed.
    """

    folder: Path
    expert: str
    turns: int = Field(5, ge=1, le=12)
    expert_last: bool = True
    seed: int = Field(0, ge=0, le=2**31 - 1)
    threshold: Score = 8.0
    retries: int = Field(2, ge=0, le=10)
    backoff: float = Field(0.5, ge=0, le=60)
    edit_timeout: float = Field(600, gt=0)
    critique_timeout: float = Field(300, gt=0)
    models: dict[str, dict[str, Any]] = Field(default_factory=dict, repr=False)
    at_once: int = Field(8, ge=1, le=256)
    work: str = "generate"
    retry_failed: bool = False

    @property
    def told(self) -> dict[str, Any]:
        """What decides the outcome, for the manifest: neither secrets nor where and how fast it ran."""
        return self.model_dump(mode="json", exclude={"folder", "models", "at_once", "work", "retry_failed"})

    @property
    def digest(self) -> str:
        """Names what is made; how long a failing model is borne with is not part of it."""
        told = {name: value for name, value in self.told.items() if name not in PATIENCE}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def session_id(self, source: SourceRecord) -> str:
        """The id of the source's session and trajectory."""
        told = f"{source.model_dump_json()}\0{self.digest}"
        return f"d-{hashlib.sha256(told.encode(errors='surrogatepass')).hexdigest()[:24]}"

    def loop(self, source: SourceRecord) -> LoopSettings:
        return LoopSettings(
            editor=source.editor,
            thinker=self.expert,
            turns=self.turns,
            threshold=self.threshold,
            patience=_NO_PATIENCE,
            seed=self.seed,
            retries=self.retries,
            backoff=self.backoff,
            edit_timeout=self.edit_timeout,
            critique_timeout=self.critique_timeout,
        )


class Generator:
    """An open runner that makes trajectories; see `open_generator`."""

    def __init__(self, runner: Runner, settings: GenerateSettings) -> None:
        self._runner = runner
        self._settings = settings

    async def one(self, source: SourceRecord) -> Outcome:
        """The source's trajectory, or why there is none: its picture, its instruction or a refusal.

        Raises EditorFailed or ThinkerFailed where a model is not there at all, StoreError or LedgerError
        where nothing can be kept: nothing more can be done then, and what was done stays done.
        """
        try:
            return await self._made(source)
        except ImageError as error:
            return _dropped(source, "unreadable_image", error)
        except InstructionError as error:
            return _dropped(source, "bad_instruction", error)
        except (UnsupportedEdit, EditRefused) as error:
            return _dropped(source, "editor_refused", error)

    async def _made(self, source: SourceRecord) -> Trajectory:
        runner, folder = self._runner, self._settings.folder
        session_id = self._settings.session_id(source)
        try:
            known = await runner.ledger.session(session_id)
            if self._settings.retry_failed and known.status is Status.FAILED:
                await runner.delete(session_id)
                raise NotFoundError(session_id)
        except NotFoundError:
            picture = await run_sync(read_picture, folder, source.image, source.sha256)
            loaded = Loaded(picture, None, None, picture.mime_type)
            loop = self._settings.loop(source)
            await runner.open(loaded, source.instruction, loop, session_id=session_id)
        await runner.follow(session_id)
        session = await runner.ledger.session(session_id)
        if session.status is Status.RUNNING:
            raise LedgerError(f"session {session_id} was left while it ran: run the same command again")
        records = await turn_records(runner.store, runner.ledger, session_id)
        shas = {session.source, *(c.image for r in records for c in r.candidates if c.image)}
        names = await run_sync(lambda: {sha: keep_file(folder, runner.store, sha) for sha in sorted(shas)})
        own = {"record": source.id, "pool": source.source, "task_type": source.task_type}
        edited_by = {"editor": source.editor, "editor_identity": session.editor}
        made = trajectory(session, records, names).model_dump()
        return Trajectory.model_validate(made | own | edited_by)


class _Unasked:
    """An expert that is not asked about the image of step N, where its answer would lead nowhere."""

    def __init__(self, expert: Thinker, turns: int) -> None:
        self._expert, self._turns = expert, turns
        self.identity = expert.identity
        self.template = getattr(expert, "template", "")

    async def critique(self, request: CritiqueRequest) -> Critique:
        turn = request.history[-1].turn + 1 if request.history else 1
        return Critique() if turn >= self._turns else await self._expert.critique(request)

    async def check(self) -> None:
        if isinstance(self._expert, Checkable):
            await self._expert.check()


class _WithoutLast(Models):
    """Models whose thinkers are not asked about the last image."""

    def __init__(self, models: Models, turns: int) -> None:
        super().__init__()
        self._models, self._turns = models, turns

    def editor(self, name: str) -> Editor:
        return self._models.editor(name)

    def thinker(self, name: str) -> Thinker:
        return _Unasked(self._models.thinker(name), self._turns)

    async def aclose(self) -> None:
        await self._models.aclose()


@asynccontextmanager
async def open_generator(
    settings: GenerateSettings, models: Models | None = None
) -> AsyncIterator[Generator]:
    """A generator over the settings' models. models: ready ones, where the caller has them."""
    chosen = models or Models(settings.models)
    if not settings.expert_last:
        chosen = _WithoutLast(chosen, settings.turns)
    data = await run_sync(workshop, settings.folder, settings.work)
    config = Config(data=data, limits=Limits(sessions=settings.at_once), models=settings.models)
    async with open_runner(config, chosen) as runner:
        yield Generator(runner, settings)


async def generate_one(source: SourceRecord, settings: GenerateSettings) -> Outcome:
    """As `generate_batch`, for one."""
    return (await generate_batch([source], settings))[0]


async def generate_batch(
    sources: Sequence[SourceRecord], settings: GenerateSettings, models: Models | None = None
) -> list[Outcome]:
    """An outcome for each source, in order; `settings.at_once` sessions run together.

    It may be killed and called again with the same arguments: sessions go on. Two processes that may be at
    it at the same time need different `settings.work`. Errors as `Generator.one`.
    """
    outcomes: list[Outcome | None] = [None] * len(sources)
    async with open_generator(settings, models) as generator:

        async def one(place: int) -> None:
            outcomes[place] = await generator.one(sources[place])

        await each(range(len(sources)), one, at_once=settings.at_once)
    return [outcome for outcome in outcomes if outcome is not None]


def _dropped(source: SourceRecord, reason: str, error: Exception) -> Dropped:
    return Dropped(id=source.id, reason=reason, why=" ".join(str(error).split()))
