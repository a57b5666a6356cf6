"""One small edit and one critique by a pair of models, with what they took: the core of a doctor's visit."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import anyio
from anyio.to_thread import run_sync

from thinkedit.adapters.base import (
    Checkable,
    CritiqueRequest,
    Describable,
    EditedImage,
    Editor,
    EditRequest,
    Thinker,
)
from thinkedit.adapters.models import Models
from thinkedit.cli.failures import exit_code
from thinkedit.cli.memory import device_memory, host_peak
from thinkedit.cli.sample import INSTRUCTION, sample, warmed
from thinkedit.config import Config
from thinkedit.errors import AnswerError, EditorFailed, ThinkEditError, ThinkerFailed
from thinkedit.graph.answers import critique_in, in_one_line, items_in
from thinkedit.images import Picture
from thinkedit.types import Critique, CritiqueState, LoopSettings

__all__ = ["Tell", "Trial", "Tried", "kind_of", "tried"]

T = TypeVar("T")
Model = TypeVar("Model", Editor, Thinker)
Tell = Callable[[str], None]
"""Hears what is being done, for a spinner."""

MOST_REASONING = 400
"""Characters of the thinker's reasoning that are shown."""

# What makes an answer follow the form, by the kind of thinker.
_REMEDIES = {
    "transformers": "try constrained = true in its block of the configuration",
    "chat": "try structured = true, or guided = true for vLLM and SGLang, in its block of the configuration",
}


@dataclass
class Trial:
    """What one model did. seconds: `load` and then `edit` or `critique`, as far as it came.

    did: what came of its work, in a line; error: why it did not come further; code: its exit code.
    """

    name: str
    identity: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    decided: list[str] = field(default_factory=list)
    did: str = ""
    error: str = ""
    code: int = 0
    semantic: float | None = None
    quality: float | None = None
    answer: str = ""


@dataclass
class Tried:
    """Both models, and the memory of the process when both had worked."""

    editor: Trial
    thinker: Trial
    host_peak_bytes: int | None
    devices: list[dict[str, Any]]
    torch: bool

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "instruction": INSTRUCTION}


def kind_of(name: str, config: Config) -> str:
    """`chat`, `diffusers` and so on: of a kind, of a `kind:model`, or of a name of the configuration."""
    return str(config.models.get(name, {}).get("kind", name)).partition(":")[0]


async def tried(config: Config, settings: LoopSettings, models: Models, tell: Tell) -> Tried:
    """Load or reach the pair and let each work once; a fault of one does not keep the other from its turn."""
    editor, thinker = Trial(settings.editor), Trial(settings.thinker)
    source = await run_sync(sample)
    made = await _failing_well(editor, lambda: _edited(editor, models, settings, source, tell))
    await _failing_well(thinker, lambda: _judged(thinker, models, settings, source, made, tell))
    if thinker.error.startswith(_FORM) and "max_tokens" not in thinker.error:  # that says its own remedy
        remedy = _REMEDIES.get(
            kind_of(thinker.name, config), "try another model, or a template that it knows"
        )
        thinker.error += f"; {remedy}"
    return Tried(editor, thinker, host_peak(), await run_sync(device_memory), "torch" in sys.modules)


_FORM = "answers, but not in the form that is asked for"


async def _failing_well(trial: Trial, work: Callable[[], Awaitable[T]]) -> T | None:
    """What the work gives, or None with the trial saying why."""
    try:
        return await work()
    except AnswerError as error:
        trial.error, trial.code, trial.answer = f"{_FORM}: {error}", exit_code(error), error.raw
    except ThinkEditError as error:
        trial.error, trial.code = str(error), exit_code(error)
    except Exception as error:
        trial.error, trial.code = in_one_line(error), exit_code(error)
    return None


