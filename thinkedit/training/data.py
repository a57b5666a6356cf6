"""The two sets as TRL's trainers take them: conversations with two pictures, opened when they are needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from thinkedit.adapters.thinkers.transformers.thinker import shown
from thinkedit.errors import InputError
from thinkedit.images import load
from thinkedit.training.rows import RlRow, SftRow

__all__ = ["check_lengths", "check_template", "grpo_dataset", "most_tokens", "sft_dataset"]

KEPT = 64
"""Pictures kept open in a process: GRPO asks for each as often as it has generations, and more."""


def sft_dataset(rows: Sequence[SftRow], max_pixels: int) -> Any:
    """A `datasets.Dataset` of prompt, completion and images; the loss is the completion's alone."""
    return _dataset(
        [
            {
                "prompt": [{"role": "user", "content": row.text}],
                "completion": [{"role": "assistant", "content": row.answer}],
                "images": [str(row.source), str(row.edited)],
            }
            for row in rows
        ],
        max_pixels,
    )


def grpo_dataset(rows: Sequence[RlRow], max_pixels: int) -> Any:
    """A `datasets.Dataset` of prompt and images, and for the rewards the columns of `RlRow`.

    source, edited are paths, as strings; previous_prompt is the prompt that `edited` was made by, since
    `prompt` is TRL's name for the conversation.
    """
    return _dataset(
        [
            {
                "prompt": [{"role": "user", "content": row.text}],
                "images": [str(row.source), str(row.edited)],
                "instruction": row.instruction,
                "previous_prompt": row.prompt,
                "source": str(row.source),
                "edited": str(row.edited),
                "semantic": row.semantic,
                "quality": row.quality,
                "place": row.place,
            }
            for row in rows
        ],
        max_pixels,
    )


def check_template(processor: Any, row: SftRow) -> None:
    """Raises InputError where the model's chat template does not write texts and answers as they are.

    Some templates cut thinking out of answers: the loop's grammar could not be learnt from what is left.
    """
    said = [
        {
            "role": "user",
            "content": [{"type": "image"}, {"type": "image"}, {"type": "text", "text": row.text}],
        },
        {"role": "assistant", "content": [{"type": "text", "text": row.answer}]},
    ]
    text = processor.apply_chat_template(said, tokenize=False)
    for what, part in (("user", row.text), ("assistant", row.answer)):
        if part.strip() not in text:
            raise InputError(
                f"the model's chat template does not write the {what}'s text as it is (seen at {row.place}): "
                "take an Instruct model, whose template keeps <think> blocks"
            )


def check_lengths(processor: Any, rows: Sequence[SftRow], max_pixels: int, max_length: int) -> None:
    """Raises InputError for the first sample with more tokens than `max_length`, pictures included.

    Only samples that could be too long are counted: no text has more tokens than bytes.
    """
    pictures = 2 * most_tokens(processor, max_pixels)
    for row in rows:
        if pictures + len((row.text + row.answer).encode()) + 64 <= max_length:
            continue
        images = [_picture(str(path), max_pixels) for path in (row.source, row.edited)]
        content = [
            *({"type": "image", "image": image} for image in images),
            {"type": "text", "text": row.text},
        ]
        said = [
            {"role": "user", "content": content},
            {"role": "assistant", "content": [{"type": "text", "text": row.answer}]},
        ]
        made = processor.apply_chat_template(said, tokenize=True, return_dict=True, return_tensors="pt")
        length = int(made["input_ids"].shape[1])
        if length > max_length:
            raise InputError(
                f"{row.place}: the sample has {length} tokens, more than max_length, {max_length}: raise it, "
                f"lower max_pixels ({max_pixels}), or leave the row out"
            )


def most_tokens(processor: Any, max_pixels: int) -> float:
    """The most tokens that one picture can have; infinite where the processor does not say how it cuts."""
    cut = processor.image_processor
    patch, merge = getattr(cut, "patch_size", None), getattr(cut, "merge_size", None)
    size = getattr(cut, "size", None) or {}
    if not isinstance(patch, int) or not isinstance(merge, int):
        return math.inf
    least, most = size.get("shortest_edge") or 0, size.get("longest_edge") or max_pixels
    side = patch * merge
    area = max(min(max_pixels, most), least)
    # Sides are rounded to whole tokens: up to half a token more along each.
    return math.ceil((math.sqrt(area) / side + 1) ** 2)


def _dataset(rows: list[dict[str, Any]], max_pixels: int) -> Any:
    from datasets import Dataset

    def opened(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        # A column may be left out of what is asked for.
        if "images" not in batch:
            return batch
        pictures = [[_picture(path, max_pixels) for path in paths] for paths in batch["images"]]
        return {**batch, "images": pictures}

    return Dataset.from_list(rows).with_transform(opened)


@lru_cache(KEPT)
def _picture(path: str, max_pixels: int) -> Any:
    """As the loop's thinker is shown it: upright, RGB on white, of at most `max_pixels`."""
    from PIL import Image

    return Image.fromarray(shown(load(path).picture, max_pixels))
