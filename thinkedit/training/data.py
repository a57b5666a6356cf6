"""The two sets as TRL's trainers take them: conversations with two pictures, opened when they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from thinkedit.adapters.thinkers.transformers.thinker import shown
from thinkedit.errors import InputError
from thinkedit.images import load
from thinkedit.training.rows import RlRow, SftRow

__all__ = ["check_template", "grpo_dataset", "sft_dataset"]

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
