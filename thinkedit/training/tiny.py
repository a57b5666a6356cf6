"""A tiny model of Qwen3-VL's real classes with random weights, to watch training on a CPU.

Some two million parameters, and a tokenizer of its own that is learnt from the texts it is to read and write,
so that a word is one token. Saved, it is a checkpoint like any other: `AutoProcessor` and
`AutoModelForImageTextToText` load it, and nothing in training knows that it is small.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thinkedit.adapters.require import require

__all__ = ["CHAT_TEMPLATE", "TinySize", "save_tiny"]

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)

GRAMMAR = (
    "<think>",
    "</think>",
    "<score>",
    "</score>",
    "<answer>",
    "</answer>",
    '{"semantic": ',
    ', "quality": ',
    "}",
)
"""What stands in every answer, one token each."""

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message.role + '\\n' -}}"
    "{%- if message.content is string -%}{{- message.content -}}"
    "{%- else -%}{%- for part in message.content -%}"
    "{%- if part.type in ('image', 'image_url') -%}{{- '<|vision_start|><|image_pad|><|vision_end|>' -}}"
    "{%- elif 'text' in part -%}{{- part.text -}}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{{- '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)
"""Qwen's, without systems, tools and videos."""

MERGE = 2
"""Patches along each side of what is one token of a picture."""

FRAMES = 1
"""Of a video in one patch. The large models have 2 and double each picture: work for nothing here."""


@dataclass(frozen=True)
class TinySize:
    """What the model is made of; the default has 1.6 million parameters.

    hidden, layers, heads: of the language model, which has half as many heads for keys and values.
    vision, vision_layers: width and depth of the vision tower. patch: pixels along a patch. picture: pixels
    along the square that every picture is brought to, a multiple of 2 * patch; 66 is nearly the size of the
    proving ground's small pictures, and makes 9 tokens of each, one for each place where a thing can be.
    vocabulary: tokens at most.
    """

    hidden: int = 128
    layers: int = 3
    heads: int = 4
    vision: int = 128
    vision_layers: int = 2
    patch: int = 11
    picture: int = 66
    vocabulary: int = 600


def save_tiny(folder: Path, texts: Iterable[str], *, seed: int = 0, size: TinySize | None = None) -> int:
    """Write a checkpoint with random weights into `folder`, which is made; gives its number of parameters.

    texts: what the model is to read and write. The same arguments give the same model; torch's random state
    is left as it was. Raises MissingExtra without the extra `train`.
    """
    require("a tiny model", "torch", "torchvision", "transformers")
    import torch
    from transformers import GenerationConfig, Qwen3VLForConditionalGeneration

    size = size or TinySize()
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries' notes about each other
        torch.manual_seed(seed)
        tokenizer = _tokenizer(texts, size.vocabulary)
        model = Qwen3VLForConditionalGeneration(_config(tokenizer, size))
        model.generation_config = GenerationConfig(
            eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
        )
        model.save_pretrained(folder)
        _processor(tokenizer, size).save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())


def _tokenizer(texts: Iterable[str], most: int) -> Any:
    """Byte-level BPE as Qwen's, learnt from the texts, with the pieces of the answer's grammar whole."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer

    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = Qwen2Tokenizer()._tokenizer.pre_tokenizer
    learner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=most - len(SPECIAL) - len(GRAMMAR),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    learner.train_from_iterator([*texts, "user\nassistant\n"], trainer)
    learnt = json.loads(learner.to_str())["model"]
    tokenizer = Qwen2Tokenizer(
        vocab=learnt["vocab"],
        merges=[tuple(pair) for pair in learnt["merges"]],
        unk_token=SPECIAL[0],
        pad_token=SPECIAL[0],
        eos_token=SPECIAL[2],
        additional_special_tokens=list(SPECIAL[1:]),
        model_max_length=4096,
    )
    tokenizer.add_tokens([AddedToken(piece, normalized=False, special=False) for piece in GRAMMAR])
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _config(tokenizer: Any, size: TinySize) -> Any:
    from transformers import Qwen3VLConfig

    width = size.hidden // size.heads
    part = width // 8  # of each of height and width in the rotary embedding; time has the rest of the half
    ids = ("image_pad", "video_pad", "vision_start", "vision_end")
    keys = ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id")
    return Qwen3VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": size.hidden,
            "intermediate_size": 3 * size.hidden,
            "num_hidden_layers": size.layers,
            "num_attention_heads": size.heads,
            "num_key_value_heads": size.heads // 2,
            "head_dim": width,
            "max_position_embeddings": 4096,
            "rope_parameters": {
                "rope_type": "default",
                "mrope_section": [width // 2 - 2 * part, part, part],
                "mrope_interleaved": True,
                "rope_theta": 10000.0,
            },
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": None,
            "eos_token_id": tokenizer.eos_token_id,
            "tie_word_embeddings": True,
        },
        vision_config={
            "depth": size.vision_layers,
            "hidden_size": size.vision,
            "intermediate_size": 2 * size.vision,
            "num_heads": 4,
            "patch_size": size.patch,
            "spatial_merge_size": MERGE,
            "temporal_patch_size": FRAMES,
            "out_hidden_size": size.hidden,
            "num_position_embeddings": (size.picture // size.patch) ** 2,
            "deepstack_visual_indexes": [0],
        },
        tie_word_embeddings=True,
        **{key: tokenizer.convert_tokens_to_ids(f"<|{name}|>") for key, name in zip(keys, ids, strict=True)},
    )


def _processor(tokenizer: Any, size: TinySize) -> Any:
    from transformers import Qwen2VLImageProcessor, Qwen3VLProcessor, Qwen3VLVideoProcessor

    pictures: dict[str, Any] = {
        "patch_size": size.patch,
        "temporal_patch_size": FRAMES,
        "merge_size": MERGE,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
        "size": {"shortest_edge": size.picture**2, "longest_edge": size.picture**2},
    }
    return Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(**pictures),
        tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(**pictures),
        chat_template=CHAT_TEMPLATE,
    )
