"""Tokenizers whose vocabulary is written down, not trained, so that they are the same everywhere.

Each knows every byte (or, for T5, every printable character) and the words of a few editing prompts.
"""

from __future__ import annotations

from typing import Any

__all__ = ["CHAT_TEMPLATE", "clip_tokenizer", "qwen_tokenizer", "t5_tokenizer"]

PROMPTS = """
    make add remove replace turn put keep change recolor blur the a an of to and with in on it its into
    red green blue yellow white black warm warmer cooler brighter darker larger smaller background
    foreground sky person picture image style photo light hat semantic quality prompt source edited
"""
WORDS = PROMPTS.split()

# Pieces that cross the seams of the answer's grammar, as every large vocabulary has them.
SEAMS = ("</", "><", "></", '{"', '":', '",', "}</", "think", "score", "answer")

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

# Pictures come as "image" (transformers) or "image_url" (OpenAI's form); text may be a plain string.
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message.role + '\\n' -}}"
    "{%- if message.content is string -%}{{- message.content -}}"
    "{%- else -%}{%- for part in message.content -%}"
    "{%- if part.type in ('image', 'image_url') -%}{{- '<|vision_start|><|image_pad|><|vision_end|>' -}}"
    "{%- elif part.type == 'video' -%}{{- '<|vision_start|><|video_pad|><|vision_end|>' -}}"
    "{%- elif 'text' in part -%}{{- part.text -}}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}"
    "{{- '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)


def _learn(word: list[str], vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> None:
    """Merge a word from its left end, so that it becomes one token."""
    whole = word[0]
    for piece in word[1:]:
        joined = whole + piece
        if joined not in vocabulary:
            vocabulary[joined] = len(vocabulary)
            merges.append((whole, piece))
        whole = joined


def qwen_tokenizer(length: int = 32768) -> Any:
    """Byte-level BPE with Qwen's special tokens; at most `length` tokens."""
    from tokenizers import pre_tokenizers
    from transformers import Qwen2Tokenizer

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {piece: number for number, piece in enumerate(alphabet)}
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        _learn(list(word), vocabulary, merges)
    for word in WORDS:
        _learn(["Ġ", word], vocabulary, merges)  # with the space before it
    for seam in SEAMS:
        _learn(list(seam), vocabulary, merges)
    tokenizer = Qwen2Tokenizer(
        vocab=vocabulary,
        merges=merges,
        unk_token=SPECIAL[0],
        pad_token=SPECIAL[0],
        eos_token="<|im_end|>",
        additional_special_tokens=list(SPECIAL[1:]),
        model_max_length=length,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def clip_tokenizer() -> Any:
    """CLIP's lower-case BPE, in which a word's last piece ends in </w>; 77 tokens."""
    from tokenizers import pre_tokenizers
    from transformers import CLIPTokenizer

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary: dict[str, int] = {}
    for piece in ["<|startoftext|>", "<|endoftext|>", *alphabet, *(byte + "</w>" for byte in alphabet)]:
        vocabulary[piece] = len(vocabulary)
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        _learn([*word[:-1], word[-1] + "</w>"], vocabulary, merges)
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)


def t5_tokenizer() -> Any:
    """T5's unigram pieces with the marked space; 512 tokens."""
    from transformers import T5Tokenizer

    characters = ["▁", *(chr(code) for code in range(33, 127))]
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces += [(character, -8.0) for character in characters]
    pieces += [("▁" + word, -4.0) for word in WORDS]
    return T5Tokenizer(vocab=pieces, extra_ids=0, additional_special_tokens=None, model_max_length=512)
