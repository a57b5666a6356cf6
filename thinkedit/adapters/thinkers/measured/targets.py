"""From an instruction to what should become measurable: which targets each wish has.

A target takes a scene and a clause, and gives readings: what was measured, and the band it should lie in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from thinkedit.adapters.thinkers.measured import detail, drawn, looks, shape, tint, tone
from thinkedit.adapters.thinkers.measured.readings import Reading
from thinkedit.adapters.thinkers.measured.scene import Scene
from thinkedit.adapters.thinkers.measured.together import allowed_for
from thinkedit.adapters.vocabulary import Clause
from thinkedit.errors import ThinkerFailed

__all__ = ["TARGETS", "measure"]

Target = Callable[[Scene, Clause], list[Reading]]

TARGETS: dict[str, Target] = {
    "exposure": tone.exposure,
    "contrast": tone.contrast,
    "gamma": tone.gamma,
    "shadows": tone.shadows,
    "highlights": tone.highlights,
    "clarity": tone.clarity,
    "auto": tone.auto,
    "warmth": tint.warmth,
    "tint": tint.tint,
    "saturation": tint.saturation,
    "vibrance": tint.vibrance,
    "black_and_white": looks.black_and_white,
    "sepia": looks.sepia,
    "vintage": looks.vintage,
    "recolour": looks.recolour,
    "sharpen": detail.sharpen,
    "denoise": detail.denoise,
    "blur": detail.blur,
    "vignette": detail.vignette,
    "pixelate": detail.pixelate,
    "background_replace": drawn.background_replace,
    "sky_replace": drawn.sky_replace,
    "pencil": drawn.pencil,
    "colour_sketch": drawn.colour_sketch,
    "watercolour": drawn.watercolour,
    "oil": drawn.oil,
    "cartoon": drawn.cartoon,
    "crop": shape.crop,
    "rotate": shape.rotate,
    "flip": shape.flip,
    "resize": shape.resize,
    "border": shape.border,
    "caption": drawn.caption,
}


def measure(scene: Scene, wishes: Sequence[Clause]) -> list[Reading]:
    """The readings of every wish. ThinkerFailed for an operation that has no target."""
    readings: list[Reading] = []
    for wish in wishes:
        if wish.operation == "protect":
            continue  # a guard, not a wish
        target = TARGETS.get(wish.operation)
        if target is None:
            raise ThinkerFailed(
                f"what {wish.operation} does cannot be measured; use a model as the thinker", retryable=False
            )
        readings += target(scene, wish)
    return allowed_for(readings, wishes)
