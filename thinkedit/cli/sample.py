"""The picture that `thinkedit doctor` tries models on: drawn, so that it is the same everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thinkedit.images import Picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["INSTRUCTION", "sample", "warmed"]

INSTRUCTION = "make it warmer and brighter"
"""Understood by every editor: the built-in one knows the words, and others know what they mean."""

WIDTH, HEIGHT = 512, 384


def sample() -> Picture:
    """A house between hills under a clear sky, 512 x 384 pixels, with the grain of a photograph."""
    return Picture.from_pixels(_scene())


def warmed() -> Picture:
    """The sample as an editor might return it, for a thinker to judge where no editor made a picture."""
    import numpy as np

    warmer = _scene().astype(np.float32) * np.array([1.16, 1.06, 0.94], np.float32)
    return Picture.from_pixels(np.clip(warmer, 0, 255).astype(np.uint8))


def _scene() -> NDArray[np.uint8]:
    import numpy as np

    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    down = (y / HEIGHT)[..., None]
    # A little under-exposed, so that there is room for a brighter picture.
    scene = (1 - down) * np.array([84, 122, 172]) + down * np.array([176, 186, 184])
    glow = np.exp(-((x - 400) ** 2 + (y - 84) ** 2) / 1500)[..., None]
    scene += glow * (np.array([216, 206, 170]) - scene)
    for height, swell, length, colour in (
        (0.52, 26, 210, (92, 112, 104)),
        (0.62, 20, 130, (78, 102, 62)),
        (0.78, 9, 300, (104, 116, 58)),
    ):
        edge = HEIGHT * height - swell * np.sin(x / length * 2 * np.pi + height * 20)
        scene = np.where((y > edge)[..., None], np.array(colour) * (1.1 - 0.25 * down), scene)
    for left, top, right, bottom, colour in (
        (150, 196, 262, 290, (168, 140, 116)),
        (168, 216, 194, 244, (62, 74, 86)),
        (216, 232, 244, 290, (86, 58, 44)),
    ):
        scene[top:bottom, left:right] = colour
    roof = (y > 150) & (y < 196) & (np.abs(x - 206) < (y - 150) * 1.5)
    scene[roof] = (136, 58, 46)
    grain = np.random.default_rng(1).normal(0, 3, (HEIGHT, WIDTH, 1))
    drawn: NDArray[np.uint8] = np.clip(scene + grain, 0, 255).astype(np.uint8)
    return drawn
