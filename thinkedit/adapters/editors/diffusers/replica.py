"""One copy of the model on one device, with the thread that owns it."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Sequence
from functools import partial

from anyio.to_thread import run_sync

from thinkedit.adapters.base import EditedImage, EditRequest, Progress
from thinkedit.adapters.editors.diffusers.calling import Item, Made, call
from thinkedit.adapters.editors.diffusers.pipeline import Pipeline, load_pipeline
from thinkedit.adapters.editors.diffusers.settings import Settings
from thinkedit.adapters.local.loading import running
from thinkedit.adapters.local.residency import residency_of
from thinkedit.adapters.local.worker import Abandoned, Pass, Worker
from thinkedit.adapters.sizing import Laid, canvas_for, cut, lay, lift
from thinkedit.errors import EditError, EditorFailed, ThinkEditError
from thinkedit.images import Picture

__all__ = ["Replica"]

log = logging.getLogger("thinkedit")

WIDEST = 8
"""Longer side over shorter one of a canvas; narrower pictures get a rim that is cut off again."""


class Replica:
    """Loads the model at its first use and makes pictures with it. waiting: how many are asked for."""

    def __init__(self, settings: Settings, device: str | None) -> None:
        self.waiting = 0
        self.passes = 0
        self._settings = settings
        self._device = device
        self._pipeline: Pipeline | None = None
        self._worker: Worker[Item, Made] = Worker(
            self._run,
            together=self._together,
            most=settings.batch,
            window=settings.window,
            name=f"diffusers {settings.model}",
        )

    async def load(self) -> Pipeline:
        """The loaded pipeline. Raises what `load_pipeline` does; the next call tries again."""
        if self._pipeline is None:
            await self._worker.call(self._loaded)
        assert self._pipeline is not None
        return self._pipeline

    async def edit(self, request: EditRequest, group: object, progress: Progress | None) -> EditedImage:
        """One picture. Raises EditError."""
        self.waiting += 1
        try:
            preset = (await self.load()).preset
            if request.mask is not None:
                raise EditorFailed("this editor takes no mask: say in words where to change", retryable=False)
            if len(request.references) > preset.references:
                raise EditorFailed(
                    f"this model takes {preset.references or 'no'} pictures beside the source, and "
                    f"{len(request.references)} were given",
                    retryable=False,
                )
            item = await run_sync(partial(self._item, request))
            made = await self._worker.submit(item, group=group, progress=progress)
            if isinstance(made, EditError):
                raise made
            pixels, note = made
            if request.size == "free":
                return EditedImage(await run_sync(Picture.from_pixels, cut(pixels, item.laid)), note)
            picture, how = await run_sync(lift, pixels, item.laid, request.source)
            return EditedImage(picture, "; ".join(said for said in (how, note) if said))
        finally:
            self.waiting -= 1

    async def aclose(self) -> None:
        await self._worker.aclose()
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            residency_of(pipeline.decision.device).forget(pipeline)
            await run_sync(pipeline.close)

    def _item(self, request: EditRequest) -> Item:
        assert self._pipeline is not None
        preset, area = self._pipeline.preset, self._pipeline.area

        def laid(picture: Picture) -> Laid:
            side = int(area**0.5) * 2
            longest = max(side // preset.multiple, 1) * preset.multiple
            canvas = canvas_for(
                picture.size, area=area, multiple=preset.multiple, longest=longest, widest=WIDEST
            )
            return lay(picture, (max(canvas[0], preset.smallest), max(canvas[1], preset.smallest)))

        return Item(
            laid=laid(request.source),
            prompt=request.prompt,
            seed=request.seed,
            source=request.source.sha256,
            references=tuple(laid(picture).pixels for picture in request.references),
        )

    def _together(self, item: Item) -> Hashable | None:
        assert self._pipeline is not None
        preset = self._pipeline.preset
        if item.references:
            return None
        if preset.batch:
            return item.laid.canvas
        return (item.source, item.prompt, item.laid.canvas) if preset.several else None

    def _loaded(self) -> None:
        if self._pipeline is None:
            self._pipeline = load_pipeline(self._settings, self._device)

    def _run(self, work: Pass[Item]) -> Sequence[Made]:
        pipeline = self._pipeline
        assert pipeline is not None
        self.passes += 1
        try:
            with running(pipeline.name, EditorFailed), residency_of(pipeline.decision.device).using(pipeline):
                return call(pipeline, self._settings, work)
        except (ThinkEditError, Abandoned):
            raise
        except Exception as error:
            log.exception("%s failed", pipeline.name)
            line = " ".join(str(error).split())[:300]
            raise EditorFailed(
                f"{pipeline.name} failed at this picture: {type(error).__name__}: {line}", retryable=False
            ) from error
