"""One pass of a pipeline: its arguments, its steps, and its pictures."""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters.editors.diffusers.pipeline import Pipeline
from thinkedit.adapters.editors.diffusers.settings import Settings
from thinkedit.adapters.local.worker import Pass
from thinkedit.adapters.sizing import Laid, canvas_for
from thinkedit.errors import EditError, EditorFailed, EditRefused

__all__ = ["Item", "call"]

Made = tuple[NDArray[np.uint8], str] | EditError
"""Pixels and a note, empty where there is nothing to say."""


LONGEST_PROMPT = 100_000
"""Tokenizers that know no limit give a number above this."""


@dataclass(frozen=True)
class Item:
    """One picture to make. references: pictures beside the source, laid like it.

    company: items with the same one may share a pass; None: by itself.
    """

    laid: Laid
    prompt: str
    seed: int
    source: str
    references: tuple[NDArray[np.uint8], ...] = ()
    company: Hashable | None = None


def call(pipeline: Pipeline, settings: Settings, work: Pass[Item]) -> list[Made]:
    """The pass's pictures, height x width x 3 uint8, at sizes of the pipeline's own.

    All items have one canvas; they differ in pictures only where the family is known to keep them apart.
    """
    items = work.items
    given = inspect.signature(type(pipeline.pipe).__call__).parameters
    arguments = _arguments(pipeline, settings, items, given)
    steps = int(arguments.get("num_inference_steps", 0))
    with _stepping(pipeline.pipe, work, steps, arguments, given):
        try:
            output = pipeline.pipe(**arguments)
        except BaseException:
            with contextlib.suppress(Exception):  # an interrupted pass leaves parts of it on the device
                pipeline.pipe.maybe_free_model_hooks()
            raise
    notes = [_unread(pipeline.pipe, item.prompt, given) for item in items]
    return [
        made if isinstance(made, EditError) else (made, note)
        for made, note in zip(_pictures(output, len(items), pipeline), notes, strict=True)
    ]


def _unread(pipe: Any, prompt: str, given: Any) -> str:
    """A note where the prompt is longer than the text encoder reads."""
    tokenizer = getattr(pipe, "tokenizer_2", None) or getattr(pipe, "tokenizer", None)
    most = getattr(given.get("max_sequence_length"), "default", None)
    if not isinstance(most, int):
        most = getattr(tokenizer, "model_max_length", None)
    if not callable(tokenizer) or not isinstance(most, int) or most > LONGEST_PROMPT or len(prompt) < most:
        return ""
    with contextlib.suppress(Exception):  # a tokenizer of another kind: only the note is lost
        count = len(tokenizer(prompt, verbose=False).input_ids)
        return f"the prompt has {count} tokens, of which the model reads {most}" if count > most else ""
    return ""


def _arguments(pipeline: Pipeline, settings: Settings, items: Sequence[Item], given: Any) -> dict[str, Any]:
    import torch
    from PIL import Image

    preset, first = pipeline.preset, items[0]
    # Noise is drawn on the CPU, so that a seed gives the same picture on every device.
    generators = [torch.Generator("cpu").manual_seed(item.seed) for item in items]
    pictures = [Image.fromarray(item.laid.pixels) for item in items]
    # Of a list, such a pipeline scales the pictures for its autoencoder and not for its text encoder: so they
    # come scaled, and one picture as a list too, or it would be seen otherwise by itself than in a batch.
    as_list = preset.batch and preset.conditioned_at is not None
    if as_list:
        seen = canvas_for(first.laid.canvas, area=preset.conditioned_at, multiple=preset.multiple)
        pictures = [picture.resize(seen, Image.Resampling.LANCZOS) for picture in pictures]
    prompts = [preset.prefix + item.prompt for item in items]
    alike = len({(item.source, item.prompt) for item in items}) == 1
    arguments: dict[str, Any] = {"num_inference_steps": preset.steps}
    if (len(items) == 1 and not as_list) or (alike and preset.several and not preset.batch):
        references = [Image.fromarray(pixels) for pixels in first.references]
        arguments[preset.image] = [pictures[0], *references] if preset.listed or references else pictures[0]
        arguments["prompt"] = prompts[0]
        if len(items) > 1:
            arguments["num_images_per_prompt"] = len(items)
    else:
        arguments[preset.image] = pictures
        arguments["prompt"] = prompts
    arguments["generator"] = generators if len(items) > 1 else generators[0]
    arguments |= _guidance(pipeline, settings, arguments["prompt"])
    width, height = first.laid.canvas
    if preset.sized:
        arguments |= {"width": width, "height": height}
    if "max_area" in given:
        arguments["max_area"] = width * height
    if "output_type" in given:
        arguments["output_type"] = "np"
    arguments |= {name: value for name, value in preset.fixed.items() if name in given}
    if "kwargs" not in given and (unknown := sorted(set(settings.extra) - set(given))):
        known = ", ".join(name for name in given if name != "self")
        raise EditorFailed(
            f"extra has {unknown[0]!r}, which {type(pipeline.pipe).__name__} does not take; it takes {known}",
            retryable=False,
        )
    arguments |= settings.extra
    # Those of the preset that this version of the pipeline does not take are left out.
    return {name: value for name, value in arguments.items() if name in given or name in settings.extra}


