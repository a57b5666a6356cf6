"""The families whose tiny checkpoints are edited with, and how the tests open them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.models import needed, tiny
from thinkedit.adapters.base import EditedImage, EditRequest
from thinkedit.images import Picture, load

needed("torch")
needed("diffusers")

from thinkedit.adapters.editors.diffusers import DiffusersEditor  # noqa: E402

PHOTOS = Path(__file__).parents[4] / "examples" / "photos"

AREA = 64 * 64

FAMILIES = (
    "flux-kontext",
    "flux2-klein",
    "qwen-image-edit",
    "qwen-image-edit-plus",
    "longcat-image-edit",
    "instruct-pix2pix",
    "custom-pipeline",
)
BATCHED = ("flux-kontext", "qwen-image-edit", "instruct-pix2pix")
"""Those of which one pass may hold different pictures."""

_open: dict[tuple[str, str], DiffusersEditor] = {}


def editor(name: str, **options: Any) -> DiffusersEditor:
    """A new editor of this family, small and of two steps."""
    options = {"steps": 2, "area": AREA, **options}
    if name == "custom-pipeline":
        options |= {"custom_pipeline": str(tiny(name)), "trust_remote_code": True}
    return DiffusersEditor(str(tiny(name)), **options)


def kept(name: str, **options: Any) -> DiffusersEditor:
    """As `editor`, loaded once for all tests that ask for the same."""
    key = (name, repr(sorted(options.items())))
    if key not in _open:
        _open[key] = editor(name, **options)
    return _open[key]


def photographs(count: int, side: int = 200) -> list[Picture]:
    """Different real photographs, cut to one small size."""
    import cv2

    made = []
    for path in [path for path in sorted(PHOTOS.iterdir()) if path.suffix in (".jpg", ".png")][:count]:
        pixels = cv2.resize(load(path).picture.pixels(), (side, side), interpolation=cv2.INTER_AREA)
        made.append(Picture.from_pixels(np.asarray(pixels, dtype=np.uint8)))
    return made


async def edited(
    model: DiffusersEditor, source: Picture, prompt: str = "make it warmer", seed: int = 1
) -> Picture:
    """The picture of one request by itself. Raises what the editor gave instead."""
    [made] = await model.edit([EditRequest(source, prompt, seed)])
    if not isinstance(made, EditedImage):
        raise made
    return made.picture


def difference(one: Picture, two: Picture) -> tuple[int, float]:
    """(largest, mean) difference of two pictures, of 255."""
    apart = np.abs(one.pixels().astype(int) - two.pixels().astype(int))
    return int(apart.max()), float(apart.mean())
