"""What is said where memory runs out: what to change, and what that costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from thinkedit.errors import SettingsError
from thinkedit.training.config import Common, GrpoConfig

__all__ = ["enough_memory", "remedies"]


@contextmanager
def enough_memory(config: Common) -> Iterator[None]:
    """Where memory runs out, say what to change. SettingsError."""
    import torch

    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise SettingsError(f"memory ran out: {'; '.join(remedies(config))}") from error
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):
            raise
        raise SettingsError(f"memory ran out: {'; '.join(remedies(config))}") from error


def remedies(config: Common, *, weights: bool = False) -> list[str]:
    """What would take less memory, what changes the result least first.

    weights: only what helps where the model itself, with gradients and optimiser, is too large.
    """
    dealt = "train on more GPUs with FSDP or ZeRO-3"
    if weights:
        if config.lora is None:
            return [f"{dealt}, or add [lora]"]
        return [dealt] if config.lora.quantize is not None else ['set lora.quantize = "nf4"', dealt]
    ways = []
    if not config.gradient_checkpointing:
        ways.append("set gradient_checkpointing = true")
    if config.per_device_batch > 1:
        ways.append(f"halve per_device_batch ({config.per_device_batch}; the batch stays what it is)")
    if config.lora is None:
        ways.append(f"{dealt}, or add [lora]")
    elif config.lora.quantize is None:
        ways.append('set lora.quantize = "nf4"')
    if isinstance(config, GrpoConfig) and config.vllm is None:
        ways.append(f"lower max_completion ({config.max_completion}), or let [vllm] write the answers")
    if config.max_pixels > 512 * 512:
        ways.append(f"lower max_pixels ({config.max_pixels})")
    return ways or ["take a smaller model or a GPU with more memory"]