def _guidance(pipeline: Pipeline, settings: Settings, prompt: str | list[str]) -> dict[str, Any]:
    preset = pipeline.preset
    made: dict[str, Any] = dict(preset.guidance)
    if settings.image_guidance is not None:
        if preset.image_guidance is None:
            raise EditorFailed(
                f"image_guidance is {settings.image_guidance:g}, but {type(pipeline.pipe).__name__} has "
                "none: leave it out",
                retryable=False,
            )
        made[preset.image_guidance] = settings.image_guidance
    negative = preset.negative if settings.negative_prompt is None else settings.negative_prompt
    if negative is not None:
        made["negative_prompt"] = negative if isinstance(prompt, str) else [negative] * len(prompt)
    return made


@contextlib.contextmanager
def _stepping(
    pipe: Any, work: Pass[Item], steps: int, arguments: dict[str, Any], given: Any
) -> Iterator[None]:
    """Tell each step, and stop where nobody waits any more.

    A pipeline without a callback is listened to through its scheduler, whose step every one of them calls.
    """
    work.step(0, steps, "step")
    if "callback_on_step_end" in given:

        def told(_: Any, index: int, __: Any, values: dict[str, Any]) -> dict[str, Any]:
            work.step(min(index + 1, steps), steps, "step")
            return values

        arguments["callback_on_step_end"] = told
        yield
        return
    scheduler, count = pipe.scheduler, 0
    original = scheduler.step

    def step(*positional: Any, **named: Any) -> Any:
        nonlocal count
        made = original(*positional, **named)
        count += 1
        work.step(min(count, steps), steps, "step")
        return made

    scheduler.step = step
    try:
        yield
    finally:
        del scheduler.step


def _pictures(output: Any, count: int, pipeline: Pipeline) -> list[NDArray[np.uint8] | EditError]:
    images = getattr(output, "images", None)
    if images is None and isinstance(output, tuple | list) and output:
        images = output[0]
    if images is None or len(images) != count:
        got = "none" if images is None else len(images)
        raise EditorFailed(
            f"{pipeline.name} gave {got} pictures where {count} were asked for", retryable=False
        )
    flagged = getattr(output, "nsfw_content_detected", None) or [False] * count
    return [
        EditRefused(f"the safety checker of {pipeline.name} held the picture back: ask for something else")
        if flag
        else _picture(image, pipeline)
        for image, flag in zip(images, flagged, strict=True)
    ]


def _picture(image: Any, pipeline: Pipeline) -> NDArray[np.uint8] | EditError:
    values = np.asarray(image)
    if values.dtype != np.uint8:
        if not math.isfinite(float(values.sum(dtype=np.float64))):
            return EditorFailed(
                f"{pipeline.name} gave no picture but broken numbers (NaN): its number type is "
                f'{pipeline.decision.dtype}; set dtype = "bfloat16" or "float32"',
                retryable=False,
            )
        values = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    if values.ndim != 3 or values.shape[2] not in (3, 4):
        return EditorFailed(
            f"{pipeline.name} gave an array of shape {values.shape} and no picture", retryable=False
        )
    values = np.ascontiguousarray(values[..., :3])
    if not values.any():
        return EditorFailed(
            f"{pipeline.name} gave a black picture: with dtype float16 some models do; "
            'set dtype = "bfloat16" or "float32"',
            retryable=False,
        )
    return values
