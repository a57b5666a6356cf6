"""A request as an item of a pass: its pictures laid on the canvas that the pipeline works on."""

from __future__ import annotations

from collections.abc import Hashable

from thinkedit.adapters.base import EditRequest
from thinkedit.adapters.editors.diffusers.calling import Item
from thinkedit.adapters.editors.diffusers.pipeline import Pipeline
from thinkedit.adapters.sizing import Laid, canvas_for, lay
from thinkedit.errors import EditorFailed
from thinkedit.images import Picture

__all__ = ["item_for"]

WIDEST = 8
"""Longer side over shorter one of a canvas; narrower pictures get a rim that is cut off again."""


def item_for(pipeline: Pipeline, request: EditRequest) -> Item:
    """Blocking. EditorFailed for a mask, and for more references than the family takes."""
    preset, area = pipeline.preset, pipeline.area
    if request.mask is not None:
        raise EditorFailed("this editor takes no mask: say in words where to change", retryable=False)
    if len(request.references) > preset.references:
        raise EditorFailed(
            f"this model takes {preset.references or 'no'} pictures beside the source, and "
            f"{len(request.references)} were given",
            retryable=False,
        )

    def laid(picture: Picture) -> Laid:
        side = int(area**0.5) * 2
        longest = max(side // preset.multiple, 1) * preset.multiple
        canvas = canvas_for(picture.size, area=area, multiple=preset.multiple, longest=longest, widest=WIDEST)
        return lay(picture, (max(canvas[0], preset.smallest), max(canvas[1], preset.smallest)))

    source = laid(request.source)
    company: Hashable | None = None
    if not request.references:
        if preset.batch:
            company = source.canvas
        elif preset.several:
            company = (request.source.sha256, request.prompt, source.canvas)
    return Item(
        laid=source,
        prompt=request.prompt,
        seed=request.seed,
        source=request.source.sha256,
        references=tuple(laid(picture).pixels for picture in request.references),
        company=company,
    )
