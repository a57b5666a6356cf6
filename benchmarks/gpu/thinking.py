"""Seconds a critique: the thinker `transformers` beside bare generation by the same checkpoint."""

from __future__ import annotations

import io
import time
from typing import Any

import anyio
from measure import PROMPTS, Job, clean_up, peaks, photographs, seconds_since

from thinkedit.adapters.base import CritiqueRequest
from thinkedit.adapters.protocol import render
from thinkedit.adapters.registry import create_thinker
from thinkedit.errors import AnswerError

__all__ = ["measure_thinker"]


def measure_thinker(job: Job) -> dict[str, Any]:
    """What was measured, as numbers by name; times in seconds, memory in bytes.

    Random weights write no critique: each answer has all its tokens and is then refused, as it should be.
    """
    pictures = photographs(job.side, job.many + 1)
    requests = [
        CritiqueRequest(pictures[n], pictures[n + 1], PROMPTS[n % len(PROMPTS)], PROMPTS[n % len(PROMPTS)])
        for n in range(job.many)
    ]
    if not job.compare:
        return anyio.run(_ours, job, requests[:1], 0)
    bare = _bare(job, requests[0])
    clean_up(job.device)
    return bare | anyio.run(_ours, job, requests, job.runs)


def _bare(job: Job, request: CritiqueRequest) -> dict[str, Any]:
    """The model as its documentation calls it, with the same text and pictures, greedily."""
    import torch
    from PIL import Image
    from transformers import AutoModelForImageTextToText, AutoProcessor

    dtype = torch.float32 if job.tiny else torch.bfloat16
    processor = AutoProcessor.from_pretrained(job.folder)
    model = AutoModelForImageTextToText.from_pretrained(job.folder, dtype=dtype).to(job.device).eval()
    images = [
        {"type": "image", "image": Image.open(io.BytesIO(picture.data)).convert("RGB")}
        for picture in (request.source, request.edited)
    ]
    said = [{"role": "user", "content": [*images, {"type": "text", "text": render(request)}]}]
    counted: dict[str, int] = {}

    def once() -> float:
        began = time.perf_counter()
        inputs = processor.apply_chat_template(
            said, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        ).to(job.device)
        with torch.inference_mode():
            made = model.generate(**inputs, max_new_tokens=job.tokens, do_sample=False)
        read = inputs["input_ids"].shape[1]
        counted.update(tokens_in=read, tokens_out=made.shape[1] - read)
        return seconds_since(began, device=job.device)

    once()
    return {"bare": [once() for _ in range(job.runs)]} | counted


async def _ours(job: Job, requests: list[CritiqueRequest], runs: int) -> dict[str, Any]:
    """Through the thinker; `first` is since the process began, with imports and loading."""
    thinker: Any = create_thinker(
        f"transformers:{job.folder}",
        {"max_tokens": job.tokens, "corrective_retry": False, "placement": job.placement}
        | {"device": job.device, "batch": max(1, job.many)},
    )

    async def critiqued(request: CritiqueRequest) -> None:
        try:
            await thinker.critique(request)
        except AnswerError:
            return
        raise AssertionError("random weights gave a well-formed critique")

    async def once(wanted: list[CritiqueRequest]) -> float:
        began = time.perf_counter()
        async with anyio.create_task_group() as group:
            for request in wanted:
                group.start_soon(critiqued, request)
        return seconds_since(began, device=job.device)

    figures: dict[str, Any] = {"decided": await thinker.describe(), "load": time.time() - job.began}
    await once(requests[:1])
    figures["first"] = time.time() - job.began
    figures["ours"] = [await once(requests[:1]) for _ in range(runs or 1)]
    figures |= {f"peak_{where}": size for where, size in peaks(job.device).items()}
    if runs:
        await once(requests)
        before = thinker.passes
        figures["many"] = [await once(requests) for _ in range(runs)]
        figures["passes"] = (thinker.passes - before) / runs
    await thinker.aclose()
    return figures
