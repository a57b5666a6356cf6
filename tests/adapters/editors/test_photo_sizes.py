"""Every operation on pictures of every odd size: done, or refused in one line, and never a crash."""

from __future__ import annotations

import anyio
import numpy as np
import pytest

from thinkedit.adapters.base import EditedImage, EditRequest
from thinkedit.adapters.editors.photo import PhotoEditor
from thinkedit.adapters.vocabulary import OPERATIONS, Clause, phrase
from thinkedit.errors import UnsupportedEdit
from thinkedit.images import Picture

WHOLE = [
    phrase([Clause(op.name, direction, amount)])
    for op in OPERATIONS.values()
    if not op.options and op.name not in ("protect", "rotate")
    for direction in ((1, -1) if op.signed else (0,))
    for amount in (2.2,)
]
PLACES = [
    f"{what} the {place}"
    for what in ("brighten", "desaturate", "blur", "sharpen")
    for place in ("top", "right", "centre", "subject", "background", "sky", "face", "red parts")
    if not (what in ("blur", "sharpen") and place == "red parts")
]
FORMS = [
    "crop to 16:9", "crop to 1:9", "crop closer", "crop 80 % closer", "crop to the subject",
    "crop to the face",
    "crop 10 % off the left", "crop 5 pixels off the top", "crop to 2x1", "rotate by 1 degree",
    "rotate by 44 degrees", "rotate by 45 degrees", "rotate left",
    "rotate by 200 degrees", "flip it horizontally",
    "resize to 50 %", "resize to 1 %", "resize to 7 pixels wide", "resize to 300x2", "add a border",
    "add a 30 pixel black border", 'add the text "Hi" at the top',
    'add the small red text "Ä\nö" in the centre',
]  # fmt: skip
REST = [
    "make the red parts blue", "make the subject green", "replace the background with white",
    "replace the background with a gradient from blue to #102030", "replace the sky with a sunset",
    "blur it by 1 pixel", "blur it by 300 pixels", "pixelate it by 1 pixel", "pixelate it by 50000 pixels",
    "brighten it but keep the sky", "make it warmer but keep the shadows",
    "more saturated but keep the highlights",
    "brighten it but keep the colours", "make it warmer but keep the reds",
]  # fmt: skip
SHAPES = {"1x1": (1, 1), "3x2": (2, 3), "1x40": (40, 1), "20000x10": (10, 20000), "flat": (64, 64)}


@pytest.mark.parametrize("alpha", [False, True], ids=["rgb", "alpha"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_operation_on_every_size(shape: str, alpha: bool) -> None:
    everything = [*WHOLE, *PLACES, *FORMS, *REST]
    prompts = everything if not alpha else FORMS[:5] if shape == "20000x10" else FORMS
    height, width = SHAPES[shape]
    rng = np.random.default_rng(7)
    pixels = rng.integers(0, 256, (height, width, 3 + alpha), dtype=np.uint8)
    if shape == "flat":
        pixels[:] = 128
    source = Picture.from_pixels(pixels)
    results = anyio.run(PhotoEditor().edit, [EditRequest(source, prompt) for prompt in prompts])
    done = 0
    for prompt, result in zip(prompts, results, strict=True):
        if isinstance(result, EditedImage):
            done += 1
            assert (result.picture.alpha() is not None) == alpha, prompt
            if prompt in WHOLE:
                assert result.picture.size == source.size, prompt
        else:
            assert isinstance(result, UnsupportedEdit), (prompt, result)
            assert "\n" not in str(result)
            assert len(str(result)) < 300
            assert prompt not in WHOLE, (prompt, result)
    assert done >= len(prompts) / 2
