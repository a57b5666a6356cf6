"""What differs between families of editing pipelines, as data; everything else is read from the pipeline.

The keys are names of pipeline classes, as a checkpoint's model_index.json gives them. Steps and guidance are
those of the model cards and of the EditThinker paper's editors; every one can be set in the configuration.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from thinkedit.errors import EditorFailed

__all__ = ["PRESETS", "Preset", "preset_for"]

MEGAPIXEL = 1024 * 1024


@dataclass(frozen=True)
class Preset:
    """How one family is called.

    steps: denoising steps. guidance: arguments and their values; the option `guidance` sets the first.
    image_guidance: the argument that holds to the source, where there is one.
    negative: the negative prompt without which guidance does not act; None: none is passed.
    area: pixels of the canvas, about; multiple: of both its sides; smallest: side that it takes.
    sized: whether the size can be passed; else the pipeline works at `area`, whatever is asked for.
    conditioned_at: where the pipeline scales the source itself, pixels to which it does.
    image: the argument that takes the source; listed: as a list. prefix: words before every prompt.
    references: other pictures that it takes beside the source.
    batch: whether one call may hold different pictures (known to be right, and tested).
    several: whether one call may make several seeds of the same request.
    fixed: further arguments of every call. ran: whether a tiny checkpoint of it is in the tests.
    """

    steps: int = 50
    guidance: Mapping[str, float] = field(default_factory=dict)
    image_guidance: str | None = None
    negative: str | None = None
    area: int = MEGAPIXEL
    multiple: int = 16
    smallest: int = 16
    sized: bool = True
    conditioned_at: int | None = None
    image: str = "image"
    listed: bool = False
    prefix: str = ""
    references: int = 0
    batch: bool = False
    several: bool = False
    fixed: Mapping[str, Any] = field(default_factory=dict)
    ran: bool = False


_KONTEXT = Preset(
    steps=28,
    guidance={"guidance_scale": 2.5},
    batch=True,
    several=True,
    fixed={"_auto_resize": False},
    ran=True,
)
_QWEN = Preset(
    steps=50,
    guidance={"true_cfg_scale": 4.0},
    negative=" ",
    multiple=32,
    conditioned_at=MEGAPIXEL,
    batch=True,
    several=True,
    ran=True,
)
_FLUX2 = Preset(
    steps=50, guidance={"guidance_scale": 4.0}, smallest=64, listed=True, references=9, several=True
)

PRESETS: dict[str, Preset] = {
    "FluxKontextPipeline": _KONTEXT,
    "Flux2Pipeline": _FLUX2,
    "Flux2KleinPipeline": replace(_FLUX2, ran=True),
    "Flux2KleinKVPipeline": replace(_FLUX2, steps=4, guidance={}),
    "QwenImageEditPipeline": _QWEN,
    # One prompt a call, and every picture of the call is a reference for it.
    "QwenImageEditPlusPipeline": replace(_QWEN, steps=40, batch=False, listed=True, references=2),
    "LongCatImageEditPipeline": Preset(
        guidance={"guidance_scale": 4.5}, negative="", sized=False, several=True, ran=True
    ),
    "StableDiffusionInstructPix2PixPipeline": Preset(
        steps=50,
        guidance={"guidance_scale": 7.5},
        image_guidance="image_guidance_scale",
        area=512 * 512,
        multiple=32,
        batch=True,
        several=True,
        ran=True,
    ),
    "StableDiffusionXLInstructPix2PixPipeline": Preset(
        steps=50,
        guidance={"guidance_scale": 5.0},
        image_guidance="image_guidance_scale",
        area=768 * 768,
        multiple=32,
    ),
    "OmniGenPipeline": Preset(
        guidance={"guidance_scale": 2.5},
        image_guidance="img_guidance_scale",
        image="input_images",
        listed=True,
        prefix="<img><|image_1|></img> ",
    ),
    "BriaFiboEditPipeline": Preset(steps=30, guidance={"guidance_scale": 5.0}, fixed={"_auto_resize": False}),
    "DreamLitePipeline": Preset(
        steps=30, guidance={"guidance_scale": 3.5}, image_guidance="image_guidance_scale"
    ),
    "GlmImagePipeline": Preset(guidance={"guidance_scale": 1.5}, multiple=32, listed=True, references=3),
    "JoyImageEditPipeline": Preset(steps=40, guidance={"guidance_scale": 4.0}, negative=""),
    "JoyImageEditPlusPipeline": Preset(
        steps=30, guidance={"guidance_scale": 4.0}, negative="", image="images", listed=True, references=4
    ),
    "ZImageOmniPipeline": Preset(guidance={"guidance_scale": 5.0}, listed=True, references=4),
}

VARIANTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    # FLUX.2 klein is distilled to four steps; its base model is not.
    ("Flux2KleinPipeline", r"klein(?!.*base)", {"steps": 4, "guidance": {"guidance_scale": 1.0}}),
)
"""(class, pattern in the model's name, what differs), since some versions share one class."""

FAST_LORA = re.compile(r"(?:lightning|turbo|hyper)[^/]*?(\d{1,2})[-_ ]?steps?", re.IGNORECASE)
"""A step-distilled LoRA says in its name how many steps it is made for; guidance is then off."""


def preset_for(pipeline: type, name: str, loras: tuple[str, ...] = ()) -> Preset:
    """The preset of a pipeline class, for a model of this name with these LoRAs.

    A class that is not in the table gets one by its signature. EditorFailed where it takes no picture and no
    prompt, so that it cannot follow an instruction.
    """
    known = PRESETS.get(pipeline.__name__)
    preset = known or _read(pipeline)
    for owner, pattern, changes in VARIANTS:
        if owner == pipeline.__name__ and re.search(pattern, name, re.IGNORECASE):
            preset = replace(preset, **changes)
    for lora in loras:
        if found := FAST_LORA.search(lora):
            off = dict.fromkeys(preset.guidance, 1.0)
            preset = replace(preset, steps=int(found[1]), guidance=off, negative=None)
    return preset


def _read(pipeline: type) -> Preset:
    """A preset from the signature of the pipeline's call, with its own defaults."""
    given = inspect.signature(pipeline.__call__).parameters
    image = next((name for name in ("image", "images", "input_images") if name in given), None)
    films = "num_frames" in given or "video" in given
    if image is None or "prompt" not in given or films:
        kind = "makes pictures from words alone" if image is None else "takes no prompt"
        if films:
            kind = "makes films"
        raise EditorFailed(
            f"the pipeline {pipeline.__name__} {kind}, so it cannot edit by instruction: name an editing "
            "model, such as black-forest-labs/FLUX.1-Kontext-dev",
            retryable=False,
        )

    def default(name: str) -> float | None:
        value = given[name].default if name in given else None
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    steps = default("num_inference_steps")
    guidance = {
        name: value for name in ("guidance_scale", "true_cfg_scale") if (value := default(name)) is not None
    }
    image_guidance = next((n for n in ("image_guidance_scale", "img_guidance_scale") if n in given), None)
    return Preset(
        steps=int(steps) if steps else 50,
        guidance=guidance,
        image_guidance=image_guidance,
        # Classifier-free guidance beside a distilled one acts only where there is a negative prompt.
        negative=" " if "true_cfg_scale" in guidance and "negative_prompt" in given else None,
        sized="height" in given and "width" in given,
        image=image,
        listed=image != "image",
    )
