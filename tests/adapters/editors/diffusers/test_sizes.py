"""Pictures of every shape and kind come back at their own size and aspect."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.models import needed

needed("torch")
needed("diffusers")

from tests.adapters.editors.diffusers.families import FAMILIES, PHOTOS, edited, kept  # noqa: E402
from thinkedit.adapters.base import EditedImage, EditRequest  # noqa: E402
from thinkedit.images import load  # noqa: E402

pytestmark = [
    pytest.mark.models,
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def photograph(size: tuple[int, int], mode: str) -> Image.Image:
    with Image.open(PHOTOS / "coffee.png") as picture:
        made = picture.convert("RGB").resize(size)
    if mode == "L":
        return made.convert("L")
    if mode == "RGBA":
        made.putalpha(Image.linear_gradient("L").resize(size))
    return made


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(
    ("size", "mode"), [((4000, 3000), "RGB"), ((300, 2000), "RGB"), ((400, 300), "RGBA"), ((301, 199), "L")]
)
async def test_a_result_has_its_sources_size(name: str, size: tuple[int, int], mode: str) -> None:
    source = load(photograph(size, mode)).picture
    made = await edited(kept(name), source)
    assert made.size == size
    assert made.pixels().shape == (size[1], size[0], 3)
    assert made.pixels().std() > 0
    if mode == "RGBA":
        alpha, kept_alpha = source.alpha(), made.alpha()
        assert alpha is not None
        assert kept_alpha is not None
        assert np.array_equal(alpha, kept_alpha)
    else:
        assert made.alpha() is None


async def test_a_free_size_is_the_models_own() -> None:
    source = load(photograph((400, 200), "RGB")).picture
    [made] = await kept("flux-kontext").edit([EditRequest(source, "make it warmer", size="free")])
    assert isinstance(made, EditedImage)
    assert made.picture.size == (96, 48)
