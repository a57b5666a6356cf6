"""edit_image: one pass of the editor."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync
from pydantic import BaseModel

from thinkedit.adapters.base import EditedImage, EditRequest, Progress, SafetyRequest
from thinkedit.errors import EditError, EditorFailed
from thinkedit.graph.answers import items_in
from thinkedit.graph.patience import TooLate, in_time
from thinkedit.graph.safety import reviewed
from thinkedit.graph.sessions import checked_instruction
from thinkedit.graph.watching import tell_alone
from thinkedit.images import ImageInput, Loaded, save
from thinkedit.tools.inputs import a_runner, checked_output, load_image, loop_settings, safety_name, stored
from thinkedit.tools.trying import tried
from thinkedit.types import Image

if TYPE_CHECKING:
    from thinkedit.adapters.base import Safety
    from thinkedit.adapters.safety.called import Check
    from thinkedit.graph.runner import Runner

__all__ = ["EditedResult", "edit_image"]


class EditedResult(BaseModel):
    """One editor pass."""

    image: Image
    source: Image
    prompt: str
    seed: int
    editor: str
    seconds: float
    notes: str = ""


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
    safety: str | Safety | Check | None = None,
) -> EditedResult:
    """One editor pass, without thinking.

    safety: what sees the prompt and the result, as for `think_edit`.
    Raises InputError, UnsupportedEdit or EditRefused (the prompt, or what came of it), EditorFailed (the
    editor, or a safety check that gives no verdict).
    """
    prompt, target = checked_instruction(prompt, "prompt"), checked_output(output)
    async with a_runner(runner) as runner:
        given = {"editor": editor, "seed": seed, "safety": safety_name(runner, safety)}
        settings = loop_settings(runner.defaults, None, given)
        model = runner.models.editor(settings.editor)
        guard = runner.models.safety(settings.safety) if settings.safety is not None else None
        source = await load_image(runner, image, owner)
        if guard is not None:
            await reviewed(guard, SafetyRequest("prompt", prompt, prompt, source.picture), settings)
        started = time.monotonic()

        async def once() -> EditedImage:
            limit, request = settings.edit_timeout, EditRequest(source.picture, prompt, seed)
            try:
                [made] = items_in(await in_time(limit, lambda told: model.edit([request], told), progress), 1)
            except TooLate as late:
                raise EditorFailed(f"the editor gave no image within {limit:g} s") from late
            if isinstance(made, EditError):
                raise made
            return made

        edited = await tried(
            once, settings, EditorFailed, partial(tell_alone, runner.watcher, "edit", model.identity)
        )
        seconds = time.monotonic() - started
        picture = edited.picture
        if guard is not None:
            await reviewed(guard, SafetyRequest("image", prompt, prompt, source.picture, picture), settings)
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
