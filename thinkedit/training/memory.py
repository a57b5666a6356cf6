"""How much memory training takes on each GPU, estimated from the model's configuration.

Weights, gradients and optimiser are counted exactly: parameters times the bytes that each takes, dealt among
the GPUs where FSDP or ZeRO-3 deals them. The rest is rough. Activations: with checkpointing, the input of
each layer (tokens * width * 2 bytes) and one layer in full; without, every layer in full, which is about
2 bytes * (10 * width + 3 * inner width) for each token, with an attention that keeps no square of tokens.
Gathered: the two largest units that FSDP or ZeRO-3 puts together, in 2 bytes. Cache: keys and values of all
answers that are written at once. Logits take nothing, since TRL goes over the vocabulary in pieces. On top
come 2 GB for CUDA and the libraries, and 10 % for what is lost between blocks.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Literal

from thinkedit.adapters.local.placement import gb, look
from thinkedit.errors import SettingsError
from thinkedit.training.config import Common, GrpoConfig
from thinkedit.training.counting import Counted, architecture_of, count
from thinkedit.training.setup import accumulation, processes, weights
from thinkedit.training.shortage import remedies

__all__ = ["Memory", "Sharding", "check_room", "estimate"]

Sharding = Literal["none", "fsdp", "zero3"]

BYTES = {"float32": 4, "bfloat16": 2}
NF4 = 0.53
"""Bytes of a parameter in four bits, with its scales quantized too."""

LIBRARIES = 2e9
LOST = 1.1


@dataclass(frozen=True)
class Memory:
    """Bytes on each GPU, by what takes them. held: before the first sample; total: at the worst moment."""

    parts: tuple[tuple[str, float], ...]

    @property
    def held(self) -> float:
        names = ("weights", "reference model", "gradients", "optimiser")
        return sum(size for name, size in self.parts if name in names)

    @property
    def total(self) -> float:
        return sum(size for _, size in self.parts) * LOST + LIBRARIES

    def lines(self) -> list[str]:
        each = ", ".join(f"{name} {gb(size)}" for name, size in self.parts if size)
        return [f"memory on each GPU, about: {gb(self.total)} ({each}; libraries and loss {gb(self._rest)})"]

    @property
    def _rest(self) -> float:
        return self.total - sum(size for _, size in self.parts)


def estimate(
    config: Common,
    counted: Counted,
    architecture: Any,
    *,
    prompt: int,
    answer: int,
    gpus: int,
    sharding: Sharding,
    gpu_memory: float = 0,
) -> Memory:
    """architecture: the model's configuration. prompt, answer: tokens of the longest sample.

    gpu_memory: bytes of a GPU, a part of which vLLM takes where it shares it.
    """
    shards = gpus if sharding != "none" else 1
    size = BYTES[weights(config)]
    master = sharding == "zero3" and config.bf16 and config.lora is None
    # ZeRO-3 works on bfloat16 copies, and its optimiser keeps the float32 ones beside them.
    held = float(counted.total * (2 if master else size))
    if config.lora is not None and config.lora.quantize is not None:
        held -= counted.linear * (size - NF4)
    adam = _adam(config, size) + (4 if master else 0)
    text = architecture.get_text_config()
    at_once = config.per_device_batch
    tokens = at_once * (prompt + answer)
    parts = {
        "weights": held / shards,
        "reference model": _reference(config) * counted.total * size / shards,
        "gradients": counted.trained * (2 if master else size if config.lora is None else 4) / shards,
        "optimiser": counted.trained * adam / shards,
        "gathered": 2 * counted.largest * 2 if shards > 1 else 0,
        "activations": _activations(config, text, tokens) + _vision(config, architecture, at_once * prompt),
    }
    if isinstance(config, GrpoConfig):
        parts["cache"] = _cache(config, text, prompt + answer, gpus)
        if config.vllm is not None and config.vllm.mode == "colocate":
            parts["vLLM"] = 0 if config.vllm.sleep else config.vllm.memory * gpu_memory
    return Memory(tuple((name, float(value)) for name, value in parts.items()))


def check_room(config: Common) -> None:
    """Raises SettingsError where the model with gradients and optimiser is more than there is memory.

    Seen before weights are loaded, of this process alone, as its launcher deals it. What the samples take
    comes on top and is not looked at.
    """
    import torch

    architecture = architecture_of(config)
    counted = count(config, architecture)
    gpus, sharding = processes(), launched()
    held = estimate(
        config, counted, architecture, prompt=0, answer=0, gpus=gpus, sharding=sharding
    ).held  # fmt: skip
    if config.device == "auto" and torch.cuda.is_available():
        where, there = "the GPU", float(torch.cuda.mem_get_info()[1])
    else:
        where, there = "this machine", float(look("cpu").host_free)
    if 0 < there < held:
        raise SettingsError(
            f"weights, gradients and optimiser take {gb(held)}, and {where} has {gb(there)}: "
            f"{'; '.join(remedies(config, weights=True))}; --dry-run reckons it anew"
        )


def launched() -> Sharding:
    """How the launcher deals weights, as accelerate hands it down."""
    if os.environ.get("ACCELERATE_USE_FSDP", "").lower() in ("1", "true"):
        return "fsdp"
    if os.environ.get("ACCELERATE_USE_DEEPSPEED", "").lower() in ("1", "true"):
        return "zero3"
    return "none"


def _adam(config: Common, size: int) -> int:
    """Bytes of the optimiser's state for each trained parameter; LoRA's are float32 whatever the model is."""
    if "8bit" in config.optimizer:
        return 2
    return 8 if config.lora is not None else 2 * size


def _reference(config: Common) -> int:
    return int(isinstance(config, GrpoConfig) and config.beta > 0 and config.lora is None)


def _activations(config: Common, text: Any, tokens: int) -> float:
    whole = 2 * (10 * text.hidden_size + 3 * text.intermediate_size) * tokens
    if config.gradient_checkpointing:
        return float(text.num_hidden_layers * 2 * text.hidden_size * tokens + whole)
    return float(text.num_hidden_layers * whole)


def _vision(config: Common, architecture: Any, tokens: int) -> float:
    """A frozen tower keeps nothing; a trained one as the language model does, four patches for each token."""
    vision = getattr(architecture, "vision_config", None)
    if vision is None or config.lora is not None or (config.freeze_vision and config.freeze_projector):
        return 0.0
    patches = tokens * getattr(vision, "spatial_merge_size", 2) ** 2
    whole = 2 * (10 * vision.hidden_size + 2 * vision.intermediate_size) * patches
    depth = vision.depth if not config.gradient_checkpointing else 1
    return float(depth * whole + vision.depth * 2 * vision.hidden_size * patches)


def _cache(config: GrpoConfig, text: Any, tokens: int, gpus: int) -> float:
    """Keys and values of a whole batch of answers, which TRL writes at once; with vLLM they are its own."""
    if config.vllm is not None:
        return 0.0
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    each = text.num_hidden_layers * 2 * text.num_key_value_heads * head * 2
    return float(config.per_device_batch * accumulation(config, gpus) * tokens * each)
