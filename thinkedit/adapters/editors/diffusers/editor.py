"""The editor `diffusers`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import anyio
from anyio.to_thread import run_sync

from thinkedit.adapters.base import EditedImage, EditRequest, Progress
from thinkedit.adapters.editors.diffusers.calling import Item, Made, call
from thinkedit.adapters.editors.diffusers.laying import item_for
from thinkedit.adapters.editors.diffusers.pipeline import Pipeline, load_pipeline
from thinkedit.adapters.editors.diffusers.settings import Settings, as_tuple
from thinkedit.adapters.local.placement import Wanted
from thinkedit.adapters.local.replicas import Replicas, devices_of
from thinkedit.adapters.require import require
from thinkedit.adapters.sizing import cut, lift
from thinkedit.errors import EditError, EditorFailed, SettingsError
from thinkedit.images import Picture

__all__ = ["DiffusersEditor"]


class DiffusersEditor:
    """An editing pipeline of diffusers in this process: FLUX.1 Kontext, Qwen-Image-Edit, FLUX.2 and others.

        editor = DiffusersEditor("black-forest-labs/FLUX.1-Kontext-dev", steps=20)

    model: a folder, or an id of the Hugging Face Hub. The pipeline's class comes from the checkpoint; a small
        table of presets says what differs between families, and every value of it can be set here.
    steps; guidance (the family's own argument), true_guidance (classifier-free, beside a distilled one),
        image_guidance, negative_prompt.
    area: pixels of the canvas, about; default: what the family was trained on, mostly 1024 x 1024. Results
        come back at the source's size by scaling, never stretched.
    extra: further arguments of the pipeline's call.
    batch: pictures in one pass at most; window: seconds to wait for company to a request.
    device (or devices, one copy on each), dtype, placement, quantization, attention, compile, cache: see
        `local.placement`; left out, they are decided by what the machine has.
    lora: folders or ids of LoRA weights, `ID::FILE` for one file of several; lora_scale: one for each.
    custom_pipeline, trust_remote_code: code that a checkpoint brings; it runs with your rights.

    The model is loaded at the first use and stays loaded.
    """

    seeded = True

    def __init__(
        self,
        model: str,
        *,
        steps: int | None = None,
        guidance: float | None = None,
        true_guidance: float | None = None,
        image_guidance: float | None = None,
        negative_prompt: str | None = None,
        area: int | None = None,
        extra: Mapping[str, Any] | None = None,
        batch: int = 4,
        window: float = 0.02,
        device: str | None = None,
        devices: Sequence[str] | None = None,
        dtype: str | None = None,
        placement: str | None = None,
        quantization: str | None = None,
        attention: str | None = None,
        compile: bool = False,  # noqa: A002
        cache: str | None = None,
        lora: str | Sequence[str] | None = None,
        lora_scale: float | Sequence[float] = 1.0,
        revision: str | None = None,
        variant: str | None = None,
        custom_pipeline: str | None = None,
        trust_remote_code: bool = False,
    ) -> None:
        require("the editor 'diffusers'", "torch", "torchvision", "diffusers", "transformers", "accelerate")
        loras = as_tuple("lora", lora)
        if loras:
            require("lora", "peft")
        self.settings = Settings(
            model=model,
            steps=steps,
            guidance=guidance,
            true_guidance=true_guidance,
            image_guidance=image_guidance,
            negative_prompt=negative_prompt,
            area=area,
            extra=extra or {},
            batch=batch,
            window=window,
            wanted=Wanted(dtype, placement, quantization, attention, compile, cache),
            loras=loras,
            lora_scales=_scales(lora_scale, len(loras)),
            revision=revision,
            variant=variant,
            custom_pipeline=custom_pipeline,
            trust_remote_code=trust_remote_code,
        )
        self.identity = self.settings.identity
        self._replicas: Replicas[Pipeline, Item, Made] = Replicas(
            devices_of(device, devices),
            lambda where: load_pipeline(self.settings, where),
            lambda pipeline, work: call(pipeline, self.settings, work),
            failed=EditorFailed,
            together=lambda item: item.company,
            most=batch,
            window=window,
            name=f"diffusers {model}",
        )

    @property
    def passes(self) -> int:
        """Forward passes so far; several pictures may share one."""
        return self._replicas.passes

    async def edit(
        self, requests: Sequence[EditRequest], progress: Progress | None = None
    ) -> list[EditedImage | EditError]:
        """One item for each request; those of one call, and of calls at once, share passes where they may."""
        items: list[EditedImage | EditError | None] = [None] * len(requests)
        group = object()
        told = _Together(len(requests), progress)

        async def one(index: int) -> None:
            try:
                items[index] = await self._edited(requests[index], group, told.of(index))
            except EditError as error:
                items[index] = error

        try:
            async with anyio.create_task_group() as tasks:
                for index in range(len(requests)):
                    tasks.start_soon(one, index)
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return [item for item in items if item is not None]

    async def check(self) -> None:
        """Load the model. EditorFailed, SettingsError or MissingExtra where it cannot be."""
        await self._replicas.check()

    async def describe(self) -> list[str]:
        """Family, size, device and memory as they were decided, with the reasons."""
        return await self._replicas.describe()

    async def aclose(self) -> None:
        await self._replicas.aclose()

    async def _edited(self, request: EditRequest, group: object, progress: Progress | None) -> EditedImage:
        pipeline = await self._replicas.model()
        item = await run_sync(item_for, pipeline, request)
        made = await self._replicas.submit(item, group=group, progress=progress)
        if isinstance(made, EditError):
            raise made
        pixels, note = made
        if request.size == "free":
            return EditedImage(await run_sync(Picture.from_pixels, cut(pixels, item.laid)), note)
        picture, how = await run_sync(lift, pixels, item.laid, request.source)
        return EditedImage(picture, "; ".join(said for said in (how, note) if said))


class _Together:
    """The progress of several items as one."""

    def __init__(self, count: int, progress: Progress | None) -> None:
        self._steps = [(0.0, 0.0)] * count
        self._progress = progress

    def of(self, index: int) -> Progress | None:
        if self._progress is None:
            return None

        async def told(done: float, total: float, message: str) -> None:
            assert self._progress is not None
            self._steps[index] = (done, total)
            counted = [total or step for _, step in self._steps]
            await self._progress(sum(done for done, _ in self._steps), sum(counted), message)

        return told


def _scales(given: float | Sequence[float], count: int) -> tuple[float, ...]:
    if isinstance(given, int | float):
        return (float(given),) * count
    scales = tuple(float(scale) for scale in given)
    if len(scales) != count:
        raise SettingsError(f"lora_scale has {len(scales)} values for {count} LoRAs: give one for each")
    return scales
