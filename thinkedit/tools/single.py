"""edit_image, critique_image and refine_instruction: the steps of the loop, one at a time."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio.to_thread import run_sync
from pydantic import BaseModel, Field

from thinkedit.adapters.base import CritiqueRequest, EditedImage, EditRequest, Past, Progress
from thinkedit.errors import (
    EditError,
    EditorFailed,
    InputError,
    NotFoundError,
    ThinkEditError,
    ThinkerFailed,
)
from thinkedit.graph.answers import critique_in, in_one_line, items_in
from thinkedit.graph.calls import LONGEST_BACKOFF
from thinkedit.graph.sessions import checked_instruction, turn_records
from thinkedit.images import ImageInput, Loaded, save
from thinkedit.tools.inputs import a_runner, checked_output, load_image, loop_settings, stored
from thinkedit.tools.think import owned_session
from thinkedit.types import Critique, CritiqueState, CritiqueView, Image, LoopSettings, Preservation

if TYPE_CHECKING:
    from thinkedit.graph.runner import Runner

__all__ = [
    "CritiqueResult",
    "EditedResult",
    "RefinedResult",
    "critique_image",
    "edit_image",
    "refine_instruction",
]

log = logging.getLogger("thinkedit")
T = TypeVar("T")


class EditedResult(BaseModel):
    """One editor pass."""

    image: Image
    source: Image
    prompt: str
    seed: int
    editor: str
    seconds: float
    notes: str = ""


class CritiqueResult(BaseModel):
    """A critique of one picture, on its own."""

    semantic: float | None = Field(description="0-10: was the instruction followed and the rest kept")
    quality: float | None = Field(description="0-10: natural and free of artifacts")
    overall: float | None = Field(description="sqrt(semantic * quality)")
    satisfied: bool
    reasoning: str
    preservation: Preservation | None
    thinker: str


class RefinedResult(BaseModel):
    """What to tell the editor next, and why."""

    prompt: str
    why: str
    satisfied: bool
    thinker: str


async def edit_image(
    image: ImageInput | Loaded,
    prompt: str,
    *,
    seed: int = 0,
    editor: str | None = None,
    output: str | os.PathLike[str] | None = None,
    runner: Runner | None = None,
    owner: str = "",
    progress: Progress | None = None,
) -> EditedResult:
    """One editor pass, without thinking.

    Raises InputError, UnsupportedEdit or EditRefused (the prompt), EditorFailed (the editor).
    """
    prompt, target = checked_instruction(prompt, "prompt"), checked_output(output)
    async with a_runner(runner) as runner:
        settings = loop_settings(runner.defaults, None, {"editor": editor, "seed": seed})
        model = runner.models.editor(settings.editor)
        source = await load_image(runner, image, owner)
        started = time.monotonic()

        async def once() -> EditedImage:
            with anyio.move_on_after(settings.edit_timeout):
                [made] = items_in(await model.edit([EditRequest(source.picture, prompt, seed)], progress), 1)
                if isinstance(made, EditError):
                    raise made
                return made
            raise EditorFailed(f"the editor gave no image within {settings.edit_timeout:g} s")

        edited = await _tried(once, settings, EditorFailed)
        seconds = time.monotonic() - started
        picture = edited.picture
        result = Loaded(picture=picture, name=None, path=None, mime_type=picture.mime_type)
        entry = await stored(runner, result, owner)
        if target is not None:
            entry.path = str(await run_sync(save, picture, target))
        return EditedResult(
            image=entry,
            source=await stored(runner, source, owner),
            prompt=prompt,
            seed=seed,
            editor=model.identity,
            seconds=round(seconds, 3),
            notes=edited.notes,
        )


async def critique_image(
    source: ImageInput | Loaded | None = None,
    edited: ImageInput | Loaded | None = None,
    instruction: str | None = None,
    *,
    session_id: str | None = None,
    turn: int | None = None,
    prompt: str | None = None,
    thinker: str | None = None,
    threshold: float | None = None,
    runner: Runner | None = None,
    owner: str = "",
) -> CritiqueResult:
    """Score an edited picture against its source and the instruction; or a turn of a session.

    prompt: what the editor was told, where that differs from the instruction.
    Raises InputError, ThinkerFailed, AnswerError.
    """
    async with a_runner(runner) as runner:
        settings = loop_settings(runner.defaults, None, {"thinker": thinker, "threshold": threshold})
        critique, identity = await _critique(
            runner, settings, source, edited, instruction, prompt, session_id, turn, thinker, owner
        )
        view = CritiqueView.of(critique, settings.threshold)
        return CritiqueResult(
            semantic=view.semantic,
            quality=view.quality,
            overall=view.overall,
            satisfied=view.satisfied,
            reasoning=view.reasoning,
            preservation=view.preservation,
            thinker=identity,
        )


async def refine_instruction(
    source: ImageInput | Loaded | None = None,
    edited: ImageInput | Loaded | None = None,
    instruction: str | None = None,
    *,
    session_id: str | None = None,
    turn: int | None = None,
    prompt: str | None = None,
    thinker: str | None = None,
    threshold: float | None = None,
    runner: Runner | None = None,
    owner: str = "",
) -> RefinedResult:
    """The next prompt for the editor, and why; arguments and errors as `critique_image`."""
    async with a_runner(runner) as runner:
        settings = loop_settings(runner.defaults, None, {"thinker": thinker, "threshold": threshold})
        critique, identity = await _critique(
            runner, settings, source, edited, instruction, prompt, session_id, turn, thinker, owner
        )
        return RefinedResult(
            prompt=critique.next_prompt,
            why=critique.reasoning,
            satisfied=critique.satisfied(settings.threshold),
            thinker=identity,
        )


async def _critique(
    runner: Runner,
    settings: LoopSettings,
    source: ImageInput | Loaded | None,
    edited: ImageInput | Loaded | None,
    instruction: str | None,
    prompt: str | None,
    session_id: str | None,
    turn: int | None,
    thinker: str | None,
    owner: str,
) -> tuple[Critique, str]:
    """(critique, identity of the thinker). A turn's recorded critique is read, not asked for again."""
    if session_id is not None:
        request, recorded, by = await _request_of_turn(runner, session_id, turn, settings, owner)
        if thinker is None and recorded is not None and recorded.state is CritiqueState.SCORED:
            return recorded, by
    else:
        if source is None or edited is None or instruction is None:
            raise InputError("give source, edited and instruction; or session_id and turn of an earlier edit")
        instruction = checked_instruction(instruction)
        before = await load_image(runner, source, owner)
        after = await load_image(runner, edited, owner)
        told = checked_instruction(prompt, "prompt") if prompt is not None else instruction
        request = CritiqueRequest(
            before.picture, after.picture, instruction, told, threshold=settings.threshold
        )
    model = runner.models.thinker(settings.thinker)

    async def once() -> Critique:
        with anyio.move_on_after(settings.critique_timeout):
            critique = critique_in(await model.critique(request))
            if critique.state is not CritiqueState.SCORED:
                raise ThinkerFailed(critique.reasoning or "the thinker gave no critique")
            return critique
        raise ThinkerFailed(f"the thinker gave no answer within {settings.critique_timeout:g} s")

    return await _tried(once, settings, ThinkerFailed), model.identity


