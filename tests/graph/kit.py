"""A runner in memory with a scripted pair, for tests that ask what the loop does and not how fast."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import numpy as np

from thinkedit.adapters.base import CritiqueRequest, Editor, EditRequest, Thinker
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.config import Config
from thinkedit.graph.runner import Runner
from thinkedit.images import Picture
from thinkedit.ledger import Ledger
from thinkedit.store import Store
from thinkedit.tools import think_edit
from thinkedit.types import Critique, EditResult, Event, LoopSettings

INSTRUCTION = "make it warmer"

SOURCE = Picture.from_pixels(np.linspace(0, 255, 24 * 16 * 3, dtype=np.uint8).reshape(16, 24, 3)).data
"""An encoded picture of 24 x 16 pixels."""

SETTINGS = LoopSettings(editor="e", thinker="t", turns=4, patience=12, seed=100, backoff=0)


def scored(semantic: float, quality: float | None = None, next_prompt: str = "", **more: Any) -> Critique:
    """A scored critique; quality is as semantic where it is not given."""
    return Critique(
        semantic=semantic,
        quality=semantic if quality is None else quality,
        next_prompt=next_prompt,
        reasoning=f"worth {semantic}",
        **more,
    )


def numbered(*scores: float) -> list[Critique]:
    """A script with these scores over the turns, each with a prompt of its own."""
    return [scored(score, next_prompt=f"prompt {turn}") for turn, score in enumerate(scores, start=2)]


class Seen:
    """What models were asked, in order, noted by the script itself."""

    def __init__(self) -> None:
        self.edits: list[EditRequest] = []
        self.critiques: list[CritiqueRequest] = []

    def editor(self, **options: Any) -> ScriptedEditor:
        faults = options.pop("faults", None)

        def note(number: int, request: EditRequest) -> Any:
            self.edits.append(request)
            return faults.get(number) if faults else None

        return ScriptedEditor(size="tiny", faults=note, **options)

    def thinker(self, script: Any = None, **options: Any) -> ScriptedThinker:
        faults = options.pop("faults", None)

        def note(number: int, request: Any) -> Any:
            if isinstance(request, CritiqueRequest):
                self.critiques.append(request)
            return faults.get(number) if faults else None

        return ScriptedThinker(script, faults=note, **options)

    @property
    def prompts(self) -> list[tuple[str, int]]:
        return [(request.prompt, request.seed) for request in self.edits]


@asynccontextmanager
async def running(
    editor: Editor | None = None,
    thinker: Thinker | None = None,
    *,
    store: Store | None = None,
    ledger: Ledger | None = None,
    **options: Any,
) -> AsyncIterator[Runner]:
    """A runner over this pair, by default over memory; more editors and thinkers by name in `models`."""
    models = options.pop("models", None) or Models(
        editors={"e": editor or ScriptedEditor(size="tiny")}, thinkers={"t": thinker or ScriptedThinker()}
    )
    made = Runner(
        store=store or Store.in_memory(),
        ledger=ledger or Ledger(None),
        models=models,
        config=options.pop("config", None) or Config.model_construct(loop=SETTINGS),
        **options,
    )
    async with made:
        yield made


async def edited(editor: Editor | None = None, thinker: Thinker | None = None, **settings: Any) -> EditResult:
    """think_edit with the test's defaults, over memory."""
    async with running(editor, thinker) as runner:
        return await begun(runner, **settings)


async def begun(runner: Runner, instruction: str = INSTRUCTION, **settings: Any) -> EditResult:
    return await think_edit(SOURCE, instruction, settings=SETTINGS, runner=runner, **settings)


class Events:
    """A listener that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Event] = []

    async def __call__(self, event: Event) -> None:
        self.heard.append(event)

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.heard]


def told(result: EditResult) -> dict[str, Any]:
    return result.model_dump(mode="json")


class Held:
    """A model that waits in the n-th call until it is let go, and says when it is there."""

    def __init__(self, n: int = 1) -> None:
        self.n, self.calls = n, 0
        self.there, self.go = anyio.Event(), anyio.Event()

    async def wait(self) -> None:
        self.calls += 1
        if self.calls == self.n:
            self.there.set()
            await self.go.wait()


class HeldEditor(ScriptedEditor):
    def __init__(self, n: int = 1) -> None:
        super().__init__(size="tiny")
        self.held = Held(n)
        self.waiting = ""

    async def edit(self, requests: Any, progress: Any = None) -> Any:
        if self.held.calls + 1 == self.held.n:
            self.waiting = requests[0].prompt
        await self.held.wait()
        return await super().edit(requests, progress)


class HeldThinker(ScriptedThinker):
    def __init__(self, script: Any = None, n: int = 1) -> None:
        super().__init__(script)
        self.held = Held(n)

    async def critique(self, request: Any) -> Any:
        await self.held.wait()
        return await super().critique(request)


async def only_session(runner: Runner) -> str:
    [session] = await runner.ledger.sessions()
    return session.session_id