async def _edited(
    trial: Trial, models: Models, settings: LoopSettings, source: Picture, tell: Tell
) -> Picture:
    limit = settings.edit_timeout
    model = await _loaded(trial, models.editor, limit, "edit_timeout", EditorFailed, tell)
    tell(f"editing with {trial.name}")

    async def progress(done: float, total: float, message: str) -> None:
        steps = f" ({done:g} of {total:g})" if total else ""
        tell(f"editing with {trial.name}: {message}{steps}")

    async def edit() -> EditedImage:
        [made] = items_in(await model.edit([EditRequest(source, INSTRUCTION, seed=1)], progress), 1)
        if not isinstance(made, EditedImage):
            raise made
        await run_sync(made.picture.pixels)  # a picture that cannot be read is none
        return made

    made = await _timed(trial, "edit", limit, "edit_timeout", EditorFailed, edit)
    size = f"{made.picture.width} x {made.picture.height} pixels"
    trial.did = f"{size}{f'; {made.notes}' if made.notes else ''}"
    return made.picture


async def _judged(
    trial: Trial, models: Models, settings: LoopSettings, source: Picture, made: Picture | None, tell: Tell
) -> None:
    limit = settings.critique_timeout
    model = await _loaded(trial, models.thinker, limit, "critique_timeout", ThinkerFailed, tell)
    tell(f"asking {trial.name}")
    edited = await run_sync(warmed) if made is None else made
    request = CritiqueRequest(source, edited, INSTRUCTION, INSTRUCTION, threshold=settings.threshold)

    async def ask() -> Critique:
        return critique_in(await model.critique(request))

    critique = await _timed(trial, "critique", limit, "critique_timeout", ThinkerFailed, ask)
    trial.answer = critique.raw
    if critique.state is CritiqueState.UNPARSEABLE:
        raise AnswerError(critique.reasoning or "no scores were found", critique.raw)
    if critique.state is CritiqueState.FAILED:
        raise ThinkerFailed(critique.reasoning or "it gave no critique and no reason")
    trial.semantic, trial.quality = critique.semantic, critique.quality
    parts = [
        _scores(critique),
        "of a picture drawn for it, since the editor made none" if made is None else "",
        _tokens(critique),
        textwrap.shorten(critique.reasoning, MOST_REASONING, placeholder=" ..."),
    ]
    trial.did = "; ".join(part for part in parts if part)


def _scores(critique: Critique) -> str:
    if critique.semantic is None or critique.quality is None:
        return "no scores, and good enough" if critique.stop else "no scores, and not good enough"
    return f"semantic {critique.semantic:.1f}, quality {critique.quality:.1f}"


def _tokens(critique: Critique) -> str:
    used = critique.usage
    return f"{used.input_tokens} tokens read, {used.output_tokens} written" if used else ""


async def _loaded(
    trial: Trial,
    get: Callable[[str], Model],
    limit: float,
    setting: str,
    failed: type[EditorFailed] | type[ThinkerFailed],
    tell: Tell,
) -> Model:
    """The model, ready to work: made, checked and, where it can say what it decided, loaded for that."""
    tell(f"loading {trial.name}")

    async def load() -> Model:
        model = await run_sync(get, trial.name)
        if isinstance(model, Checkable):
            await model.check()
        if isinstance(model, Describable):
            trial.decided = list(await model.describe())
        return model

    model = await _timed(trial, "load", limit, setting, failed, load)
    trial.identity = model.identity
    return model


async def _timed(
    trial: Trial,
    step: str,
    limit: float,
    setting: str,
    failed: type[EditorFailed] | type[ThinkerFailed],
    work: Callable[[], Awaitable[T]],
) -> T:
    """Do a step and note its seconds, those of one that fails too. `failed` after `limit` seconds."""
    started = time.monotonic()
    try:
        with anyio.move_on_after(limit):
            return await work()
    finally:
        trial.seconds[step] = round(time.monotonic() - started, 3)
    raise failed(
        f"not done with the {step} after {limit:g} s: raise {setting} under [loop] if it needs longer"
    )
