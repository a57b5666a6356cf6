"""Models of full size with random weights, once through editor and thinker: needs a GPU and 52 GB of disk.

THINKEDIT_BENCH_MODELS names the folder of `make bench-gpu --models DIR`, so that they are built once.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PHOTOS
from tests.gpu.checkpoints import full_size_checkpoints
from tests.models import needed
from thinkedit.adapters.base import CritiqueRequest, EditedImage, EditRequest
from thinkedit.adapters.registry import create_editor, create_thinker
from thinkedit.errors import AnswerError
from thinkedit.images import Picture, load

torch = needed("torch")
for package in ("torchvision", "diffusers", "transformers", "accelerate"):
    needed(package)

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.models,
    pytest.mark.anyio,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here"),
]


def full_size(name: str) -> Path:
    """The checkpoint's folder; skips where the disk has no room for it."""
    default = Path(tempfile.gettempdir()) / "thinkedit-full-size"
    models = Path(os.environ.get("THINKEDIT_BENCH_MODELS", default))
    try:
        folder: Path = full_size_checkpoints().prepared(name, models)
    except OSError as error:
        pytest.skip(str(error))
    return folder


def photograph() -> Picture:
    return load(PHOTOS / "china.jpg").picture


async def test_kontext_edits_at_full_size_and_tells_every_step() -> None:
    source = photograph()
    editor: Any = create_editor(f"diffusers:{full_size('flux-kontext')}", {"steps": 2})
    told: list[float] = []

    async def progress(done: float, total: float, message: str) -> None:
        told.append(done)

    try:
        (made,) = await editor.edit([EditRequest(source, "make it warmer", seed=1)], progress)
        assert isinstance(made, EditedImage), made
        assert made.picture.size == source.size
        assert told[-1] == 2
        assert any("cuda" in line for line in await editor.describe())
    finally:
        await editor.aclose()


async def test_qwen3_vl_answers_at_full_size() -> None:
    source = photograph()
    options = {"max_tokens": 16, "corrective_retry": False}
    thinker: Any = create_thinker(f"transformers:{full_size('qwen3-vl')}", options)
    try:
        with pytest.raises(AnswerError):  # random weights write no critique in 16 tokens
            await thinker.critique(CritiqueRequest(source, source, "make it warmer", "make it warmer"))
        assert any("cuda" in line for line in await thinker.describe())
    finally:
        await thinker.aclose()
