"""A tiny Qwen3-VL with its standard processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tiny.parts import special_ids
from tiny.tokens import CHAT_TEMPLATE, qwen_tokenizer

__all__ = ["qwen3_vl", "save_processor"]

PATCH = 16
LARGEST = 128  # pictures are brought down to 128 x 128, which is 16 tokens


def qwen3_vl(folder: Path) -> None:
    """Qwen3-VL as `AutoModelForImageTextToText` and `AutoProcessor` load it; two layers, 64 wide."""
    from transformers import GenerationConfig, Qwen3VLConfig, Qwen3VLForConditionalGeneration

    tokenizer = qwen_tokenizer()
    width, heads = 64, 4
    ends = [tokenizer.eos_token_id, tokenizer.pad_token_id]
    config = Qwen3VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": width,
            "intermediate_size": 2 * width,
            "num_hidden_layers": 2,
            "num_attention_heads": heads,
            "num_key_value_heads": heads // 2,
            "head_dim": width // heads,
            "max_position_embeddings": 32768,
            "rope_parameters": {
                "rope_type": "default",
                "mrope_section": [4, 2, 2],  # together half of head_dim
                "mrope_interleaved": True,
                "rope_theta": 10000.0,
            },
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": None,
            "eos_token_id": tokenizer.eos_token_id,
            "tie_word_embeddings": False,
        },
        vision_config={
            "depth": 2,
            "hidden_size": width,
            "intermediate_size": 2 * width,
            "num_heads": heads,
            "patch_size": PATCH,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "out_hidden_size": width,
            "num_position_embeddings": (LARGEST // PATCH) ** 2,
            "deepstack_visual_indexes": [0],
        },
        tie_word_embeddings=False,
        **special_ids(tokenizer),
    )
    model = Qwen3VLForConditionalGeneration(config)
    model.generation_config = GenerationConfig(eos_token_id=ends, pad_token_id=tokenizer.pad_token_id)
    model.save_pretrained(folder)
    save_processor(tokenizer, folder, smallest=(2 * PATCH) ** 2, largest=LARGEST**2)


def save_processor(tokenizer: Any, folder: Path, *, smallest: int, largest: int) -> None:
    """Qwen3-VL's processor, which brings every picture between `smallest` and `largest` pixels."""
    from transformers import Qwen2VLImageProcessor, Qwen3VLProcessor, Qwen3VLVideoProcessor

    pictures = {
        "patch_size": PATCH,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
        "size": {"shortest_edge": smallest, "longest_edge": largest},
    }
    Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(**pictures),
        tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(**pictures),
        chat_template=CHAT_TEMPLATE,
    ).save_pretrained(folder)
