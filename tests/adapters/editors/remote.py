"""What every editor behind HTTP must do, whatever its protocol: run by the tests of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anyio
import numpy as np
from numpy.typing import NDArray

from tests.adapters.editors.loopback import Asked, Images, paint, processes, serving
from tests.graph.kit import SETTINGS, running, scored
from thinkedit.adapters.base import CritiqueRequest, EditedImage, EditRequest
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.images import Picture, load
from thinkedit.tools import think_edit
from thinkedit.types import EditResult

Make = Callable[[Sequence[str]], Any]
"""The editor for these addresses, which have no path."""

MARK = (250, 20, 20)


async def nothing_is_lost(make: Make) -> list[str]:
    """Kill one of three servers in the middle of 50 sessions; gives the editor's description after it."""
    pictures = [shade(number) for number in range(50)]
    sessions: dict[int, EditResult] = {}
    with processes(3) as servers:
        editor = make([url for url, _ in servers])
        victim = servers[1][1]
        seen = 0

        def looking(number: int, request: Any) -> None:
            nonlocal seen
            if isinstance(request, CritiqueRequest):
                seen += 1
                if seen == 40:
                    victim.kill()

        thinker = ScriptedThinker([scored(3, next_prompt="better"), scored(9)], faults=looking)
        models = Models(editors={"e": editor}, thinkers={"t": thinker})

        async with running(models=models) as runner:

            async def one(number: int) -> None:
                sessions[number] = await think_edit(
                    pictures[number].data,
                    "make it green",
                    settings=SETTINGS.model_copy(update={"turns": 2, "seed": number}),
                    runner=runner,
                )

            async with anyio.create_task_group() as group:
                for number in range(50):
                    group.start_soon(one, number)
            for number, result in sessions.items():
                assert result.status == "finished", result
                assert [turn.error for turn in result.turns] == [None, None]
                wanted = Picture.from_pixels(paint(pictures[number].pixels(), number))
                for turn in result.turns:
                    assert turn.image is not None
                    stored = runner.store.get(turn.image.sha256)
                    assert np.array_equal(stored.pixels(), wanted.pixels())
        assert len(sessions) == 50
        assert victim.wait(10) != 0
        lines = [str(line) for line in await editor.describe()]
        await editor.aclose()
    return lines


def shade(number: int) -> Picture:
    """A small picture of its own for each session."""
    pixels: NDArray[np.uint8] = np.full((16, 32, 3), 5 * number, np.uint8)
    pixels[:, :8] = 10
    return Picture.from_pixels(pixels)


async def every_size_comes_back(make: Make) -> None:
    """4000 x 3000, 300 x 2000, with alpha and greyscale: at their own size, unstretched and in place."""

    def inverted(source: NDArray[np.uint8], asked: Asked) -> list[NDArray[np.uint8]]:
        return [255 - source]

    images = Images(paint=inverted)
    with serving(images.app) as url:
        editor = make([url])
        for source in (marked(4000, 3000), marked(300, 2000), transparent(), grey()):
            [item] = await editor.edit([EditRequest(source, "invert it")])
            assert isinstance(item, EditedImage), item
            assert item.picture.size == source.size
            assert item.picture.mime_type == "image/png"
            alpha, own = item.picture.alpha(), source.alpha()
            assert (alpha is None) == (own is None)
            assert own is None or np.array_equal(alpha, own)
            assert_inverted(source, item.picture)
        await editor.aclose()
    for asked in images.asked:
        width, height = asked.pictures[0][1].size
        assert 0.5e6 < width * height < 2e6
        assert asked.pictures[0][1].alpha() is None


def assert_inverted(source: Picture, made: Picture) -> None:
    """Pixel by pixel but for scaling, corners included, where the picture can be seen."""
    seen = source.alpha() if source.alpha() is not None else np.full(source.size[::-1], 255, np.uint8)
    assert seen is not None
    difference = np.abs(255 - source.pixels().astype(int) - made.pixels())[seen == 255]
    assert np.mean(difference) < 3
    mark = np.abs(made.pixels()[:8, :8].astype(int) - (255 - np.array(MARK))).max(axis=2)
    assert np.median(mark) < 12 or tuple(source.pixels()[0, 0]) != MARK


def marked(width: int, height: int) -> Picture:
    """A gradient with a mark in the first corner, a tenth of its shorter side."""
    across = np.linspace(40, 200, width)[None, :] + np.linspace(0, 40, height)[:, None]
    pixels = np.repeat(across.astype(np.uint8)[..., None], 3, axis=2)
    side = min(width, height) // 10
    pixels[:side, :side] = MARK
    return Picture.from_pixels(pixels)


def transparent() -> Picture:
    pixels = marked(500, 400).pixels()
    alpha: NDArray[np.uint8] = np.full((400, 500), 255, np.uint8)
    alpha[200:, 250:] = 0
    alpha[200:, 200:250] = 128
    return Picture.from_pixels(np.dstack([pixels, alpha]))


def grey() -> Picture:
    from io import BytesIO

    from PIL import Image

    out = BytesIO()
    Image.fromarray(np.linspace(10, 240, 640 * 427).astype(np.uint8).reshape(427, 640), "L").save(out, "PNG")
    return load(out.getvalue()).picture
