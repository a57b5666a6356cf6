"""Seconds an edit: the editor `diffusers` beside the bare pipeline of the same checkpoint."""

from __future__ import annotations

import io
import time
from typing import Any

import anyio
from measure import PROMPTS, Job, clean_up, peaks, photographs, placed, seconds_since

from thinkedit.adapters.base import EditedImage, EditRequest
from thinkedit.adapters.registry import create_editor
from thinkedit.errors import EditError
from thinkedit.images import Picture

__all__ = ["measure_editor"]


def measure_editor(job: Job) -> dict[str, Any]:
    """What was measured, as numbers by name; times in seconds, memory in bytes."""
    pictures = photographs(job.side, job.many)
    if not job.compare:
        return anyio.run(_ours, job, pictures[:1], 0)
    bare = _bare(job, pictures[0])
    clean_up(job.device)
    return bare | anyio.run(_ours, job, pictures, job.runs)


def _bare(job: Job, picture: Picture) -> dict[str, Any]:
    """The pipeline as its documentation calls it: no PNG, no sizes, no queue."""
    import torch
    from diffusers import DiffusionPipeline
    from PIL import Image

    dtype = torch.float32 if job.tiny else torch.bfloat16
    pipeline = placed(DiffusionPipeline.from_pretrained(job.folder, dtype=dtype), job.placement, job.device)
    pipeline.set_progress_bar_config(disable=True)
    image = Image.open(io.BytesIO(picture.data)).convert("RGB")

    def once(seed: int) -> float:
        began = time.perf_counter()
        pipeline(
            image=image,
            prompt=PROMPTS[0],
            num_inference_steps=job.steps,
            guidance_scale=2.5,
            height=job.side,
            width=job.side,
            max_area=job.side**2,
            _auto_resize=False,
            generator=torch.Generator(job.device).manual_seed(seed),
        )
        return seconds_since(began, device=job.device)

    once(0)  # kernels are chosen and memory is taken in the first pass
    return {"bare": [once(seed) for seed in range(job.runs)]}


async def _ours(job: Job, pictures: list[Picture], runs: int) -> dict[str, Any]:
    """Through the editor; `first` is since the process began, with imports and loading."""
    editor: Any = create_editor(
        f"diffusers:{job.folder}",
        {"steps": job.steps, "area": job.side**2, "placement": job.placement, "device": job.device}
        | {"batch": max(1, job.many)},
    )
    requests = [EditRequest(picture, PROMPTS[n % len(PROMPTS)], seed=n) for n, picture in enumerate(pictures)]

    async def edited(request: EditRequest) -> None:
        (answer,) = await editor.edit([request])
        if isinstance(answer, EditError):
            raise answer
        assert isinstance(answer, EditedImage)

    async def once(wanted: list[EditRequest]) -> float:
        began = time.perf_counter()
        async with anyio.create_task_group() as group:
            for request in wanted:
                group.start_soon(edited, request)
        return seconds_since(began, device=job.device)

    figures: dict[str, Any] = {"decided": await editor.describe(), "load": time.time() - job.began}
    await once(requests[:1])
    figures["first"] = time.time() - job.began
    figures["ours"] = [await once(requests[:1]) for _ in range(runs or 1)]
    figures |= {f"peak_{where}": size for where, size in peaks(job.device).items()}
    if runs:
        await once(requests)
        before = editor.passes
        figures["many"] = [await once(requests) for _ in range(runs)]
        figures["passes"] = (editor.passes - before) / runs
    await editor.aclose()
    return figures