async def _request_of_turn(
    runner: Runner, session_id: str, turn: int | None, settings: LoopSettings, owner: str
) -> tuple[CritiqueRequest, Critique | None, str]:
    session = await owned_session(runner, session_id, owner)
    records = await turn_records(runner.store, runner.ledger, session_id)
    with_image = [record for record in records if record.image]
    wanted = turn if turn is not None else session.selected_turn
    record = next((record for record in with_image if record.turn == wanted), None)
    if record is None or record.image is None:
        there = ", ".join(str(record.turn) for record in with_image) or "none"
        raise NotFoundError(f"turn {wanted} of session {session_id} has no image; turns that have: {there}")
    history = tuple(
        _past(earlier.turn, earlier.prompt, earlier.critique)
        for earlier in records
        if earlier.turn < record.turn
    )
    request = CritiqueRequest(
        source=await run_sync(runner.store.get, session.source),
        edited=await run_sync(runner.store.get, record.image),
        instruction=session.instruction,
        prompt=record.prompt,
        history=history,
        threshold=settings.threshold,
    )
    return request, record.critique, record.thinker


def _past(turn: int, prompt: str, critique: Critique | None) -> Past:
    known = critique or Critique(state=CritiqueState.FAILED)
    return Past(turn, prompt, known.semantic, known.quality, known.reasoning)


async def _tried(
    once: Callable[[], Awaitable[T]],
    settings: LoopSettings,
    failed: type[EditorFailed] | type[ThinkerFailed],
) -> T:
    """Call once, and again after failures that may pass. `failed` is for what no contract names."""
    for failures in range(settings.retries + 1):
        try:
            return await once()
        except ThinkEditError as error:
            problem = error
        except Exception as error:
            log.exception("a model raised an error that its contract does not name")
            problem = failed(in_one_line(error))
        if not problem.retryable or failures == settings.retries:
            raise problem
        await anyio.sleep(min(settings.backoff * 2**failures, LONGEST_BACKOFF))
    raise AssertionError("unreachable")
