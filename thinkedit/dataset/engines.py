"""Who does the work of `generate` and `score`: this process, or many through Ray.

An engine is given what is still missing and tells each result as it comes, in any order; the stage writes
them down, puts them in order and counts. So the files are the same whichever engine made them.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

from thinkedit.adapters.base import Judge
from thinkedit.adapters.models import Models
from thinkedit.dataset.generating import GenerateSettings, open_generator
from thinkedit.dataset.records import Outcome, ScoredTrajectory, SourceRecord, Trajectory
from thinkedit.dataset.scoring import ScoreSettings, open_scorer
from thinkedit.errors import SettingsError
from thinkedit.graph.together import each

__all__ = ["ENGINES", "Engine", "LocalEngine", "create_engine"]

ENGINES: dict[str, str] = {
    "local": "thinkedit.dataset.engines:LocalEngine",
    "ray": "thinkedit.dataset.ray_engine:RayEngine",
}


class Engine(Protocol):
    """Raises what ends a whole run: EditorFailed or ThinkerFailed where a model is not there, StoreError or
    LedgerError where nothing can be kept."""

    async def generate(
        self,
        sources: Iterable[SourceRecord],
        settings: GenerateSettings,
        heard: Callable[[SourceRecord, Outcome], Awaitable[None]],
    ) -> None:
        """Tell the outcome of each source. The iterable is read as the work goes on, not all at once."""
        ...

    async def score(
        self,
        trajectories: Iterable[Trajectory],
        settings: ScoreSettings,
        heard: Callable[[ScoredTrajectory], Awaitable[None]],
    ) -> None:
        """Tell each trajectory with its scores."""
        ...


class LocalEngine:
    """This process. models, judge: ready ones, for callers that bring their own."""

    def __init__(self, models: Models | None = None, judge: Judge | None = None) -> None:
        self._models, self._judge = models, judge

    async def generate(
        self,
        sources: Iterable[SourceRecord],
        settings: GenerateSettings,
        heard: Callable[[SourceRecord, Outcome], Awaitable[None]],
    ) -> None:
        async with open_generator(settings, self._models) as generator:

            async def one(source: SourceRecord) -> None:
                await heard(source, await generator.one(source))

            await each(sources, one, at_once=settings.at_once)

    async def score(
        self,
        trajectories: Iterable[Trajectory],
        settings: ScoreSettings,
        heard: Callable[[ScoredTrajectory], Awaitable[None]],
    ) -> None:
        async with open_scorer(settings, self._judge) as scorer:

            async def one(trajectory: Trajectory) -> None:
                await heard(await scorer.one(trajectory))

            await each(trajectories, one, at_once=settings.at_once)


def create_engine(name: str, **options: Any) -> Engine:
    """The engine of that name. SettingsError for an unknown one, MissingExtra without its package."""
    if name not in ENGINES:
        raise SettingsError(f"there is no engine {name!r}: {' or '.join(map(repr, ENGINES))} is meant")
    module, _, attribute = ENGINES[name].partition(":")
    made: Engine = getattr(importlib.import_module(module), attribute)(**options)
    return made
