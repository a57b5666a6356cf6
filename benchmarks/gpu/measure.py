"""What both measurements share: the job, photographs, time and memory."""

from __future__ import annotations

import gc
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thinkedit.images import Picture

__all__ = ["PROMPTS", "Job", "clean_up", "peaks", "photographs", "placed", "seconds_since"]

PHOTOS = Path(__file__).resolve().parent.parent.parent / "examples" / "photos"
PROMPTS = (
    "make it warmer",
    "turn the sky red",
    "add a hat",
    "make it a winter evening",
    "remove the people in the background",
    "make the picture look like a watercolour",
    "make the light softer",
    "recolor the largest object to blue",
)


@dataclass(frozen=True)
class Job:
    """What one process measures.

    compare: beside bare libraries, one request and `many` at once; otherwise this placement's cold start and
        memory. side: of the square pictures, pixels. began: when the process was started, seconds since 1970.
    """

    role: str
    folder: str
    placement: str
    compare: bool
    tiny: bool
    runs: int
    many: int
    side: int
    steps: int
    tokens: int
    began: float

    @property
    def device(self) -> str:
        return "cpu" if self.tiny else "cuda"


def photographs(side: int, count: int) -> list[Picture]:
    """Different squares of the example photographs, `side` pixels wide."""
    import numpy as np
    from PIL import Image, ImageOps

    paths = sorted(path for path in PHOTOS.iterdir() if path.suffix != ".md")
    made = []
    for number in range(count):
        with Image.open(paths[number % len(paths)]) as image:
            square = ImageOps.fit(image.convert("RGB"), (side, side))
        turned = square if number < len(paths) else ImageOps.mirror(square)
        made.append(Picture.from_pixels(np.asarray(turned)))
    return made


def seconds_since(began: float, *, device: str) -> float:
    """By the monotonic clock, once the device has done all it was told."""
    if device != "cpu":
        import torch

        torch.cuda.synchronize()
    return time.perf_counter() - began


def peaks(device: str) -> dict[str, int]:
    """Most bytes at once: `device` in tensors, `held` by the allocator on it, `host` in the whole process."""
    found = {"host": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
    if device != "cpu":
        import torch

        found |= {"device": torch.cuda.max_memory_allocated(), "held": torch.cuda.max_memory_reserved()}
    return found


def clean_up(device: str) -> None:
    """Give back the memory of models that nobody holds any more."""
    gc.collect()
    if device != "cpu":
        import torch

        torch.cuda.empty_cache()


def placed(pipeline: Any, placement: str, device: str) -> Any:
    """The bare pipeline, placed as the editor would place it."""
    if placement == "model_offload":
        pipeline.enable_model_cpu_offload(device=device)
    elif placement == "sequential_offload":
        pipeline.enable_sequential_cpu_offload(device=device)
    else:
        pipeline.to(device)
    return pipeline
