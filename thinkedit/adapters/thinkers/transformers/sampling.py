"""Draws tokens from a generator of its own.

transformers draws from the generators of the whole process. Whatever else draws there at the same time (the
copy of the model on the next GPU) would change the answer, so that a look would not be the same twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["drawn"]

USUAL_TOP_K = 50
"""What `generate` takes where a checkpoint says nothing."""


def drawn(seed: int, temperature: float, config: Any) -> Callable[[Any, Any], Any]:
    """A logits processor that leaves each row the one token that was drawn; `generate` is to be greedy.

    config: the checkpoint's generation config, for its top_k, top_p and min_p.
    """
    import torch
    from transformers.generation.logits_process import (
        MinPLogitsWarper,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    warpers: list[Any] = [TemperatureLogitsWarper(temperature)]
    top_k = USUAL_TOP_K if config.top_k is None else config.top_k
    if top_k:
        warpers.append(TopKLogitsWarper(top_k))
    if config.top_p is not None and config.top_p < 1:
        warpers.append(TopPLogitsWarper(config.top_p))
    if config.min_p:
        warpers.append(MinPLogitsWarper(config.min_p))
    generator: Any = None

    def draw(input_ids: Any, scores: Any) -> Any:
        nonlocal generator
        if generator is None:
            generator = torch.Generator(device=scores.device).manual_seed(seed)
        for warp in warpers:
            scores = warp(input_ids, scores)
        tokens = torch.multinomial(scores.softmax(dim=-1), 1, generator=generator)
        return torch.full_like(scores, -torch.inf).scatter(1, tokens, 0.0)

    return draw
