"""critique_image and refine_instruction: what the thinker sees, and what it would try next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync
from pydantic import BaseModel, Field

from thinkedit.adapters.base import CritiqueRequest, Past, Refiner, RefineRequest, Thinker, identity_of
from thinkedit.errors import AnswerError, InputError, NotFoundError, SettingsError, ThinkerFailed
from thinkedit.graph.answers import critique_in, text_in
from thinkedit.graph.asking import HOST
from thinkedit.graph.averaging import combined
from thinkedit.graph.patience import TooLate
from thinkedit.graph.sessions import checked_instruction, turn_records
from thinkedit.graph.together import together
from thinkedit.graph.watching import Watcher, tell_alone
from thinkedit.images import ImageInput, Loaded
from thinkedit.tools.inputs import a_runner, load_image, loop_settings
from thinkedit.tools.think import owned_session
from thinkedit.tools.trying import tried
from thinkedit.types import Critique, CritiqueState, CritiqueView, LoopSettings, Preservation, Usage

if TYPE_CHECKING:
    from thinkedit.graph.runner import Runner

__all__ = ["CritiqueResult", "RefinedResult", "critique_image", "refine_instruction"]


class CritiqueResult(BaseModel):
    """A critique of one picture, on its own."""

    semantic: float | None = Field(description="0-10: was the instruction followed and the rest kept")
    quality: float | None = Field(description="0-10: natural and free of artifacts")
    overall: float | None = Field(description="sqrt(semantic * quality)")
    satisfied: bool
    reasoning: str
    preservation: Preservation | None
    thinker: str
    usage: Usage | None = Field(default=None, description="tokens, where the thinker counts them")


class RefinedResult(BaseModel):
    """What to tell the editor next, and why."""

    prompt: str
    why: str
    satisfied: bool
    thinker: str


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
    passes: int | None = None,
    runner: Runner | None = None,
    owner: str = "",
) -> CritiqueResult:
    """Score an edited picture against its source and the instruction; or a turn of a session.

    prompt: what the editor was told, where that differs from the instruction.
    passes: looks whose scores are averaged. A turn's recorded critique is read where neither this nor a
        thinker is given.
    Raises InputError, ThinkerFailed, AnswerError.
    """
    async with a_runner(runner) as runner:
        given = {"thinker": thinker, "passes": passes}
        settings = loop_settings(runner.defaults, None, {**given, "threshold": threshold})
        critique, identity, _ = await _critique(
            runner, settings, source, edited, instruction, prompt, session_id, turn, given, owner
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
            usage=view.usage,
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
    refiner: str | None = None,
    runner: Runner | None = None,
    owner: str = "",
) -> RefinedResult:
    """The next prompt for the editor, and why; arguments and errors as `critique_image`.

    refiner: a model apart from the thinker, that writes the prompt from the thinker's critique.
    """
    async with a_runner(runner) as runner:
        given = {"thinker": thinker}
        settings = loop_settings(runner.defaults, None, {**given, "threshold": threshold, "refiner": refiner})
        model = None if settings.refiner is None else runner.models.refiner(settings.refiner)
        critique, identity, request = await _critique(
            runner, settings, source, edited, instruction, prompt, session_id, turn, given, owner
        )
        told = critique.next_prompt
        if model is not None:
            told = await _refined(runner.watcher, model, request, critique, settings)
            identity = f"{identity}, {identity_of(model)}"
        return RefinedResult(
            prompt=told,
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
    given: Mapping[str, object],
    owner: str,
) -> tuple[Critique, str, CritiqueRequest]:
    """(critique, identity of the thinker, what it was asked).

    A turn's recorded critique is read, and not asked for again unless something was `given` to ask.
    """
    if session_id is not None:
        request, recorded, by = await _request_of_turn(runner, session_id, turn, settings, owner)
        asked = any(value is not None for value in given.values())
        if not asked and recorded is not None and recorded.state is CritiqueState.SCORED:
            return recorded, by, request
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
    if model.identity == HOST:
        raise SettingsError(
            "thinker 'host' is you: look at both pictures and judge them yourself, or name another thinker"
        )
    looks = await together(
        [partial(_look, runner.watcher, model, request, settings, look) for look in range(settings.passes)]
    )
    critique = combined(looks)
    if critique.state is not CritiqueState.SCORED:
        raise ThinkerFailed(critique.reasoning)
    return critique, model.identity, request


async def _look(
    watcher: Watcher, model: Thinker, request: CritiqueRequest, settings: LoopSettings, look: int
) -> Critique:
    """One look. Where it is one of several, its failure is an answer too, since the others may do."""

    async def once() -> Critique:
        with anyio.move_on_after(settings.critique_timeout):
            critique = critique_in(await model.critique(replace(request, look=look)))
            if critique.state is not CritiqueState.SCORED:
                raise ThinkerFailed(critique.reasoning or "the thinker gave no critique")
            return critique
        raise ThinkerFailed(
            f"the thinker gave no answer within {settings.critique_timeout:g} s"
        ) from TooLate()

    tell = partial(tell_alone, watcher, "critique", model.identity)
    try:
        return await tried(once, settings, ThinkerFailed, tell)
    except (AnswerError, ThinkerFailed) as error:
        if settings.passes == 1:
            raise
        return Critique(state=CritiqueState.FAILED, reasoning=str(error))


async def _refined(
    watcher: Watcher, model: Refiner, request: CritiqueRequest, critique: Critique, settings: LoopSettings
) -> str:
    asked = RefineRequest(
        request.source, request.edited, request.instruction, request.prompt, critique, request.history
    )

    async def once() -> str:
        with anyio.move_on_after(settings.critique_timeout):
            return text_in(await model.refine(asked)).strip()
        raise ThinkerFailed(
            f"the refiner gave no answer within {settings.critique_timeout:g} s"
        ) from TooLate()

    tell = partial(tell_alone, watcher, "refine", identity_of(model))
    return await tried(once, settings, ThinkerFailed, tell)


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
