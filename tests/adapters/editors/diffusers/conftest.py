"""Families that scale every source to a megapixel, whatever is asked for, do so to fewer pixels here."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator

import pytest

from tests.models import needed

SCALING = (
    "diffusers.pipelines.qwenimage.pipeline_qwenimage_edit",
    "diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus",
    "diffusers.pipelines.longcat_image.pipeline_longcat_image_edit",
)
LEAST = 96 * 96


@pytest.fixture(scope="package", autouse=True)
def _few_pixels() -> Iterator[None]:
    """The area is a constant of these modules and no argument of their calls; nothing else is changed."""
    needed("torch")
    needed("diffusers")
    with pytest.MonkeyPatch.context() as patch:
        for name in SCALING:
            module = importlib.import_module(name)
            patch.setattr(
                module, "calculate_dimensions", functools.partial(_smaller, module.calculate_dimensions)
            )
        yield


def _smaller(original: object, area: int, ratio: float) -> object:
    assert callable(original)
    return original(min(area, LEAST), ratio)
