"""Both remote editors before a server that really edits: a tiny FLUX.1 Kontext behind each protocol."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.adapters.editors.loopback import Asked, Images, serving
from tests.models import needed, tiny
from thinkedit.adapters.base import EditedImage, EditRequest
from thinkedit.adapters.registry import create_editor
from thinkedit.config import load_config
from thinkedit.graph.runner import open_runner
from thinkedit.images import Picture, load
from thinkedit.tools import think_edit

pytestmark = [pytest.mark.models, pytest.mark.anyio]

AREA = 64 * 48


class Kontext:
    """The pipeline as a server runs it: one pass at a time, the seed and steps of the request."""

    def __init__(self) -> None:
        torch, diffusers = needed("torch"), needed("diffusers")
        needed("openai")
        diffusers.utils.logging.disable_progress_bar()
        self.torch = torch
        self.pipeline = diffusers.DiffusionPipeline.from_pretrained(tiny("flux-kontext"))
        self.pipeline.set_progress_bar_config(disable=True)
        self.lock = threading.Lock()
        self.passes = 0

    def __call__(self, source: NDArray[np.uint8], asked: Asked) -> list[NDArray[np.uint8]]:
        height, width = source.shape[:2]
        with self.lock:
            self.passes += 1
            made = self.pipeline(
                image=Image.fromarray(source),
                prompt=asked.fields["prompt"],
                width=width,
                height=height,
                max_area=width * height,
                _auto_resize=False,
                num_inference_steps=int(asked.fields["num_inference_steps"]),
                guidance_scale=float(asked.fields["guidance_scale"]),
                num_images_per_prompt=int(asked.fields.get("n", 1)),
                generator=self.torch.Generator().manual_seed(int(asked.fields["seed"])),
            ).images
        return [np.asarray(image) for image in made]


@pytest.fixture(scope="module")
def kontext() -> Kontext:
    return Kontext()


@pytest.fixture
def url(kontext: Kontext) -> Iterator[str]:
    with serving(Images(paint=kontext).app) as address:
        yield address


@pytest.fixture(scope="module")
def photo(photos: Path) -> Picture:
    image = Image.open(photos / "china.jpg").convert("RGB")
    image.thumbnail((120, 120))
    return Picture.from_pixels(np.asarray(image))


def block(kind: str, url: str, **options: Any) -> dict[str, Any]:
    """What the configuration says of this editor."""
    own = {"model": "tiny"} if kind == "openai-images" else {}
    path = "/v1" if kind == "openai-images" else ""
    return {"kind": kind, "base_url": url + path, "area": AREA, "steps": 2, "guidance": 2.5, **own, **options}


@pytest.mark.parametrize("kind", ["openai-images", "editthinker-api"])
async def test_it_edits_by_prompt_and_seed(kind: str, url: str, photo: Picture) -> None:
    options = block(kind, url)
    editor = create_editor(options.pop("kind"), options)
    asked = [("make it red", 1), ("make it red", 1), ("make it red", 2), ("a blue sky", 1)]
    items = await editor.edit([EditRequest(photo, prompt, seed) for prompt, seed in asked])
    assert all(isinstance(item, EditedImage) for item in items), items
    made = [item.picture for item in items if isinstance(item, EditedImage)]
    assert {picture.size for picture in made} == {photo.size}
    assert made[0] == made[1]
    assert len({picture.sha256 for picture in made}) == 3
    await editor.aclose()  # type: ignore[attr-defined]


async def test_candidates_in_one_call(url: str, photo: Picture, kontext: Kontext) -> None:
    options = block("openai-images", url, together=True)
    editor = create_editor(options.pop("kind"), options)
    before = kontext.passes
    items = await editor.edit([EditRequest(photo, "make it red", seed) for seed in (1, 1001, 2001)])
    assert kontext.passes == before + 1
    assert len({item.picture.sha256 for item in items if isinstance(item, EditedImage)}) == 3
    await editor.aclose()  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["openai-images", "editthinker-api"])
async def test_the_whole_loop_by_a_block_of_configuration(
    kind: str, url: str, photo: Picture, tmp_path: Path
) -> None:
    lines = [f"{name} = {value!r}" for name, value in block(kind, url).items()]
    (tmp_path / "thinkedit.toml").write_text(
        "\n".join(
            [
                'data = "data"',
                "[loop]",
                'editor = "served"',
                'thinker = "measured"',
                "turns = 2",
                "candidates = 2",
                "seed = 5",
                "[models.served]",
                *lines,
            ]
        )
    )
    async with open_runner(load_config(tmp_path / "thinkedit.toml")) as runner:
        result = await think_edit(photo.data, "make it brighter", runner=runner)
        again = await think_edit(photo.data, "make it brighter", runner=runner, turns=1)
    assert result.status == "finished"
    assert result.stop_reason in ("satisfied", "max_turns", "nothing_new", "plateau")
    first = result.turns[0]
    assert first.error is None
    assert len({candidate.image.uri for candidate in first.candidates if candidate.image}) == 2
    assert first.image is not None
    assert (first.image.width, first.image.height) == photo.size
    assert again.turns[0].image is not None
    assert again.turns[0].image.sha256 == first.image.sha256  # the same seed, the same picture


async def test_many_sessions_at_once_keep_their_own_pictures(
    url: str, photos: Path, kontext: Kontext
) -> None:
    sources = []
    for name in ("astronaut.png", "china.jpg", "coffee.png"):
        image = Image.fromarray(load(photos / name).picture.pixels())
        image.thumbnail((96, 96))
        sources.append(Picture.from_pixels(np.asarray(image)))
    options = block("openai-images", url)
    editor = create_editor(options.pop("kind"), options)
    alone = [(await editor.edit([EditRequest(source, "make it red", 3)]))[0] for source in sources]
    together: dict[int, Any] = {}

    async def one(index: int) -> None:
        [together[index]] = await editor.edit([EditRequest(sources[index], "make it red", 3)])

    async with anyio.create_task_group() as group:
        for index in range(len(sources)):
            group.start_soon(one, index)
    for index, item in enumerate(alone):
        assert isinstance(item, EditedImage)
        assert together[index].picture == item.picture
    await editor.aclose()  # type: ignore[attr-defined]
